/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/qmp.h"

/*
 * What a hostile VMM says: the first byte decides how the stream is cut into
 * reads and whether the connection was taken over from another monitor.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
read_span(SvirtJsonSpan span)
{
    size_t sum = 0;

    for (size_t i = 0; span.text != NULL && i < span.length; i++) {
        sum += (uint8_t)span.text[i];
    }
    return sum;
}

/* False: broken for good. */
static bool
take_messages(SvirtQmpParser *parser)
{
    static volatile size_t sum;
    SvirtQmpMessage message;
    SvirtQmpVerdict verdict;

    while ((verdict = svirt_qmp_parser_next(parser, &message)) ==
           SVIRT_QMP_MESSAGE) {
        if (message.kind >= SVIRT_QMP_KIND_MAX ||
            message.event >= SVIRT_QMP_EVENT_MAX) {
            abort();
        }
        sum += read_span(message.body);
    }
    if (verdict == SVIRT_QMP_BROKEN && parser->why == NULL) {
        abort();
    }
    return verdict == SVIRT_QMP_MORE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SvirtQmpParser parser;
    size_t step;

    if (size == 0) {
        return 0;
    }
    step = (size_t)(data[0] & 0x7f) + 1;
    svirt_qmp_parser_init(&parser, 7, (data[0] & 0x80) != 0);
    data++;
    size--;
    while (size > 0) {
        size_t length = step < size ? step : size;

        if (!svirt_qmp_parser_feed(&parser, (const char *)data, length) ||
            !take_messages(&parser)) {
            break;
        }
        data += length;
        size -= length;
    }
    svirt_qmp_parser_clear(&parser);
    return 0;
}
