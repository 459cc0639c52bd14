/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/chain.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broken.h"

typedef struct Want {
    SvirtErrorCode code; /* 0: resolved */
    const char *text;    /* a part of the message */
} Want;

/* A qcow2 image whose header names `backing` as `format`, NULL neither. */
static void
qcow2_write(const Lab *lab, const char *name, const char *backing,
            const char *format)
{
    g_autoptr(GByteArray) bytes = base_make(BASE_QCOW2_V3);

    if (format == NULL) {
        put_be(bytes, QCOW2_EXTENSIONS, 8, 0);
    } else {
        put_be(bytes, QCOW2_EXTENSIONS + 4, 4, strlen(format));
        put_be(bytes, QCOW2_EXTENSIONS + 8, 8, 0);
        put_bytes(bytes, QCOW2_EXTENSIONS + 8, format, strlen(format));
    }
    if (backing == NULL) {
        put_be(bytes, 8, 8, 0);
        put_be(bytes, 16, 4, 0);
    } else {
        put_bytes(bytes, QCOW2_NAME, backing, strlen(backing));
        put_be(bytes, 16, 4, strlen(backing));
    }
    lab_write(lab, name, bytes->data, bytes->len);
}

static void
data_file_write(const Lab *lab, const char *name, const char *data)
{
    g_autoptr(GByteArray) bytes = base_make(BASE_QCOW2_DATA);

    put_be(bytes, QCOW2_EXTENSIONS + 4, 4, strlen(data));
    put_be(bytes, QCOW2_EXTENSIONS + 8, 8, 0);
    put_bytes(bytes, QCOW2_EXTENSIONS + 8, data, strlen(data));
    lab_write(lab, name, bytes->data, bytes->len);
}

static bool
resolve(const Lab *lab, const char *name, SvirtImageFormat format,
        SvirtChainLink *links, unsigned n_links, bool ends, LabOpens *opens,
        SvirtChain **ret, GError **error)
{
    g_autofree char *path = lab_path(lab, name);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    SvirtChainRequest request = {
        .path = path,
        .format = format,
        .backing = links,
        .n_backing = n_links,
        .backing_ends = ends,
    };

    for (unsigned i = 0; i < n_links; i++) {
        char *link_path = lab_path(lab, links[i].path);

        g_ptr_array_add(paths, link_path);
        links[i].path = link_path;
    }
    return svirt_chain_resolve(&request, lab_opener, opens, ret, error);
}

static SvirtChain *
resolve_plain(const Lab *lab, const char *name, SvirtImageFormat format,
              LabOpens *opens)
{
    g_autoptr(GError) error = NULL;
    SvirtChain *chain = NULL;

    resolve(lab, name, format, NULL, 0, false, opens, &chain, &error);
    g_assert_no_error(error);
    return chain;
}

static void
refusal_check(const Lab *lab, const char *name, SvirtImageFormat format,
              SvirtErrorCode code, const char *text)
{
    g_autoptr(SvirtChain) chain = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *rendered = NULL;

    g_assert_false(
        resolve(lab, name, format, NULL, 0, false, NULL, &chain, &error));
    g_assert_null(chain);
    rendered = svirt_error_render(error);
    if (strstr(rendered, text) == NULL) {
        g_error("'%s' does not say '%s'", rendered, text);
    }
    g_assert_error(error, SVIRT_ERROR, (int)code);
}

static void
member_check(const Lab *lab, const SvirtChain *chain, unsigned index,
             const char *name, SvirtImageFormat format, SvirtChainRole role,
             int parent)
{
    const SvirtChainMember *member = g_ptr_array_index(chain->members, index);
    g_autofree char *path = lab_path(lab, name);

    g_assert_cmpstr(member->path, ==, path);
    g_assert_cmpint(member->format, ==, format);
    g_assert_cmpint(member->role, ==, role);
    g_assert_cmpint(member->parent, ==, parent);
    g_assert_nonnull(member->header);
    g_assert_nonnull(member->identity);
}

