/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuse-server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NODE 2
#define WRITE_BYTES 65536u
#define ATTRIBUTE_BYTES 256u

/* Room for a request with its data, and what the file holds. */
static union {
    struct fuse_in_header header;
    char room[WRITE_BYTES + 65536];
} request;
static char content[FUSE_SERVER_BYTES];
static struct {
    char name[ATTRIBUTE_BYTES];
    char value[ATTRIBUTE_BYTES];
    size_t size;
} attribute;

static const void *
argument(void)
{
    return request.room + sizeof(request.header);
}

static void
answer(int fd, int error, const void *data, size_t size)
{
    struct fuse_out_header head = { .error = -error,
                                    .unique = request.header.unique };
    struct iovec parts[2] = { { &head, sizeof(head) },
                              { (void *)(uintptr_t)data, size } };

    head.len = (uint32_t)(sizeof(head) + size);
    if (writev(fd, parts, size > 0 ? 2 : 1) < 0) {
        return; /* who asked has gone */
    }
}

static struct fuse_attr
attributes_of(uint64_t node)
{
    bool file = node == FILE_NODE;
    struct fuse_attr result = {
        .ino = node,
        .size = file ? FUSE_SERVER_BYTES : 0,
        .mode = file ? S_IFREG | 0666 : S_IFDIR | 0777,
        .nlink = 1,
        .blksize = 4096,
    };

    return result;
}

static void
answer_init(int fd)
{
    const struct fuse_init_in *in = argument();
    struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
                                 .minor = FUSE_KERNEL_MINOR_VERSION,
                                 .max_readahead = in->max_readahead,
                                 .max_background = 8,
                                 .max_write = WRITE_BYTES };

    answer(fd, 0, &out, sizeof(out));
}

static void
answer_lookup(int fd)
{
    struct fuse_entry_out out = { .nodeid = FILE_NODE, .generation = 1 };

    if (strcmp(argument(), FUSE_SERVER_FILE) != 0) {
        answer(fd, ENOENT, NULL, 0);
        return;
    }
    out.attr = attributes_of(FILE_NODE);
    answer(fd, 0, &out, sizeof(out));
}

static void
answer_io(int fd)
{
    const struct fuse_read_in *in = argument();
    uint64_t start = in->offset < FUSE_SERVER_BYTES ? in->offset
                                                    : FUSE_SERVER_BYTES;
    uint64_t left = FUSE_SERVER_BYTES - start;
    uint32_t size = in->size < left ? in->size : (uint32_t)left;

    if (request.header.opcode == FUSE_READ) {
        answer(fd, 0, content + start, size);
    } else {
        const struct fuse_write_in *write_in = argument();
        struct fuse_write_out out = { .size = size };

        memcpy(content + start, write_in + 1, size);
        answer(fd, 0, &out, sizeof(out));
    }
}

static void
answer_attribute(int fd)
{
    if (request.header.opcode == FUSE_SETXATTR) {
        /* Without FUSE_SETXATTR_EXT the last two members are not sent. */
        const struct fuse_setxattr_in *in = argument();
        const char *name = (const char *)argument() +
                           FUSE_COMPAT_SETXATTR_IN_SIZE;
        size_t length = strlen(name);

        if (length >= ATTRIBUTE_BYTES || in->size > ATTRIBUTE_BYTES) {
            answer(fd, ENOSPC, NULL, 0);
            return;
        }
        memcpy(attribute.name, name, length + 1);
        memcpy(attribute.value, name + length + 1, in->size);
        attribute.size = in->size;
        answer(fd, 0, NULL, 0);
    } else {
        const struct fuse_getxattr_in *in = argument();
        struct fuse_getxattr_out out = { .size = (uint32_t)attribute.size };

        if (strcmp((const char *)(in + 1), attribute.name) != 0) {
            answer(fd, ENODATA, NULL, 0);
        } else if (in->size == 0) {
            answer(fd, 0, &out, sizeof(out));
        } else {
            answer(fd, in->size < attribute.size ? ERANGE : 0,
                   attribute.value,
                   in->size < attribute.size ? 0 : attribute.size);
        }
    }
}

static void
answer_one(int fd)
{
    struct fuse_attr_out attributes = { .attr_valid = 0 };
    struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE };
    struct fuse_statfs_out space = { .st = { .bsize = 4096, .frsize = 4096,
                                             .namelen = 255 } };

    switch (request.header.opcode) {
    case FUSE_INIT:
        answer_init(fd);
        break;
    case FUSE_LOOKUP:
        answer_lookup(fd);
        break;
    case FUSE_GETATTR:
    case FUSE_SETATTR:
        attributes.attr = attributes_of(request.header.nodeid);
        answer(fd, 0, &attributes, sizeof(attributes));
        break;
    case FUSE_OPEN:
        answer(fd, 0, &opened, sizeof(opened));
        break;
    case FUSE_READ:
    case FUSE_WRITE:
        answer_io(fd);
        break;
    case FUSE_SETXATTR:
    case FUSE_GETXATTR:
        answer_attribute(fd);
        break;
    case FUSE_STATFS:
        answer(fd, 0, &space, sizeof(space));
        break;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_FSYNC:
        answer(fd, 0, NULL, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break; /* wants no answer */
    default:
        answer(fd, ENOSYS, NULL, 0);
        break;
    }
}

int
fuse_serve(const char *directory, const char *stall, int ready)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[96];

    (void)snprintf(options, sizeof(options),
                   "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
                   fd);
    if (fd < 0 || mount("stall", directory, "fuse.stall",
                        MS_NOSUID | MS_NODEV, options) < 0) {
        return errno;
    }
    if (ready >= 0 && write(ready, "", 1) != 1) {
        return errno;
    }
    for (;;) {
        ssize_t got = read(fd, request.room, sizeof(request.room));

        if (got < 0 && errno == ENODEV) {
            return 0; /* unmounted */
        }
        if (got >= (ssize_t)sizeof(request.header) &&
            access(stall, F_OK) < 0) {
            answer_one(fd);
        }
    }
}
