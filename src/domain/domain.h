/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/enum-table.h"
#include "base/uuid.h"
#include "domain/device-media.h"
#include "domain/device.h"
#include "domain/memory.h"
#include "domain/sysinfo.h"
#include "domain/tune.h"
#include "domain/xml.h"

/*
 * A definition: libvirt domain XML as typed values. What the XML says and
 * svirt neither supports, nor refuses, nor lists as ignored does not exist:
 * docs/domain-xml.md has the list. Everything is owned by the domain and
 * constant from svirt_domain_parse to svirt_domain_free.
 */

/* Bytes of a name without its NUL. */
#define SVIRT_DOMAIN_NAME_MAX 255u
/* What the variables' file is called where disks have a target: no word. */
#define SVIRT_NVRAM_TARGET "(nvram)"
#define SVIRT_DOMAIN_VCPUS_MAX 4096u
#define SVIRT_DOMAIN_MEMORY_MAX (UINT64_C(1) << 50)
#define SVIRT_DOMAIN_BOOT_DEVICES_MAX 4u
#define SVIRT_DOMAIN_INTERFACES_MAX 32u

typedef enum SvirtDomainType {
    SVIRT_DOMAIN_TYPE_QEMU, /* TCG */
    SVIRT_DOMAIN_TYPE_KVM,
    SVIRT_DOMAIN_TYPE_MAX
} SvirtDomainType;
SVIRT_ENUM_DECLARE(SvirtDomainType, svirt_domain_type)

typedef enum SvirtBootDevice {
    SVIRT_BOOT_DEVICE_HD,
    SVIRT_BOOT_DEVICE_CDROM,
    SVIRT_BOOT_DEVICE_NETWORK,
    SVIRT_BOOT_DEVICE_FD,
    SVIRT_BOOT_DEVICE_MAX
} SvirtBootDevice;
SVIRT_ENUM_DECLARE(SvirtBootDevice, svirt_boot_device)

typedef enum SvirtSwitch {
    SVIRT_SWITCH_UNSET,
    SVIRT_SWITCH_ON,
    SVIRT_SWITCH_OFF,
    SVIRT_SWITCH_MAX
} SvirtSwitch;
SVIRT_ENUM_DECLARE(SvirtSwitch, svirt_switch)

/* Who chooses the firmware: the definition, or descriptors of this host. */
typedef enum SvirtFirmware {
    SVIRT_FIRMWARE_UNSET,
    SVIRT_FIRMWARE_BIOS, /* the machine's own */
    SVIRT_FIRMWARE_EFI,
    SVIRT_FIRMWARE_MAX
} SvirtFirmware;
SVIRT_ENUM_DECLARE(SvirtFirmware, svirt_firmware)

typedef struct SvirtOs {
    const char *arch;    /* "x86_64"; NULL: the host's */
    const char *machine; /* "q35", "pc-q35-7.2"; NULL: the hypervisor's */
    const char *kernel;  /* absolute path */
    unsigned kernel_line;
    const char *initrd; /* absolute path */
    unsigned initrd_line;
    const char *cmdline;
    const char *loader; /* absolute path of the firmware; NULL: the machine's */
    unsigned loader_line;
    bool loader_flash;  /* type='pflash', read-only */
    SvirtSwitch loader_secure; /* ON: only firmware in SMM writes variables */
    bool loader_stateless; /* it keeps no variables */
    SvirtFirmware firmware;
    unsigned firmware_line;
    SvirtSwitch secure_boot;   /* what chosen firmware must have, or must not */
    SvirtSwitch enrolled_keys;
    SvirtXmlNode *nvram_node;   /* borrowed; NULL: none */
    const char *nvram_template; /* absolute path; NULL none */
    SvirtDisk nvram; /* where there is one: of one raw image, that has no path
                        until the domain is completed */
    SvirtBootDevice boot[SVIRT_DOMAIN_BOOT_DEVICES_MAX];
    size_t boot_count;
    SvirtSwitch boot_menu;
    unsigned boot_menu_timeout_ms; /* 0 unset */
} SvirtOs;

