/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/smack-tree.h"

/*
 * Smack grants reading, executing and locking of what has the floor label
 * before it looks at a rule. What a VM's label shall not read must therefore
 * carry another one: the host's own files SVIRT_SMACK_HOST, and every subject
 * of the host a rule that gives it there what it has on the floor. Labels stay
 * on the files; the rules are gone at each boot, and a list of them lies where
 * systemd and smackload(8) load such lists from.
 */
#define SVIRT_SMACK_RULES_DIR "/etc/smack/accesses.d"
#define SVIRT_SMACK_RULES_FILE SVIRT_SMACK_RULES_DIR "/svirt"
/* The directories that were labelled, one a line: what has to be undone. */
#define SVIRT_SMACK_TREES_DIR "/etc/svirt"
#define SVIRT_SMACK_TREES_FILE SVIRT_SMACK_TREES_DIR "/smack-trees"

typedef struct SvirtSmackFloor {
    char **trees;      /* owned; NULL: nothing was ever labelled */
    char **unlabelled; /* owned; those of them without the label now */
    bool ruled;        /* the floor's processes have every right there */
} SvirtSmackFloor;

/* How things are; `root` as svirt_smackfs_open gives it. Owned by the caller.
 * SYSTEM; CORRUPT: the list of trees is none. */
bool svirt_smack_floor_read(int root, SvirtSmackFloor **ret, GError **error);
void svirt_smack_floor_free(SvirtSmackFloor *floor);

/* What a process with this label can read of the host by Smack's leave, for
 * people; owned by the caller. */
char *svirt_smack_floor_gap(const char *process);

/*
 * The subjects of this host that are no VM's: the floor, svirt's own label,
 * those of running processes and of rules, without what svirt derives for VMs
 * and without `claimed` (char *). A NULL-terminated vector owned by the caller.
 * SYSTEM.
 */
bool svirt_smack_floor_subjects(int root, const GPtrArray *claimed,
                                char ***ret, GError **error);
/* Rules of `subjects` on SVIRT_SMACK_HOST: each gets what it has on the floor;
 * into the list for later boots, then into the kernel. REFUSED, SYSTEM,
 * UNVERIFIED. */
bool svirt_smack_floor_rule(int root, char *const *subjects, GError **error);
/* Take them back, of every subject, and the list. REFUSED, SYSTEM. */
bool svirt_smack_floor_unrule(int root, GError **error);
/* Note what will be labelled, before it is, in place of what was noted. NULL
 * or none: nothing is any more. SYSTEM. */
bool svirt_smack_floor_note(char *const *trees, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSmackFloor, svirt_smack_floor_free)
