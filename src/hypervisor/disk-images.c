/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/disk-images.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/name.h"

typedef struct Opener {
    const SvirtRefusals *refusals;
    const SvirtCredentials *author; /* NULL: root */
    const SvirtDisk *disk;
    GPtrArray *objects; /* owned SvirtObject *, by index in the chain */
} Opener;

static void
image_free(gpointer data)
{
    SvirtImage *image = data;

    svirt_object_free(image->object);
    g_free(image);
}

void
svirt_disk_images_free(SvirtDiskImages *images)
{
    if (images == NULL) {
        return;
    }
    svirt_chain_free(images->chain);
    if (images->images != NULL) {
        g_ptr_array_unref(images->images);
    }
    g_free(images);
}

static bool
may_use(const Opener *opener, const SvirtObject *object, const char *path,
        SvirtAccess access, GError **error)
{
    return svirt_refusals_check(
        opener->refusals, object, path, opener->disk->target,
        svirt_refusal_use_for(SVIRT_RESOURCE_DISK, access), error);
}

static GBytes *
identity_bytes(const SvirtObject *object)
{
    char *text = svirt_identity_format(&object->identity);

    return g_bytes_new_take(text, strlen(text));
}

/*
 * Looks at the object before it is opened for reading: what may not even be
 * read (another VM's disk, /etc/shadow) gets no descriptor.
 */
static bool
open_member(void *cookie, const char *path, SvirtChainRole role,
            unsigned index, SvirtChainOpened *ret, GError **error)
{
    Opener *opener = cookie;
    bool block = role == SVIRT_CHAIN_ACTIVE && opener->disk->images[0].block;
    unsigned want = role != SVIRT_CHAIN_ACTIVE ? SVIRT_OBJECT_WANT_DISK
                    : block                    ? SVIRT_OBJECT_WANT(BLOCK)
                                               : SVIRT_OBJECT_WANT(REGULAR);
    g_autoptr(SvirtObject) object = NULL;
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_object_open(path, opener->author, want,
                           SVIRT_OBJECT_NO_IDENTITY, &object, error) ||
        !may_use(opener, object, path, SVIRT_ACCESS_READ_ONLY, error) ||
        !svirt_object_reopen(object, opener->author, O_RDONLY,
                             &fd, error) ||
        !svirt_object_identify(object, error)) {
        return false;
    }
    svirt_object_keep(object, fd);
    ret->fd = svirt_fd_steal(&fd);
    ret->identity = identity_bytes(object);
    ret->device = object->dev;
    ret->inode = object->ino;
    if (opener->objects->len <= index) {
        g_ptr_array_set_size(opener->objects, (int)index + 1);
    }
    svirt_object_free(opener->objects->pdata[index]);
    opener->objects->pdata[index] = g_steal_pointer(&object);
    return true;
}

static SvirtAccess
disk_access(const SvirtDisk *disk)
{
    if (disk->read_only || disk->transient) {
        return SVIRT_ACCESS_READ_ONLY;
    }
    return disk->shareable ? SVIRT_ACCESS_SHARED : SVIRT_ACCESS_EXCLUSIVE;
}

/* Data files and extents are written with the image that owns them. */
SvirtAccess
svirt_disk_images_access(const SvirtDisk *disk, const SvirtChain *chain,
                         unsigned index)
{
    const SvirtChainMember *member = chain->members->pdata[index];

    while (member->role == SVIRT_CHAIN_DATA ||
           member->role == SVIRT_CHAIN_EXTENT) {
        member = chain->members->pdata[member->parent];
    }
    return member->role == SVIRT_CHAIN_ACTIVE ? disk_access(disk)
                                              : SVIRT_ACCESS_READ_ONLY;
}

SvirtResourceKind
svirt_disk_images_kind(SvirtChainRole role)
{
    switch (role) {
    case SVIRT_CHAIN_BACKING:
        return SVIRT_RESOURCE_BACKING;
    case SVIRT_CHAIN_DATA:
        return SVIRT_RESOURCE_DATA_FILE;
    case SVIRT_CHAIN_ACTIVE:
    case SVIRT_CHAIN_EXTENT:
    case SVIRT_CHAIN_ROLE_MAX:
        break;
    }
    return SVIRT_RESOURCE_DISK;
}

static bool
keep_images(SvirtDiskImages *images, Opener *opener, const SvirtChain *chain,
            GError **error)
{
    for (unsigned i = 0; i < chain->members->len; i++) {
        const SvirtChainMember *member = chain->members->pdata[i];
        SvirtObject *object = opener->objects->pdata[i];
        SvirtImage *image;

        if (!may_use(opener, object, member->path,
                     svirt_disk_images_access(opener->disk, chain, i), error)) {
            return false;
        }
        image = g_new0(SvirtImage, 1);
        image->object = g_steal_pointer(&opener->objects->pdata[i]);
        image->format = member->format;
        image->role = member->role;
        image->parent = member->parent;
        image->access = svirt_disk_images_access(opener->disk, chain, i);
        image->block = image->object->type == SVIRT_OBJECT_BLOCK;
        g_ptr_array_add(images->images, image);
    }
    return true;
}

static SvirtImageFormat
format_of(const SvirtDiskImage *image)
{
    SvirtImageFormat format = SVIRT_IMAGE_FORMAT_RAW;

    if (image->format != SVIRT_DISK_FORMAT_UNSET) {
        (void)svirt_image_format_from_string(
            svirt_disk_format_to_string(image->format), &format);
    }
    return format;
}

