/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define DISK_SIZE (4 * 1024 * 1024)
#define SECTOR 512
#define GREETING "read by the guest\n"
#define BOOT_TIMEOUT_MS 60000

#define FD_QMP 3
#define FD_SERIAL 4
#define FD_DISK_RW 10
#define FD_DISK_RO 11
#define FD_BASE_RO 12
#define FD_SNAP_RW 14
#define FD_SNAP_RO 15

/*
 * A boot sector: reads the second sector from the disk it came from, says it
 * on the serial line, writes it to the third sector, stops.
 */
static const uint8_t boot_code[] = {
    0x31, 0xc0,       /* xor ax, ax */
    0x8e, 0xd8,       /* mov ds, ax */
    0x8e, 0xc0,       /* mov es, ax */
    0x52,             /* push dx */
    0x30, 0xf6,       /* xor dh, dh */
    0xbb, 0x00, 0x7e, /* mov bx, 0x7e00 */
    0xb8, 0x01, 0x02, /* mov ax, 0x0201: read one sector */
    0xb9, 0x02, 0x00, /* mov cx, 2 */
    0xcd, 0x13,       /* int 0x13 */
    0x5a,             /* pop dx */
    0x52,             /* push dx */
    0x30, 0xf6,       /* xor dh, dh */
    0xb8, 0x01, 0x03, /* mov ax, 0x0301: write one sector */
    0xb9, 0x03, 0x00, /* mov cx, 3 */
    0xcd, 0x13,       /* int 0x13 */
    0x5a,             /* pop dx */
    0xbe, 0x00, 0x7e, /* mov si, 0x7e00 */
    0xba, 0xf8, 0x03, /* mov dx, 0x3f8 */
    0xac,             /* lodsb */
    0x84, 0xc0,       /* test al, al */
    0x74, 0x03,       /* jz over the next two */
    0xee,             /* out dx, al */
    0xeb, 0xf8,       /* jmp to lodsb */
    0xf4,             /* hlt */
    0xeb, 0xfd,       /* jmp to hlt */
};

typedef struct Case {
    const char *name;
    const char *machine;
    const char *aio;     /* NULL: QEMU's own choice */
    bool direct;
    bool qcow2;          /* an overlay of a raw base */
    bool snapshot;       /* while it runs */
    const char *devices; /* arguments with blanks between; the disk is "n0" */
} Case;

static const Case cases[] = {
    { "q35-virtio-blk-threads", "q35", "threads", false, false, true,
      "-device virtio-blk-pci,drive=n0,bootindex=1" },
    { "q35-virtio-blk-native-iothread", "q35", "native", true, false, false,
      "-object iothread,id=io0 "
      "-device virtio-blk-pci,drive=n0,iothread=io0,bootindex=1" },
    { "pc-virtio-blk-qcow2-chain", "pc", "threads", false, true, true,
      "-device virtio-blk-pci,drive=n0,bootindex=1" },
    { "q35-virtio-scsi", "q35", NULL, false, false, false,
      "-device virtio-scsi-pci -device scsi-hd,drive=n0,bootindex=1" },
    { "q35-sata", "q35", NULL, false, false, false,
      "-device ide-hd,drive=n0,bootindex=1" },
    { "pc-ide", "pc", NULL, false, false, false,
      "-device ide-hd,drive=n0,bootindex=1" },
    { "pc-usb", "pc", NULL, false, false, false,
      "-device usb-ehci -device usb-storage,drive=n0,bootindex=1" },
    { "q35-memfd-and-devices", "q35,memory-backend=ram0", NULL, false, false,
      false,
      "-object memory-backend-memfd,id=ram0,size=128M,share=on "
      "-smp 2 -device virtio-blk-pci,drive=n0,bootindex=1 "
      "-device qemu-xhci -device usb-tablet -device usb-kbd -device VGA "
      "-vnc none -device virtio-serial-pci -device i6300esb "
      "-device pvpanic -rtc base=utc,driftfix=slew -device virtio-net-pci "
      "-device virtio-gpu-pci -overcommit mem-lock=off" },
};

typedef struct Vm {
    const Case *test;
    Fixture *fixture;
    char *dir;   /* owned: root 0700 */
    char *disk;  /* owned: what the guest writes */
    char *base;  /* owned, NULL none */
    char *snap;  /* owned, NULL none */
    int qmp;     /* owned: our end */
    int serial;  /* owned: our end */
    GString *heard;
} Vm;

