/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest may have done to its images between two runs. */
#include "image/chain.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "lab.h"

/* base.raw <- middle <- top, and top's data file d.raw; all by qemu-img. */
typedef struct Recorded {
    Lab lab;
    SvirtChain *chain; /* owned */
} Recorded;

static void
recorded_init(Recorded *recorded, const char *create, SvirtImageFormat format)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    SvirtChainRequest request;

    lab_init(&recorded->lab);
    lab_qemu_img(&recorded->lab, "create -q -f raw base.raw 4M");
    lab_qemu_img(&recorded->lab, "create -q -f vmdk base.vmdk 4M");
    lab_qemu_img(&recorded->lab,
                 "create -q -f qcow2 -b base.raw -F raw middle");
    lab_qemu_img(&recorded->lab, "create -q %s", create);
    path = lab_path(&recorded->lab, "top");
    request = (SvirtChainRequest){ .path = path, .format = format };
    svirt_chain_resolve(&request, lab_opener, NULL, &recorded->chain, &error);
    g_assert_no_error(error);
}

static void
recorded_clear(Recorded *recorded)
{
    svirt_chain_free(recorded->chain);
    lab_clear(&recorded->lab);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recorded, recorded_clear)

#define OVERLAY "-f qcow2 -b middle -F qcow2 top"

/* Every path asked for is a recorded one, in order. */
static void
opens_check(const LabOpens *opens, const SvirtChain *chain)
{
    g_assert_cmpuint(opens->paths->len, <=, chain->members->len);
    for (unsigned i = 0; i < opens->paths->len; i++) {
        const SvirtChainMember *member = chain->members->pdata[i];

        g_assert_cmpstr(opens->paths->pdata[i], ==, member->path);
    }
}

static void
unchanged_check(const Recorded *recorded)
{
    g_auto(LabOpens) opens = { 0 };
    g_autoptr(GError) error = NULL;

    lab_opens_init(&opens);
    svirt_chain_check(recorded->chain, "web", lab_opener, &opens, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(opens.paths->len, ==, recorded->chain->members->len);
    opens_check(&opens, recorded->chain);
}

static void
changed_check(const Recorded *recorded, const char *text)
{
    g_auto(LabOpens) opens = { 0 };
    g_autoptr(GError) error = NULL;

    lab_opens_init(&opens);
    g_assert_false(
        svirt_chain_check(recorded->chain, "web", lab_opener, &opens, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    if (strstr(error->message, text) == NULL) {
        g_error("'%s' does not say '%s'", error->message, text);
    }
    g_assert_nonnull(strstr(svirt_error_hint(error), "svirt chain accept web"));
    opens_check(&opens, recorded->chain);
}

static void
test_unchanged(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    g_assert_cmpuint(recorded.chain->members->len, ==, 3);
    unchanged_check(&recorded);
}

/* No change, and not believed: the record keeps what it had. */
static void
test_another_size(void)
{
    g_auto(Recorded) recorded = { 0 };
    const SvirtChainMember *top;

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    top = recorded.chain->members->pdata[0];
    unchanged_check(&recorded);
    g_assert_cmpuint(top->size_now_bytes, ==, top->header->virtual_size_bytes);
    lab_qemu_img(&recorded.lab, "resize -q -f qcow2 top 3G");
    unchanged_check(&recorded);
    g_assert_cmpuint(top->size_now_bytes, ==, 3ull << 30);
    g_assert_cmpuint(top->header->virtual_size_bytes, <, 3ull << 30);
}

static void
test_rebase_to_etc_shadow(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    lab_qemu_img(&recorded.lab, "rebase -u -f qcow2 -b /etc/shadow -F raw top");
    changed_check(&recorded, "backing file was 'middle', is now '/etc/shadow'");
}

static void
test_rebase_of_the_middle(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    lab_qemu_img(&recorded.lab, "rebase -u -f qcow2 -b /dev/sda -F raw "
                                "middle");
    changed_check(&recorded, "middle': backing file was 'base.raw', is now "
                             "'/dev/sda'");
}

/* The same name, but QEMU would then read the host file's header too. */
static void
test_rebase_to_another_format(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, "-f qcow2 -b base.raw -F raw top",
                  SVIRT_IMAGE_FORMAT_QCOW2);
    lab_qemu_img(&recorded.lab, "rebase -u -f qcow2 -b base.raw -F qcow2 top");
    changed_check(&recorded, "backing format was 'raw', is now 'qcow2'");
}

static void
test_backing_taken_out(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    lab_qemu_img(&recorded.lab, "rebase -u -f qcow2 -b '' top");
    changed_check(&recorded, "backing file was 'middle', is now none");
}

/* A data file would be opened read-write. */
static void
test_data_file_rewritten(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, "-f qcow2 -o data_file=./data.raw top 4M",
                  SVIRT_IMAGE_FORMAT_QCOW2);
    g_assert_cmpuint(recorded.chain->members->len, ==, 2);
    unchanged_check(&recorded);
    lab_patch(&recorded.lab, "top", 112 + 8, "/dev/sdaa1", 10);
    changed_check(&recorded, "data file was './data.raw', is now '/dev/sdaa1'");
}

static void
test_data_file_added(void)
{
    /* The name padded to eight bytes, and the end of the extensions. */
    static const char extension[24] = "DATA\0\0\0\4/a/b";
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, "-f qcow2 top 4M", SVIRT_IMAGE_FORMAT_QCOW2);
    lab_patch(&recorded.lab, "top", 79, "\4", 1);
    lab_patch(&recorded.lab, "top", 112, extension, sizeof(extension));
    changed_check(&recorded, "data file was none, is now '/a/b'");
}

