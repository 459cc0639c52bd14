/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/spec.h"

/* A socket file that was made for a VM, as launch/spec.h has it. */
typedef struct SvirtSocketFile {
    int dir_fd;           /* borrowed; -1, or another directory: not known */
    const char *dir_path; /* borrowed, as all here */
    const char *name;
    SvirtSpecSocket socket; /* its offsets are not looked at */
    const SvirtSpecAuthor *author;
} SvirtSocketFile;

/*
 * Unlinks it if directory and file are still those recorded. A child process
 * does so with the author's file-system rights: what an author could not
 * remove is not removed for him, whatever he puts there between a look and the
 * unlink. It is killed after two seconds, for the author's file system may
 * never answer. False: something is left there, the file or another one.
 * No GLib; forks.
 */
bool svirt_socket_file_remove(const SvirtSocketFile *file);
/*
 * All of a spec. `sources`: the directories stand at their numbers here, in
 * the keeper; else they are opened by their paths.
 */
void svirt_socket_files_remove(const SvirtLaunchSpec *spec, bool sources);
