/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/chain.h"

#include <string.h>

#include "base/error.h"
#include "image/chain-private.h"
#include "image/name.h"
#include "image/quote.h"

typedef struct FileKey {
    uint64_t device;
    uint64_t inode;
} FileKey;

typedef struct Resolver {
    const SvirtChainRequest *request; /* borrowed */
    SvirtChainOpener opener;
    void *cookie;
    SvirtChain *chain; /* borrowed */
    GArray *keys;      /* owned, of FileKey, one per member */
} Resolver;

/* What shall become the next member. */
typedef struct Candidate {
    char *path; /* owned */
    SvirtImageFormat format;
    bool format_guessed;
    SvirtChainRole role;
    SvirtImageExtentKind extent_kind;
    int parent;
} Candidate;

static void
candidate_clear(Candidate *candidate)
{
    g_clear_pointer(&candidate->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Candidate, candidate_clear)

static const char *
parent_path(const Resolver *resolver, const Candidate *candidate)
{
    return svirt_chain_member_at(resolver->chain, (unsigned)candidate->parent)
        ->path;
}

static bool
candidate_open(const Resolver *resolver, const Candidate *candidate,
               SvirtChainOpened *ret, GError **error)
{
    g_autofree char *shown = svirt_image_quote(candidate->path);
    GError *cause = NULL;
    SvirtErrorCode code = SVIRT_ERROR_FAILED;

    if (candidate->role == SVIRT_CHAIN_ACTIVE) {
        return resolver->opener(resolver->cookie, candidate->path,
                                candidate->role, 0, ret, error);
    }
    if (resolver->opener(resolver->cookie, candidate->path, candidate->role,
                         resolver->chain->members->len, ret, &cause)) {
        return true;
    }
    if (cause->domain == SVIRT_ERROR) {
        code = (SvirtErrorCode)cause->code;
    }
    return svirt_raise(error, code, cause, NULL,
                       "cannot open %s, the %s file of image '%s'", shown,
                       svirt_chain_role_to_string(candidate->role),
                       parent_path(resolver, candidate));
}

static bool
loop_check(Resolver *resolver, const Candidate *candidate,
           const SvirtChainOpened *opened, GError **error)
{
    FileKey key = { opened->device, opened->inode };

    for (unsigned i = 0; i < resolver->keys->len; i++) {
        const FileKey *other = &g_array_index(resolver->keys, FileKey, i);

        if (other->device == key.device && other->inode == key.inode) {
            g_autofree char *shown = svirt_image_quote(candidate->path);

            return svirt_raise(
                error, SVIRT_ERROR_INVALID, NULL, NULL,
                "image chain of '%s' has one file twice: %s is '%s'",
                resolver->request->path, shown,
                svirt_chain_member_at(resolver->chain, i)->path);
        }
    }
    g_array_append_val(resolver->keys, key);
    return true;
}

/*
 * QEMU would probe an image whose format nobody gives; svirt takes it as raw.
 * One that is not raw by its looks would then show the guest its own
 * metadata as a disk, so the format must be written down.
 */
static bool
guess_check(const Resolver *resolver, const Candidate *candidate, int fd,
            GError **error)
{
    SvirtImageFormat looks;
    const char *word;
    g_autofree char *hint = NULL;
    g_autofree char *shown = svirt_image_quote(candidate->path);

    if (!svirt_image_raw_looks_like(fd, candidate->path, &looks, error)) {
        return false;
    }
    if (looks == SVIRT_IMAGE_FORMAT_RAW) {
        g_ptr_array_add(
            resolver->chain->warnings,
            g_strdup_printf("image '%s' names its backing file %s without a "
                            "format: read as raw",
                            parent_path(resolver, candidate), shown));
        return true;
    }
    word = svirt_image_format_to_string(looks);
    hint = g_strdup_printf("write <backingStore type='file'><format "
                           "type='%s'/> into the definition, or run "
                           "qemu-img rebase -u -F %s -b BACKING IMAGE",
                           word, word);
    return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                       "image '%s' names its backing file %s without a "
                       "format, and that begins like a %s image",
                       parent_path(resolver, candidate), shown, word);
}

