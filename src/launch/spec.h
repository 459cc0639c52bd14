/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock-bytes.h"
#include "base/uuid.h"

/*
 * A LaunchSpec is all that the keeper needs to put one VM into its
 * compartment. `svirt start` writes it into a sealed memfd, the keeper maps it
 * read-only and re-validates every field. It is one flat block without
 * pointers: every bound is visible here, and nothing has to be parsed by a
 * program that runs as root for as long as the VM does.
 *
 * Life cycle: svirt_spec_new, _add_*, _seal -> descriptor to the keeper;
 * keeper: svirt_spec_map -> read-only view.
 */
#define SVIRT_SPEC_MAGIC 0x53565253u /* "SVRS" */
#define SVIRT_SPEC_VERSION 5u

#define SVIRT_SPEC_MAX_ARGS 4096
#define SVIRT_SPEC_MAX_FDS 2048
#define SVIRT_SPEC_MAX_FILES 64
#define SVIRT_SPEC_MAX_STRINGS (1024u * 1024u)
#define SVIRT_SPEC_MAX_NAME 256
/* Numbers of descriptors lie below this, in the keeper and in its children. */
#define SVIRT_SPEC_MAX_FD_NUMBER 8192
#define SVIRT_SPEC_MAX_NOFILE 65536
#define SVIRT_SPEC_MAX_SERIALS 64
#define SVIRT_SPEC_MAX_LABELS 8
#define SVIRT_SPEC_MAX_SOCKETS 18
#define SVIRT_SPEC_MAX_GROUPS 32
#define SVIRT_SPEC_MAX_LOCKS 768 /* an image takes three descriptors */
#define SVIRT_SPEC_MAX_LABEL_BYTES 4096 /* the NUL included */
#define SVIRT_SPEC_NO_STRING UINT32_MAX

/* A passt carries one interface. */
#define SVIRT_MAX_PASSTS 8

/* The processes of one VM; also the order in which they are started. */
typedef enum SvirtProcess {
    SVIRT_PROCESS_VMM,
    SVIRT_PROCESS_MONITOR,
    /* Interface i has PASST + i. They share one uid: what a guest says reaches
     * each of them alike. */
    SVIRT_PROCESS_PASST,
    SVIRT_PROCESS_PASST_LAST = SVIRT_PROCESS_PASST + SVIRT_MAX_PASSTS - 1,
    SVIRT_PROCESS_MAX
} SvirtProcess;
/* Kinds are the first three: VMM, MONITOR, PASST. */
#define SVIRT_PROCESS_KINDS (SVIRT_PROCESS_PASST + 1)

/* What a process is, whichever of its kind. */
static inline SvirtProcess
svirt_process_kind(SvirtProcess process)
{
    return process > SVIRT_PROCESS_PASST ? SVIRT_PROCESS_PASST : process;
}

/* The two cgroups of one VM: the VMM's, and that of all its helpers. */
typedef enum SvirtLeaf {
    SVIRT_LEAF_VMM,
    SVIRT_LEAF_HELPER,
    SVIRT_LEAF_MAX
} SvirtLeaf;

static inline SvirtLeaf
svirt_process_leaf(SvirtProcess process)
{
    return process == SVIRT_PROCESS_VMM ? SVIRT_LEAF_VMM : SVIRT_LEAF_HELPER;
}

/* Who a descriptor goes to; it may go to several. */
#define SVIRT_TO_VMM (1u << SVIRT_PROCESS_VMM)
#define SVIRT_TO_MONITOR (1u << SVIRT_PROCESS_MONITOR)
#define SVIRT_TO_PASST(i) (1u << (SVIRT_PROCESS_PASST + (i)))
#define SVIRT_TO_PASSTS (SVIRT_TO_PASST(SVIRT_MAX_PASSTS) - SVIRT_TO_PASST(0))
/* Kept open by the keeper for as long as the VM runs (locks, run directory). */
#define SVIRT_TO_KEEPER (1u << 31)

