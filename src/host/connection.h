/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Where one svirt instance keeps its things: what a URI stands for.
 *
 *     qemu:///system             /etc/svirt, /var/lib/svirt, /run/svirt,
 *                                /var/log/svirt
 *     qemu:///embed?root=/dir    /dir/etc, /dir/lib, /dir/run, /dir/log
 *     qemu:///session            svirt in $XDG_CONFIG_HOME, $XDG_STATE_HOME
 *                                and $XDG_RUNTIME_DIR; the log below the state
 */
typedef struct SvirtConnection {
    char *uri;        /* as given, owned */
    char *config_dir; /* owned, absolute; these four need not exist yet */
    char *state_dir;
    char *run_dir;
    char *log_dir;
    bool embedded;
    bool session;      /* the caller's own, root's too */
    bool unprivileged; /* not root's: svirt_session_enter */
} SvirtConnection;

/*
 * NULL uri is qemu:///system for root and qemu:///session for others, as in
 * libvirt. INVALID: not a URI svirt knows; root missing, relative, or
 * with a control character; UNSUPPORTED: a hypervisor that is not built.
 */
bool svirt_connection_parse(const char *uri, SvirtConnection **ret,
                            GError **error);
void svirt_connection_free(SvirtConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtConnection, svirt_connection_free)

/*
 * A directory of this instance, opened (O_PATH would not allow reading it).
 * With `create` it and its missing parents are made 0700 and owned by the
 * caller; an existing one must be owned by root or the caller and not
 * writable by others, else REFUSED. NOT_FOUND without `create`.
 * The descriptor is the caller's.
 */
bool svirt_connection_open_dir(const char *path, bool create, int *ret_fd,
                               GError **error);