static void
test_vmdk_parent_rewritten(void)
{
    g_auto(Recorded) recorded = { 0 };
    g_autofree char *path = NULL;
    g_autofree char *bytes = NULL;
    gsize size;
    char *name;

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, "-f vmdk -b base.vmdk -F vmdk top",
                  SVIRT_IMAGE_FORMAT_VMDK);
    g_assert_cmpuint(recorded.chain->members->len, ==, 2);
    unchanged_check(&recorded);
    path = lab_path(&recorded.lab, "top");
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    name = memmem(bytes, size, "\"base.vmdk\"", 11);
    g_assert_nonnull(name);
    lab_patch(&recorded.lab, "top", name + 1 - bytes, "/dev/sda1", 9);
    changed_check(&recorded,
                  "backing file was 'base.vmdk', is now '/dev/sda1'");
}

static void
test_vmdk_extent_rewritten(void)
{
    static const char text[] = "# Disk DescriptorFile\n"
                               "createType=\"monolithicFlat\"\n# E\n"
                               "RW 8192 FLAT \"/etc/shadow\" 0\n";
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, "-f vmdk -o subformat=monolithicFlat top 4M",
                  SVIRT_IMAGE_FORMAT_VMDK);
    g_assert_cmpuint(recorded.chain->members->len, ==, 2);
    lab_write(&recorded.lab, "top", text, strlen(text));
    changed_check(&recorded, "is now '/etc/shadow'");
}

static void
test_header_destroyed(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    lab_patch(&recorded.lab, "top", 0, "XXXX", 4);
    changed_check(&recorded, "no longer valid");
}

/* A member below is that object; the active one may come from a backup. */
static void
test_files_replaced(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "top" : "base.raw";
        g_autofree char *path = lab_path(&recorded.lab, name);
        g_autofree char *spare = lab_path(&recorded.lab, "spare");
        g_autofree char *bytes = NULL;
        gsize size;

        g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
        lab_write(&recorded.lab, "spare", bytes, size);
        g_assert_cmpint(rename(spare, path), ==, 0);
        if (i == 0) {
            unchanged_check(&recorded);
        } else {
            changed_check(&recorded, "base.raw' is another file");
        }
    }
}

static void
test_honest_changes_start(void)
{
    g_auto(Recorded) recorded = { 0 };

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    lab_qemu_img(&recorded.lab, "resize -q -f qcow2 top 8M");
    unchanged_check(&recorded);
    lab_qemu_img(&recorded.lab, "snapshot -c s top");
    unchanged_check(&recorded);
    lab_qemu_img(&recorded.lab, "bitmap --add -f qcow2 top b");
    unchanged_check(&recorded);
    lab_qemu_img(&recorded.lab, "amend -f qcow2 -o lazy_refcounts=on top");
    unchanged_check(&recorded);
}

static void
test_missing_member(void)
{
    g_auto(Recorded) recorded = { 0 };
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;

    if (lab_skips_without_qemu_img()) {
        return;
    }
    recorded_init(&recorded, OVERLAY, SVIRT_IMAGE_FORMAT_QCOW2);
    path = lab_path(&recorded.lab, "base.raw");
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_false(
        svirt_chain_check(recorded.chain, "web", lab_opener, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/chain-check/unchanged", test_unchanged);
    g_test_add_func("/image/chain-check/another-size-is-no-change",
                    test_another_size);
    g_test_add_func("/image/chain-check/rebase-to-etc-shadow",
                    test_rebase_to_etc_shadow);
    g_test_add_func("/image/chain-check/rebase-of-the-middle",
                    test_rebase_of_the_middle);
    g_test_add_func("/image/chain-check/rebase-to-another-format",
                    test_rebase_to_another_format);
    g_test_add_func("/image/chain-check/backing-taken-out",
                    test_backing_taken_out);
    g_test_add_func("/image/chain-check/data-file-rewritten",
                    test_data_file_rewritten);
    g_test_add_func("/image/chain-check/data-file-added", test_data_file_added);
    g_test_add_func("/image/chain-check/vmdk-parent-rewritten",
                    test_vmdk_parent_rewritten);
    g_test_add_func("/image/chain-check/vmdk-extent-rewritten",
                    test_vmdk_extent_rewritten);
    g_test_add_func("/image/chain-check/header-destroyed",
                    test_header_destroyed);
    g_test_add_func("/image/chain-check/files-replaced", test_files_replaced);
    g_test_add_func("/image/chain-check/honest-changes-start",
                    test_honest_changes_start);
    g_test_add_func("/image/chain-check/missing-member", test_missing_member);
    return g_test_run();
}