/* What a descriptor is, so that the keeper and verify know every one. */
typedef enum SvirtFdRole {
    SVIRT_FD_NULL,         /* /dev/null on 0, 1 or 2 */
    SVIRT_FD_LOG,          /* write end: VMM's 1 and 2; read end: monitor */
    SVIRT_FD_QMP,          /* connected stream socketpair */
    SVIRT_FD_SERIAL,       /* chardev socketpair, `index` = serial number */
    SVIRT_FD_IMAGE,        /* an image of a chain, `index` = fdset */
    SVIRT_FD_KERNEL,       /* sealed memfd: kernel, initrd */
    SVIRT_FD_LOCK,         /* description that holds image locks */
    SVIRT_FD_NET,          /* stream socketpair VMM <-> passt */
    SVIRT_FD_CONTROL,      /* listening control socket (monitor) */
    SVIRT_FD_LOG_FILE,     /* log file, `index` 0 current, 1 rotated */
    SVIRT_FD_SERIAL_FILE,  /* target of a serial: file or pty master */
    SVIRT_FD_SERIAL_LISTEN,/* listening unix socket of a serial */
    SVIRT_FD_RUN_DIR,      /* /run/svirt/<uuid> (keeper) */
    SVIRT_FD_RUN_LOCK,     /* flock of the run (keeper): held = VM managed */
    SVIRT_FD_CGROUP,       /* cgroup v2 directory, `index` = SvirtLeaf */
    SVIRT_FD_DEVICE,       /* an opened host device */
    SVIRT_FD_STATUS,       /* status file in the run directory (keeper) */
    SVIRT_FD_PROBE,        /* selftest's own channels */
    SVIRT_FD_SERIAL_PEER,  /* a serial's connection to a server of the host */
    SVIRT_FD_SOCKET_DIR,   /* where a serial's socket file is (keeper) */
    SVIRT_FD_GRAPHICS_LISTEN, /* for viewers, `index` = SvirtGraphicsKind */
    SVIRT_FD_MAX
} SvirtFdRole;

typedef struct SvirtSpecFd {
    int32_t source;   /* number in the keeper after exec */
    uint32_t to;      /* SVIRT_TO_* */
    int32_t vmm;      /* number in each process, -1 none */
    int32_t monitor;
    int32_t passt;    /* the same in each it goes to */
    uint32_t role;    /* SvirtFdRole */
    uint32_t index;
} SvirtSpecFd;

/*
 * A file or directory of the host that appears in the VMM's root; read-only
 * but for those of `svirt exec` that it may write.
 */
typedef struct SvirtSpecFile {
    uint32_t path;    /* offset into strings: same path inside */
    uint32_t flags;   /* SVIRT_FILE_* */
    int32_t mount;    /* MOUNT: a detached mount's number in the caller; -1 */
    uint32_t major;   /* DEVICE: of the private node made for it; else 0 */
    uint32_t minor;
} SvirtSpecFile;
#define SVIRT_FILE_EXECUTE 1u /* Landlock: may be executed */
#define SVIRT_FILE_TREE 2u    /* a directory tree (/usr) */
#define SVIRT_FILE_WRITE 4u   /* Landlock: may be written */
#define SVIRT_FILE_MOUNT 8u   /* opened and mounted by the caller, detached */
#define SVIRT_FILE_DEVICE 16u /* a block device, below /dev */

/* What is started otherwise than a VM's emulator by root: `svirt exec`. */
#define SVIRT_EXEC_STDIO 1u   /* 0, 1 and 2 may be a terminal of its own */
#define SVIRT_EXEC_TIED 2u    /* it ends with the process that started it */
#define SVIRT_EXEC_LOCKS 4u   /* may lock its files itself */
#define SVIRT_EXEC_CONNECT 8u /* may connect by TCP to the host's tcp_port */
/* And a session's VM. */
#define SVIRT_EXEC_OWN_IDS 16u /* keeps the caller's user and groups, where
                                  the uid layer is waived */
