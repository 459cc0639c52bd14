/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * svirt-probe: stands in place of the VMM. `svirt selftest` starts it; by
 * hand only `svirt-probe list` is of use.
 */
#include "selftest/probe.h"

#include "base/fd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Options {
    SvirtProbeMode mode;
    int target_fd;
    int record_fd;
    int report_fd;
    int hold_fd;
    int first;
} Options;

static bool
number_parse(const char *text, int *ret)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (!*text || *end || value < 0 || value > 1000000) {
        return false;
    }
    *ret = (int)value;
    return true;
}

static bool
options_parse(int argc, char **argv, Options *ret)
{
    static const struct option known[] = {
        { "control", no_argument, NULL, 'c' },
        { "separate", no_argument, NULL, 's' },
        { "target-fd", required_argument, NULL, 't' },
        { "record-fd", required_argument, NULL, 'r' },
        { "report-fd", required_argument, NULL, 'p' },
        { "hold-fd", required_argument, NULL, 'h' },
        { "first", required_argument, NULL, 'f' },
        { NULL, 0, NULL, 0 },
    };
    Options options = { SVIRT_PROBE_INLINE, -1, -1, -1, -1, 0 };
    bool ok = true;
    int found;

    while (ok && (found = getopt_long(argc, argv, "", known, NULL)) >= 0) {
        switch (found) {
        case 'c':
            options.mode = SVIRT_PROBE_CONTROL;
            break;
        case 's':
            options.mode = SVIRT_PROBE_SEPARATE;
            break;
        case 't':
            ok = number_parse(optarg, &options.target_fd);
            break;
        case 'r':
            ok = number_parse(optarg, &options.record_fd);
            break;
        case 'p':
            ok = number_parse(optarg, &options.report_fd);
            break;
        case 'h':
            ok = number_parse(optarg, &options.hold_fd);
            break;
        case 'f':
            ok = number_parse(optarg, &options.first);
            break;
        default:
            return false;
        }
    }
    *ret = options;
    return ok;
}

/*
 * One line a row: name, group, layers, "together" or "each", what, reason,
 * kind; tab-separated. Rows of one kind are variants of one call: it is the
 * first one's name.
 */
static int
list_attempts(void)
{
    const SvirtProbeAttempt *attempt;
    const char *group;

    for (size_t i = 0; (attempt = svirt_probe_attempt(i, &group)); i++) {
        const SvirtProbeAttempt *first;
        char layers[128];
        size_t j = 0;

        do {
            first = svirt_probe_attempt(j++, NULL);
        } while (first->run != attempt->run);

        svirt_probe_layers_format(attempt->layers, layers, sizeof(layers));
        (void)printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", attempt->name, group,
                     layers,
                     attempt->flags & SVIRT_PROBE_FLAG_TOGETHER ? "together"
                                                                : "each",
                     attempt->what,
                     attempt->open_reason ? attempt->open_reason : "",
                     first->name);
    }
    return fflush(stdout) == 0 ? 0 : 2;
}

static int
run_attempts(const Options *options)
{
    SvirtProbeTarget target;
    char text[SVIRT_PROBE_TARGET_TEXT];
    ssize_t got;

    if (options->target_fd < 0 || options->record_fd < 0) {
        return 1;
    }
    got = svirt_read_full(options->target_fd, text, sizeof(text) - 1);
    if (got < 0) {
        return 2;
    }
    text[got] = '\0';
    (void)close(options->target_fd);
    if (!svirt_probe_target_parse(text, &target)) {
        return 1;
    }
    return svirt_probe_run(&target, options->mode, options->record_fd,
                           (uint32_t)options->first);
}

int
main(int argc, char **argv)
{
    Options options;

    if (argc < 2 || !options_parse(argc - 1, argv + 1, &options)) {
        (void)fprintf(stderr, "usage: svirt-probe list\n");
        return 1;
    }
    if (strcmp(argv[1], "list") == 0) {
        return list_attempts();
    }
    if (strcmp(argv[1], "run") == 0) {
        return run_attempts(&options);
    }
    if (strcmp(argv[1], "victim") == 0 && options.report_fd >= 0 &&
        options.hold_fd >= 0) {
        return svirt_probe_victim(options.report_fd, options.hold_fd);
    }
    return 1;
}
