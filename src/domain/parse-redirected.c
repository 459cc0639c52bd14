/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/parse-media.h"

/* What a client brings is the client's own: nothing of the host goes along. */
static void
expect_word(SvirtReader *reader, SvirtXmlNode *node, const char *name,
            const char *wanted)
{
    const char *word = svirt_reader_required(reader, node, name);

    if (reader->error == NULL && strcmp(word, wanted) != 0) {
        svirt_reader_bad_word(reader, node, name, word);
    }
}

void
svirt_parse_redirdev(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                     SvirtRedirected *redirected)
{
    svirt_parse_info(reader, node, ordinal, &redirected->info);
    if (svirt_reader_attribute(reader, node, "bus") != NULL) {
        expect_word(reader, node, "bus", "usb");
    }
    expect_word(reader, node, "type", "spicevmc");
}

void
svirt_parse_smartcard(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                      SvirtRedirected *redirected)
{
    redirected->smartcard = true;
    svirt_parse_info(reader, node, ordinal, &redirected->info);
    expect_word(reader, node, "mode", "passthrough");
    expect_word(reader, node, "type", "spicevmc");
}
