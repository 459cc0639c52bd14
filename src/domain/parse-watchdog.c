/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse-media.h"

SVIRT_ENUM_TABLE(SvirtWatchdogModel, svirt_watchdog_model,
                 SVIRT_WATCHDOG_MODEL_MAX,
                 [SVIRT_WATCHDOG_I6300ESB] = "i6300esb",
                 [SVIRT_WATCHDOG_IB700] = "ib700",
                 [SVIRT_WATCHDOG_ITCO] = "itco")

SVIRT_ENUM_TABLE(SvirtWatchdogAction, svirt_watchdog_action,
                 SVIRT_WATCHDOG_ACTION_MAX,
                 [SVIRT_WATCHDOG_RESET] = "reset",
                 [SVIRT_WATCHDOG_SHUTDOWN] = "shutdown",
                 [SVIRT_WATCHDOG_POWEROFF] = "poweroff",
                 [SVIRT_WATCHDOG_PAUSE] = "pause",
                 [SVIRT_WATCHDOG_NONE] = "none",
                 [SVIRT_WATCHDOG_INJECT_NMI] = "inject-nmi")

void
svirt_parse_watchdog(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                     SvirtWatchdog *watchdog)
{
    svirt_parse_info(reader, node, ordinal, &watchdog->info);
    (void)svirt_reader_required(reader, node, "model"); /* error is kept */
    SVIRT_READ_ENUM(reader, node, "model", svirt_watchdog_model,
                    &watchdog->model);
    SVIRT_READ_ENUM(reader, node, "action", svirt_watchdog_action,
                    &watchdog->action);
}