static void
write_disk(const char *path)
{
    g_autofree uint8_t *image = g_malloc0(DISK_SIZE);

    memcpy(image, boot_code, sizeof(boot_code));
    image[510] = 0x55;
    image[511] = 0xaa;
    memcpy(image + SECTOR, GREETING, sizeof(GREETING));
    g_assert_true(g_file_set_contents_full(path, (char *)image, DISK_SIZE,
                                           G_FILE_SET_CONTENTS_NONE, 0600,
                                           NULL));
}

static void
qemu_img(const char *const *args, const char *path)
{
    int status = -1;

    g_assert_true(g_spawn_sync(NULL, (char **)args, NULL,
                               G_SPAWN_SEARCH_PATH |
                               G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                               NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(chmod(path, 0600), ==, 0);
}

static void
hand_over(Vm *vm, const char *path, int flags, int target)
{
    SVIRT_AUTO_FD fd = open(path, flags | O_CLOEXEC);
    g_autofree char *set = g_strdup_printf("fd=%d,set=%d", target, target / 2);
    int high;

    g_assert_cmpint(fd, >=, 0);
    /* The launch reads it by its number; fixture_start comes later. */
    high = fcntl(fd, F_DUPFD_CLOEXEC, 500);
    g_assert_cmpint(high, >=, 500);
    fixture_fd(vm->fixture, high, target, SVIRT_FD_IMAGE, 0);
    fixture_arg(vm->fixture, "-add-fd");
    fixture_arg(vm->fixture, set);
}

static int
socket_pair(Vm *vm, int target, SvirtFdRole role)
{
    int pair[2];
    int high;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                    ==, 0);
    high = fcntl(pair[1], F_DUPFD_CLOEXEC, 500);
    close(pair[1]);
    fixture_fd(vm->fixture, high, target, role, 0);
    return pair[0];
}

static void
add_args(Vm *vm, const char *words)
{
    g_auto(GStrv) split = g_strsplit(words, " ", -1);

    for (unsigned i = 0; split[i] != NULL; i++) {
        fixture_arg(vm->fixture, split[i]);
    }
}

/* File node over an fdset, format node on it: nothing has a path. */
static void
add_node(Vm *vm, const char *name, const char *format, int set, bool read_only,
         const char *backing)
{
    g_autofree char *file = g_strdup_printf(
        "{\"driver\":\"file\",\"node-name\":\"%s-file\","
        "\"filename\":\"/dev/fdset/%d\",\"locking\":\"off\",\"read-only\":%s"
        "%s%s%s%s}", name, set, read_only ? "true" : "false",
        vm->test->aio != NULL ? ",\"aio\":\"" : "",
        vm->test->aio != NULL ? vm->test->aio : "",
        vm->test->aio != NULL ? "\"" : "",
        vm->test->direct ? ",\"cache\":{\"direct\":true}" : "");
    g_autofree char *node = g_strdup_printf(
        "{\"driver\":\"%s\",\"node-name\":\"%s\",\"file\":\"%s-file\","
        "\"read-only\":%s%s%s%s%s}", format, name, name,
        read_only ? "true" : "false",
        backing != NULL ? ",\"backing\":\"" : "",
        backing != NULL ? backing : "", backing != NULL ? "\"" : "",
        vm->test->direct ? ",\"cache\":{\"direct\":true}" : "");

    fixture_arg(vm->fixture, "-blockdev");
    fixture_arg(vm->fixture, file);
    fixture_arg(vm->fixture, "-blockdev");
    fixture_arg(vm->fixture, node);
}

static void
add_disks(Vm *vm)
{
    vm->disk = g_build_filename(vm->dir, "disk.raw", NULL);
    write_disk(vm->disk);
    if (vm->test->qcow2) {
        const char *const args[] = { "qemu-img", "create", "-f", "qcow2",
                                     "-F", "raw", "-b", "disk.raw", NULL,
                                     NULL };
        const char *argv[G_N_ELEMENTS(args)];

        vm->base = vm->disk;
        vm->disk = g_build_filename(vm->dir, "disk.qcow2", NULL);
        memcpy(argv, args, sizeof(args));
        argv[8] = vm->disk;
        qemu_img(argv, vm->disk);
        hand_over(vm, vm->base, O_RDONLY, FD_BASE_RO);
        add_node(vm, "base", "raw", FD_BASE_RO / 2, true, NULL);
    }
    hand_over(vm, vm->disk, O_RDWR, FD_DISK_RW);
    hand_over(vm, vm->disk, O_RDONLY, FD_DISK_RO);
    add_node(vm, "n0", vm->test->qcow2 ? "qcow2" : "raw", FD_DISK_RW / 2,
             false, vm->test->qcow2 ? "base" : NULL);
    if (vm->test->snapshot) {
        const char *argv[] = { "qemu-img", "create", "-f", "qcow2", NULL,
                               "4M", NULL };

        vm->snap = g_build_filename(vm->dir, "snap.qcow2", NULL);
        argv[4] = vm->snap;
        qemu_img(argv, vm->snap);
        hand_over(vm, vm->snap, O_RDWR, FD_SNAP_RW);
        hand_over(vm, vm->snap, O_RDONLY, FD_SNAP_RO);
    }
}

static Vm *
vm_new(const Case *test, int abi_limit)
{
    Vm *vm = g_new0(Vm, 1);
    SvirtLaunchFailure failure = { 0 };
    g_autofree char *machine = g_strdup_printf(
        "%s,accel=tcg,dump-guest-core=off", test->machine);

    vm->test = test;
    vm->fixture = fixture_new(SVIRT_PROCESS_VMM, false);
    vm->fixture->spec->device_nodes = SVIRT_NODE_NULL | SVIRT_NODE_URANDOM;
    vm->fixture->spec->rlimit_fsize_bytes = 256 << 20;
    vm->fixture->spec->rlimit_nofile = 1024;
    vm->fixture->spec->landlock_abi_limit = abi_limit;
    vm->heard = g_string_new(NULL);
    vm->dir = g_dir_make_tmp("svirt-qemu-XXXXXX", NULL);
    fixture_arg(vm->fixture, QEMU);
    add_args(vm, "-nodefaults -no-user-config -display none -m 128 -S "
             "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
             "resourcecontrol=deny "
             "-chardev socket,id=q,fd=3 -mon chardev=q,mode=control "
             "-chardev socket,id=s,fd=4 -device isa-serial,chardev=s "
             "-object rng-random,id=r,filename=/dev/urandom "
             "-device virtio-rng-pci,rng=r -device virtio-balloon-pci");
    fixture_arg(vm->fixture, "-machine");
    fixture_arg(vm->fixture, machine);
    vm->qmp = socket_pair(vm, FD_QMP, SVIRT_FD_QMP);
    vm->fixture->spec->n_serials = 1;
    vm->serial = socket_pair(vm, FD_SERIAL, SVIRT_FD_SERIAL);
    add_disks(vm);
    add_args(vm, test->devices);
    if (!fixture_start(vm->fixture, -1, &failure)) {
        g_error("%s: %s: %s", svirt_step_to_string(failure.step),
                failure.words, g_strerror(failure.errnum));
    }
    /* Ours are duplicates: the VMM's own have to be the last. */
    for (uint32_t i = 0; i < vm->fixture->view->n_fds; i++) {
        if (vm->fixture->view->fds[i].source >= 500) {
            close(vm->fixture->view->fds[i].source);
        }
    }
    return vm;
}

static void
vm_free(Vm *vm)
{
    const char *paths[] = { vm->disk, vm->base, vm->snap };

    fixture_free(vm->fixture);
    svirt_fd_close(&vm->qmp);
    svirt_fd_close(&vm->serial);
    for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) {
        if (paths[i] != NULL) {
            (void)unlink(paths[i]);
        }
    }
    (void)rmdir(vm->dir);
    g_free(vm->dir);
    g_free(vm->disk);
    g_free(vm->base);
    g_free(vm->snap);
    g_string_free(vm->heard, TRUE);
    g_free(vm);
}

