/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

/* The largest that QEMU takes (include/qemu/throttle.h). */
#define LIMIT_MAX UINT64_C(1000000000000000)
#define LENGTH_MAX_S 100000u
#define GROUP_BYTES_MAX 128u

SVIRT_ENUM_TABLE(
    SvirtIotuneLimit, svirt_iotune_limit, SVIRT_IOTUNE_MAX,
    [SVIRT_IOTUNE_TOTAL_BYTES] = "total_bytes_sec",
    [SVIRT_IOTUNE_READ_BYTES] = "read_bytes_sec",
    [SVIRT_IOTUNE_WRITE_BYTES] = "write_bytes_sec",
    [SVIRT_IOTUNE_TOTAL_OPERATIONS] = "total_iops_sec",
    [SVIRT_IOTUNE_READ_OPERATIONS] = "read_iops_sec",
    [SVIRT_IOTUNE_WRITE_OPERATIONS] = "write_iops_sec",
    [SVIRT_IOTUNE_BURST + 0] = "total_bytes_sec_max",
    [SVIRT_IOTUNE_BURST + 1] = "read_bytes_sec_max",
    [SVIRT_IOTUNE_BURST + 2] = "write_bytes_sec_max",
    [SVIRT_IOTUNE_BURST + 3] = "total_iops_sec_max",
    [SVIRT_IOTUNE_BURST + 4] = "read_iops_sec_max",
    [SVIRT_IOTUNE_BURST + 5] = "write_iops_sec_max",
    [SVIRT_IOTUNE_LENGTH + 0] = "total_bytes_sec_max_length",
    [SVIRT_IOTUNE_LENGTH + 1] = "read_bytes_sec_max_length",
    [SVIRT_IOTUNE_LENGTH + 2] = "write_bytes_sec_max_length",
    [SVIRT_IOTUNE_LENGTH + 3] = "total_iops_sec_max_length",
    [SVIRT_IOTUNE_LENGTH + 4] = "read_iops_sec_max_length",
    [SVIRT_IOTUNE_LENGTH + 5] = "write_iops_sec_max_length",
    [SVIRT_IOTUNE_OPERATION_BYTES] = "size_iops_sec")

static bool
is_split(const uint64_t *of)
{
    return of[0] != 0 && (of[1] != 0 || of[2] != 0);
}

const char *
svirt_iotune_fault(const SvirtIotune *iotune)
{
    const uint64_t *limits = iotune->limits;
    bool operations = false;

    for (int i = 0; i < SVIRT_IOTUNE_KINDS; i++) {
        uint64_t rate = limits[i];
        uint64_t burst = limits[SVIRT_IOTUNE_BURST + i];
        uint64_t length = limits[SVIRT_IOTUNE_LENGTH + i];

        if (burst != 0 && burst < rate) {
            return "allow a burst less than what they allow always";
        }
        if (burst != 0 && rate == 0) {
            return "allow a burst, but nothing limits what it is above";
        }
        if (length > 1 && burst == 0) {
            return "say how long a burst is, but allow none";
        }
        operations =
            operations || (i >= SVIRT_IOTUNE_TOTAL_OPERATIONS && rate != 0);
    }
    if (is_split(limits) || is_split(limits + SVIRT_IOTUNE_TOTAL_OPERATIONS) ||
        is_split(limits + SVIRT_IOTUNE_BURST) ||
        is_split(limits + SVIRT_IOTUNE_BURST +
                 SVIRT_IOTUNE_TOTAL_OPERATIONS)) {
        return "limit both the total and its reads or writes";
    }
    return limits[SVIRT_IOTUNE_OPERATION_BYTES] != 0 && !operations
               ? "say what counts as an operation, but limit none"
               : NULL;
}

/* libvirt has no rule for it; it goes into QEMU's ids. */
static const char *
read_group(SvirtReader *reader, SvirtXmlNode *iotune)
{
    SvirtXmlNode *node = svirt_reader_child(reader, iotune, "group_name");
    const char *name;

    if (node == NULL) {
        return NULL;
    }
    name = svirt_reader_text(reader, node);
    if (reader->error == NULL &&
        (strlen(name) > GROUP_BYTES_MAX || !svirt_reader_is_word(name))) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use letters, digits, '-', '_', '.' and '+'",
                          "'%.80s' in <group_name> is no name", name);
    }
    return name;
}

void
svirt_parse_iotune(SvirtReader *reader, SvirtXmlNode *node, SvirtDisk *disk)
{
    SvirtXmlNode *iotune = svirt_reader_child(reader, node, "iotune");
    SvirtIotune *ret = &disk->iotune;
    const char *fault;

    if (iotune == NULL) {
        return;
    }
    ret->line = iotune->line;
    for (int i = 0; i < SVIRT_IOTUNE_MAX; i++) {
        SvirtXmlNode *limit = svirt_reader_child(
            reader, iotune,
            svirt_iotune_limit_to_string((SvirtIotuneLimit)i));
        bool length = i >= SVIRT_IOTUNE_LENGTH &&
                      i < SVIRT_IOTUNE_OPERATION_BYTES;

        if (limit != NULL) {
            ret->limits[i] = svirt_reader_text_number(
                reader, limit, 0, length ? LENGTH_MAX_S : LIMIT_MAX);
        }
    }
    ret->group = read_group(reader, iotune);
    fault = svirt_iotune_fault(ret);
    if (fault != NULL) {
        svirt_reader_fail(reader, iotune->line, SVIRT_ERROR_INVALID,
                          "change one of the two",
                          "the limits of <iotune> %s", fault);
    }
}