static void
test_three_images(void)
{
    g_auto(Lab) lab = { 0 };
    g_auto(LabOpens) opens = { 0 };
    g_autoptr(SvirtChain) chain = NULL;

    lab_init(&lab);
    lab_opens_init(&opens);
    lab_write(&lab, "base.raw", "data", 4);
    qcow2_write(&lab, "middle", "base.raw", "raw");
    qcow2_write(&lab, "top", "./middle", "qcow2");
    chain = resolve_plain(&lab, "top", SVIRT_IMAGE_FORMAT_QCOW2, &opens);
    g_assert_cmpuint(chain->members->len, ==, 3);
    g_assert_cmpuint(chain->warnings->len, ==, 0);
    member_check(&lab, chain, 0, "top", SVIRT_IMAGE_FORMAT_QCOW2,
                 SVIRT_CHAIN_ACTIVE, -1);
    member_check(&lab, chain, 2, "./base.raw", SVIRT_IMAGE_FORMAT_RAW,
                 SVIRT_CHAIN_BACKING, 1);
    g_assert_cmpuint(opens.paths->len, ==, 3);
}

/*
 * CVE-2010-2238: the guest of a raw disk writes a qcow2 header that names a
 * host file. The declared format holds: nothing else is opened.
 */
static void
test_cve_2010_2238(void)
{
    g_auto(Lab) lab = { 0 };
    g_auto(LabOpens) opens = { 0 };
    g_autoptr(SvirtChain) chain = NULL;
    const SvirtChainMember *member;

    lab_init(&lab);
    lab_opens_init(&opens);
    qcow2_write(&lab, "disk", "/etc/shadow", "raw");
    chain = resolve_plain(&lab, "disk", SVIRT_IMAGE_FORMAT_RAW, &opens);
    g_assert_cmpuint(chain->members->len, ==, 1);
    g_assert_cmpuint(opens.paths->len, ==, 1);
    member = g_ptr_array_index(chain->members, 0);
    g_assert_null(member->header->backing_name);
    g_assert_cmpuint(chain->warnings->len, ==, 1);
    g_assert_nonnull(strstr(chain->warnings->pdata[0], "begins like a qcow2"));
}

/*
 * CVE-2011-2178: probing came back by a mistake elsewhere. Here below an
 * overlay, with every format the guest of the base could have written.
 */
static void
test_cve_2011_2178(void)
{
    for (unsigned base = 0; base < BASE_MAX; base++) {
        g_autoptr(GByteArray) bytes = base_make((Base)base);
        g_auto(Lab) lab = { 0 };
        g_auto(LabOpens) opens = { 0 };
        g_autoptr(SvirtChain) chain = NULL;

        lab_init(&lab);
        lab_opens_init(&opens);
        lab_write(&lab, "base", bytes->data, bytes->len);
        qcow2_write(&lab, "top", "base", "raw");
        chain = resolve_plain(&lab, "top", SVIRT_IMAGE_FORMAT_QCOW2, &opens);
        g_assert_cmpuint(chain->members->len, ==, 2);
        g_assert_cmpuint(opens.paths->len, ==, 2);
        member_check(&lab, chain, 1, "base", SVIRT_IMAGE_FORMAT_RAW,
                     SVIRT_CHAIN_BACKING, 0);
    }
}

static void
test_backing_without_format(void)
{
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtChain) chain = NULL;

    lab_init(&lab);
    lab_write(&lab, "base", "data", 4);
    qcow2_write(&lab, "top", "base", NULL);
    chain = resolve_plain(&lab, "top", SVIRT_IMAGE_FORMAT_QCOW2, NULL);
    member_check(&lab, chain, 1, "base", SVIRT_IMAGE_FORMAT_RAW,
                 SVIRT_CHAIN_BACKING, 0);
    g_assert_cmpuint(chain->warnings->len, ==, 1);
    g_assert_nonnull(strstr(chain->warnings->pdata[0], "without a format"));

    qcow2_write(&lab, "base", NULL, NULL);
    refusal_check(&lab, "top", SVIRT_IMAGE_FORMAT_QCOW2, SVIRT_ERROR_REFUSED,
                  "<format type='qcow2'/>");
}

