/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm.h"

/* The fake VMM's serial is an echo: what goes in must come out. */

static int
attach(Vm *vm, bool force)
{
    char why[SVIRT_CONTROL_WHY];
    int fd = vm_connect(vm);

    g_assert_no_errno(fd);
    if (!svirt_control_console(fd, 0, force, 5000, why)) {
        g_error("console: %s: %s", g_strerror(errno), why);
    }
    return fd;
}

/* Reads until `want` has come; what came. */
static void
expect_text(int fd, const char *want)
{
    size_t length = strlen(want), used = 0;
    g_autofree char *got = g_malloc0(length + 1);

    while (used < length) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        ssize_t part;

        g_assert_cmpint(poll(&poll_fd, 1, 5000), ==, 1);
        part = read(fd, got + used, length - used);
        g_assert_cmpint(part, >, 0);
        used += (size_t)part;
    }
    g_assert_cmpstr(got, ==, want);
}

static void
say(int fd, const char *text)
{
    g_assert_true(svirt_write_full(fd, text, strlen(text)));
}

static void
test_input_reaches_the_guest_and_comes_back(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    SVIRT_AUTO_FD fd = attach(vm, false);
    say(fd, "hello\n");
    expect_text(fd, "hello\n");
}

static void
test_scrollback_comes_first(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    {
        SVIRT_AUTO_FD fd = attach(vm, false);

        say(fd, "said before\n");
        expect_text(fd, "said before\n");
    }
    g_usleep(50000); /* the monitor must see that one leave */
    SVIRT_AUTO_FD fd = attach(vm, false);
    expect_text(fd, "said before\n");
    say(fd, "now\n");
    expect_text(fd, "now\n");
}

static void
test_one_client_at_a_time_unless_forced(void)
{
    g_autoptr(Vm) vm = NULL;
    char why[SVIRT_CONTROL_WHY];
    char byte;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    SVIRT_AUTO_FD first = attach(vm, false);
    SVIRT_AUTO_FD second = vm_connect(vm);
    g_assert_false(svirt_control_console(second, 0, false, 5000, why));
    g_assert_cmpint(errno, ==, EREMOTEIO);
    g_assert_cmpstr(why, ==, "another client has this console");
    SVIRT_AUTO_FD third = attach(vm, true);
    g_assert_cmpint(read(first, &byte, 1), ==, 0);
    say(third, "x");
    expect_text(third, "x");
    /* A refused client may ask for something else. */
    g_assert_false(svirt_control_console(second, 5, false, 5000, why));
    g_assert_cmpstr(why, ==, "no such serial console");
}

static void
test_a_client_that_never_reads_holds_nobody_up(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *block = g_malloc(65536);
    g_autofree char *reply = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    memset(block, 'x', 65536);
    SVIRT_AUTO_FD fd = attach(vm, false);
    for (int i = 0; i < 32; i++) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

        g_assert_cmpint(poll(&poll_fd, 1, 5000), ==, 1);
        (void)!send(fd, block, 65536, MSG_DONTWAIT);
    }
    reply = vm_qmp(vm, "{\"execute\": \"query-status\"}");
    g_assert_nonnull(strstr(reply, "running"));
}

static void
test_a_console_survives_the_next_monitor(void)
{
    g_autoptr(Vm) vm = NULL;
    pid_t old;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    old = vm->monitor;
    g_assert_no_errno(kill(old, SIGKILL));
    vm_wait_monitor(vm, old);
    SVIRT_AUTO_FD fd = attach(vm, false);
    say(fd, "again");
    expect_text(fd, "again");
}

static Vm *
vm_with(SvirtSerialKind kind, int sink, int rotated)
{
    const char *argv[] = { FAKE_VMM, "serve", NULL };
    Vm *vm = vm_new(argv, 15000);

    vm_add_serial(vm, kind, sink, rotated);
    return vm;
}

