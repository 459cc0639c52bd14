/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Field {
    const char *key;
    size_t offset;
    bool is_text;
    int64_t unset;
} Field;

#define TEXT(name) { #name, offsetof(SvirtProbeTarget, name), true, 0 }
#define NUMBER(name) { #name, offsetof(SvirtProbeTarget, name), false, -1 }
#define LIMIT(name) { #name, offsetof(SvirtProbeTarget, name), false, 0 }

static const Field fields[] = {
    NUMBER(pid),
    NUMBER(address),
    TEXT(disk),
    TEXT(unix_private),
    TEXT(handle),
    TEXT(attempt_name),
    TEXT(host_file),
    TEXT(program),
    TEXT(state_file),
    TEXT(key_file),
    TEXT(run_directory),
    TEXT(tmp_directory),
    TEXT(var_directory),
    TEXT(shm_directory),
    TEXT(shm_file),
    TEXT(fifo),
    TEXT(pty),
    TEXT(cgroup_procs),
    TEXT(block_device),
    NUMBER(block_number),
    TEXT(unix_world),
    TEXT(unix_datagram),
    TEXT(abstract_stream),
    TEXT(abstract_datagram),
    TEXT(message_queue),
    NUMBER(tcp_port),
    NUMBER(udp_port),
    NUMBER(shm_id),
    NUMBER(sem_id),
    NUMBER(msg_id),
    NUMBER(key_serial),
    NUMBER(base_fd),
    NUMBER(disk_fd),
    NUMBER(lock_fd),
    NUMBER(socket_fd),
    NUMBER(pipe_fd),
    NUMBER(tty_fd),
    NUMBER(memory_fd),
    NUMBER(passt_fd),
    NUMBER(passt_port),
    LIMIT(file_limit_bytes),
    LIMIT(memory_limit_bytes),
    LIMIT(task_limit),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static char *
field_text(SvirtProbeTarget *target, const Field *field)
{
    return (char *)target + field->offset;
}

static int64_t *
field_number(SvirtProbeTarget *target, const Field *field)
{
    return (int64_t *)(void *)((char *)target + field->offset);
}

void
svirt_probe_target_init(SvirtProbeTarget *target)
{
    memset(target, 0, sizeof(*target));
    for (size_t i = 0; i < FIELDS; i++) {
        if (!fields[i].is_text) {
            *field_number(target, &fields[i]) = fields[i].unset;
        }
    }
}

static bool
field_set(SvirtProbeTarget *target, const Field *field, const char *value,
          size_t length)
{
    char digits[24];
    char *end;
    int64_t number;

    if (field->is_text) {
        if (length >= SVIRT_PROBE_PATH) {
            return false;
        }
        memcpy(field_text(target, field), value, length);
        return true;
    }
    if (length == 0 || length >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, value, length);
    digits[length] = '\0';
    errno = 0;
    number = strtoll(digits, &end, 10);
    if (errno || *end) {
        return false;
    }
    *field_number(target, field) = number;
    return true;
}

static int
field_find(const char *key, size_t length)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (strlen(fields[i].key) == length &&
            memcmp(fields[i].key, key, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool
svirt_probe_target_parse(const char *text, SvirtProbeTarget *ret)
{
    SvirtProbeTarget target;
    bool seen[FIELDS] = { false };

    svirt_probe_target_init(&target);
    while (*text) {
        size_t key = strcspn(text, "=\n");
        size_t line = strcspn(text, "\n");
        int found = field_find(text, key);

        if (text[key] != '=' || text[line] != '\n' || found < 0 ||
            seen[found] ||
            !field_set(&target, &fields[found], text + key + 1,
                       line - key - 1)) {
            return false;
        }
        seen[found] = true;
        text += line + 1;
    }
    *ret = target;
    return true;
}

bool
svirt_probe_target_format(const SvirtProbeTarget *target, char *text,
                          size_t size)
{
    SvirtProbeTarget copy = *target;
    size_t used = 0;

    for (size_t i = 0; i < FIELDS; i++) {
        const Field *field = &fields[i];
        int length;

        if (field->is_text) {
            const char *value = field_text(&copy, field);

            if (strchr(value, '\n')) {
                return false;
            }
            length = snprintf(text + used, size - used, "%s=%s\n", field->key,
                              value);
        } else {
            length = snprintf(text + used, size - used, "%s=%" PRId64 "\n",
                              field->key, *field_number(&copy, field));
        }
        if (length < 0 || (size_t)length >= size - used) {
            return false;
        }
        used += (size_t)length;
    }
    return true;
}