/* A wrong declaration, or a guest's CVE-2010-2238: raw all the same. */
static bool
active_raw_warn(const Resolver *resolver, const Candidate *candidate, int fd,
                GError **error)
{
    SvirtImageFormat looks;

    if (!svirt_image_raw_looks_like(fd, candidate->path, &looks, error)) {
        return false;
    }
    if (looks != SVIRT_IMAGE_FORMAT_RAW) {
        g_ptr_array_add(
            resolver->chain->warnings,
            g_strdup_printf("image '%s' is declared raw and begins like a %s "
                            "image: read as raw; only if you know that it is "
                            "one, say type='%s' in its <driver>",
                            candidate->path,
                            svirt_image_format_to_string(looks),
                            svirt_image_format_to_string(looks)));
    }
    return true;
}

static bool
candidate_check(const Resolver *resolver, const Candidate *candidate, int fd,
                GError **error)
{
    if (candidate->format_guessed) {
        return guess_check(resolver, candidate, fd, error);
    }
    if (candidate->role == SVIRT_CHAIN_ACTIVE &&
        candidate->format == SVIRT_IMAGE_FORMAT_RAW) {
        return active_raw_warn(resolver, candidate, fd, error);
    }
    return true;
}

/* Open, examine and append; the path of `candidate` moves to the member. */
static bool
member_add(Resolver *resolver, Candidate *candidate, GError **error)
{
    g_auto(SvirtChainOpened) opened = SVIRT_CHAIN_OPENED_UNSET;
    g_autoptr(SvirtChainMember) member = NULL;

    if (resolver->chain->members->len >= SVIRT_CHAIN_MEMBERS_MAX) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "image chain of '%s' has more than %d files",
                           resolver->request->path, SVIRT_CHAIN_MEMBERS_MAX);
    }
    if (*candidate->path != '/' ||
        strlen(candidate->path) >= SVIRT_CHAIN_PATH_MAX ||
        !g_utf8_validate(candidate->path, -1, NULL)) {
        g_autofree char *shown = svirt_image_quote(candidate->path);

        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "path %s in an image chain is relative, too long "
                           "or not UTF-8",
                           shown);
    }
    if (!candidate_open(resolver, candidate, &opened, error) ||
        !loop_check(resolver, candidate, &opened, error) ||
        !candidate_check(resolver, candidate, opened.fd, error)) {
        return false;
    }
    g_assert(opened.identity == NULL ||
             (g_bytes_get_size(opened.identity) > 0 &&
              g_bytes_get_size(opened.identity) <= SVIRT_CHAIN_IDENTITY_MAX));
    member = g_new0(SvirtChainMember, 1);
    member->path = g_steal_pointer(&candidate->path);
    member->format = candidate->format;
    member->role = candidate->role;
    member->parent = candidate->parent;
    member->extent_kind = candidate->extent_kind;
    member->identity = g_steal_pointer(&opened.identity);
    if (!svirt_chain_member_read(member, opened.fd, &member->header, error)) {
        return false;
    }
    member->size_now_bytes = member->header->virtual_size_bytes;
    g_ptr_array_add(resolver->chain->members, g_steal_pointer(&member));
    return true;
}

static bool
data_file_add(Resolver *resolver, int index, GError **error)
{
    const SvirtChainMember *image =
        svirt_chain_member_at(resolver->chain, (unsigned)index);
    g_auto(SvirtImageName) name = { 0 };
    g_auto(Candidate) data = {
        .format = SVIRT_IMAGE_FORMAT_RAW,
        .role = SVIRT_CHAIN_DATA,
        .parent = index,
    };

    if (!image->header->data_file) {
        return true;
    }
    if (image->header->data_file_name == NULL) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "qemu-img amend -f qcow2 -o data_file=PATH IMAGE",
                           "image '%s' keeps its data in a file that it does "
                           "not name",
                           image->path);
    }
    if (!svirt_image_name_parse(image->header->data_file_name, &name, error)) {
        return false;
    }
    if (name.format_known && name.format != SVIRT_IMAGE_FORMAT_RAW) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, NULL,
                           "data file of image '%s' is of format %s, not raw",
                           image->path,
                           svirt_image_format_to_string(name.format));
    }
    if (*name.path != '/') {
        g_autofree char *shown = svirt_image_quote(name.path);

        g_ptr_array_add(
            resolver->chain->warnings,
            g_strdup_printf("data file %s of image '%s' is sought beside the "
                            "image; qemu-img seeks it in its working "
                            "directory",
                            shown, image->path));
    }
    data.path = svirt_image_name_resolve(image->path, name.path);
    return member_add(resolver, &data, error);
}