/* libvirt's words; QEMU's are "hv-" and these with '-' for '_'. */
typedef enum SvirtHyperv {
    SVIRT_HYPERV_RELAXED,
    SVIRT_HYPERV_VAPIC,
    SVIRT_HYPERV_SPINLOCKS,
    SVIRT_HYPERV_VPINDEX,
    SVIRT_HYPERV_RUNTIME,
    SVIRT_HYPERV_SYNIC,
    SVIRT_HYPERV_STIMER,
    SVIRT_HYPERV_RESET,
    SVIRT_HYPERV_FREQUENCIES,
    SVIRT_HYPERV_REENLIGHTENMENT,
    SVIRT_HYPERV_TLBFLUSH,
    SVIRT_HYPERV_IPI,
    SVIRT_HYPERV_EVMCS,
    SVIRT_HYPERV_AVIC,
    SVIRT_HYPERV_EMSR_BITMAP,
    SVIRT_HYPERV_XMM_INPUT,
    SVIRT_HYPERV_MAX
} SvirtHyperv;
SVIRT_ENUM_DECLARE(SvirtHyperv, svirt_hyperv)

/* What KVM alone has, as properties of its CPUs. */
typedef enum SvirtKvmFeature {
    SVIRT_KVM_FEATURE_HINT_DEDICATED,
    SVIRT_KVM_FEATURE_POLL_CONTROL,
    SVIRT_KVM_FEATURE_PV_IPI,
    SVIRT_KVM_FEATURE_PV_EOI,
    SVIRT_KVM_FEATURE_PV_UNHALT,
    SVIRT_KVM_FEATURE_MAX
} SvirtKvmFeature;
/* QEMU's words: "kvm-pv-ipi" */
SVIRT_ENUM_DECLARE(SvirtKvmFeature, svirt_kvm_feature)

/* ON: present; OFF: state='off'; UNSET: not mentioned. */
typedef struct SvirtFeatures {
    SvirtSwitch acpi;
    SvirtSwitch apic;
    SvirtSwitch pae;
    SvirtSwitch hap;
    SvirtSwitch vmport;
    SvirtSwitch pmu;
    SvirtSwitch smm;
    SvirtSwitch kvm_hidden;
    SvirtSwitch vmcoreinfo;
    uint32_t hyperv_on; /* a bit for each SvirtHyperv */
    uint32_t hyperv_off;
    bool hyperv_passthrough;
    bool hyperv_direct_timers;
    bool hyperv_direct_flush;
    bool hyperv_extended_flush;
    unsigned hyperv_spinlocks; /* retries; 0 unset */
    const char *hyperv_vendor; /* 1 to 12 letters */
    SvirtSwitch kvm[SVIRT_KVM_FEATURE_MAX];
    unsigned kvm_dirty_ring;  /* entries; 0 unset */
    SvirtSwitch kernel_ioapic; /* OFF: the I/O APIC is QEMU's */
    unsigned tseg_mib;         /* 0 unset */
} SvirtFeatures;

typedef enum SvirtCpuMode {
    SVIRT_CPU_MODE_UNSET, /* no <cpu>, or one without a model */
    SVIRT_CPU_MODE_CUSTOM,
    SVIRT_CPU_MODE_HOST_MODEL,
    SVIRT_CPU_MODE_HOST_PASSTHROUGH,
    SVIRT_CPU_MODE_MAXIMUM,
    SVIRT_CPU_MODE_MAX
} SvirtCpuMode;
SVIRT_ENUM_DECLARE(SvirtCpuMode, svirt_cpu_mode)

typedef enum SvirtCpuCheck {
    SVIRT_CPU_CHECK_UNSET,
    SVIRT_CPU_CHECK_NONE,
    SVIRT_CPU_CHECK_PARTIAL,
    SVIRT_CPU_CHECK_FULL,
    SVIRT_CPU_CHECK_MAX
} SvirtCpuCheck;
SVIRT_ENUM_DECLARE(SvirtCpuCheck, svirt_cpu_check)