/* Reads `fd` into vm->heard until `wanted` is in it. */
static void
hear(Vm *vm, int fd, const char *wanted)
{
    gint64 end = g_get_monotonic_time() + BOOT_TIMEOUT_MS * 1000ll;

    while (strstr(vm->heard->str, wanted) == NULL) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        char text[4096];
        ssize_t got = 0;

        if (poll(&poll_fd, 1, 1000) > 0) {
            got = read(fd, text, sizeof(text));
            if (got <= 0) {
                char error[8192] = "";

                (void)!read(vm->fixture->out_read, error, sizeof(error) - 1);
                g_error("QEMU ended before '%s': %s\n%s", wanted,
                        vm->heard->str, error);
            }
        }
        if (g_get_monotonic_time() > end) {
            g_error("no '%s' in: %s", wanted, vm->heard->str);
        }
        g_string_append_len(vm->heard, text, got);
    }
}

static void
ask(Vm *vm, const char *command)
{
    g_assert_true(svirt_write_full(vm->qmp, command, strlen(command)));
    g_string_truncate(vm->heard, 0);
    hear(vm, vm->qmp, "\"return\"");
    g_assert_null(strstr(vm->heard->str, "\"error\":"));
}

/* No descriptor but what was given, and what a VMM makes for itself. */
static void
check_descriptors(Vm *vm)
{
    static const char *const fine[] = { "/dev/null", "/dev/urandom", "pipe:",
                                        "socket:", "anon_inode:", "/memfd:" };
    g_autofree char *path = g_strdup_printf("/proc/%d/fd",
                                            vm->fixture->launched.pid);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *link = g_build_filename(path, name, NULL);
        g_autofree char *to = g_file_read_link(link, NULL);
        bool known = to == NULL || g_str_has_prefix(to, vm->dir);

        for (unsigned i = 0; i < G_N_ELEMENTS(fine); i++) {
            known = known || g_str_has_prefix(to, fine[i]);
        }
        if (!known) {
            g_error("descriptor %s is %s", name, to);
        }
    }
}

