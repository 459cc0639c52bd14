/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <string.h>

#include "base/fd.h"
#include "base/procfs.h"
#include "model/apparmor-body.h"
#include "model/apparmor-kernel.h"
#include "model/apparmor-profile.h"
#include "model/apparmor-stream.h"
#include "model/no-labels.h"

#define UNCONFINED "unconfined"

/* Killing is enforcing, too. */
static bool
enforces(SvirtApparmorMode mode)
{
    return mode == SVIRT_APPARMOR_ENFORCE || mode == SVIRT_APPARMOR_KILL;
}

static bool
probe(bool *ret_active, GError **error)
{
    const SvirtApparmor *apparmor;

    if (!svirt_apparmor_get(&apparmor, error)) {
        return false;
    }
    *ret_active = apparmor != NULL;
    return true;
}

static bool
derive(const SvirtLabelSeed *seed, SvirtLabelSet *ret, GError **error)
{
    char name[SVIRT_DERIVED_NAME_BYTES];

    if (seed->base != NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "leave <baselabel> out, or give a static <label>",
                           "baselabel '%.64s': profiles of AppArmor are made "
                           "from no other", seed->base);
    }
    if (seed->given != NULL) {
        if (strlen(seed->given) > SVIRT_PROFILE_MAX_NAME ||
            strcmp(seed->given, UNCONFINED) == 0 || seed->given[0] == '\0') {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "name a loaded profile; to do without "
                               "AppArmor there is <seclabel type='none'>",
                               "static label '%.64s' is no AppArmor profile "
                               "for a VM", seed->given);
        }
        *ret = (SvirtLabelSet){ .vmm = g_strdup(seed->given) };
        return true;
    }
    svirt_derive_name(&seed->uuid, name);
    *ret = (SvirtLabelSet){
        .vmm = g_strdup(name),
        .monitor = g_strconcat(name, SVIRT_APPARMOR_MONITOR, NULL),
        .helper = g_strconcat(name, SVIRT_APPARMOR_HELPER, NULL),
    };
    return true;
}

/* Is it loaded, and svirt's? */
static bool
has_mark(const SvirtApparmor *apparmor, const char *name, bool *ret_known,
         bool *ret_own, GError **error)
{
    uint32_t allow = 0;

    if (!svirt_apparmor_ask(apparmor, name, SVIRT_APPARMOR_MARK,
                            SVIRT_APPARMOR_MARK_SIZE, ret_known, &allow,
                            error)) {
        return false;
    }
    /* A profile without this class allows everything of it. */
    *ret_own = *ret_known &&
        (allow & (SVIRT_PROFILE_READ | SVIRT_PROFILE_WRITE)) ==
        SVIRT_PROFILE_READ;
    return true;
}

static bool
check_loaded(const SvirtApparmor *apparmor, const char *name, GError **error)
{
    bool known, own;

    if (name == NULL) {
        return true;
    }
    if (!has_mark(apparmor, name, &known, &own, error)) {
        return false;
    }
    return own || svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                              "AppArmor profile '%s' was loaded and is %s",
                              name, known ? "another" : "not there");
}

static bool
check_given(const SvirtApparmor *apparmor, const char *name, GError **error)
{
    SvirtApparmorMode mode;
    bool known;

    if (!svirt_apparmor_find(apparmor, name, &known, &mode, error)) {
        return false;
    }
    return known || svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                                "load it with apparmor_parser -r",
                                "AppArmor profile '%.128s' of the static "
                                "label is not loaded", name);
}

static bool
load(const SvirtLabelSeed *seed, const SvirtLabelSet *labels, GError **error)
{
    g_autoptr(GByteArray) bytes = NULL;
    const SvirtApparmor *apparmor;

    if (!svirt_apparmor_need(&apparmor, error)) {
        return false;
    }
    if (seed->given != NULL) {
        return check_given(apparmor, seed->given, error);
    }
    bytes = g_byte_array_sized_new(16384);
    return svirt_apparmor_make(seed, labels, bytes, error) &&
           svirt_apparmor_replace(apparmor, bytes->data, bytes->len,
                                  error) &&
           check_loaded(apparmor, labels->vmm, error) &&
           check_loaded(apparmor, labels->monitor, error) &&
           check_loaded(apparmor, labels->helper, error);
}

/* A process whose profile is removed is unconfined from then on. */
static bool
unload(const SvirtLabelSeed *seed, const SvirtLabelSet *labels,
       GError **error)
{
    SVIRT_AUTO_FD procfs = -1;
    const SvirtApparmor *apparmor;
    int pid;

    if (seed->given != NULL) {
        return true;
    }
    if (!svirt_apparmor_need(&apparmor, error)) {
        return false;
    }
    procfs = svirt_procfs_open();
    if (procfs < 0) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL,
                           "mount a procfs at /proc",
                           "cannot look for processes of profile '%s'",
                           labels->vmm);
    }
    if (!svirt_apparmor_find_process(procfs, labels->vmm, &pid, error)) {
        return false;
    }
    if (pid != 0) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "end it first; without its profile it would be "
                           "unconfined",
                           "process %d still has AppArmor profile '%s'", pid,
                           labels->vmm);
    }
    return svirt_apparmor_remove(apparmor, labels->vmm, error);
}

/* The name alone while it is enforced; with the mode when it is not, which is
 * then no label that was ever claimed. */
static bool
read_process(int task, char **ret_label, GError **error)
{
    g_autofree char *name = NULL;
    SvirtApparmorMode mode;

    if (!svirt_apparmor_read_task(task, &name, &mode, error)) {
        return false;
    }
    *ret_label = enforces(mode) || strcmp(name, UNCONFINED) == 0
        ? g_steal_pointer(&name)
        : g_strdup_printf("%s (%s)", name,
                          svirt_apparmor_mode_to_string(mode));
    return true;
}

