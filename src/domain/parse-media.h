/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/parse.h"

/* One device each, in the file of its name. */
void svirt_parse_graphics(SvirtReader *reader, SvirtXmlNode *node,
                          size_t ordinal, SvirtGraphics *graphics);
void svirt_parse_sound(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                       SvirtSound *sound);
void svirt_parse_watchdog(SvirtReader *reader, SvirtXmlNode *node,
                          size_t ordinal, SvirtWatchdog *watchdog);
void svirt_parse_vsock(SvirtReader *reader, SvirtXmlNode *node,
                       SvirtVsock *vsock);
void svirt_parse_hub(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                     SvirtHub *hub);
/* parse-redirected.c: <redirdev> and <smartcard> */
void svirt_parse_redirdev(SvirtReader *reader, SvirtXmlNode *node,
                          size_t ordinal, SvirtRedirected *redirected);
void svirt_parse_smartcard(SvirtReader *reader, SvirtXmlNode *node,
                           size_t ordinal, SvirtRedirected *redirected);