#define SVIRT_EXEC_ALIKE 32u   /* what is waived is so for every process */
#define SVIRT_EXEC_TAINTED 64u /* its command line is the author's in part */
#define SVIRT_EXEC_ALL 127u
#define SVIRT_SPEC_MAX_PORTS 16

/* Device nodes of the VMM's private /dev. */
#define SVIRT_NODE_NULL 1u
#define SVIRT_NODE_ZERO 2u
#define SVIRT_NODE_URANDOM 4u
#define SVIRT_NODE_RANDOM 8u
#define SVIRT_NODE_KVM 16u

/* Layers left out: a waiver, or a kernel without it. Recorded, listed. */
#define SVIRT_LAYER_LANDLOCK 1u
#define SVIRT_LAYER_SECCOMP 2u
#define SVIRT_LAYER_CGROUP 4u
#define SVIRT_LAYER_NAMESPACES 8u
#define SVIRT_LAYER_DEVICE_FILTER 16u
#define SVIRT_LAYER_ROOT 32u
#define SVIRT_LAYER_UID 64u
#define SVIRT_LAYER_ALL 127u

typedef struct SvirtSpecIds {
    uint32_t uid;
    uint32_t gid;
} SvirtSpecIds;

typedef struct SvirtSpecArgv {
    uint32_t first;   /* index into args */
    uint32_t count;   /* 0: this process is not wanted */
} SvirtSpecArgv;

/*
 * What a description of role LOCK is and holds. An adopting keeper has it from
 * the VMM, by number, and believes neither the number nor the VMM.
 */
typedef struct SvirtSpecLock {
    uint64_t device; /* st_dev and st_ino, of this run */
    uint64_t inode;
    int32_t source;  /* of its SvirtSpecFd */
    SvirtLockBytes bytes; /* none: a file nobody else can have open */
} SvirtSpecLock;

/*
 * A socket file of the VM on the host, which goes with it: by its directory
 * and name, if it is still that inode. The directory's path serves to open it
 * again where the keeper died, and is believed if that is the same directory.
 */
typedef struct SvirtSpecSocket {
    uint64_t dir_device; /* st_dev and st_ino, of this run */
    uint64_t dir_inode;
    uint64_t device;
    uint64_t inode;
    int32_t source;    /* of its SvirtSpecFd, role SOCKET_DIR */
    uint32_t dir_path; /* offsets into strings */
    uint32_t name;     /* one component */
    uint32_t reserved; /* 0 */
} SvirtSpecSocket;

/* With whose rights they are removed; uid 0: the keeper's own. */
typedef struct SvirtSpecAuthor {
    uint32_t uid;
    uint32_t gid;
    uint32_t n_groups; /* as many as there is room for */
    uint32_t groups[SVIRT_SPEC_MAX_GROUPS];
} SvirtSpecAuthor;

/*
 * What the processes write into a file below /proc/thread-self before they
 * execute: their label under one security model.
 */
typedef struct SvirtSpecLabel {
    uint32_t model;    /* SvirtModelKind: each at most once */
    /* Offsets into strings; SVIRT_SPEC_NO_STRING but for `path`: none. */
    uint32_t path;     /* "attr/exec" */
    uint32_t fallback; /* where the kernel has no `path` */
    uint32_t prefix;   /* written before the label */
    uint32_t value[SVIRT_PROCESS_KINDS]; /* by kind; none: stays as started */
} SvirtSpecLabel;