static bool
resolve(Opener *opener, SvirtChain **ret, GError **error)
{
    const SvirtDisk *disk = opener->disk;
    g_autofree SvirtChainLink *links =
        g_new0(SvirtChainLink, disk->image_count);
    SvirtChainRequest request = {
        .path = disk->images[0].path,
        .format = format_of(&disk->images[0]),
        .backing = links,
        .n_backing = (unsigned)disk->image_count - 1,
        .backing_ends = disk->chain_complete,
    };

    for (size_t i = 1; i < disk->image_count; i++) {
        links[i - 1].path = disk->images[i].path;
        links[i - 1].format_known =
            disk->images[i].format != SVIRT_DISK_FORMAT_UNSET;
        links[i - 1].format = format_of(&disk->images[i]);
    }
    return svirt_chain_resolve(&request, open_member, opener, ret, error);
}

static void
free_object(gpointer object)
{
    svirt_object_free(object);
}

static bool
image_fits(const SvirtDiskImage *said, const SvirtChainMember *member)
{
    return said->path != NULL &&
           svirt_image_name_same(member->path, said->path) &&
           (member->format == format_of(said) ||
            (member->role == SVIRT_CHAIN_BACKING &&
             said->format == SVIRT_DISK_FORMAT_UNSET));
}

/* A definition that names other images than were recorded has no record. */
static bool
record_fits(const SvirtDisk *disk, const SvirtChain *recorded)
{
    size_t count = 0;

    for (unsigned i = 0; recorded != NULL && i < recorded->members->len; i++) {
        const SvirtChainMember *member = recorded->members->pdata[i];

        if (member->role != SVIRT_CHAIN_ACTIVE &&
            member->role != SVIRT_CHAIN_BACKING) {
            continue;
        }
        if (count < disk->image_count ? !image_fits(&disk->images[count],
                                                    member)
                                      : disk->chain_complete) {
            return false;
        }
        count++;
    }
    return count >= disk->image_count;
}

static bool
has_data_file(const SvirtChain *chain, unsigned image, const char *path)
{
    for (unsigned i = 0; i < chain->members->len; i++) {
        const SvirtChainMember *member = chain->members->pdata[i];

        if (member->role == SVIRT_CHAIN_DATA &&
            member->parent == (int)image && strcmp(member->path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* A <dataStore> must be what the image says, as <backingStore> must. */
static bool
check_data_files(const SvirtDisk *disk, const SvirtChain *chain,
                 GError **error)
{
    unsigned image = 0;

    for (unsigned i = 0;
         i < chain->members->len && image < disk->image_count; i++) {
        const SvirtChainMember *member = chain->members->pdata[i];
        const SvirtDiskImage *said = &disk->images[image];

        if (member->role != SVIRT_CHAIN_ACTIVE &&
            member->role != SVIRT_CHAIN_BACKING) {
            continue;
        }
        if (said->data_file != NULL &&
            !has_data_file(chain, i, said->data_file->path)) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "give <dataStore> the path that qemu-img info "
                               "shows",
                               "line %u: image '%s' has no data file '%s'",
                               said->data_file->line, member->path,
                               said->data_file->path);
        }
        image++;
    }
    return true;
}

static bool
open_chain(SvirtDiskImages *images, Opener *opener, SvirtChain **recorded,
           GError **error)
{
    const char *name = opener->refusals->definition->name;

    if (!record_fits(images->disk, *recorded)) {
        return resolve(opener, &images->chain, error) &&
               check_data_files(images->disk, images->chain, error) &&
               keep_images(images, opener, images->chain, error);
    }
    images->recorded = true;
    images->chain = g_steal_pointer(recorded);
    return svirt_chain_check(images->chain, name, open_member, opener,
                             error) &&
           keep_images(images, opener, images->chain, error);
}

/* The hint of whoever knows best; one for everything else. */
static bool
raise_disk(const SvirtRefusals *refusals, const SvirtDisk *disk,
           GError *cause, GError **error)
{
    SvirtErrorCode code = (SvirtErrorCode)svirt_error_exit_code(cause);
    g_autofree char *hint = NULL;

    if (svirt_error_shown_hint(cause) == NULL) {
        hint = g_strdup_printf(
            code == SVIRT_ERROR_INVALID || code == SVIRT_ERROR_UNSUPPORTED
                ? "repair or convert the image, or name another in line %u"
                : "correct <source> in line %u, or what it names",
            disk->info.line);
    }
    return svirt_raise(error, code, cause, hint,
                       "cannot use disk '%s' of domain '%s' (line %u)",
                       disk->target, refusals->definition->name,
                       disk->info.line);
}

bool
svirt_disk_images_open(const SvirtRefusals *refusals,
                       const SvirtCredentials *author, const SvirtDisk *disk,
                       SvirtChain *recorded, SvirtDiskImages **ret,
                       GError **error)
{
    g_autoptr(SvirtChain) record = recorded;
    g_autoptr(SvirtDiskImages) images = g_new0(SvirtDiskImages, 1);
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func(free_object);
    Opener opener = { refusals, author, disk, objects };
    GError *cause = NULL;

    images->disk = disk;
    images->images = g_ptr_array_new_with_free_func(image_free);
    if (disk->images[0].path == NULL) {
        *ret = g_steal_pointer(&images);
        return true;
    }
    if (open_chain(images, &opener, &record, &cause)) {
        *ret = g_steal_pointer(&images);
        return true;
    }
    if (disk->device == SVIRT_DISK_DEVICE_CDROM &&
        disk->images[0].startup_policy == SVIRT_STARTUP_POLICY_OPTIONAL &&
        g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND)) {
        /* The definition says itself that the drive may be empty. */
        g_clear_error(&cause);
        g_ptr_array_set_size(images->images, 0);
        *ret = g_steal_pointer(&images);
        return true;
    }
    return raise_disk(refusals, disk, cause, error);
}