typedef enum SvirtCpuPolicy {
    SVIRT_CPU_POLICY_REQUIRE,
    SVIRT_CPU_POLICY_DISABLE,
    SVIRT_CPU_POLICY_FORCE,    /* as require: svirt looks at no host CPU */
    SVIRT_CPU_POLICY_OPTIONAL, /* QEMU leaves out what the host has not */
    SVIRT_CPU_POLICY_FORBID,   /* as disable */
    SVIRT_CPU_POLICY_MAX
} SvirtCpuPolicy;
SVIRT_ENUM_DECLARE(SvirtCpuPolicy, svirt_cpu_policy)

typedef struct SvirtCpuFeature {
    const char *name; /* letters, digits, '-', '_', '.' */
    SvirtCpuPolicy policy;
    unsigned line;
} SvirtCpuFeature;

typedef enum SvirtCpuCache {
    SVIRT_CPU_CACHE_UNSET,
    SVIRT_CPU_CACHE_EMULATE,
    SVIRT_CPU_CACHE_PASSTHROUGH,
    SVIRT_CPU_CACHE_DISABLE,
    SVIRT_CPU_CACHE_MAX
} SvirtCpuCache;
SVIRT_ENUM_DECLARE(SvirtCpuCache, svirt_cpu_cache)

typedef struct SvirtCpu {
    SvirtCpuMode mode;
    SvirtCpuCheck check;
    SvirtSwitch migratable;
    const char *model; /* custom: "qemu64"; same letters as a feature */
    /* Product is the number of vCPUs; all 0 when not given. */
    unsigned sockets;
    unsigned dies;
    unsigned clusters;
    unsigned cores;
    unsigned threads;
    const char *vendor_id; /* 12 letters */
    SvirtCpuCache cache;
    unsigned physical_bits;       /* of an address; 0 unset */
    unsigned physical_bits_limit; /* 0 unset */
    bool host_physical_bits;
    const SvirtCpuFeature *features;
    size_t feature_count;
    unsigned line; /* 0: no <cpu> */
} SvirtCpu;

typedef enum SvirtClockOffset {
    SVIRT_CLOCK_UTC,
    SVIRT_CLOCK_LOCALTIME, /* of the host at the start */
    SVIRT_CLOCK_TIMEZONE,  /* of a place at the start */
    SVIRT_CLOCK_VARIABLE,  /* so many seconds from its basis */
    SVIRT_CLOCK_ABSOLUTE,  /* the same at every start */
    SVIRT_CLOCK_OFFSET_MAX
} SvirtClockOffset;
SVIRT_ENUM_DECLARE(SvirtClockOffset, svirt_clock_offset)

typedef struct SvirtClock {
    SvirtClockOffset offset;
    const char *timezone; /* "Europe/Paris" */
    int64_t adjustment_s; /* variable */
    bool local_basis;     /* variable: from the host's local time */
    int64_t start_s;      /* absolute: seconds since 1970, UTC */
} SvirtClock;

typedef enum SvirtTimerName {
    SVIRT_TIMER_RTC,
    SVIRT_TIMER_PIT,
    SVIRT_TIMER_HPET,
    SVIRT_TIMER_TSC,
    SVIRT_TIMER_KVMCLOCK,
    SVIRT_TIMER_HYPERVCLOCK,
    SVIRT_TIMER_NAME_MAX
} SvirtTimerName;
SVIRT_ENUM_DECLARE(SvirtTimerName, svirt_timer_name)

typedef enum SvirtTickPolicy {
    SVIRT_TICK_POLICY_UNSET,
    SVIRT_TICK_POLICY_DELAY,
    SVIRT_TICK_POLICY_CATCHUP,
    SVIRT_TICK_POLICY_MERGE,
    SVIRT_TICK_POLICY_DISCARD,
    SVIRT_TICK_POLICY_MAX
} SvirtTickPolicy;
SVIRT_ENUM_DECLARE(SvirtTickPolicy, svirt_tick_policy)

