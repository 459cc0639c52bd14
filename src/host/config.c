/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/user-namespace.h"

#define GROUP "svirt"
#define MIB (1024u * 1024u)

/* Above what useradd, subuid ranges and systemd's dynamic users hand out. */
#define DEFAULT_UID_FIRST 1700000000u
#define DEFAULT_UID_LAST 1700262143u

static SvirtConfig *
default_config(void)
{
    SvirtConfig *config = g_new0(SvirtConfig, 1);

    config->uid_first = DEFAULT_UID_FIRST;
    config->uid_last = DEFAULT_UID_LAST;
    config->image_roots = g_new0(char *, 1);
    config->log_limit_bytes = 2 * MIB;
    config->log_rate_bytes_per_s = 1 * MIB;
    config->ready_timeout_ms = 30000;
    config->graphics_port_first = 5900;
    config->graphics_port_last = 65535;
    config->shutdown_timeout_s = 60;
    return config;
}

static bool
bad_value(const char *file, const char *key, const char *hint, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, hint,
                       "%s: key '%s' has no usable value", file, key);
}

static bool
read_uid_range(SvirtConfig *config, const char *value, const char *file,
               GError **error)
{
    unsigned first, last;
    char rest;

    /* 65534 is nobody, 0xffffffff "no change"; stay away from both ends. */
    if (sscanf(value, "%u-%u%c", &first, &last, &rest) != 2 ||
        first < 65536 || last >= 0xfffffff0u || last < first ||
        last - first < 63) {
        return bad_value(file, "uid_range",
                         "write FIRST-LAST, at least 64 uids above 65536",
                         error);
    }
    config->uid_first = first;
    config->uid_last = last;
    return true;
}

static bool
read_number(const char *value, uint64_t low, uint64_t high, uint64_t *ret)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(value, 10, low, high, &number, NULL)) {
        return false;
    }
    *ret = number;
    return true;
}

static bool
read_roots(SvirtConfig *config, const char *value, const char *file,
           GError **error)
{
    g_auto(GStrv) roots = g_strsplit(value, ":", 64);

    for (char **root = roots; *root != NULL; root++) {
        if ((*root)[0] != '/' || strstr(*root, "/..") != NULL) {
            return bad_value(file, "image_roots",
                             "write absolute directories, separated by ':'",
                             error);
        }
    }
    g_strfreev(config->image_roots);
    config->image_roots = g_steal_pointer(&roots);
    return true;
}

static bool
read_ports(SvirtConfig *config, const char *value, const char *file,
           GError **error)
{
    unsigned first, last;
    char rest;

    if (sscanf(value, "%u-%u%c", &first, &last, &rest) != 2 || first < 1 ||
        last > 65535 || last < first) {
        return bad_value(file, "graphics_ports",
                         "write FIRST-LAST, from 1 to 65535", error);
    }
    config->graphics_port_first = first;
    config->graphics_port_last = last;
    return true;
}

static bool
read_key(SvirtConfig *config, const char *key, const char *value,
         const char *file, GError **error)
{
    uint64_t number;

    if (strcmp(key, "uid_range") == 0) {
        return read_uid_range(config, value, file, error);
    }
    if (strcmp(key, "image_roots") == 0) {
        return read_roots(config, value, file, error);
    }
    if (strcmp(key, "log_limit_kib") == 0) {
        if (!read_number(value, 16, 1024 * 1024, &number)) {
            return bad_value(file, key, "write 16 to 1048576", error);
        }
        config->log_limit_bytes = number * 1024;
        return true;
    }
    if (strcmp(key, "log_rate_kib_per_s") == 0) {
        if (!read_number(value, 1, 1024 * 1024, &number)) {
            return bad_value(file, key, "write 1 to 1048576", error);
        }
        config->log_rate_bytes_per_s = number * 1024;
        return true;
    }
    if (strcmp(key, "ready_timeout_s") == 0) {
        if (!read_number(value, 1, 3600, &number)) {
            return bad_value(file, key, "write 1 to 3600", error);
        }
        config->ready_timeout_ms = (uint32_t)number * 1000;
        return true;
    }
    if (strcmp(key, "graphics_ports") == 0) {
        return read_ports(config, value, file, error);
    }
    if (strcmp(key, "shutdown_timeout_s") == 0) {
        if (!read_number(value, 1, 3600, &number)) {
            return bad_value(file, key, "write 1 to 3600", error);
        }
        config->shutdown_timeout_s = (uint32_t)number;
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "see docs/svirt.conf.md for the keys",
                       "%s: key '%s' is unknown", file, key);
}

static bool
read_keys(SvirtConfig *config, GKeyFile *keys, const char *file,
          GError **error)
{
    g_auto(GStrv) names = g_key_file_get_keys(keys, GROUP, NULL, NULL);

    for (char **name = names; name != NULL && *name != NULL; name++) {
        g_autofree char *value = g_key_file_get_value(keys, GROUP, *name, NULL);

        if (!read_key(config, *name, value, file, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_config_load(const SvirtConnection *connection, SvirtConfig **ret,
                  GError **error)
{
    g_autofree char *file =
        g_build_filename(connection->config_dir, "svirt.conf", NULL);
    g_autoptr(SvirtConfig) config = default_config();
    g_autoptr(GKeyFile) keys = NULL;
    SvirtUserNamespace ids;
    GError *cause = NULL;

    /* The usual case: no file, nothing to read. */
    if (access(file, F_OK) == 0) {
        keys = g_key_file_new();
        if (!g_key_file_load_from_file(keys, file, G_KEY_FILE_NONE, &cause)) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, cause, NULL,
                               "cannot read configuration '%s'", file);
        }
        if (!read_keys(config, keys, file, error)) {
            return false;
        }
    }
    /* An ordinary user's uids are as many as were given to them. */
    svirt_user_namespace_read(config->uid_first, &ids);
    if (!ids.initial && ids.mapped) {
        config->uid_last = MIN(config->uid_last, ids.last);
    }
    *ret = g_steal_pointer(&config);
    return true;
}

void
svirt_config_free(SvirtConfig *config)
{
    if (config == NULL) {
        return;
    }
    g_strfreev(config->image_roots);
    g_free(config);
}
