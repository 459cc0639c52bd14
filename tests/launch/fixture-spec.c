/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture-spec.h"

#include "base/fd.h"

typedef struct Case {
    SvirtLaunchSpec *(*make)(void);
    const FixtureMutation *mutation;
} Case;

const SvirtLaunchSpec *
fixture_spec_map(const SvirtLaunchSpec *spec, const char **ret_why)
{
    SVIRT_AUTO_FD fd = svirt_spec_seal(spec);

    g_assert_cmpint(fd, >=, 0);
    return svirt_spec_map(fd, ret_why);
}

static void
test_mutation(gconstpointer data)
{
    const Case *one = data;
    SvirtLaunchSpec *spec = one->make();
    const SvirtLaunchSpec *view;
    const char *why = NULL;

    one->mutation->change(spec);
    view = fixture_spec_map(spec, &why);
    g_assert_cmpstr(why, ==, one->mutation->why);
    g_assert_true((view != NULL) == (why == NULL));
    svirt_spec_unmap(view);
    svirt_spec_free(spec);
}

void
fixture_spec_mutations(const char *prefix, SvirtLaunchSpec *(*make)(void),
                       const FixtureMutation *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", prefix, rows[i].name);
        Case *one = g_new(Case, 1);

        *one = (Case){ make, &rows[i] };
        g_test_add_data_func_full(path, one, test_mutation, g_free);
    }
}
