/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/prepare.h"

/*
 * Where a guest's firmware keeps its variables. A definition that names no
 * file gets one of svirt's own, STATE/nvram/UUID.fd, made from the template
 * when the domain first starts and kept until it is undefined.
 */

/* svirt's own file for a UUID; owned by the caller. */
char *svirt_nvram_path(const SvirtConnection *connection,
                       const SvirtUuid *uuid);
/* The path goes into a definition that has an <nvram> and names none. */
void svirt_nvram_complete(const SvirtConnection *connection,
                          SvirtDomain *domain);
/* Is there an own file of this UUID? */
bool svirt_nvram_exists(const SvirtConnection *connection,
                        const SvirtUuid *uuid);
/* It goes; that there is none is no error. SYSTEM. */
bool svirt_nvram_remove(const SvirtConnection *connection,
                        const SvirtUuid *uuid, GError **error);

/* The same before a start; STATE: the domain has no file of svirt's own. */
bool svirt_nvram_reset(const SvirtConnection *connection,
                       const SvirtDefinition *definition, GError **error);

/*
 * For prepare.c: opens the variables' file into prepared->disks, behind the
 * disks. An own one is made when the VM starts, from the template, which is
 * opened with the author's rights; of one that is not there yet the entry is
 * NULL otherwise.
 */
bool svirt_nvram_open(SvirtManager *manager, SvirtPrepared *prepared,
                      SvirtState *state, SvirtPrepareMode mode,
                      GError **error);
