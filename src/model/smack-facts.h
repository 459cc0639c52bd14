/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/smack-fs.h"

/* /sys/fs/smackfs/ptrace */
typedef enum SvirtSmackPtrace {
    SVIRT_SMACK_PTRACE_DEFAULT,   /* who may read and write may trace */
    SVIRT_SMACK_PTRACE_EXACT,     /* equal labels alone */
    SVIRT_SMACK_PTRACE_DRACONIAN, /* the same, CAP_SYS_PTRACE or not */
} SvirtSmackPtrace;

/*
 * How the host's Smack is set up: what strengthens or weakens every VM's
 * label. Texts are owned.
 */
typedef struct SvirtSmackFacts {
    char *own;        /* svirt's own label */
    char *ambient;    /* of packets that come without a label */
    char *onlycap;    /* labels whose CAP_MAC_* count; "": all */
    char *unconfined; /* a label that is let through everywhere; "": none;
                         NULL: this kernel cannot have one */
    char *netlabel;   /* a line for each address or network with a label */
    char *syslog;     /* the only label that reads the kernel log; "": any */
    unsigned ptrace;  /* SvirtSmackPtrace */
    unsigned logging; /* bit 0: denied is logged, bit 1: allowed is */
    unsigned doi;     /* CIPSO domain of interpretation */
    unsigned direct;  /* CIPSO level of labels up to 23 bytes */
    unsigned mapped;  /* of longer ones: known by this boot alone */
} SvirtSmackFacts;

/* `own` as svirt_smack_own_label; the rest from smackfs. SYSTEM; CORRUPT: a
 * number that is none. Owned by the caller. */
bool svirt_smack_facts_read(int root, const char *own, SvirtSmackFacts **ret,
                            GError **error);
void svirt_smack_facts_free(SvirtSmackFacts *facts);

/*
 * What an administrator should know, one sentence each, a NULL-terminated
 * vector owned by the caller: svirt's label may not label, denials are not
 * logged, a label is let through everywhere. Empty: nothing.
 */
char **svirt_smack_facts_warnings(const SvirtSmackFacts *facts);

/* /proc/thread-self/attr/smack/current, owned by the caller. SYSTEM. */
bool svirt_smack_own_label(char **ret_label, GError **error);
/* The same below a descriptor of /proc/PID/task/TID. NOT_FOUND: it has ended.
 * SYSTEM. */
bool svirt_smack_task_label(int task, char **ret_label, GError **error);
/* Is it among the labels of a list that has blanks between them? */
bool svirt_smack_list_has(const char *list, const char *label);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSmackFacts, svirt_smack_facts_free)