/* What an RTC follows. */
typedef enum SvirtTimerTrack {
    SVIRT_TIMER_TRACK_UNSET,
    SVIRT_TIMER_TRACK_GUEST,
    SVIRT_TIMER_TRACK_WALL,
    SVIRT_TIMER_TRACK_MAX
} SvirtTimerTrack;
SVIRT_ENUM_DECLARE(SvirtTimerTrack, svirt_timer_track)

typedef struct SvirtTimer {
    SvirtTimerName name; /* unique within the domain */
    SvirtTimerTrack track;
    uint64_t frequency_hz; /* tsc; 0 unset */
    SvirtSwitch present;
    SvirtTickPolicy tick_policy;
    unsigned line;
} SvirtTimer;

typedef enum SvirtLifecycleAction {
    SVIRT_ACTION_DESTROY,
    SVIRT_ACTION_RESTART,
    SVIRT_ACTION_PRESERVE,
    SVIRT_ACTION_MAX
} SvirtLifecycleAction;
SVIRT_ENUM_DECLARE(SvirtLifecycleAction, svirt_lifecycle_action)

/* Something the definition says and svirt ignores, as it does no harm. */
typedef struct SvirtDomainWarning {
    unsigned line;
    const char *text; /* "FILE:LINE: <x> is ignored: why" */
} SvirtDomainWarning;

/*
 * Something the definition says that svirt understands and does not give: the
 * definition is kept, what it names is listed, and the domain does not start.
 */
typedef struct SvirtObstacle {
    unsigned line;
    SvirtErrorCode code; /* of a start: REFUSED or UNSUPPORTED */
    const char *text;    /* "FILE:LINE: <x> would ..." */
    const char *hint;    /* what to do instead */
    const struct SvirtXmlNode *element; /* left out whole; NULL: none is */
} SvirtObstacle;

/* More are not listed; the domain does not start anyway. */
#define SVIRT_DOMAIN_OBSTACLES_MAX 256u

struct SvirtResource; /* domain/resource.h */

typedef struct SvirtDomain {
    SvirtXmlDocument *document; /* owned; what is printed back */

    SvirtDomainType type;
    const char *name;
    bool uuid_given; /* false: uuid is zero, the caller sets one */
    SvirtUuid uuid;
    const char *title;
    const char *description;
    const SvirtXmlNode *metadata;  /* borrowed from the tree; NULL none */
    uint64_t memory_bytes;         /* a multiple of 1 KiB, as in libvirt */
    /* At most memory_bytes, and less only with a balloon that takes it. */
    uint64_t current_memory_bytes;
    unsigned current_memory_line;
    unsigned memory_line;
    unsigned vcpus_max;
    unsigned vcpus; /* at start, 1 to vcpus_max */
    const unsigned *iothreads; /* their ids, from 1 */
    size_t iothread_count;
    SvirtTune tune;
    SvirtSysinfo sysinfo;
    /* <qemu:commandline>: needs a waiver, and taints. */
    const char *const *extra_args;
    size_t extra_arg_count;
    unsigned extra_line;
    SvirtMemory memory;
    SvirtIommu iommu;
    SvirtOs os;
    SvirtFeatures features;
    SvirtCpu cpu;
    SvirtClock clock;
    const SvirtTimer *timers;
    size_t timer_count;
    SvirtLifecycleAction on_poweroff; /* destroy unless given */
    SvirtLifecycleAction on_reboot;   /* restart unless given */
    SvirtLifecycleAction on_crash;    /* destroy unless given */
    SvirtSwitch suspend_to_mem;
    SvirtSwitch suspend_to_disk;

    const GPtrArray *seclabels; /* of SvirtSeclabel *, checked; never NULL */
    GPtrArray *seclabel_lists;  /* owned: this list and those of sources */

    const char *emulator; /* absolute path; NULL: the hypervisor's */
    unsigned emulator_line;
    const SvirtDisk *disks;
    size_t disk_count;
    const SvirtController *controllers;
    size_t controller_count;
    const SvirtInterface *interfaces;
    size_t interface_count;
    /* All <serial>, <console>, <channel>, then <parallel>. */
    const SvirtChardev *chardevs;
    size_t chardev_count;
    const SvirtInput *inputs;
    size_t input_count;
    const SvirtVideo *videos;
    size_t video_count;
    const SvirtRng *rngs;
    size_t rng_count;
    SvirtBalloon balloon;
    const SvirtPanic *panics;
    size_t panic_count;
    const SvirtGraphics *graphics;
    size_t graphics_count;
    const SvirtSound *sounds;
    size_t sound_count;
    bool audio_spice; /* <audio type='spice'>, or SPICE without <audio> */
    const SvirtWatchdog *watchdogs;
    size_t watchdog_count;
    const SvirtHub *hubs;
    size_t hub_count;
    const SvirtRedirected *redirected;
    size_t redirected_count;
    SvirtVsock vsock;

    const SvirtDomainWarning *warnings; /* in order of their lines */
    size_t warning_count;

    const SvirtObstacle *obstacles; /* in order of their lines */
    size_t obstacle_count;          /* 0: nothing is in the way of a start */
    /* Devices that are in none of the arrays above, for their places. */
    const SvirtDeviceInfo *withheld;
    size_t withheld_count;
    /* What obstacles name of the host; nobody opens or labels it. */
    const struct SvirtResource *withheld_resources;
    size_t withheld_resource_count;
} SvirtDomain;

