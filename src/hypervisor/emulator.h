/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * What an emulator knows: its machines, their other names, its CPU models. It
 * is asked once, confined as a VMM is and as nobody, and what it said is kept
 * in STATE/emulators for as long as the program is the same file.
 */

/*
 * *ret_machine: the name that the definition's machine stands for ("pc" where
 * it says none), owned by the caller; NULL: it cannot be known, as the emulator
 * is not there, does not answer or may not be asked for this author. INVALID:
 * the emulator has no such machine or CPU.
 */
bool svirt_emulator_resolve(SvirtManager *manager, const SvirtDomain *domain,
                            uid_t author, char **ret_machine, GError **error);

/*
 * <cpu mode='host-model'> becomes the named model that is nearest to what the
 * emulator can do here, and the features that it has beside that: written into
 * the definition, so that the guest's CPU does not move. It stays as it is
 * where the emulator cannot be asked (or KVM, where the definition wants it).
 */
void svirt_emulator_fix_cpu(SvirtManager *manager, SvirtDomain *domain,
                            uid_t author);

/*
 * For emulator.c: asks `program`; *ret are lines, owned by the caller: "m NAME",
 * "a ALIAS NAME", "c CPU". False: no answer.
 */
bool svirt_emulator_ask(const char *program, char **ret);
/* The lines that two replies of QMP (JSON) amount to; for tests too. */
bool svirt_emulator_read_reply(const char *text, size_t length, GString *lines);

/*
 * For emulator.c: what its best CPU amounts to; *ret are lines, owned by the
 * caller: "model NAME", "require FEATURE", "disable FEATURE". False: no answer.
 */
bool svirt_emulator_ask_cpu(const char *program, bool kvm, char **ret);