/* `link`: what the definition lists below top; NULL: an empty element. */
static void
list_check(const char *named, const char *named_format, const char *link,
           SvirtImageFormat link_format, Want want)
{
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtChain) chain = NULL;
    g_autoptr(GError) error = NULL;
    SvirtChainLink links[1] = { { link, link_format < SVIRT_IMAGE_FORMAT_MAX,
                                  link_format } };

    lab_init(&lab);
    qcow2_write(&lab, "base", NULL, NULL);
    qcow2_write(&lab, "other", NULL, NULL);
    qcow2_write(&lab, "top", named, named_format);
    resolve(&lab, "top", SVIRT_IMAGE_FORMAT_QCOW2, links, link != NULL ? 1 : 0,
            true, NULL, &chain, &error);
    if (want.code == 0) {
        g_assert_no_error(error);
        g_assert_cmpuint(chain->warnings->len, ==, 0);
        g_assert_cmpuint(chain->members->len, ==, link != NULL ? 2 : 1);
    } else {
        g_assert_error(error, SVIRT_ERROR, (int)want.code);
        g_assert_nonnull(strstr(error->message, want.text));
    }
}

#define NO_FORMAT SVIRT_IMAGE_FORMAT_MAX
#define QCOW2 SVIRT_IMAGE_FORMAT_QCOW2
#define RAW SVIRT_IMAGE_FORMAT_RAW

static void
test_definition_and_header_agree(void)
{
    const Want ok = { 0 };
    const Want path = { SVIRT_ERROR_INVALID, "by its header and" };
    const Want format = { SVIRT_ERROR_INVALID, "by its header" };
    const Want looks = { SVIRT_ERROR_REFUSED, "without a format" };

    list_check("base", NULL, "base", QCOW2, ok);
    list_check("base", NULL, "base", RAW, ok);
    list_check("base", "qcow2", "base", NO_FORMAT, ok);
    list_check("base", "qcow2", "base", QCOW2, ok);
    list_check("./x/../base", "qcow2", "base", QCOW2, ok);
    list_check(NULL, NULL, NULL, NO_FORMAT, ok);
    list_check("base", "qcow2", "other", QCOW2, path);
    list_check("base", "qcow2", NULL, NO_FORMAT, path);
    list_check(NULL, NULL, "base", QCOW2, path);
    list_check("base", "qcow2", "base", RAW, format);
    list_check("base", NULL, "base", NO_FORMAT, looks);
}

/* A list that is shorter than the chain says nothing of what lies below. */
static void
test_open_list_goes_on_by_header(void)
{
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtChain) chain = NULL;
    g_autoptr(GError) error = NULL;
    SvirtChainLink links[1] = { { "middle", true, QCOW2 } };

    lab_init(&lab);
    lab_write(&lab, "base", "data", 4);
    qcow2_write(&lab, "middle", "base", "raw");
    qcow2_write(&lab, "top", "middle", NULL);
    resolve(&lab, "top", QCOW2, links, 1, false, NULL, &chain, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(chain->members->len, ==, 3);
}

