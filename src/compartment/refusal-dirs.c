/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/refusal-facts.h"

#include "compartment/mounts.h"

#define USE(name) (1u << SVIRT_REFUSAL_USE_##name)
#define NOTHING 0u
#define READ_ONLY USE(IMAGE_READ_ONLY)
#define IMAGES (READ_ONLY | USE(IMAGE_SHARED) | USE(IMAGE_EXCLUSIVE))
#define STORE (IMAGES | USE(BOOT))
#define PLACES (USE(OUTPUT) | USE(SOCKET))
#define ANY (STORE | PLACES | USE(EMULATOR) | USE(DEVICE))

/*
 * The last row that a path lies in decides, so that a directory stands behind
 * those it is in; a path in none of them
 * (/home, /srv, /mnt, /opt, /tmp, a mount point of the administrator's) may be
 * used. Image stores are those that libvirt and the managers around it make;
 * others are configured as image_roots.
 */
static const struct {
    const char *directory;
    unsigned uses;
} rows[] = {
    { "/bin", USE(EMULATOR) },
    { "/boot", USE(BOOT) },
    { "/dev", USE(DEVICE) },
    { "/dev/shm", STORE | PLACES },
    { "/efi", NOTHING },
    { "/etc", NOTHING },
    { "/lib", USE(EMULATOR) },
    { "/lib32", USE(EMULATOR) },
    { "/lib64", USE(EMULATOR) },
    { "/libx32", USE(EMULATOR) },
    { "/lib/modules", USE(BOOT) },
    { "/proc", NOTHING },
    { "/root/.gnupg", NOTHING },
    { "/root/.ssh", NOTHING },
    { "/run", NOTHING },
    { "/run/libvirt/qemu", USE(SOCKET) },
    { "/run/media", ANY },
    { "/run/user", ANY },
    { "/sbin", USE(EMULATOR) },
    { "/sys", NOTHING },
    { "/usr", USE(BOOT) | USE(EMULATOR) },
    { "/usr/local/share", USE(BOOT) | USE(EMULATOR) | READ_ONLY },
    { "/usr/share", USE(BOOT) | USE(EMULATOR) | READ_ONLY },
    { "/var", NOTHING },
    { "/var/lib/libvirt/boot", USE(BOOT) | READ_ONLY },
    { "/var/lib/libvirt/images", STORE | PLACES },
    { "/var/lib/libvirt/qemu", PLACES },
    { "/var/lib/libvirt/qemu/nvram", IMAGES },
    { "/var/lib/nova/instances", STORE | PLACES },
    { "/var/lib/one/datastores", STORE | PLACES },
    { "/var/lib/svirt/images", STORE | PLACES },
    { "/var/lib/uvtool/libvirt/images", STORE | PLACES },
    { "/var/lib/vz", STORE | PLACES },
    { "/var/lib/xen/images", STORE | PLACES },
    { "/var/log/libvirt", USE(OUTPUT) },
    { "/var/log/svirt", USE(OUTPUT) },
    { "/var/tmp", ANY },
};

SvirtRefusalPlace
svirt_refusal_place(const char *path, SvirtRefusalUse use, char *const *roots,
                    const char **ret_directory)
{
    const char *found = NULL;
    unsigned uses = 0;

    for (; roots != NULL && *roots != NULL; roots++) {
        if (((STORE >> use) & 1) != 0 && svirt_path_is_below(path, *roots)) {
            return SVIRT_REFUSAL_PLACE_GIVEN;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (svirt_path_is_below(path, rows[i].directory)) {
            found = rows[i].directory;
            uses = rows[i].uses;
        }
    }
    if (found == NULL) {
        return SVIRT_REFUSAL_PLACE_FREE;
    }
    if (((uses >> use) & 1) != 0) {
        return SVIRT_REFUSAL_PLACE_GIVEN;
    }
    *ret_directory = found;
    return SVIRT_REFUSAL_PLACE_SYSTEM;
}
