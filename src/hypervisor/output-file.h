/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/refusals.h"
#include "keeper/message.h"

typedef struct SvirtOutputFileRequest {
    const char *path;
    bool append; /* else it is emptied */
    const SvirtCredentials *author; /* NULL: root */
    const SvirtRefusals *refusals;
    unsigned line; /* of the definition, for messages */
} SvirtOutputFileRequest;

/*
 * The file a serial port's output goes to, opened read-write (never O_APPEND:
 * the monitor bounds and rotates it) with the author's rights; made 0600 when
 * it is not there. REFUSED as every object.
 */
bool svirt_output_file_open(const SvirtOutputFileRequest *request,
                            int *ret_fd, GError **error);

/*
 * Name of a VM's log in the log directory: "NAME.log", rotated "NAME.log.1";
 * by UUID where the name is too long for a file's. Owned by the caller.
 */
char *svirt_log_file_name(const char *name, const SvirtUuid *uuid,
                          unsigned rotation);

/*
 * Why the last run of a VM that is off ended, by the last line of its log:
 * destroyed, crashed, failed; unknown without one, as after an orderly end.
 */
SvirtGuestReason svirt_log_end_reason(const char *log_dir, const char *name,
                                      const SvirtUuid *uuid);