static void
test_raw_has_nothing_below(void)
{
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtChain) chain = NULL;
    g_autoptr(GError) error = NULL;
    SvirtChainLink links[1] = { { "base", true, RAW } };

    lab_init(&lab);
    lab_write(&lab, "base", "data", 4);
    lab_write(&lab, "top", "data", 4);
    g_assert_false(
        resolve(&lab, "top", RAW, links, 1, false, NULL, &chain, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

static void
test_loops(void)
{
    g_auto(Lab) lab = { 0 };
    g_autofree char *from = NULL;
    g_autofree char *hard = NULL;
    g_autofree char *soft = NULL;

    lab_init(&lab);
    qcow2_write(&lab, "self", "self", "qcow2");
    refusal_check(&lab, "self", QCOW2, SVIRT_ERROR_INVALID, "one file twice");
    qcow2_write(&lab, "a", "b", "qcow2");
    qcow2_write(&lab, "b", "a", "qcow2");
    refusal_check(&lab, "a", QCOW2, SVIRT_ERROR_INVALID, "one file twice");

    from = lab_path(&lab, "linked");
    hard = lab_path(&lab, "hard");
    soft = lab_path(&lab, "soft");
    qcow2_write(&lab, "linked", "hard", "qcow2");
    g_assert_cmpint(link(from, hard), ==, 0);
    refusal_check(&lab, "linked", QCOW2, SVIRT_ERROR_INVALID, "one file twice");
    qcow2_write(&lab, "linked", "soft", "qcow2");
    g_assert_cmpint(symlink(from, soft), ==, 0);
    refusal_check(&lab, "linked", QCOW2, SVIRT_ERROR_INVALID, "one file twice");

    data_file_write(&lab, "own-data", "own-data");
    refusal_check(&lab, "own-data", QCOW2, SVIRT_ERROR_INVALID,
                  "one file twice");
}

static void
test_depth(void)
{
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtChain) chain = NULL;

    lab_init(&lab);
    qcow2_write(&lab, "i200", NULL, NULL);
    for (int i = 199; i >= 0; i--) {
        g_autofree char *name = g_strdup_printf("i%d", i);
        g_autofree char *below = g_strdup_printf("i%d", i + 1);

        qcow2_write(&lab, name, below, "qcow2");
    }
    chain = resolve_plain(&lab, "i1", QCOW2, NULL);
    g_assert_cmpuint(chain->members->len, ==, SVIRT_CHAIN_DEPTH_MAX);
    refusal_check(&lab, "i0", QCOW2, SVIRT_ERROR_INVALID,
                  "deeper than 200 images");
}

static void
test_data_files(void)
{
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtChain) chain = NULL;

    lab_init(&lab);
    lab_write(&lab, "d.raw", "data", 4);
    data_file_write(&lab, "top", "d.raw");
    chain = resolve_plain(&lab, "top", QCOW2, NULL);
    g_assert_cmpuint(chain->members->len, ==, 2);
    member_check(&lab, chain, 1, "d.raw", RAW, SVIRT_CHAIN_DATA, 0);
    g_assert_cmpuint(chain->warnings->len, ==, 1);

    data_file_write(&lab, "top", "nbd:host:1");
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_UNSUPPORTED,
                  "protocol 'nbd'");
    data_file_write(&lab, "top", "missing");
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_NOT_FOUND,
                  "the data file of image");
    data_file_write(&lab, "top",
                    "json:{\"driver\":\"qcow2\",\"file.filename\":\"/a\"}");
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_UNSUPPORTED, "not raw");
}

/* The feature bit alone: QEMU would ask for the file on its command line. */
static void
test_data_file_without_name(void)
{
    g_autoptr(GByteArray) bytes = base_make(BASE_QCOW2_DATA);
    g_auto(Lab) lab = { 0 };

    put_be(bytes, QCOW2_EXTENSIONS, 8, 0);
    lab_init(&lab);
    lab_write(&lab, "top", bytes->data, bytes->len);
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_UNSUPPORTED, "does not name");
}

static void
test_names_svirt_does_not_open(void)
{
    g_auto(Lab) lab = { 0 };

    lab_init(&lab);
    qcow2_write(&lab, "top", "https://example.org/a", "raw");
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_UNSUPPORTED,
                  "protocol 'https'");
    qcow2_write(&lab, "top", "/dev/fdset/2", "raw");
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_INVALID, "descriptor set");
    qcow2_write(&lab, "top",
                "json:{\"driver\":\"raw\",\"file.filename\":\"/a\"}", "qcow2");
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_INVALID, "by its header");
    qcow2_write(&lab, "top", "missing", "raw");
    refusal_check(&lab, "top", QCOW2, SVIRT_ERROR_NOT_FOUND,
                  "the backing file of image");
}

#define VMDK_TEXT "# Disk DescriptorFile\ncreateType=\"vmfs\"\n# E\n"

