/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

void
lab_init(Lab *lab)
{
    lab->dir = g_dir_make_tmp("svirt-image-XXXXXX", NULL);
    g_assert_nonnull(lab->dir);
}

/* One level: tests make no directories below those they name "sub". */
static void
directory_empty(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    if (dir == NULL) {
        return;
    }
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) &&
            !g_file_test(child, G_FILE_TEST_IS_SYMLINK)) {
            directory_empty(child);
            g_assert_cmpint(rmdir(child), ==, 0);
        } else {
            g_assert_cmpint(unlink(child), ==, 0);
        }
    }
    g_dir_close(dir);
}

void
lab_clear(Lab *lab)
{
    directory_empty(lab->dir);
    g_assert_cmpint(rmdir(lab->dir), ==, 0);
    g_clear_pointer(&lab->dir, g_free);
}

char *
lab_path(const Lab *lab, const char *name)
{
    return g_build_filename(lab->dir, name, NULL);
}

void
lab_write(const Lab *lab, const char *name, const void *bytes, size_t size)
{
    g_autofree char *path = lab_path(lab, name);
    SVIRT_AUTO_FD fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(svirt_write_full(fd, bytes, size));
}

void
lab_patch(const Lab *lab, const char *name, int64_t offset, const void *bytes,
          size_t size)
{
    g_autofree char *path = lab_path(lab, name);
    SVIRT_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, bytes, size, offset), ==, (ssize_t)size);
}

bool
lab_skips_without_qemu_img(void)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");

    if (program == NULL) {
        g_test_skip("qemu-img is not installed");
        return true;
    }
    return false;
}

/*
 * Making a LUKS header times a key derivation; on a busy machine with coarse
 * CPU accounting that fails now and then, and works when tried again.
 */
#define TIMING_FAILED "Unable to get accurate CPU usage"
#define TIMING_TRIES 100

static char *
qemu_img_run(const Lab *lab, const char *arguments)
{
    g_autofree char *command = g_strconcat("qemu-img ", arguments, NULL);
    g_auto(GStrv) argv = NULL;

    g_assert_true(g_shell_parse_argv(command, NULL, &argv, NULL));
    for (int tried = 0;; tried++) {
        g_autofree char *errors = NULL;
        g_autofree char *output = NULL;
        g_autoptr(GError) error = NULL;
        int status;

        g_spawn_sync(lab->dir, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                     &output, &errors, &status, &error);
        g_assert_no_error(error);
        if (g_spawn_check_wait_status(status, NULL)) {
            return g_steal_pointer(&output);
        }
        if (strstr(errors, TIMING_FAILED) == NULL || tried >= TIMING_TRIES) {
            g_error("%s: %s", command, errors);
        }
    }
}

void
lab_qemu_img(const Lab *lab, const char *format, ...)
{
    g_autofree char *arguments = NULL;
    g_autofree char *output = NULL;
    va_list args;

    va_start(args, format);
    arguments = g_strdup_vprintf(format, args);
    va_end(args);
    output = qemu_img_run(lab, arguments);
}

char *
lab_qemu_img_output(const Lab *lab, const char *format, ...)
{
    g_autofree char *arguments = NULL;
    va_list args;

    va_start(args, format);
    arguments = g_strdup_vprintf(format, args);
    va_end(args);
    return qemu_img_run(lab, arguments);
}

bool
lab_read(const Lab *lab, const char *name, SvirtImageFormat format,
         SvirtImageHeader **ret, GError **error)
{
    g_autofree char *path = lab_path(lab, name);
    SVIRT_AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    return svirt_image_header_read(fd, format, path, ret, error);
}

void
lab_opens_init(LabOpens *opens)
{
    opens->paths = g_ptr_array_new_with_free_func(g_free);
}

void
lab_opens_clear(LabOpens *opens)
{
    g_clear_pointer(&opens->paths, g_ptr_array_unref);
}

bool
lab_opener(void *cookie, const char *path, SvirtChainRole role, unsigned index,
           SvirtChainOpened *ret, GError **error)
{
    LabOpens *opens = cookie;
    g_autofree char *identity = NULL;
    struct stat st;
    SVIRT_AUTO_FD fd = -1;

    if (opens != NULL) {
        g_ptr_array_add(opens->paths, g_strdup(path));
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot open '%s'", path);
    }
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    identity = g_strdup_printf("%lu:%lu", (unsigned long)st.st_dev,
                               (unsigned long)st.st_ino);
    *ret = (SvirtChainOpened){
        .fd = svirt_fd_steal(&fd),
        .identity = g_bytes_new(identity, strlen(identity)),
        .device = st.st_dev,
        .inode = st.st_ino,
    };
    return true;
}
