/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/header.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "broken.h"

static void
test_format_words(void)
{
    SvirtImageFormat format = SVIRT_IMAGE_FORMAT_QED;

    for (int i = 0; i < SVIRT_IMAGE_FORMAT_MAX; i++) {
        const char *word = svirt_image_format_to_string((SvirtImageFormat)i);

        g_assert_nonnull(word);
        g_assert_true(svirt_image_format_from_string(word, &format));
        g_assert_cmpint(format, ==, i);
        g_assert_true(svirt_image_format_from_libvirt(word, &format));
        g_assert_cmpint(format, ==, i);
    }
    g_assert_true(svirt_image_format_from_libvirt("iso", &format));
    g_assert_cmpint(format, ==, SVIRT_IMAGE_FORMAT_RAW);
    g_assert_false(svirt_image_format_from_string("iso", &format));
    g_assert_false(svirt_image_format_from_libvirt("auto", &format));
    g_assert_false(svirt_image_format_from_libvirt(NULL, &format));
}

static void
test_enum_tables(void)
{
    for (int i = 0; i < SVIRT_IMAGE_ENCRYPTION_MAX; i++) {
        g_assert_nonnull(
            svirt_image_encryption_to_string((SvirtImageEncryption)i));
    }
    for (int i = 0; i < SVIRT_IMAGE_EXTENT_MAX; i++) {
        g_assert_nonnull(
            svirt_image_extent_kind_to_string((SvirtImageExtentKind)i));
    }
    for (int i = 0; i < SVIRT_CHAIN_ROLE_MAX; i++) {
        g_assert_nonnull(svirt_chain_role_to_string((SvirtChainRole)i));
    }
}

static void
refused_check(int fd, SvirtErrorCode code)
{
    for (int i = 0; i < SVIRT_IMAGE_FORMAT_MAX; i++) {
        g_autoptr(SvirtImageHeader) header = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_false(svirt_image_header_read(fd, (SvirtImageFormat)i, "x",
                                               &header, &error));
        g_assert_error(error, SVIRT_ERROR, (int)code);
    }
}