/* A name that svirt gives: a static label may be anybody's. */
static bool
is_derived(const char *name)
{
    char text[SVIRT_UUID_TEXT];
    const char *end;
    SvirtUuid uuid;

    if (strncmp(name, "svirt-", 6) != 0 ||
        strnlen(name + 6, sizeof(text)) < sizeof(text) - 1) {
        return false;
    }
    (void)g_strlcpy(text, name + 6, sizeof(text));
    end = name + 6 + sizeof(text) - 1;
    return svirt_uuid_parse(text, &uuid) &&
           (*end == '\0' || strncmp(end, "//", 2) == 0);
}

/* Not the wanted one: said as what it is, a profile that is not svirt's. */
static bool
raise_replaced(const char *name, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                       "see who loads profiles of that name; shut the VM "
                       "down and start it again",
                       "AppArmor profile '%.128s' was replaced by one that "
                       "svirt did not make", name);
}

static bool
is_enforcing(const char *process, bool *ret_enforcing, GError **error)
{
    g_autofree char *name = g_strdup(process);
    SvirtApparmorMode mode = SVIRT_APPARMOR_ENFORCE;
    const SvirtApparmor *apparmor;
    bool known, own;

    if (!svirt_apparmor_need(&apparmor, error) ||
        !svirt_apparmor_global_mode(apparmor, &mode, error)) {
        return false;
    }
    if (!enforces(mode) ||
        (svirt_apparmor_split(name, &mode) && !enforces(mode))) {
        *ret_enforcing = false;
        return true;
    }
    if (is_derived(name)) {
        if (!has_mark(apparmor, name, &known, &own, error)) {
            return false;
        }
        if (known && !own) {
            return raise_replaced(name, error);
        }
    } else if (!svirt_apparmor_find(apparmor, name, &known, &mode, error)) {
        return false;
    }
    *ret_enforcing = known && enforces(mode);
    return true;
}

/* In *ret_kept: does the profile allow none of `bits` for the key? */
static bool
keeps(const SvirtApparmor *apparmor, const char *profile, const GString *key,
      uint32_t bits, bool *ret_kept, GError **error)
{
    uint32_t allow = 0;
    bool known;

    if (!svirt_apparmor_ask(apparmor, profile, key->str, key->len, &known,
                            &allow, error)) {
        return false;
    }
    *ret_kept = *ret_kept && known && (allow & bits) == 0;
    return true;
}

/* Of svirt's own the questions say it, of any other only its mode. */
static bool
keeps_anything(const SvirtApparmor *apparmor, const char *name,
               bool *ret_kept, GError **error)
{
    SvirtApparmorMode mode;

    if (!is_derived(name)) {
        return is_enforcing(name, ret_kept, error);
    }
    if (!svirt_apparmor_global_mode(apparmor, &mode, error)) {
        return false;
    }
    *ret_kept = enforces(mode);
    return true;
}

/*
 * Objects have no labels: a profile keeps its process from whatever it does
 * not name. Asked about are the other process and what only a VM's own
 * profile could ever name.
 */
static bool
separates(const SvirtLabelSet *a, const SvirtLabelSet *b,
          bool *ret_separates, GError **error)
{
    static const struct {
        uint8_t class;
        const char *before; /* the other's name */
        size_t before_size;
        const char *after;
        uint32_t bits;
    } questions[] = {
        { SVIRT_CLASS_SIGNAL, "\x09", 1, "", SVIRT_PROFILE_SIGNAL_SEND },
        { SVIRT_CLASS_PTRACE, "", 0, "",
          SVIRT_PROFILE_READ | SVIRT_PROFILE_WRITE },
        { SVIRT_CLASS_FILE, "/", 1, "/disk",
          SVIRT_PROFILE_READ | SVIRT_PROFILE_WRITE },
    };
    const SvirtApparmor *apparmor;
    bool kept = true;

    if (a->vmm == NULL || b->vmm == NULL ||
        strcmp(a->vmm, UNCONFINED) == 0) {
        *ret_separates = false;
        return true;
    }
    if (!svirt_apparmor_need(&apparmor, error) ||
        !keeps_anything(apparmor, a->vmm, &kept, error)) {
        return false;
    }
    for (size_t i = 0; kept && i < G_N_ELEMENTS(questions); i++) {
        g_autoptr(GString) key = g_string_new(NULL);

        g_string_append_c(key, (char)questions[i].class);
        g_string_append_len(key, questions[i].before,
                            (gssize)questions[i].before_size);
        g_string_append(key, b->vmm);
        g_string_append(key, questions[i].after);
        if (!keeps(apparmor, a->vmm, key, questions[i].bits, &kept, error)) {
            return false;
        }
    }
    *ret_separates = kept;
    return true;
}

const SvirtModel svirt_model_apparmor = {
    .kind = SVIRT_MODEL_APPARMOR,
    .labels_objects = false,
    .labels_processes = true,
    .process = {
        .path = "attr/apparmor/exec",
        .fallback = "attr/exec",
        .prefix = "exec ",
    },
    .probe = probe,
    .read_label = svirt_no_labels_read,
    .write_label = svirt_no_labels_write,
    .labels_equal = svirt_no_labels_equal,
    .validate = svirt_no_labels_validate,
    .derive = derive,
    .load = load,
    .unload = unload,
    .read_process = read_process,
    .is_enforcing = is_enforcing,
    .separates = separates,
};
