/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

static SvirtConnection *
new_connection(const char *uri, const char *root)
{
    SvirtConnection *connection = g_new0(SvirtConnection, 1);

    connection->uri = g_strdup(uri);
    connection->embedded = root != NULL;
    if (root != NULL) {
        connection->config_dir = g_build_filename(root, "etc", NULL);
        connection->state_dir = g_build_filename(root, "lib", NULL);
        connection->run_dir = g_build_filename(root, "run", NULL);
        connection->log_dir = g_build_filename(root, "log", NULL);
    } else {
        connection->config_dir = g_strdup("/etc/svirt");
        connection->state_dir = g_strdup("/var/lib/svirt");
        connection->run_dir = g_strdup("/run/svirt");
        connection->log_dir = g_strdup("/var/log/svirt");
    }
    return connection;
}

/* GLib's defaults are the specification's, but for the state: it is new. */
static SvirtConnection *
new_session(const char *uri)
{
    SvirtConnection *connection = g_new0(SvirtConnection, 1);
    const char *run = g_getenv("XDG_RUNTIME_DIR");

    connection->uri = g_strdup(uri);
    connection->session = true;
    connection->config_dir =
        g_build_filename(g_get_user_config_dir(), "svirt", NULL);
    connection->state_dir =
        g_build_filename(g_get_user_state_dir(), "svirt", NULL);
    connection->log_dir =
        g_build_filename(connection->state_dir, "log", NULL);
    /* Without a login session there is none. */
    connection->run_dir =
        run != NULL && run[0] == '/'
            ? g_build_filename(run, "svirt", NULL)
            : g_build_filename(connection->state_dir, "run", NULL);
    return connection;
}

static bool
check_root(const char *root, const char *uri, GError **error)
{
    bool clean = root[0] == '/' && strlen(root) < 3072;

    for (const char *p = root; clean && *p != '\0'; p++) {
        clean = (unsigned char)*p >= ' ' && *p != 0x7f;
    }
    if (!clean) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give an absolute directory: "
                           "qemu:///embed?root=/srv/trial",
                           "connection URI '%s' has no usable root", uri);
    }
    return true;
}

bool
svirt_connection_parse(const char *uri, SvirtConnection **ret, GError **error)
{
    static const char embed[] = "qemu:///embed?root=";

    if (uri == NULL && geteuid() != 0) {
        uri = "qemu:///session";
    }
    if (g_strcmp0(uri, "qemu:///session") == 0) {
        *ret = new_session(uri);
        (*ret)->unprivileged = geteuid() != 0;
        return true;
    }
    if (uri == NULL || strcmp(uri, "qemu:///system") == 0) {
        *ret = new_connection("qemu:///system", NULL);
        return true;
    }
    if (g_str_has_prefix(uri, embed)) {
        g_autofree char *root =
            g_uri_unescape_string(uri + strlen(embed), NULL);

        if (!check_root(root != NULL ? root : "", uri, error)) {
            return false;
        }
        *ret = new_connection(uri, root);
        (*ret)->unprivileged = geteuid() != 0;
        return true;
    }
    if (strstr(uri, ":///") != NULL) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use qemu:///system, qemu:///session or "
                           "qemu:///embed?root=/dir",
                           "connection URI '%s' is not supported", uri);
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "use qemu:///system, qemu:///session or "
                           "qemu:///embed?root=/dir",
                       "connection URI '%s' is not a URI", uri);
}

void
svirt_connection_free(SvirtConnection *connection)
{
    if (connection == NULL) {
        return;
    }
    g_free(connection->uri);
    g_free(connection->config_dir);
    g_free(connection->state_dir);
    g_free(connection->run_dir);
    g_free(connection->log_dir);
    g_free(connection);
}

static bool
check_owner(int fd, const char *path, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return svirt_raise_errno(error, errno,
                                 geteuid() != 0 ? "svirt needs root: sudo svirt"
                                                : NULL,
                                 "cannot examine directory '%s'", path);
    }
    if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
        (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        g_autofree char *hint = g_strdup_printf(
            "chown root:root '%s' && chmod go-w '%s'", path, path);

        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                           "directory '%s' can be changed by others", path);
    }
    return true;
}

bool
svirt_connection_open_dir(const char *path, bool create, int *ret_fd,
                          GError **error)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    SVIRT_AUTO_FD fd = open(path, flags);

    if (fd < 0 && errno == ENOENT && create) {
        /* Parents follow the umask of root's own tools; ours is 0700. */
        g_autofree char *parent = g_path_get_dirname(path);

        if (g_mkdir_with_parents(parent, 0755) < 0 ||
            (mkdir(path, 0700) < 0 && errno != EEXIST)) {
            return svirt_raise_errno(error, errno,
                                     "run svirt as root, on a writable disk",
                                     "cannot create directory '%s'", path);
        }
        fd = open(path, flags);
    }
    if (fd < 0) {
        return svirt_raise_errno(error, errno,
                                 geteuid() != 0 ? "svirt needs root: sudo svirt"
                                                : NULL,
                                 "cannot open directory '%s'", path);
    }
    if (!check_owner(fd, path, error)) {
        return false;
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