/* What is wrong with a definition: "FILE:LINE: what" and the line alone. */
typedef struct SvirtDomainFault {
    unsigned line;
    GError *error; /* owned */
} SvirtDomainFault;
void svirt_domain_fault_free(SvirtDomainFault *fault);

/* More are not listed. */
#define SVIRT_DOMAIN_FAULTS_MAX 32u

/*
 * Parse and check a definition of `length` bytes; `file` is the name shown in
 * messages. The domain is owned by the caller. Nothing of the host is looked
 * at. Errors, each "FILE:LINE: what": INVALID (not XML, wrong or contradictory
 * value, unknown name), REFUSED (would hand the VM something of the host, or
 * ask for a protection or limit svirt does not give), UNSUPPORTED (known to
 * libvirt, not built). The error is the first one found.
 *
 * `ret_faults` (NULL: not wanted; of SvirtDomainFault *, with its free
 * function) gets every fault that was found, the error among them, in order of
 * their lines; none when the text is no XML. What contradicts itself only as a
 * whole (two disks in one place) is looked for when the parts are right.
 */
bool svirt_domain_parse_all(const char *text, size_t length, const char *file,
                            SvirtDomain **ret_domain, GPtrArray *ret_faults,
                            GError **error);
/*
 * What the tree says after a change to it: *domain becomes another one with
 * the same document, so lines are those of the file. Errors: as parse; *domain
 * is then what it was.
 */
bool svirt_domain_reread(SvirtDomain **domain, GError **error);
bool svirt_domain_parse(const char *text, size_t length, const char *file,
                        SvirtDomain **ret_domain, GError **error);
void svirt_domain_free(SvirtDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtDomain, svirt_domain_free)

/*
 * False with the first obstacle, its line and hint, and how many more there
 * are. Errors: REFUSED, UNSUPPORTED.
 */
bool svirt_domain_is_startable(const SvirtDomain *domain, GError **error);

/* Give a domain without a UUID its UUID, in the tree too. */
void svirt_domain_set_uuid(SvirtDomain *domain, const SvirtUuid *uuid);

/*
 * The definition as XML, everything preserved but comments. Owned by the
 * caller. Parsing it again gives an equal domain.
 */
char *svirt_domain_print(const SvirtDomain *domain);

/*
 * libvirt's rules and a bound: not empty, not "." or "..", not blanks alone,
 * UTF-8, no '/', no control character, at most SVIRT_DOMAIN_NAME_MAX bytes.
 * Errors: INVALID.
 */
bool svirt_domain_validate_name(const char *name, GError **error);