typedef struct SvirtLaunchSpec {
    uint32_t magic;
    uint32_t version;
    uint32_t size_bytes; /* sizeof(SvirtLaunchSpec) + strings */
    SvirtUuid uuid;
    char name[SVIRT_SPEC_MAX_NAME];

    SvirtSpecIds ids[SVIRT_PROCESS_MAX];
    SvirtSpecArgv argv[SVIRT_PROCESS_MAX]; /* argv[0] is the program's path */

    uint32_t waived_layers; /* SVIRT_LAYER_* left out by a waiver */
    int32_t landlock_abi_limit; /* selftest: pretend this ABI; -1 none */
    uint32_t device_nodes;  /* SVIRT_NODE_* */
    uint32_t paused;        /* 1: commit does not start the vCPUs */
    uint32_t exec;          /* SVIRT_EXEC_* */
    uint32_t cwd;           /* offset into strings: the directory it starts
                               in, made where missing; NO_STRING: the root */
    uint32_t n_ports;
    uint16_t tcp_port[SVIRT_SPEC_MAX_PORTS];

    /* Largest declared resource; guest memory too when a memfd backs it (the
     * kernel counts a memfd as a file). */
    uint64_t rlimit_fsize_bytes;
    uint64_t rlimit_nofile;
    uint64_t rlimit_memlock_bytes;
    uint64_t log_limit_bytes;       /* rotate the VMM's log at this size */
    uint64_t log_rate_bytes_per_s;  /* and drop above this rate */
    uint32_t ready_timeout_ms;      /* first QMP reply */
    uint32_t n_serials;             /* serial channels of the monitor */

    uint32_t n_fds;
    uint32_t n_files;
    uint32_t n_args;
    uint32_t n_labels;
    uint32_t n_locks;
    uint32_t n_sockets;
    uint32_t strings_bytes;

    SvirtSpecFd fds[SVIRT_SPEC_MAX_FDS];
    SvirtSpecFile files[SVIRT_SPEC_MAX_FILES];
    SvirtSpecLabel labels[SVIRT_SPEC_MAX_LABELS];
    SvirtSpecLock locks[SVIRT_SPEC_MAX_LOCKS];
    SvirtSpecSocket sockets[SVIRT_SPEC_MAX_SOCKETS];
    SvirtSpecAuthor author;
    uint32_t args[SVIRT_SPEC_MAX_ARGS]; /* offsets into strings */
    char strings[]; /* NUL-terminated, strings_bytes long */
} SvirtLaunchSpec;

/* How one serial console ends on the host's side. */
typedef enum SvirtSerialKind {
    SVIRT_SERIAL_CONSOLE, /* only `svirt console` */
    SVIRT_SERIAL_PTY,     /* SERIAL_FILE is a pty master */
    SVIRT_SERIAL_FILE,    /* SERIAL_FILE is a file, bounded and rotated */
    SVIRT_SERIAL_UNIX,    /* SERIAL_LISTEN accepts clients */
    SVIRT_SERIAL_CONNECTED, /* SERIAL_PEER is the connection */
    SVIRT_SERIAL_KIND_MAX
} SvirtSerialKind;

/*
 * The launch steps in the order child.c takes them: a failure names one.
 * The table of words is what `svirt start` prints.
 */
typedef enum SvirtStep {
    SVIRT_STEP_NONE,
    SVIRT_STEP_SPEC,          /* read and check the launch spec */
    SVIRT_STEP_CLONE,         /* clone3 into cgroup and namespaces */
    SVIRT_STEP_SESSION,       /* setsid, umask, signal mask */
    SVIRT_STEP_RLIMIT,
    SVIRT_STEP_MOUNT_PRIVATE, /* no mount event leaves or enters */
    SVIRT_STEP_ROOT,          /* tmpfs root, binds, /proc, /dev */
    SVIRT_STEP_PIVOT,
    SVIRT_STEP_HOSTNAME,
    SVIRT_STEP_DESCRIPTORS,   /* fd map; everything else closed */
    SVIRT_STEP_LABEL,         /* the security models' labels, for exec */
    SVIRT_STEP_CAPABILITIES,  /* bounding set, ambient, securebits */
    SVIRT_STEP_IDENTITY,      /* groups, gid, uid, read back */
    SVIRT_STEP_NO_NEW_PRIVS,
    SVIRT_STEP_LANDLOCK,
    SVIRT_STEP_SECCOMP,
    SVIRT_STEP_EXEC,
    SVIRT_STEP_READY,         /* first QMP reply */
    SVIRT_STEP_MAX
} SvirtStep;