static void
test_a_pty_is_a_console(void)
{
    g_autoptr(Vm) vm = NULL;
    int master;
    struct termios raw;

    if (!vm_possible()) {
        return;
    }
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    g_assert_no_errno(master);
    g_assert_no_errno(unlockpt(master));
    SVIRT_AUTO_FD slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    g_assert_no_errno(tcgetattr(slave, &raw));
    cfmakeraw(&raw);
    g_assert_no_errno(tcsetattr(slave, TCSANOW, &raw));
    vm = vm_with(SVIRT_SERIAL_PTY, master, -1);
    vm_start_and_run(vm, false);
    say(slave, "by pty");
    expect_text(slave, "by pty");
    /* svirt console sees the same. */
    SVIRT_AUTO_FD fd = attach(vm, false);
    expect_text(fd, "by pty");
    say(fd, "!");
    expect_text(slave, "!");
}

static void
test_a_unix_socket_is_a_console(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    g_autoptr(Vm) vm = NULL;
    g_autofree char *path = NULL;
    int listener;

    if (!vm_possible()) {
        return;
    }
    path = g_strdup_printf("/tmp/svirt-console-%d", (int)getpid());
    (void)g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    (void)unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_no_errno(bind(listener, (struct sockaddr *)&address,
                           sizeof(address)));
    g_assert_no_errno(listen(listener, 4));
    vm = vm_with(SVIRT_SERIAL_UNIX, listener, -1);
    vm_start_and_run(vm, false);
    for (int i = 0; i < 3; i++) { /* one after the other */
        SVIRT_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_assert_no_errno(connect(fd, (struct sockaddr *)&address,
                                  sizeof(address)));
        say(fd, "by socket");
        expect_text(fd, "by socket");
    }
    (void)unlink(path);
}

/* The keeper hands the same connection to the next monitor. */
static void
test_a_connection_survives_monitors(void)
{
    g_autoptr(Vm) vm = NULL;
    pid_t old;
    int ends[2];

    if (!vm_possible()) {
        return;
    }
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                                 ends));
    SVIRT_AUTO_FD server = ends[0];
    vm = vm_with(SVIRT_SERIAL_CONNECTED, ends[1], -1);
    vm_start_and_run(vm, false);
    say(server, "echo");
    expect_text(server, "echo");
    old = vm->monitor;
    g_assert_no_errno(kill(old, SIGKILL));
    vm_wait_monitor(vm, old);
    say(server, "again");
    expect_text(server, "again");
    /* When the server goes the VM stays, console and all. */
    svirt_fd_close(&server);
    SVIRT_AUTO_FD fd = attach(vm, false);
    expect_text(fd, "again");
    say(fd, "typed");
    expect_text(fd, "typed");
    old = vm->monitor;
    g_assert_no_errno(kill(old, SIGKILL));
    vm_wait_monitor(vm, old);
    g_assert_true(vm_process_is_there(vm->vmm));
}

/* Who listened sees the end of the VM, though three processes had copies. */
static void
test_a_connection_ends_with_the_vm(void)
{
    g_autoptr(Vm) vm = NULL;
    int ends[2];
    char byte;

    if (!vm_possible()) {
        return;
    }
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                                 ends));
    SVIRT_AUTO_FD server = ends[0];
    vm = vm_with(SVIRT_SERIAL_CONNECTED, ends[1], -1);
    vm_start_and_run(vm, false);
    vm_kill(vm);
    g_assert_cmpint(recv(server, &byte, 1, 0), ==, 0);
}

/* It typed more than the guest takes, then died: nobody is there. */
static void
test_a_dead_client_makes_room(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *block = g_malloc0(65536);
    char why[SVIRT_CONTROL_WHY];
    bool free_again = false;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("deaf", NULL, NULL);
    vm_start_and_run(vm, false);
    SVIRT_AUTO_FD first = attach(vm, false);
    for (struct pollfd full = { first, POLLOUT, 0 };
         poll(&full, 1, 300) == 1;) {
        (void)!send(first, block, 65536, MSG_DONTWAIT);
    }
    SVIRT_AUTO_FD other = vm_connect(vm);
    g_assert_false(svirt_control_console(other, 0, false, 5000, why));
    svirt_fd_close(&first);
    for (int i = 0; i < 100 && !free_again; i++) {
        free_again = svirt_control_console(other, 0, false, 5000, why);
        g_usleep(free_again ? 0 : 10000);
    }
    g_assert_true(free_again);
    /* Neither does a heap of dead ones keep the living out. */
    for (int i = 0; i < 40; i++) {
        SVIRT_AUTO_FD next = attach(vm, true);

        (void)!send(next, block, 65536, MSG_DONTWAIT);
    }
    g_free(vm_qmp(vm, "{\"execute\": \"query-status\"}"));
}

