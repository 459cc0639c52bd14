/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/error.h"
#include "base/fd.h"

static bool
unusable(int errnum, const char *what, GError **error)
{
    GError *cause = NULL;

    svirt_raise_errno(&cause, errnum, NULL, "%s", what);
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, cause,
                       "use <domain type='qemu'>",
                       "KVM does not work on this host");
}

bool
svirt_kvm_check(GError **error)
{
    SVIRT_AUTO_FD kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    SVIRT_AUTO_FD vm = -1;

    if (kvm < 0) {
        return unusable(errno, "/dev/kvm does not open", error);
    }
    if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
        return unusable(ENOTTY, "/dev/kvm speaks another API", error);
    }
    vm = ioctl(kvm, KVM_CREATE_VM, 0);
    return vm >= 0 || unusable(errno, "/dev/kvm makes no VM", error);
}
