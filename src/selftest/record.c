/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/record.h"

#include "base/fd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(SvirtProbeRecord) == 160, "the record has no padding");
_Static_assert(sizeof(SvirtProbeRecord) <= PIPE_BUF, "one write is atomic");

SVIRT_ENUM_TABLE(SvirtProbeLayer, svirt_probe_layer, SVIRT_PROBE_LAYER_MAX,
                 [SVIRT_PROBE_LAYER_ROOT] = "root",
                 [SVIRT_PROBE_LAYER_FILTER] = "filter",
                 [SVIRT_PROBE_LAYER_LANDLOCK] = "landlock",
                 [SVIRT_PROBE_LAYER_DAC] = "dac",
                 [SVIRT_PROBE_LAYER_NAMESPACE] = "namespace",
                 [SVIRT_PROBE_LAYER_CGROUP] = "cgroup",
                 [SVIRT_PROBE_LAYER_CAPABILITY] = "capability",
                 [SVIRT_PROBE_LAYER_RLIMIT] = "rlimit",
                 [SVIRT_PROBE_LAYER_DESCRIPTOR] = "descriptor",
                 [SVIRT_PROBE_LAYER_PASST] = "passt")

SVIRT_ENUM_TABLE(SvirtProbePhase, svirt_probe_phase, SVIRT_PROBE_PHASE_MAX,
                 [SVIRT_PROBE_PHASE_BEGIN] = "begin",
                 [SVIRT_PROBE_PHASE_END] = "end",
                 [SVIRT_PROBE_PHASE_FINISH] = "finish")

SVIRT_ENUM_TABLE(SvirtProbeOutcome, svirt_probe_outcome,
                 SVIRT_PROBE_OUTCOME_MAX,
                 [SVIRT_PROBE_OUTCOME_DONE] = "done",
                 [SVIRT_PROBE_OUTCOME_BLOCKED] = "blocked",
                 [SVIRT_PROBE_OUTCOME_SIGNAL] = "signal",
                 [SVIRT_PROBE_OUTCOME_TIMEOUT] = "timeout",
                 [SVIRT_PROBE_OUTCOME_ABSENT] = "absent",
                 [SVIRT_PROBE_OUTCOME_UNAIMED] = "unaimed")

void
svirt_probe_record_init(SvirtProbeRecord *record, SvirtProbePhase phase,
                        uint32_t step, uint32_t row, const char *name)
{
    memset(record, 0, sizeof(*record));
    record->magic = SVIRT_PROBE_MAGIC;
    record->phase = phase;
    record->step = step;
    record->row = row;
    (void)snprintf(record->name, sizeof(record->name), "%s", name);
}

static bool
text_valid(const char *text, size_t size)
{
    size_t length = strnlen(text, size);

    if (length == size) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

bool
svirt_probe_record_valid(const SvirtProbeRecord *record)
{
    return record->magic == SVIRT_PROBE_MAGIC &&
           record->phase < SVIRT_PROBE_PHASE_MAX &&
           record->outcome < SVIRT_PROBE_OUTCOME_MAX &&
           record->step <= SVIRT_PROBE_ROWS_MAX &&
           record->row < SVIRT_PROBE_ROWS_MAX && record->error >= 0 &&
           record->error < 4096 && record->signal >= 0 &&
           record->signal <= 64 &&
           text_valid(record->name, sizeof(record->name)) &&
           text_valid(record->detail, sizeof(record->detail));
}

int
svirt_probe_record_read(int fd, SvirtProbeRecord *ret)
{
    SvirtProbeRecord record;
    ssize_t got = svirt_read_full(fd, &record, sizeof(record));

    if (got <= 0) {
        return (int)got;
    }
    if (got != sizeof(record) || !svirt_probe_record_valid(&record)) {
        errno = EBADMSG;
        return -1;
    }
    *ret = record;
    return 1;
}

bool
svirt_probe_record_write(int fd, const SvirtProbeRecord *record)
{
    return svirt_write_full(fd, record, sizeof(*record));
}

void
svirt_probe_layers_format(uint32_t layers, char *text, size_t size)
{
    size_t used = 0;

    (void)snprintf(text, size, "none");
    for (unsigned i = 0; i < SVIRT_PROBE_LAYER_MAX && used < size; i++) {
        if (layers & (1u << i)) {
            used += (size_t)snprintf(text + used, size - used, "%s%s",
                                     used ? "|" : "",
                                     svirt_probe_layer_to_string(i));
        }
    }
}

bool
svirt_probe_layers_parse(const char *text, uint32_t *ret)
{
    uint32_t layers = 0;

    if (strcmp(text, "none") == 0) {
        *ret = 0;
        return true;
    }
    while (*text) {
        char word[24];
        size_t length = strcspn(text, "|");
        SvirtProbeLayer layer;

        if (length >= sizeof(word)) {
            return false;
        }
        memcpy(word, text, length);
        word[length] = '\0';
        if (!svirt_probe_layer_from_string(word, &layer)) {
            return false;
        }
        layers |= 1u << layer;
        text += length + (text[length] == '|');
    }
    *ret = layers;
    return true;
}