static int
create(Vm *vm, const char *name)
{
    int fd = openat(vm->run_dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    g_assert_no_errno(fd);
    return fd;
}

static off_t
size_of(Vm *vm, const char *name)
{
    struct stat st;

    g_assert_no_errno(fstatat(vm->run_dir_fd, name, &st, 0));
    return st.st_size;
}

static void
fill(Vm *vm, size_t bytes)
{
    SVIRT_AUTO_FD fd = attach(vm, false);
    char line[65];

    for (size_t i = 0; i < bytes / 64; i++) {
        (void)g_snprintf(line, sizeof(line), "%063u\n", (unsigned)i);
        say(fd, line);
        expect_text(fd, line);
    }
}

static void
test_a_file_is_bounded_and_rotated(void)
{
    const char *argv[] = { FAKE_VMM, "serve", NULL };
    g_autoptr(Vm) vm = NULL;
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_new(argv, 15000);
    vm_add_serial(vm, SVIRT_SERIAL_FILE, create(vm, "serial"),
                  create(vm, "serial.1"));
    vm_start_and_run(vm, false);
    fill(vm, VM_LOG_LIMIT + VM_LOG_LIMIT / 2);
    g_assert_cmpint(size_of(vm, "serial"), <=, VM_LOG_LIMIT);
    g_assert_cmpint(size_of(vm, "serial.1"), <=, VM_LOG_LIMIT);
    g_assert_cmpint(size_of(vm, "serial") + size_of(vm, "serial.1"), ==,
                    VM_LOG_LIMIT + VM_LOG_LIMIT / 2);
    path = g_build_filename(vm->top, vm->uuid_text, "serial.1", NULL);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_prefix(text, "000000"));
}

static void
test_a_file_without_rotation_stops_at_its_limit(void)
{
    const char *argv[] = { FAKE_VMM, "serve", NULL };
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_new(argv, 15000);
    vm_add_serial(vm, SVIRT_SERIAL_FILE, create(vm, "serial"), -1);
    vm_start_and_run(vm, false);
    fill(vm, VM_LOG_LIMIT + 4096);
    g_assert_cmpint(size_of(vm, "serial"), ==, VM_LOG_LIMIT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/console/input-reaches-the-guest-and-comes-back",
                    test_input_reaches_the_guest_and_comes_back);
    g_test_add_func("/keeper/console/scrollback-comes-first",
                    test_scrollback_comes_first);
    g_test_add_func("/keeper/console/one-client-at-a-time-unless-forced",
                    test_one_client_at_a_time_unless_forced);
    g_test_add_func("/keeper/console/a-client-that-never-reads",
                    test_a_client_that_never_reads_holds_nobody_up);
    g_test_add_func("/keeper/console/survives-the-next-monitor",
                    test_a_console_survives_the_next_monitor);
    g_test_add_func("/keeper/console/a-pty", test_a_pty_is_a_console);
    g_test_add_func("/keeper/console/a-unix-socket",
                    test_a_unix_socket_is_a_console);
    g_test_add_func("/keeper/console/a-connection-survives-monitors",
                    test_a_connection_survives_monitors);
    g_test_add_func("/keeper/console/a-connection-ends-with-the-vm",
                    test_a_connection_ends_with_the_vm);
    g_test_add_func("/keeper/console/a-dead-client-makes-room",
                    test_a_dead_client_makes_room);
    g_test_add_func("/keeper/console/a-file-is-bounded-and-rotated",
                    test_a_file_is_bounded_and_rotated);
    g_test_add_func("/keeper/console/a-file-without-rotation-stops",
                    test_a_file_without_rotation_stops_at_its_limit);
    return g_test_run();
}