/* A FIFO would block, a character device may act when it is read. */
static void
test_other_kinds_of_file(void)
{
    g_auto(Lab) lab = { 0 };
    g_autofree char *fifo = NULL;
    SVIRT_AUTO_FD fifo_fd = -1;
    SVIRT_AUTO_FD dir_fd = -1;
    SVIRT_AUTO_FD zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    lab_init(&lab);
    fifo = lab_path(&lab, "fifo");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    fifo_fd = open(fifo, O_RDWR | O_CLOEXEC);
    dir_fd = open(lab.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    refused_check(fifo_fd, SVIRT_ERROR_REFUSED);
    refused_check(dir_fd, SVIRT_ERROR_REFUSED);
    refused_check(zero_fd, SVIRT_ERROR_REFUSED);
}

static void
test_write_only_descriptor(void)
{
    g_autoptr(GByteArray) bytes = base_make(BASE_QCOW2_V3);
    g_auto(Lab) lab = { 0 };
    g_autofree char *path = NULL;
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD fd = -1;

    lab_init(&lab);
    lab_write(&lab, "image", bytes->data, bytes->len);
    path = lab_path(&lab, "image");
    fd = open(path, O_WRONLY | O_CLOEXEC);
    g_assert_false(svirt_image_header_read(fd, SVIRT_IMAGE_FORMAT_QCOW2, path,
                                           &header, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
}

/* The largest file this file system holds; 1 PiB where it can. */
static int64_t
enlarge(const char *path)
{
    for (int64_t size = INT64_C(1) << 50; size > 0; size >>= 1) {
        if (truncate(path, size) == 0) {
            return size;
        }
        g_assert_cmpint(errno, ==, EFBIG);
    }
    g_assert_not_reached();
}

static void
test_huge_file_is_read_in_no_time(void)
{
    for (unsigned base = 0; base < BASE_MAX; base++) {
        g_autoptr(GByteArray) bytes = base_make((Base)base);
        g_auto(Lab) lab = { 0 };
        g_autofree char *path = NULL;
        g_autoptr(SvirtImageHeader) header = NULL;
        int64_t start, size;

        lab_init(&lab);
        lab_write(&lab, "image", bytes->data, bytes->len);
        path = lab_path(&lab, "image");
        size = enlarge(path);
        g_assert_cmpint(size, >, INT64_C(1) << 40);
        start = g_get_monotonic_time();
        /* Those with a trailer are no longer what they were. */
        (void)lab_read(&lab, "image", base_format((Base)base), &header, NULL);
        g_assert_cmpint(g_get_monotonic_time() - start, <, G_USEC_PER_SEC);
        if (base == BASE_LUKS) {
            g_assert_cmpuint(header->virtual_size_bytes, ==,
                             (uint64_t)size - 2048);
        }
    }
}

static void
test_descriptor_offset_is_left_alone(void)
{
    g_autoptr(GByteArray) bytes = base_make(BASE_QCOW2_V3);
    g_auto(Lab) lab = { 0 };
    g_autofree char *path = NULL;
    g_autoptr(SvirtImageHeader) header = NULL;
    SVIRT_AUTO_FD fd = -1;

    lab_init(&lab);
    lab_write(&lab, "image", bytes->data, bytes->len);
    path = lab_path(&lab, "image");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(lseek(fd, 77, SEEK_SET), ==, 77);
    g_assert_true(svirt_image_header_read(fd, SVIRT_IMAGE_FORMAT_QCOW2, path,
                                          &header, NULL));
    g_assert_cmpint(lseek(fd, 0, SEEK_CUR), ==, 77);
}

/* The guess names each format, but decides nothing. */
static void
test_looks_like(gconstpointer number)
{
    Base base = (Base)GPOINTER_TO_UINT(number);
    g_autoptr(GByteArray) bytes = base_make(base);
    g_auto(Lab) lab = { 0 };
    g_autofree char *path = NULL;
    g_autoptr(SvirtImageHeader) header = NULL;
    SvirtImageFormat looks = SVIRT_IMAGE_FORMAT_MAX;
    SVIRT_AUTO_FD fd = -1;

    lab_init(&lab);
    lab_write(&lab, "image", bytes->data, bytes->len);
    path = lab_path(&lab, "image");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_true(svirt_image_raw_looks_like(fd, path, &looks, NULL));
    g_assert_cmpint(looks, ==, base_format(base));
    g_assert_true(svirt_image_header_read(fd, SVIRT_IMAGE_FORMAT_RAW, path,
                                          &header, NULL));
    g_assert_null(header->backing_name);
    g_assert_null(header->data_file_name);
    g_assert_null(header->extents);
    g_assert_cmpuint(header->virtual_size_bytes, ==, bytes->len);
}

static void
test_raw_looks_like_raw(void)
{
    g_auto(Lab) lab = { 0 };
    g_autofree char *path = NULL;
    SvirtImageFormat looks = SVIRT_IMAGE_FORMAT_MAX;
    SVIRT_AUTO_FD fd = -1;

    lab_init(&lab);
    lab_write(&lab, "image", "abc", 3);
    path = lab_path(&lab, "image");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_true(svirt_image_raw_looks_like(fd, path, &looks, NULL));
    g_assert_cmpint(looks, ==, SVIRT_IMAGE_FORMAT_RAW);
}

static SvirtImageHeader *
example_header(void)
{
    SvirtImageHeader *header = svirt_image_header_new(SVIRT_IMAGE_FORMAT_QCOW2);

    header->version = 3;
    header->backing_name = g_strdup("base.qcow2");
    header->backing_format_known = true;
    header->backing_format = SVIRT_IMAGE_FORMAT_QCOW2;
    header->data_file = true;
    header->data_file_name = g_strdup("d.raw");
    svirt_image_header_add_extent(header, SVIRT_IMAGE_EXTENT_FLAT,
                                  g_strdup("e0"));
    svirt_image_header_add_extent(header, SVIRT_IMAGE_EXTENT_FLAT,
                                  g_strdup("e1"));
    return header;
}

static void
difference_check(SvirtImageHeader *changed, const char *want)
{
    g_autoptr(SvirtImageHeader) recorded = example_header();
    g_autofree char *text =
        svirt_image_header_describe_difference(recorded, changed);

    g_assert_cmpstr(text, ==, want);
    g_assert_cmpint(svirt_image_header_equal(recorded, changed), ==,
                    want == NULL);
    svirt_image_header_free(changed);
}

static void
test_difference_names_what_changed(void)
{
    SvirtImageHeader *header = example_header();

    difference_check(header, NULL);
    header = example_header();
    g_free(header->backing_name);
    header->backing_name = g_strdup("/etc/shadow");
    difference_check(header,
                     "backing file was 'base.qcow2', is now '/etc/shadow'");
    header = example_header();
    g_clear_pointer(&header->backing_name, g_free);
    difference_check(header, "backing file was 'base.qcow2', is now none; "
                             "backing format was 'qcow2', is now none");
    header = example_header();
    header->backing_format = SVIRT_IMAGE_FORMAT_RAW;
    difference_check(header, "backing format was 'qcow2', is now 'raw'");
    header = example_header();
    header->data_file_name[0] = '\n';
    difference_check(header, "data file was 'd.raw', is now '\\x0a.raw'");
    header = example_header();
    header->data_file_raw = true;
    difference_check(header, "data file layout was 'of its own layout', is "
                             "now 'raw'");
    header = example_header();
    header->encryption = SVIRT_IMAGE_ENCRYPTION_LUKS;
    difference_check(header, "encryption was 'none', is now 'luks'");
    header = example_header();
    svirt_image_header_add_extent(header, SVIRT_IMAGE_EXTENT_FLAT,
                                  g_strdup("e2"));
    difference_check(header, "extent 2 was none, is now 'e2'");
    header = example_header();
    ((SvirtImageExtent *)header->extents->pdata[1])->kind =
        SVIRT_IMAGE_EXTENT_SPARSE;
    difference_check(header, "kind of extent 1 was 'FLAT', is now 'SPARSE'");
}

/* A resize, a snapshot, a crash: the VM starts all the same. */
static void
test_harmless_changes_are_equal(void)
{
    SvirtImageHeader *header = example_header();

    header->version = 2;
    header->virtual_size_bytes = 5;
    header->dirty = true;
    header->corrupt = true;
    header->compatible_features = 1;
    header->autoclear_features = 1;
    difference_check(header, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/format/words", test_format_words);
    g_test_add_func("/image/header/enum-tables", test_enum_tables);
    g_test_add_func("/image/header/refuses-other-kinds-of-file",
                    test_other_kinds_of_file);
    g_test_add_func("/image/header/fails-on-write-only-descriptor",
                    test_write_only_descriptor);
    g_test_add_func("/image/header/huge-file-is-read-in-no-time",
                    test_huge_file_is_read_in_no_time);
    g_test_add_func("/image/header/descriptor-offset-is-left-alone",
                    test_descriptor_offset_is_left_alone);
    for (unsigned i = 0; i < BASE_MAX; i++) {
        g_autofree char *path =
            g_strdup_printf("/image/format/looks-like/%s", base_name((Base)i));

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_looks_like);
    }
    g_test_add_func("/image/format/looks-like/raw", test_raw_looks_like_raw);
    g_test_add_func("/image/header/difference-names-what-changed",
                    test_difference_names_what_changed);
    g_test_add_func("/image/header/harmless-changes-are-equal",
                    test_harmless_changes_are_equal);
    return g_test_run();
}
