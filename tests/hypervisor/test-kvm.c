/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/kvm.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"

static void
assert_said(const GError *error, const char *what)
{
    g_autofree char *text = svirt_error_render(error);

    g_assert_cmpint(error->code, ==, SVIRT_ERROR_UNSUPPORTED);
    if (strstr(text, what) == NULL) {
        g_error("'%s' is not in: %s", what, text);
    }
}

static void
test_missing(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(svirt_kvm_check_node("/no/such/kvm", &error));
    assert_said(error, "it is not there");
}

/* A node that exists, opens, and is no KVM. */
static void
test_another_device(void)
{
    g_autofree char *dir = g_dir_make_tmp("svirt-kvm-XXXXXX", NULL);
    g_autofree char *node = g_build_filename(dir, "kvm", NULL);
    g_autoptr(GError) error = NULL;

    if (mknod(node, S_IFCHR | 0600, makedev(1, 3)) < 0) {
        g_test_skip("cannot make a node: not root");
    } else {
        g_assert_false(svirt_kvm_check_node(node, &error));
        assert_said(error, "(1:3, not 10:232)");
    }
    (void)g_unlink(node);
    (void)g_rmdir(dir);
}

static void
hangs(const char *node, SvirtKvmStep *step)
{
    *step = SVIRT_KVM_RUN;
    for (;;) {
        (void)pause();
    }
}

static void
test_a_hang_ends(void)
{
    g_autoptr(GError) error = NULL;
    gint64 before = g_get_monotonic_time();

    g_assert_false(svirt_kvm_bounded(hangs, "/dev/kvm", 100, &error));
    assert_said(error, "its virtual CPU does not run within 100 ms");
    /* Far above what a loaded machine needs, far below for ever. */
    g_assert_cmpint(g_get_monotonic_time() - before, <, 20 * G_USEC_PER_SEC);
}

static void
crashes(const char *node, SvirtKvmStep *step)
{
    *step = SVIRT_KVM_VM;
    _exit(1);
}

static void
refuses(const char *node, SvirtKvmStep *step)
{
    *step = SVIRT_KVM_VM;
    errno = EBUSY;
}

static void
works(const char *node, SvirtKvmStep *step)
{
    *step = SVIRT_KVM_DONE;
}

static void
test_the_step_is_named(void)
{
    g_autoptr(GError) refused = NULL;
    g_autoptr(GError) crashed = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(svirt_kvm_bounded(refuses, "/dev/kvm", 5000, &refused));
    assert_said(refused, "it makes no VM");
    assert_said(refused, g_strerror(EBUSY));
    g_assert_false(svirt_kvm_bounded(crashes, "/dev/kvm", 5000, &crashed));
    assert_said(crashed, "it makes no VM");
    g_assert_true(svirt_kvm_bounded(works, "/dev/kvm", 5000, &error));
    g_assert_no_error(error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hypervisor/kvm/missing-node", test_missing);
    g_test_add_func("/hypervisor/kvm/another-device", test_another_device);
    g_test_add_func("/hypervisor/kvm/a-hang-ends", test_a_hang_ends);
    g_test_add_func("/hypervisor/kvm/the-step-is-named",
                    test_the_step_is_named);
    return g_test_run();
}
