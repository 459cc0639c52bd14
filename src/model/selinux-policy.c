/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/selinux-policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define CONFIG_BYTES 16384

/* svirt.cil's, without a range. */
#define OWN_KEEPER "system_u:system_r:svirt_keeper_t"
#define OWN_VMM "system_u:system_r:svirt_vm_t"
#define OWN_EMULATED "system_u:system_r:svirt_vm_tcg_t"
#define OWN_MONITOR "system_u:system_r:svirt_monitor_t"
#define OWN_HELPER "system_u:system_r:svirt_helper_t"
#define OWN_IMAGE "system_u:object_r:svirt_vm_image_t"
#define OWN_CONTENT "system_u:object_r:svirt_vm_content_t"

#define HINT_MODULE "install svirt's module: svirt policy install-selinux"

void
svirt_selinux_types_free(SvirtSelinuxTypes *types)
{
    if (types == NULL) {
        return;
    }
    svirt_context_free(types->vmm);
    svirt_context_free(types->emulated);
    svirt_context_free(types->monitor);
    svirt_context_free(types->helper);
    svirt_context_free(types->image);
    svirt_context_free(types->content);
    g_free(types);
}

bool
svirt_selinux_policy_name(const SvirtSelinux *selinux,
                          char ret[SVIRT_SELINUX_NAME_BYTES], GError **error)
{
    int etc = selinux->etc;
    g_autofree char *text = g_malloc(CONFIG_BYTES);
    g_auto(GStrv) lines = NULL;

    ret[0] = '\0';
    if (etc < 0 ||
        svirt_read_small(etc, "config", text, CONFIG_BYTES) < 0) {
        return true;
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        const char *value = g_strstrip(*line);

        if (!g_str_has_prefix(value, "SELINUXTYPE=")) {
            continue;
        }
        value += strlen("SELINUXTYPE=");
        if (strlen(value) >= SVIRT_SELINUX_NAME_BYTES ||
            strchr(value, '/') != NULL || value[0] == '.' ||
            value[0] == '\0') {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "set SELINUXTYPE=default, or as installed",
                               "/etc/selinux/config: '%.64s' is no policy",
                               value);
        }
        (void)g_strlcpy(ret, value, SVIRT_SELINUX_NAME_BYTES);
    }
    return true;
}

/* The lines of a contexts file that are not empty; NULL: no such file. */
static char **
read_lines(int etc, const char *policy, const char *file)
{
    g_autofree char *path =
        g_strdup_printf("%s/contexts/%s", policy, file);
    g_autofree char *text = g_malloc(CONFIG_BYTES);
    g_auto(GStrv) all = NULL;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    if (etc < 0 || policy[0] == '\0' ||
        svirt_read_small(etc, path, text, CONFIG_BYTES) < 0) {
        return NULL;
    }
    all = g_strsplit(text, "\n", -1);
    for (char **line = all; *line != NULL; line++) {
        if (g_strstrip(*line)[0] != '\0' && (*line)[0] != '#') {
            g_ptr_array_add(lines, g_strdup(*line));
        }
    }
    if (lines->len == 0) {
        return NULL;
    }
    g_ptr_array_add(lines, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&lines), FALSE);
}

/* A context of a file, known to the loaded policy. */
static bool
take_context(const SvirtSelinux *selinux, const char *text,
             SvirtContext **ret, GError **error)
{
    bool known;

    if (!svirt_selinux_knows(selinux, text, &known, error)) {
        return false;
    }
    if (!known) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, HINT_MODULE,
                           "the loaded SELinux policy does not know '%.128s', "
                           "which its files name for VMs", text);
    }
    return svirt_context_parse(text, ret, error);
}

static bool
read_files(const SvirtSelinux *selinux, SvirtSelinuxTypes *types,
           GError **error)
{
    char policy[SVIRT_SELINUX_NAME_BYTES];
    g_auto(GStrv) domain = NULL;
    g_auto(GStrv) image = NULL;

    if (!svirt_selinux_policy_name(selinux, policy, error)) {
        return false;
    }
    domain = read_lines(selinux->etc, policy, "virtual_domain_context");
    image = read_lines(selinux->etc, policy, "virtual_image_context");
    if (domain == NULL || image == NULL) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, HINT_MODULE,
                           "SELinux policy '%s' has no types for VMs",
                           policy);
    }
    /* Line 2 of the first is for emulation, of the second for content. */
    return take_context(selinux, domain[0], &types->vmm, error) &&
           take_context(selinux, domain[1] != NULL ? domain[1] : domain[0],
                        &types->emulated, error) &&
           take_context(selinux, image[0], &types->image, error) &&
           take_context(selinux, image[1] != NULL ? image[1] : image[0],
                        &types->content, error);
}

