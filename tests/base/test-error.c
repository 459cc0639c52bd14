/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <errno.h>

static void
test_chain_is_rendered(void)
{
    g_autoptr(GError) inner = NULL;
    g_autoptr(GError) outer = NULL;
    g_autofree char *text = NULL;

    svirt_raise_errno(&inner, EACCES, "give the author access",
                      "cannot open '%s'", "/a");
    svirt_raise(&outer, SVIRT_ERROR_REFUSED, g_steal_pointer(&inner), NULL,
                "disk '%s' of '%s'", "vda", "web");
    text = svirt_error_render(outer);
    g_assert_cmpstr(text, ==,
                    "error: disk 'vda' of 'web'\n"
                    "  caused by: cannot open '/a'\n"
                    "  caused by: Permission denied\n"
                    "  hint: give the author access\n");
    g_assert_cmpint(svirt_error_exit_code(outer), ==, SVIRT_ERROR_REFUSED);
}

/* What a guest or a file says reaches the administrator's terminal. */
static void
test_rendered_text_steers_no_terminal(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    svirt_raise(&error, SVIRT_ERROR_REFUSED,
                g_error_new(SVIRT_ERROR, 1,
                            "\033]0;x\a a\nb\r \302\233 \342\200\256 \377 \303\251"),
                "a\033[2Jb", "QEMU refuses '%s'", "\177");
    text = svirt_error_render(error);
    g_assert_cmpstr(text, ==,
                    "error: QEMU refuses '?'\n"
                    "  caused by: ?]0;x? a?b? ? ? \357\277\275 \303\251\n"
                    "  hint: a?[2Jb\n");
}

static void
test_copy_is_deep(void)
{
    g_autoptr(GError) inner = NULL;
    g_autoptr(GError) copy = NULL;

    svirt_raise_errno(&inner, ENOENT, "look again", "no '%s'", "x");
    g_assert_cmpint(inner->code, ==, SVIRT_ERROR_NOT_FOUND);
    copy = g_error_copy(inner);
    g_clear_error(&inner);
    g_assert_cmpstr(svirt_error_hint(copy), ==, "look again");
    g_assert_nonnull(svirt_error_cause(copy));
}

static void
test_null_target_is_legal(void)
{
    g_assert_false(svirt_raise(NULL, SVIRT_ERROR_FAILED,
                               g_error_new(SVIRT_ERROR, 1, "x"), NULL, "y"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/error/chain-is-rendered", test_chain_is_rendered);
    g_test_add_func("/base/error/rendered-text-steers-no-terminal",
                    test_rendered_text_steers_no_terminal);
    g_test_add_func("/base/error/copy-is-deep", test_copy_is_deep);
    g_test_add_func("/base/error/null-target-is-legal",
                    test_null_target_is_legal);
    return g_test_run();
}
