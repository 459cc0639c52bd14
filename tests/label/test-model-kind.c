/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "label/model-kind.h"
#include "label/seclabel.h"

static void
test_every_model_has_a_word(void)
{
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const char *word = svirt_model_kind_to_string((SvirtModelKind)i);
        SvirtModelKind back;

        g_assert_nonnull(word);
        g_assert_true(svirt_model_kind_from_string(word, &back));
        g_assert_cmpuint(back, ==, i);
    }
}

static void
test_every_seclabel_type_has_a_word(void)
{
    for (unsigned i = 0; i < SVIRT_SECLABEL_MAX; i++) {
        const char *word =
            svirt_seclabel_type_to_string((SvirtSeclabelType)i);
        SvirtSeclabelType back;

        g_assert_nonnull(word);
        g_assert_true(svirt_seclabel_type_from_string(word, &back));
        g_assert_cmpuint(back, ==, i);
    }
}

static void
test_unknown_words_are_refused(void)
{
    SvirtModelKind model = SVIRT_MODEL_TEST;

    g_assert_false(svirt_model_kind_from_string("SELinux", &model));
    g_assert_false(svirt_model_kind_from_string("", &model));
    g_assert_cmpuint(model, ==, SVIRT_MODEL_TEST);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/label/model-kind/every-model-has-a-word",
                    test_every_model_has_a_word);
    g_test_add_func("/label/model-kind/every-seclabel-type-has-a-word",
                    test_every_seclabel_type_has_a_word);
    g_test_add_func("/label/model-kind/unknown-words-are-refused",
                    test_unknown_words_are_refused);
    return g_test_run();
}