static bool
take_own(const SvirtSelinuxTypes *types, const char *text,
         SvirtContext **ret, GError **error)
{
    g_autofree char *full =
        g_strconcat(text, types->mls ? ":s0" : "", NULL);

    return svirt_context_parse(full, ret, error);
}

static bool
has_module(const SvirtSelinux *selinux, const SvirtSelinuxTypes *types,
           bool *ret, GError **error)
{
    return svirt_selinux_knows(selinux, types->mls ? OWN_VMM ":s0" : OWN_VMM,
                               ret, error);
}

bool
svirt_selinux_types_read(const SvirtSelinux *selinux, SvirtSelinuxTypes **ret,
                         GError **error)
{
    g_autoptr(SvirtSelinuxTypes) types = g_new0(SvirtSelinuxTypes, 1);

    if (!svirt_selinux_flag(selinux, "mls", &types->mls, error) ||
        !has_module(selinux, types, &types->own, error)) {
        return false;
    }
    if (types->own
            ? !take_own(types, OWN_VMM, &types->vmm, error) ||
              !take_own(types, OWN_EMULATED, &types->emulated, error) ||
              !take_own(types, OWN_MONITOR, &types->monitor, error) ||
              !take_own(types, OWN_HELPER, &types->helper, error) ||
              !take_own(types, OWN_IMAGE, &types->image, error) ||
              !take_own(types, OWN_CONTENT, &types->content, error)
            : !read_files(selinux, types, error)) {
        return false;
    }
    *ret = g_steal_pointer(&types);
    return true;
}

/* user:role of `base`, `type`, and one level, if contexts have levels. */
static char *
make(const SvirtSelinuxTypes *types, const SvirtContext *base,
     const char *type, const SvirtLevelRange *range)
{
    g_autoptr(SvirtContext) context = NULL;

    if (base == NULL) {
        return NULL;
    }
    context = svirt_context_copy(base);
    if (type != NULL) {
        g_free(context->type);
        context->type = g_strdup(type);
    }
    context->has_range = types->mls && (range != NULL || base->has_range);
    if (range != NULL) {
        context->range = *range;
    }
    return svirt_context_format(context);
}

static bool
derive_given(const SvirtSelinuxTypes *types, const SvirtLabelSeed *seed,
             SvirtLabelSet *set, GError **error)
{
    g_autoptr(SvirtContext) given = NULL;
    const SvirtLevelRange *range;

    if (!svirt_context_parse(seed->given, &given, error)) {
        return false;
    }
    range = given->has_range ? &given->range : NULL;
    set->vmm = svirt_context_format(given);
    set->image = make(types, types->image, NULL, range);
    set->monitor = make(types, types->monitor, NULL, range);
    set->helper = make(types, types->helper, NULL, range);
    return true;
}

static bool
derive_own(const SvirtSelinuxTypes *types, const SvirtLabelSeed *seed,
           SvirtLabelSet *set, GError **error)
{
    const SvirtContext *domain =
        seed->emulated ? types->emulated : types->vmm;
    SvirtLevel level = { .categories = *seed->categories };
    g_autoptr(SvirtContext) base = NULL;
    SvirtLevelRange range;

    if (seed->base != NULL &&
        !svirt_context_parse(seed->base, &base, error)) {
        return false;
    }
    level.sensitivity =
        domain->has_range ? domain->range.low.sensitivity : 0;
    range = (SvirtLevelRange){ .low = level, .high = level };
    set->vmm = make(types, domain, base != NULL ? base->type : NULL, &range);
    set->image = make(types, types->image, NULL, &range);
    set->monitor = make(types, types->monitor, NULL, &range);
    set->helper = make(types, types->helper, NULL, &range);
    return true;
}

bool
svirt_selinux_derive(const SvirtSelinuxTypes *types,
                     const SvirtLabelSeed *seed, SvirtLabelSet *ret,
                     GError **error)
{
    SvirtLabelSet set = { NULL };

    if (seed->given != NULL ? !derive_given(types, seed, &set, error)
                            : !derive_own(types, seed, &set, error)) {
        return false;
    }
    set.socket = g_strdup(set.vmm);
    /* Without categories, as the policy has them: every VM's. */
    set.shared = make(types, types->image, NULL, NULL);
    set.content = make(types, types->content, NULL, NULL);
    *ret = set;
    return true;
}

