/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/parse-media.h"

void
svirt_parse_vsock(SvirtReader *reader, SvirtXmlNode *node, SvirtVsock *vsock)
{
    const char *model = svirt_reader_attribute(reader, node, "model");
    SvirtXmlNode *cid = svirt_reader_child(reader, node, "cid");
    bool any = cid == NULL ||
               svirt_reader_yes_no(reader, cid, "auto", false);

    svirt_parse_info(reader, node, 1, &vsock->info);
    if (model != NULL && strcmp(model, "virtio") != 0) {
        svirt_reader_bad_word(reader, node, "model", model);
    }
    if (cid != NULL && !any) {
        (void)svirt_reader_required(reader, cid, "address"); /* kept */
    }
    if (cid != NULL) {
        vsock->cid = (unsigned)svirt_reader_number(
            reader, cid, "address", SVIRT_VSOCK_CID_MIN, UINT32_MAX - 1, 0);
    }
    if (any) {
        vsock->cid = 0; /* what it was once is no promise */
    }
}