static void
take_snapshot(Vm *vm)
{
    ask(vm, "{\"execute\":\"blockdev-add\",\"arguments\":{"
        "\"driver\":\"qcow2\",\"node-name\":\"snap\",\"backing\":null,"
        "\"file\":{\"driver\":\"file\",\"locking\":\"off\","
        "\"filename\":\"/dev/fdset/7\"}}}");
    ask(vm, "{\"execute\":\"blockdev-snapshot\",\"arguments\":{"
        "\"node\":\"n0\",\"overlay\":\"snap\"}}");
}

/* Raw images only: what the guest wrote is on the host's file. */
static void
check_written(Vm *vm)
{
    g_autofree char *content = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(vm->disk, &content, &size, NULL));
    g_assert_cmpmem(content + 2 * SECTOR, sizeof(GREETING), GREETING,
                    sizeof(GREETING));
}

static void
boot(const Case *test, int abi_limit)
{
    struct stat before, after;
    int status = 0;
    Vm *vm;

    if (!fixture_need_root()) {
        return;
    }
    if (access(QEMU, X_OK) < 0) {
        g_test_skip("no " QEMU);
        return;
    }
    vm = vm_new(test, abi_limit);
    g_assert_cmpint(stat(vm->disk, &before), ==, 0);
    hear(vm, vm->qmp, "\"QMP\"");
    ask(vm, "{\"execute\":\"qmp_capabilities\"}");
    ask(vm, "{\"execute\":\"query-status\"}");
    check_descriptors(vm);
    ask(vm, "{\"execute\":\"cont\"}");
    g_string_truncate(vm->heard, 0);
    hear(vm, vm->serial, GREETING);
    if (vm->test->snapshot) {
        take_snapshot(vm);
    }
    check_descriptors(vm);
    ask(vm, "{\"execute\":\"quit\"}");
    g_assert_cmpint(waitpid(vm->fixture->launched.pid, &status, 0), ==,
                    vm->fixture->launched.pid);
    vm->fixture->launched.pid = 0;
    g_assert_cmpint(status, ==, 0);
    if (!vm->test->qcow2) {
        check_written(vm);
    }
    g_assert_cmpint(stat(vm->disk, &after), ==, 0);
    g_assert_cmpuint(after.st_uid, ==, before.st_uid);
    g_assert_cmpuint(after.st_gid, ==, before.st_gid);
    g_assert_cmpuint(after.st_mode, ==, before.st_mode);
    g_assert_cmpuint(after.st_mode & 0777, ==, 0600);
    vm_free(vm);
}

static void
test_guest_boots(gconstpointer data)
{
    boot(data, -1);
}

/* The first guest again, with every Landlock there ever was. */
static void
test_guest_boots_with_landlock(gconstpointer data)
{
    boot(&cases[0], GPOINTER_TO_INT(data));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/launch/qemu/boots/%s",
                                                cases[i].name);

        g_test_add_data_func(path, &cases[i], test_guest_boots);
    }
    for (int abi = 0; abi <= 7; abi++) {
        g_autofree char *path = g_strdup_printf(
            "/launch/qemu/boots-with-landlock-abi/%d", abi);

        g_test_add_data_func(path, GINT_TO_POINTER(abi),
                             test_guest_boots_with_landlock);
    }
    return g_test_run();
}
