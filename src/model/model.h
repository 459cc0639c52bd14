/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"
#include "label/derive.h"
#include "label/model-kind.h"
#include "model/label-set.h"

/*
 * A file below /proc/thread-self that takes a label, written by a task for
 * itself (base/procfs.h).
 */
typedef struct SvirtModelAttribute {
    const char *path;     /* "attr/exec"; NULL: the model has none */
    const char *fallback; /* for kernels without `path`; NULL: none */
    const char *prefix;   /* before the label: "exec "; NULL: nothing */
} SvirtModelAttribute;

/*
 * A security model as verbs on objects, labels and processes. A label is the
 * model's own text; NULL stands for "has none". No model knows a domain or a
 * device, so a new device adds nothing here.
 */
typedef struct SvirtModel {
    SvirtModelKind kind;
    /* Objects carry labels of this model. False: the verbs on objects are
     * there all the same and take and give NULL alone. */
    bool labels_objects;
    /* Processes carry labels that svirt gives: derive, load, unload,
     * read_process, is_enforcing and separates are there, and `process`.
     * False: they are NULL. */
    bool labels_processes;
    /* What the model leaves open to a process with this label as the host is
     * now, for verify and dominfo to say; owned by the caller. NULL: nothing
     * of the kind. */
    char *(*gap)(const char *process);

    /* Written by a new process before it executes the VMM, the monitor or the
     * helper: where the model has a label for the next exec that, else the
     * label in force at once. */
    SvirtModelAttribute process;
    /* Around making a socket, and around making a file; cleared by writing
     * nothing. */
    SvirtModelAttribute socket;
    SvirtModelAttribute create;

    /*
     * In *ret_active: does the running kernel enforce it? SYSTEM. A model that
     * the kernel runs but whose file system is not mounted, or is not what it
     * ought to be, is an UNVERIFIED error with a hint, never inactive
     * (CVE-2020-10731).
     */
    bool (*probe)(bool *ret_active, GError **error);
    /*
     * What the object carries now, asked of the kernel, owned by the caller.
     * SYSTEM; UNSUPPORTED: its file system stores no labels (hint).
     */
    bool (*read_label)(const SvirtObject *object, char **ret_label,
                       GError **error);
    /*
     * Make it carry `label`, by descriptor; whether it does is asked by
     * svirt_model_check_label. INVALID: no label of this model. REFUSED:
     * writing it would lose something that is not given back. UNSUPPORTED,
     * SYSTEM.
     */
    bool (*write_label)(const SvirtObject *object, const char *label,
                        GError **error);
    /* Two spellings of one label are equal; NULL equals NULL alone. */
    bool (*labels_equal)(const char *a, const char *b);
    /* INVALID: not a label an object of this model can carry. */
    bool (*validate)(const char *label, GError **error);

    /* The categories a VM may have on this host; NULL: all of them. SYSTEM. */
    bool (*category_range)(SvirtCategoryRange *ret, GError **error);
    /*
     * The labels of a VM, a function of the seed and the loaded policy alone;
     * *ret is overwritten. With seed->given that is the process label and the
     * rest follows from it. INVALID: base or given is no label of the model.
     * UNSUPPORTED: the policy has no types for VMs (hint).
     */
    bool (*derive)(const SvirtLabelSeed *seed, SvirtLabelSet *ret,
                   GError **error);
    /*
     * Make the running kernel know the labels before a process gets them: load
     * the AppArmor profile, write the Smack rules, have SELinux validate the
     * contexts. Idempotent; reads back. With seed->given nothing is loaded:
     * the kernel must know the label already. INVALID: the kernel refuses a
     * label. SYSTEM, UNVERIFIED.
     */
    bool (*load)(const SvirtLabelSeed *seed, const SvirtLabelSet *labels,
                 GError **error);
    /* The reverse, when no process has them any more: remove the profile,
     * revoke the subject. Not loaded is no error; with seed->given nothing is
     * done. BUSY: a process still has one. SYSTEM. */
    bool (*unload)(const SvirtLabelSeed *seed, const SvirtLabelSet *labels,
                   GError **error);
    /*
     * After making a socket, what its creation could not give it (Smack's
     * IPIN and IPOUT). NULL: nothing. SYSTEM, UNVERIFIED.
     */
    bool (*label_socket)(int fd, const char *label, GError **error);
    /*
     * The label in force of one thread, owned by the caller; `task`: a
     * descriptor of /proc/PID/task/TID in a procfs that was checked to be
     * one. NOT_FOUND: the thread has ended. SYSTEM.
     */
    bool (*read_process)(int task, char **ret_label, GError **error);
    /*
     * Does the *loaded* policy enforce on a process with this label? False for
     * a permissive host or domain, complain mode, Smack's unconfined, and a
     * label the kernel does not know. SYSTEM.
     */
    bool (*is_enforcing)(const char *process, bool *ret_enforcing,
                         GError **error);
    /*
     * Asked of the kernel: does the loaded policy keep a process of `a` from
     * private objects and from the process of `b`? SYSTEM.
     */
    bool (*separates)(const SvirtLabelSet *a, const SvirtLabelSet *b,
                      bool *ret_separates, GError **error);
} SvirtModel;

/* A static table's row; NULL for a model that is not built. */
const SvirtModel *svirt_model_by_kind(SvirtModelKind kind);

/* UNVERIFIED: the object carries something else than was written. */
bool svirt_model_check_label(const SvirtModel *model,
                             const SvirtObject *object, const char *label,
                             GError **error);
/* Writes and checks. */
bool svirt_model_set_label(const SvirtModel *model, const SvirtObject *object,
                           const char *label, GError **error);

extern const SvirtModel svirt_model_selinux;
extern const SvirtModel svirt_model_apparmor;
extern const SvirtModel svirt_model_dac;
extern const SvirtModel svirt_model_landlock;
extern const SvirtModel svirt_model_none;
extern const SvirtModel svirt_model_smack;
/*
 * A file's POSIX access control list as a label: "u::rw-,u:1000:rw-,g::r--,
 * m::rw-,o::---" (acl(5), numbers alone), its mode where it has none. No host
 * "runs" it: what `svirt exec` gives by it, it takes back.
 */
extern const SvirtModel svirt_model_acl;
/* `label` and one user more; nobody else gets more than before. INVALID.
 * Owned by the caller. */
char *svirt_model_acl_with_user(const char *label, uid_t uid, bool write,
                                GError **error);
/*
 * What the tests label with where the kernel has no model: objects by an
 * extended attribute, user.svirt.test; processes by oom_score_adj, a number
 * that anybody may write, that exec keeps and that can be read back.
 */
extern const SvirtModel svirt_model_test;
