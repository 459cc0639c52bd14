/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/spec.h"

/*
 * An image's lock for a new keeper. The old one's description is left in the
 * VMM alone, which may have closed it, put another file on its number, or, with
 * no filter, unlocked it. No GLib.
 */
typedef enum SvirtAdoptLock {
    SVIRT_ADOPT_LOCK_HELD,  /* it never lapsed */
    SVIRT_ADOPT_LOCK_AGAIN, /* it had lapsed: taken again, nobody else has it */
    SVIRT_ADOPT_LOCK_BUSY,  /* the same, but somebody else uses the image */
    SVIRT_ADOPT_LOCK_LOST,  /* the VMM has no descriptor of the image any more,
                               or its file system takes no lock */
    SVIRT_ADOPT_LOCK_MAX
} SvirtAdoptLock;

const char *svirt_adopt_lock_to_string(SvirtAdoptLock state);
bool svirt_adopt_lock_from_string(const char *text, SvirtAdoptLock *ret);

/*
 * The description that holds `lock`, looked for at `number` of the VMM, then
 * at all of its numbers; without one a new description of the same inode, open
 * for reading and shared with nobody. The caller's, -1 with LOST.
 */
int svirt_adopt_lock_fetch(int vmm_pidfd, int32_t vmm_pid, int number,
                           const SvirtSpecLock *lock,
                           SvirtAdoptLock *ret_state);
