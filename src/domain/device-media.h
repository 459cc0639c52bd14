/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/device.h"

/*
 * Displays, sound and what else a guest shows or hears; owned and read as all
 * of device.h.
 */

/* ---- graphics ----------------------------------------------------------- */

typedef enum SvirtGraphicsType {
    SVIRT_GRAPHICS_VNC,
    SVIRT_GRAPHICS_SPICE,
    SVIRT_GRAPHICS_TYPE_MAX
} SvirtGraphicsType;
SVIRT_ENUM_DECLARE(SvirtGraphicsType, svirt_graphics_type)

typedef enum SvirtGraphicsListen {
    SVIRT_GRAPHICS_LISTEN_ADDRESS, /* TCP */
    SVIRT_GRAPHICS_LISTEN_SOCKET,  /* a unix socket */
    SVIRT_GRAPHICS_LISTEN_NONE,    /* nobody can connect */
    SVIRT_GRAPHICS_LISTEN_MAX
} SvirtGraphicsListen;
SVIRT_ENUM_DECLARE(SvirtGraphicsListen, svirt_graphics_listen)

/* At most one of each type: the monitor has a listening socket for each. */
typedef struct SvirtGraphics {
    SvirtDeviceInfo info;
    SvirtGraphicsType type;
    SvirtGraphicsListen listen;
    const char *address;  /* numeric; ADDRESS */
    unsigned port;        /* ADDRESS; 0: one of the configured range */
    const char *path;     /* SOCKET; NULL: in the run directory */
    const char *keymap;   /* NULL: QEMU's */
    const char *password; /* NULL: none is asked for */
    const char *share;    /* VNC's word for sharePolicy; NULL unset */
    /* SPICE: ",image-compression=off" and the like, "" none */
    const char *spice_options;
    unsigned listen_line;
} SvirtGraphics;

/* ---- sound -------------------------------------------------------------- */

typedef enum SvirtSoundModel {
    SVIRT_SOUND_AC97,
    SVIRT_SOUND_ES1370,
    SVIRT_SOUND_SB16,
    SVIRT_SOUND_ICH6,
    SVIRT_SOUND_ICH9,
    SVIRT_SOUND_USB,
    SVIRT_SOUND_PCSPK,
    SVIRT_SOUND_MODEL_MAX
} SvirtSoundModel;
SVIRT_ENUM_DECLARE(SvirtSoundModel, svirt_sound_model)

typedef enum SvirtSoundCodec {
    SVIRT_SOUND_CODEC_DUPLEX,
    SVIRT_SOUND_CODEC_MICRO,
    SVIRT_SOUND_CODEC_OUTPUT,
    SVIRT_SOUND_CODEC_MAX
} SvirtSoundCodec;
SVIRT_ENUM_DECLARE(SvirtSoundCodec, svirt_sound_codec)

#define SVIRT_SOUND_CODECS_MAX 8u

typedef struct SvirtSound {
    SvirtDeviceInfo info;
    SvirtSoundModel model;
    SvirtSoundCodec codecs[SVIRT_SOUND_CODECS_MAX]; /* ich6, ich9 */
    size_t codec_count; /* 0: one duplex */
} SvirtSound;

/* ---- watchdog, hub, what a SPICE client brings --------------------------- */

typedef enum SvirtWatchdogModel {
    SVIRT_WATCHDOG_I6300ESB,
    SVIRT_WATCHDOG_IB700,
    SVIRT_WATCHDOG_ITCO, /* q35 has it */
    SVIRT_WATCHDOG_MODEL_MAX
} SvirtWatchdogModel;
SVIRT_ENUM_DECLARE(SvirtWatchdogModel, svirt_watchdog_model)

/* QEMU's words; it has one action for all. */
typedef enum SvirtWatchdogAction {
    SVIRT_WATCHDOG_RESET,
    SVIRT_WATCHDOG_SHUTDOWN,
    SVIRT_WATCHDOG_POWEROFF,
    SVIRT_WATCHDOG_PAUSE,
    SVIRT_WATCHDOG_NONE,
    SVIRT_WATCHDOG_INJECT_NMI,
    SVIRT_WATCHDOG_ACTION_MAX
} SvirtWatchdogAction;
SVIRT_ENUM_DECLARE(SvirtWatchdogAction, svirt_watchdog_action)

typedef struct SvirtWatchdog {
    SvirtDeviceInfo info;
    SvirtWatchdogModel model;
    SvirtWatchdogAction action;
} SvirtWatchdog;

typedef struct SvirtHub {
    SvirtDeviceInfo info; /* on USB */
} SvirtHub;

/* A USB device or smart card of whoever looks at the guest by SPICE. */
typedef struct SvirtRedirected {
    SvirtDeviceInfo info;
    bool smartcard;
} SvirtRedirected;

/* ---- vsock --------------------------------------------------------------- */

/* 0 to 2 are the hypervisor's, the loopback's and the host's. */
#define SVIRT_VSOCK_CID_MIN 3u

/* The guest's address for AF_VSOCK, of which the host has each once. */
typedef struct SvirtVsock {
    SvirtDeviceInfo info; /* line 0: none */
    unsigned cid;         /* 0: a free one at each start */
} SvirtVsock;
