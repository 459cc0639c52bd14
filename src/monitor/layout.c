/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keeper/layout.h"

/* argv[0] and what layout.h lists. */
enum {
    ARG_PROGRAM,
    ARG_NAME,
    ARG_CONTROL_UID,
    ARG_LOG_LIMIT,
    ARG_LOG_RATE,
    ARG_READY_TIMEOUT,
    ARG_LINKS_DOWN,
    ARG_BALLOON,
    ARG_GRAPHICS,
    ARG_SERIALS,
    ARG_MAX
};

static char
serial_letter(SvirtSerialKind kind, bool rotated)
{
    switch (kind) {
    case SVIRT_SERIAL_CONSOLE:
        return 'c';
    case SVIRT_SERIAL_PTY:
        return 'p';
    case SVIRT_SERIAL_FILE:
        return rotated ? 'r' : 'f';
    case SVIRT_SERIAL_UNIX:
        return 'u';
    case SVIRT_SERIAL_CONNECTED:
        return 'x';
    case SVIRT_SERIAL_KIND_MAX:
        break;
    }
    return '\0';
}

static bool
serial_kind(char letter, SvirtSerialKind *ret, bool *ret_rotated)
{
    static const char letters[] = "cpfrux";
    static const SvirtSerialKind kinds[] = {
        SVIRT_SERIAL_CONSOLE, SVIRT_SERIAL_PTY, SVIRT_SERIAL_FILE,
        SVIRT_SERIAL_FILE, SVIRT_SERIAL_UNIX, SVIRT_SERIAL_CONNECTED,
    };
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);

    if (found == NULL) {
        return false;
    }
    *ret = kinds[found - letters];
    *ret_rotated = letter == 'r';
    return true;
}

bool
svirt_monitor_layout_add(SvirtLaunchSpec **spec, const char *program,
                         const SvirtMonitorArgs *args)
{
    const uint64_t numbers[] = {
        args->control_uid, args->log_limit_bytes,
        args->log_rate_bytes_per_s, args->ready_timeout_ms,
        args->links_down,
        args->balloon_bytes,
        args->graphics[SVIRT_GRAPHICS_KIND_VNC] +
            2u * args->graphics[SVIRT_GRAPHICS_KIND_SPICE],
    };
    const SvirtSpecFd channel = {
        .source = SVIRT_KEEPER_FD_CHANNEL,
        .to = SVIRT_TO_MONITOR,
        .vmm = -1,
        .monitor = SVIRT_MONITOR_FD_KEEPER,
        .passt = -1,
        .role = SVIRT_FD_PROBE,
    };
    char serials[SVIRT_MONITOR_MAX_SERIALS + 1] = "-";
    char number[24];

    if (args->n_serials > SVIRT_MONITOR_MAX_SERIALS) {
        errno = E2BIG;
        return false;
    }
    for (unsigned i = 0; i < args->n_serials; i++) {
        serials[i] = serial_letter(args->serial[i], args->rotated[i]);
    }
    if (!svirt_spec_add_arg(spec, SVIRT_PROCESS_MONITOR, program) ||
        !svirt_spec_add_arg(spec, SVIRT_PROCESS_MONITOR, args->name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)snprintf(number, sizeof(number), "%llu",
                       (unsigned long long)numbers[i]);
        if (!svirt_spec_add_arg(spec, SVIRT_PROCESS_MONITOR, number)) {
            return false;
        }
    }
    return svirt_spec_add_arg(spec, SVIRT_PROCESS_MONITOR, serials) &&
           svirt_spec_add_fd(spec, &channel);
}

static bool
parse_number(const char *text, uint64_t limit, uint64_t *ret)
{
    uint64_t value = 0;

    if (*text == '\0' || strlen(text) > 18) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*text - '0');
    }
    *ret = value;
    return value <= limit;
}

static bool
parse_serials(const char *text, SvirtMonitorArgs *args)
{
    size_t count = strlen(text);

    if (strcmp(text, "-") == 0) {
        return true;
    }
    if (count == 0 || count > SVIRT_MONITOR_MAX_SERIALS) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!serial_kind(text[i], &args->serial[i], &args->rotated[i])) {
            return false;
        }
    }
    args->n_serials = (uint32_t)count;
    return true;
}

bool
svirt_monitor_args_parse(int argc, char **argv, SvirtMonitorArgs *ret)
{
    SvirtMonitorArgs args = { 0 };
    uint64_t control_uid, ready_timeout_ms, links_down, graphics;

    if (argc != ARG_MAX ||
        !parse_number(argv[ARG_CONTROL_UID], UINT32_MAX - 1, &control_uid) ||
        !parse_number(argv[ARG_LOG_LIMIT], INT64_MAX / 4,
                      &args.log_limit_bytes) ||
        !parse_number(argv[ARG_LOG_RATE], INT64_MAX / 4,
                      &args.log_rate_bytes_per_s) ||
        !parse_number(argv[ARG_READY_TIMEOUT], UINT32_MAX,
                      &ready_timeout_ms) ||
        !parse_number(argv[ARG_LINKS_DOWN], (1u << SVIRT_MAX_PASSTS) - 1,
                      &links_down) ||
        !parse_number(argv[ARG_BALLOON], INT64_MAX / 4,
                      &args.balloon_bytes) ||
        !parse_number(argv[ARG_GRAPHICS], 3, &graphics) ||
        !parse_serials(argv[ARG_SERIALS], &args)) {
        return false;
    }
    args.name = argv[ARG_NAME];
    args.control_uid = (uint32_t)control_uid;
    args.ready_timeout_ms = (uint32_t)ready_timeout_ms;
    args.links_down = (uint32_t)links_down;
    args.graphics[SVIRT_GRAPHICS_KIND_VNC] = (graphics & 1) != 0;
    args.graphics[SVIRT_GRAPHICS_KIND_SPICE] = (graphics & 2) != 0;
    *ret = args;
    return true;
}
