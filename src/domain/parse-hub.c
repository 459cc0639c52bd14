/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/parse-media.h"

void
svirt_parse_hub(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                SvirtHub *hub)
{
    const char *type = svirt_reader_required(reader, node, "type");

    svirt_parse_info(reader, node, ordinal, &hub->info);
    if (reader->error == NULL && strcmp(type, "usb") != 0) {
        svirt_reader_bad_word(reader, node, "type", type);
    }
}