static bool
extents_add(Resolver *resolver, int index, GError **error)
{
    const SvirtChainMember *image =
        svirt_chain_member_at(resolver->chain, (unsigned)index);
    const GPtrArray *extents = image->header->extents;

    for (unsigned i = 0; extents != NULL && i < extents->len; i++) {
        const SvirtImageExtent *extent = extents->pdata[i];
        g_auto(SvirtImageName) name = { 0 };
        g_auto(Candidate) piece = {
            .role = SVIRT_CHAIN_EXTENT,
            .extent_kind = extent->kind,
            .parent = index,
        };

        if (!svirt_image_name_parse(extent->name, &name, error)) {
            return false;
        }
        if (!g_str_equal(name.path, extent->name)) {
            /* QEMU knows plain paths alone here, not json: and file:. */
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, NULL,
                               "extent %u of image '%s' is not a plain path", i,
                               image->path);
        }
        piece.format = extent->kind == SVIRT_IMAGE_EXTENT_FLAT ||
                               extent->kind == SVIRT_IMAGE_EXTENT_VMFS
                           ? SVIRT_IMAGE_FORMAT_RAW
                           : SVIRT_IMAGE_FORMAT_VMDK;
        piece.path = svirt_image_name_resolve(image->path, name.path);
        if (!member_add(resolver, &piece, error)) {
            return false;
        }
    }
    return true;
}

static bool
follow(Resolver *resolver, GError **error)
{
    int index = 0;

    for (unsigned depth = 0;; depth++) {
        g_auto(SvirtChainBacking) below = { 0 };
        g_auto(Candidate) backing = { 0 };

        if (!data_file_add(resolver, index, error) ||
            !extents_add(resolver, index, error) ||
            !svirt_chain_backing_find(
                resolver->request,
                svirt_chain_member_at(resolver->chain, (unsigned)index), depth,
                &below, error)) {
            return false;
        }
        if (below.path == NULL) {
            return true;
        }
        if (depth + 1 >= SVIRT_CHAIN_DEPTH_MAX) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "shorten it with 'qemu-img commit'",
                               "image chain of '%s' is deeper than %d images",
                               resolver->request->path, SVIRT_CHAIN_DEPTH_MAX);
        }
        backing = (Candidate){
            .path = g_steal_pointer(&below.path),
            .format = below.format,
            .format_guessed = below.format_guessed,
            .role = SVIRT_CHAIN_BACKING,
            .parent = index,
        };
        index = (int)resolver->chain->members->len;
        if (!member_add(resolver, &backing, error)) {
            return false;
        }
    }
}

bool
svirt_chain_resolve(const SvirtChainRequest *request, SvirtChainOpener opener,
                    void *cookie, SvirtChain **ret, GError **error)
{
    g_autoptr(SvirtChain) chain = svirt_chain_new();
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(FileKey));
    Resolver resolver = {
        .request = request,
        .opener = opener,
        .cookie = cookie,
        .chain = chain,
        .keys = keys,
    };
    g_auto(Candidate) active = {
        .path = g_strdup(request->path),
        .format = request->format,
        .role = SVIRT_CHAIN_ACTIVE,
        .parent = -1,
    };

    if (!member_add(&resolver, &active, error) || !follow(&resolver, error)) {
        return false;
    }
    *ret = g_steal_pointer(&chain);
    return true;
}
