/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "domain/domain.h"

/* For commands that change one thing of a definition, or of its run. */

/* Defines what the tree of `edited` says now, as its author. STATE: the domain
 * is transient. */
bool svirt_cli_redefine(const SvirtCli *cli, const SvirtDefinition *definition,
                        const SvirtDomain *edited, GError **error);
/*
 * What --live, --config and --current (or none of them) mean for a domain: the
 * run where there is one. USAGE: two of them.
 */
bool svirt_cli_live_or_config(const SvirtCli *cli,
                              const SvirtDefinition *definition,
                              bool *ret_live, GError **error);
/* A number as the text of an element. */
void svirt_cli_set_text(SvirtXmlDocument *document, SvirtXmlNode *node,
                        uint64_t number);
