/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/image-lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

static const struct {
    const char *name;
    SvirtImageLock first;
    SvirtImageLock second;
    bool together;
} rows[] = {
    { "two-readers", SVIRT_IMAGE_LOCK_READ, SVIRT_IMAGE_LOCK_READ, true },
    { "two-sharers", SVIRT_IMAGE_LOCK_SHARED, SVIRT_IMAGE_LOCK_SHARED, true },
    { "writer-excludes-writer", SVIRT_IMAGE_LOCK_EXCLUSIVE,
      SVIRT_IMAGE_LOCK_EXCLUSIVE, false },
    { "writer-excludes-base", SVIRT_IMAGE_LOCK_EXCLUSIVE,
      SVIRT_IMAGE_LOCK_READ, false },
    { "base-excludes-writer", SVIRT_IMAGE_LOCK_READ,
      SVIRT_IMAGE_LOCK_EXCLUSIVE, false },
    { "sharer-excludes-writer", SVIRT_IMAGE_LOCK_SHARED,
      SVIRT_IMAGE_LOCK_EXCLUSIVE, false },
    { "sharer-excludes-base", SVIRT_IMAGE_LOCK_SHARED, SVIRT_IMAGE_LOCK_READ,
      false },
};

static void
make_image(char *path, int *first, int *second)
{
    int fd = g_mkstemp(path);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, 1 << 20), ==, 0);
    svirt_fd_close(&fd);
    *first = open(path, O_RDONLY | O_CLOEXEC);
    *second = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(*second, >=, 0);
    g_assert_cmpint(unlink(path), ==, 0);
}

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    char path[] = "/tmp/svirt-lock-XXXXXX";
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD first = -1;
    SVIRT_AUTO_FD second = -1;

    make_image(path, &first, &second);
    g_assert_true(svirt_image_lock_take(first, rows[row].first, "a", &error));
    g_assert_no_error(error);
    g_assert_cmpint(
        svirt_image_lock_take(second, rows[row].second, "a", &error), ==,
        rows[row].together);
    if (!rows[row].together) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    }
}

/* The last copy of the description keeps it: keeper or VMM, whoever lives. */
static void
test_lives_as_long_as_a_copy(void)
{
    char path[] = "/tmp/svirt-lock-XXXXXX";
    SVIRT_AUTO_FD first = -1;
    SVIRT_AUTO_FD second = -1;
    SVIRT_AUTO_FD copy = -1;

    make_image(path, &first, &second);
    g_assert_true(svirt_image_lock_take(first, SVIRT_IMAGE_LOCK_EXCLUSIVE, "a",
                                        NULL));
    copy = dup(first);
    svirt_fd_close(&first);
    g_assert_false(svirt_image_lock_take(second, SVIRT_IMAGE_LOCK_EXCLUSIVE,
                                         "a", NULL));
    svirt_fd_close(&copy);
    g_assert_true(svirt_image_lock_take(second, SVIRT_IMAGE_LOCK_EXCLUSIVE,
                                        "a", NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/hypervisor/image-lock/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/hypervisor/image-lock/lives-as-long-as-a-copy",
                    test_lives_as_long_as_a_copy);
    return g_test_run();
}