/* May a VM's context have all of `range`? */
static bool
knows_range(const SvirtSelinux *selinux, const SvirtSelinuxTypes *types,
            SvirtCategoryRange range, bool *ret, GError **error)
{
    SvirtLevelRange levels = { .low = { .sensitivity = 0 } };
    g_autofree char *text = NULL;

    levels.low.sensitivity =
        types->vmm->has_range ? types->vmm->range.low.sensitivity : 0;
    svirt_category_set_add_range(&levels.low.categories, range.first,
                                 range.last);
    levels.high = levels.low;
    text = make(types, types->vmm, NULL, &levels);
    return svirt_selinux_knows(selinux, text, ret, error);
}

static bool
knows_category(const SvirtSelinux *selinux, const SvirtSelinuxTypes *types,
               unsigned category, bool *ret, GError **error)
{
    const SvirtCategoryRange one = { category, category };

    return knows_range(selinux, types, one, ret, error);
}

/* The SELinux user's range need not begin at c0, nor be without a hole: the
 * longest run is the one that counts, the first of equal ones. */
static bool
longest_run(const SvirtSelinux *selinux, const SvirtSelinuxTypes *types,
            SvirtCategoryRange *ret, bool *ret_any, GError **error)
{
    unsigned longest = 0;
    unsigned length = 0;

    for (unsigned i = 0; i < SVIRT_CATEGORY_MAX; i++) {
        bool there;

        if (!knows_category(selinux, types, i, &there, error)) {
            return false;
        }
        length = there ? length + 1 : 0;
        if (length > longest) {
            longest = length;
            *ret = (SvirtCategoryRange){ i + 1 - length, i };
        }
    }
    *ret_any = longest > 0;
    return true;
}

/* From c0 on, asked ten times instead of a thousand; *ret_there: it is so. */
static bool
run_from_zero(const SvirtSelinux *selinux, const SvirtSelinuxTypes *types,
              SvirtCategoryRange *ret, bool *ret_there, GError **error)
{
    unsigned known = 0;
    unsigned unknown = SVIRT_CATEGORY_MAX;

    while (unknown - known > 1) {
        unsigned middle = known + (unknown - known) / 2;
        bool there;

        if (!knows_category(selinux, types, middle, &there, error)) {
            return false;
        }
        *(there ? &known : &unknown) = middle;
    }
    *ret = (SvirtCategoryRange){ 0, known };
    return knows_range(selinux, types, *ret, ret_there, error);
}

bool
svirt_selinux_category_range(const SvirtSelinux *selinux,
                             const SvirtSelinuxTypes *types,
                             SvirtCategoryRange *ret, GError **error)
{
    const SvirtCategoryRange all = { 0, SVIRT_CATEGORY_MAX - 1 };
    SvirtCategoryRange found = all;
    bool there = true;

    if (types->mls &&
        (!knows_range(selinux, types, all, &there, error) ||
         (!there &&
          !run_from_zero(selinux, types, &found, &there, error)) ||
         (!there && !longest_run(selinux, types, &found, &there, error)))) {
        return false;
    }
    if (!there) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "give the range of the SELinux user 'system_u' "
                           "categories (semanage user), or install svirt's "
                           "module: svirt policy install-selinux",
                           "the loaded SELinux policy lets VMs have no "
                           "category");
    }
    *ret = found;
    return true;
}

static bool
is_allowed(const SvirtSelinux *selinux, const char *source,
           const char *target, const char *class,
           const char *const *permissions, bool *ret, GError **error)
{
    SvirtSelinuxDecision decision;
    g_autoptr(GError) problem = NULL;
    uint32_t wanted;

    *ret = false;
    if (svirt_selinux_ask(selinux, source, target, class, permissions,
                          &decision, &wanted, &problem)) {
        *ret = decision.permissive || (decision.allowed & wanted) == wanted;
        return true;
    }
    /* A policy older than the class, or than the context. */
    if (g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND) ||
        g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_INVALID)) {
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

bool
svirt_selinux_may_start(const SvirtSelinux *selinux,
                        const SvirtSelinuxTypes *types, const char *own,
                        const char *label, bool *ret_may, GError **error)
{
    static const char *const transition[] = { "transition", NULL };
    static const char *const confined[] = { "nnp_transition",
                                            "nosuid_transition", NULL };
    const char *keeper = types->mls ? OWN_KEEPER ":s0" : OWN_KEEPER;
    const char *source = types->own ? keeper : own;

    return is_allowed(selinux, source, label, "process", transition, ret_may,
                      error) &&
           (!*ret_may || is_allowed(selinux, source, label, "process2",
                                    confined, ret_may, error));
}
