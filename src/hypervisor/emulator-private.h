/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/emulator.h"
#include "launch/child.h"

typedef enum SvirtEmulatorQuestion {
    SVIRT_EMULATOR_NAMES, /* machines and CPU models */
    SVIRT_EMULATOR_CPU_TCG,
    SVIRT_EMULATOR_CPU_KVM,
} SvirtEmulatorQuestion;

/*
 * An emulator without a machine, in a compartment of its own, and QMP with it.
 * It says so much and takes so long, no more; it is killed at the end.
 */
typedef struct SvirtEmulatorTalk {
    SvirtLaunched launched;
    int fd;
    GString *text; /* NULL: not open */
    size_t left;
    int64_t end_s;
} SvirtEmulatorTalk;
#define SVIRT_EMULATOR_TALK_INIT                                             \
    { .launched = SVIRT_LAUNCHED_INIT, .fd = -1 }

bool svirt_emulator_talk_open(const char *program, bool kvm,
                              unsigned timeout_s, SvirtEmulatorTalk *talk);
void svirt_emulator_talk_close(SvirtEmulatorTalk *talk);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtEmulatorTalk, svirt_emulator_talk_close)
bool svirt_emulator_talk_say(SvirtEmulatorTalk *talk, const char *text);
/* The next line, owned by the caller. False: it has ended, or said too much. */
bool svirt_emulator_talk_hear(SvirtEmulatorTalk *talk, char **ret);