static void
test_extents(void)
{
    static const char text[] = VMDK_TEXT "RW 10 FLAT \"flat\" 0\n"
                                         "RW 10240 SPARSE \"sparse\"\n";
    static const char another[200] = VMDK_TEXT;
    g_autoptr(GByteArray) sparse = base_make(BASE_VMDK_SPARSE);
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtChain) chain = NULL;
    SvirtImageFormat vmdk = SVIRT_IMAGE_FORMAT_VMDK;

    lab_init(&lab);
    lab_write(&lab, "top", text, strlen(text));
    lab_write(&lab, "flat", "KDMV", 4);
    lab_write(&lab, "sparse", sparse->data, sparse->len);
    chain = resolve_plain(&lab, "top", vmdk, NULL);
    g_assert_cmpuint(chain->members->len, ==, 3);
    member_check(&lab, chain, 1, "flat", RAW, SVIRT_CHAIN_EXTENT, 0);
    member_check(&lab, chain, 2, "sparse", vmdk, SVIRT_CHAIN_EXTENT, 0);

    /* An extent that would name further extents to QEMU. */
    put_le(sparse, 12, 8, 0);
    lab_write(&lab, "sparse", sparse->data, sparse->len);
    refusal_check(&lab, "top", vmdk, SVIRT_ERROR_INVALID, "capacity 0");
    lab_write(&lab, "sparse", another, sizeof(another));
    refusal_check(&lab, "top", vmdk, SVIRT_ERROR_INVALID,
                  "not a sparse vmdk extent");
    lab_write(&lab, "sparse", "KDMV", 4);
    refusal_check(&lab, "top", vmdk, SVIRT_ERROR_INVALID, "truncated");
}

static void
test_extent_names_are_plain(void)
{
    static const char file[] = VMDK_TEXT "RW 10 FLAT \"file:/a\" 0\n";
    static const char twice[] = VMDK_TEXT "RW 10 FLAT \"a\" 0\n"
                                          "RW 10 FLAT \"a\" 10\n";
    g_auto(Lab) lab = { 0 };

    lab_init(&lab);
    lab_write(&lab, "a", "data", 4);
    lab_write(&lab, "top", file, strlen(file));
    refusal_check(&lab, "top", SVIRT_IMAGE_FORMAT_VMDK, SVIRT_ERROR_UNSUPPORTED,
                  "not a plain path");
    lab_write(&lab, "top", twice, strlen(twice));
    refusal_check(&lab, "top", SVIRT_IMAGE_FORMAT_VMDK, SVIRT_ERROR_INVALID,
                  "one file twice");
}

static void
test_relative_top_is_refused(void)
{
    g_autoptr(SvirtChain) chain = NULL;
    g_autoptr(GError) error = NULL;
    SvirtChainRequest request = { .path = "etc/passwd", .format = RAW };

    g_assert_false(
        svirt_chain_resolve(&request, lab_opener, NULL, &chain, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/chain/three-images", test_three_images);
    g_test_add_func("/image/chain/cve-2010-2238", test_cve_2010_2238);
    g_test_add_func("/image/chain/cve-2011-2178", test_cve_2011_2178);
    g_test_add_func("/image/chain/backing-without-format-is-raw",
                    test_backing_without_format);
    g_test_add_func("/image/chain/definition-and-header-agree",
                    test_definition_and_header_agree);
    g_test_add_func("/image/chain/open-list-goes-on-by-header",
                    test_open_list_goes_on_by_header);
    g_test_add_func("/image/chain/raw-has-nothing-below",
                    test_raw_has_nothing_below);
    g_test_add_func("/image/chain/refuses-loops", test_loops);
    g_test_add_func("/image/chain/depth-is-bounded", test_depth);
    g_test_add_func("/image/chain/data-files", test_data_files);
    g_test_add_func("/image/chain/refuses-data-file-without-name",
                    test_data_file_without_name);
    g_test_add_func("/image/chain/refuses-names-it-does-not-open",
                    test_names_svirt_does_not_open);
    g_test_add_func("/image/chain/extents", test_extents);
    g_test_add_func("/image/chain/extent-names-are-plain",
                    test_extent_names_are_plain);
    g_test_add_func("/image/chain/refuses-relative-top",
                    test_relative_top_is_refused);
    return g_test_run();
}