const char *svirt_step_to_string(SvirtStep step);
bool svirt_step_from_string(const char *text, SvirtStep *ret);
/* "vmm", "monitor", "passt", "passt2" and so on. */
const char *svirt_process_to_string(SvirtProcess process);
bool svirt_process_from_string(const char *text, SvirtProcess *ret);
const char *svirt_fd_role_to_string(SvirtFdRole role);
bool svirt_fd_role_from_string(const char *text, SvirtFdRole *ret);
const char *svirt_serial_kind_to_string(SvirtSerialKind kind);
bool svirt_serial_kind_from_string(const char *text, SvirtSerialKind *ret);
/* `layer` is one SVIRT_LAYER_* bit; false, *ret untouched: no such word. */
const char *svirt_layer_to_string(uint32_t layer);
bool svirt_layer_from_string(const char *text, uint32_t *ret);

/*
 * Writer. `spec` is allocated by _new (NULL: no memory) and freed by _free.
 * The adders return -1/false with errno (E2BIG: a bound of this header).
 */
SvirtLaunchSpec *svirt_spec_new(const SvirtUuid *uuid, const char *name);
void svirt_spec_free(SvirtLaunchSpec *spec);
/* Arguments of one process must be added together, program path first. */
bool svirt_spec_add_arg(SvirtLaunchSpec **spec, SvirtProcess process,
                        const char *arg);
bool svirt_spec_add_file(SvirtLaunchSpec **spec, const char *path,
                         uint32_t flags);
/* The same with all but its path filled in. */
bool svirt_spec_add_shared(SvirtLaunchSpec **spec, const char *path,
                           const SvirtSpecFile *file);
bool svirt_spec_set_cwd(SvirtLaunchSpec **spec, const char *path);
bool svirt_spec_add_fd(SvirtLaunchSpec **spec, const SvirtSpecFd *fd);
bool svirt_spec_add_lock(SvirtLaunchSpec **spec, const SvirtSpecLock *lock);
/* Its strings' offsets are set here. */
bool svirt_spec_add_socket(SvirtLaunchSpec **spec,
                           const SvirtSpecSocket *socket,
                           const char *dir_path, const char *name);
/* `fallback`, `prefix` and each of `value`: NULL none. */
bool svirt_spec_add_label(SvirtLaunchSpec **spec, uint32_t model,
                          const char *path, const char *fallback,
                          const char *prefix,
                          const char *const value[SVIRT_PROCESS_KINDS]);
/* A sealed memfd (CLOEXEC) with the whole block; -1 with errno. */
int svirt_spec_seal(const SvirtLaunchSpec *spec);

/*
 * Reader. Maps a sealed memfd and checks magic, version, seals, every count,
 * offset, string end, enum and fd number. NULL with errno (EPROTO: *ret_why
 * names the field). Unmap with svirt_spec_unmap.
 */
const SvirtLaunchSpec *svirt_spec_map(int fd, const char **ret_why);
/* The same checks of a block of `size` bytes that nobody else can write, which
 * stays the caller's. */
bool svirt_spec_check(const SvirtLaunchSpec *spec, size_t size,
                      const char **ret_why);
void svirt_spec_unmap(const SvirtLaunchSpec *spec);
const char *svirt_spec_string(const SvirtLaunchSpec *spec, uint32_t offset);
/* What `process` is to have under `model`; NULL: nothing. */
const char *svirt_spec_label(const SvirtLaunchSpec *spec, uint32_t model,
                             SvirtProcess process);
