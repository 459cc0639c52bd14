/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/socket-file.h"
#include "vm.h"

#define AUTHOR 65534u

/* A directory with a socket "s" in it, as a start would record them. */
typedef struct Fixture {
    char *path;
    int dir;
    SvirtSpecAuthor author;
    SvirtSocketFile file;
} Fixture;

static int
make_socket(int dir, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)g_snprintf(address.sun_path, sizeof(address.sun_path),
                     "/proc/self/fd/%d/%s", dir, name);
    g_assert_no_errno(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    g_assert_no_errno(listen(fd, 4));
    return fd;
}

static SvirtSpecSocket
record(int dir, const char *name)
{
    struct stat directory, file;

    g_assert_no_errno(fstat(dir, &directory));
    g_assert_no_errno(fstatat(dir, name, &file, AT_SYMLINK_NOFOLLOW));
    return (SvirtSpecSocket){ .dir_device = directory.st_dev,
                              .dir_inode = directory.st_ino,
                              .device = file.st_dev,
                              .inode = file.st_ino };
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    SVIRT_AUTO_FD listener = -1;

    (void)data;
    fixture->path = g_dir_make_tmp("svirt-socket-XXXXXX", NULL);
    fixture->dir = open(fixture->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_assert_no_errno(fixture->dir);
    listener = make_socket(fixture->dir, "s");
    fixture->author = (SvirtSpecAuthor){ 0 };
    fixture->file = (SvirtSocketFile){
        .dir_fd = fixture->dir,
        .dir_path = fixture->path,
        .name = "s",
        .socket = record(fixture->dir, "s"),
        .author = &fixture->author,
    };
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)unlinkat(fixture->dir, "s", 0);
    (void)unlinkat(fixture->dir, "kept", 0);
    svirt_fd_close(&fixture->dir);
    (void)g_rmdir(fixture->path);
    g_free(fixture->path);
}

static bool
is_there(const Fixture *fixture)
{
    return faccessat(fixture->dir, "s", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
test_is_removed(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(svirt_socket_file_remove(&fixture->file));
    g_assert_false(is_there(fixture));
    /* Gone is what was wanted. */
    g_assert_true(svirt_socket_file_remove(&fixture->file));
}

static void
test_is_removed_by_path(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->file.dir_fd = -1;
    g_assert_true(svirt_socket_file_remove(&fixture->file));
    g_assert_false(is_there(fixture));
}

/* The directory has moved: its descriptor still is the directory. */
static void
test_follows_its_directory(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->file.dir_path = "/nonexistent";
    g_assert_true(svirt_socket_file_remove(&fixture->file));
    g_assert_false(is_there(fixture));
}

/* Another descriptor took the number: then the path is asked. */
static void
test_a_wrong_descriptor_is_not_believed(Fixture *fixture, gconstpointer data)
{
    SVIRT_AUTO_FD other = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

    (void)data;
    fixture->file.dir_fd = other;
    g_assert_true(svirt_socket_file_remove(&fixture->file));
    g_assert_false(is_there(fixture));
}

static void
test_another_directory_there_is_left_alone(Fixture *fixture,
                                           gconstpointer data)
{
    (void)data;
    fixture->file.dir_fd = -1;
    fixture->file.socket.dir_inode++;
    g_assert_false(svirt_socket_file_remove(&fixture->file));
    g_assert_true(is_there(fixture));
}

static void
test_another_socket_is_left_alone(Fixture *fixture, gconstpointer data)
{
    SVIRT_AUTO_FD other = -1;

    (void)data;
    g_assert_no_errno(renameat(fixture->dir, "s", fixture->dir, "kept"));
    other = make_socket(fixture->dir, "s");
    g_assert_false(svirt_socket_file_remove(&fixture->file));
    g_assert_true(is_there(fixture));
}

/* Whatever a hostile author puts there for root to remove. */
static void
test_other_types_are_left_alone(Fixture *fixture, gconstpointer data)
{
    SVIRT_AUTO_FD file = -1;

    (void)data;
    g_assert_no_errno(renameat(fixture->dir, "s", fixture->dir, "kept"));
    g_assert_no_errno(symlinkat("kept", fixture->dir, "s"));
    g_assert_false(svirt_socket_file_remove(&fixture->file));
    g_assert_true(is_there(fixture));
    g_assert_no_errno(unlinkat(fixture->dir, "s", 0));
    file = openat(fixture->dir, "s", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    /* Even with the inode that was recorded: it was made anew. */
    fixture->file.socket = record(fixture->dir, "s");
    g_assert_false(svirt_socket_file_remove(&fixture->file));
    g_assert_true(is_there(fixture));
}

/* Two rows: what the author may remove, and what he may not. */
static void
test_only_with_the_rights_of_the_author(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (geteuid() != 0) {
        g_test_skip("needs root");
        return;
    }
    fixture->author = (SvirtSpecAuthor){ AUTHOR, AUTHOR, 0, { 0 } };
    g_assert_no_errno(chmod(fixture->path, 0755));
    g_assert_false(svirt_socket_file_remove(&fixture->file));
    g_assert_true(is_there(fixture));
    /* By a group of his alone. */
    fixture->author.n_groups = 1;
    fixture->author.groups[0] = 4711;
    g_assert_no_errno(chown(fixture->path, 0, 4711));
    g_assert_no_errno(chmod(fixture->path, 0775));
    g_assert_true(svirt_socket_file_remove(&fixture->file));
    g_assert_false(is_there(fixture));
    g_assert_cmpint((int)geteuid(), ==, 0);
}

/* A VM with such a socket, in a directory beside its run directory. */
static Vm *
vm_with_socket(Fixture *fixture)
{
    const char *argv[] = { FAKE_VMM, "serve", NULL };
    Vm *vm = vm_new(argv, 15000);

    g_assert_no_errno(unlinkat(fixture->dir, "s", 0));
    vm_add_serial(vm, SVIRT_SERIAL_UNIX, make_socket(fixture->dir, "s"), -1);
    vm_add_socket_file(vm, fixture->dir, fixture->path, "s");
    vm_start_and_run(vm, false);
    g_assert_true(is_there(fixture));
    return vm;
}

static void
test_goes_with_the_vm(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Vm) vm = NULL;

    (void)data;
    if (!vm_possible()) {
        return;
    }
    vm = vm_with_socket(fixture);
    vm_kill(vm);
    g_assert_false(is_there(fixture));
}

static void
test_goes_with_an_adopted_vm(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Vm) vm = NULL;

    (void)data;
    if (!vm_possible()) {
        return;
    }
    vm = vm_with_socket(fixture);
    vm_kill_keeper(vm);
    vm_adopt_and_free(vm, SVIRT_ADOPT_MANAGED, SVIRT_MESSAGE_READY);
    g_assert_true(is_there(fixture));
    vm_kill(vm);
    g_assert_false(is_there(fixture));
}

static void
test_goes_with_a_dead_vm_that_is_recovered(Fixture *fixture,
                                           gconstpointer data)
{
    g_autoptr(Vm) vm = NULL;

    (void)data;
    if (!vm_possible()) {
        return;
    }
    vm = vm_with_socket(fixture);
    vm_kill_keeper(vm);
    g_assert_no_errno(kill(vm->vmm, SIGKILL));
    vm_wait_gone(vm->vmm);
    vm_wait_gone(vm->monitor);
    g_assert_true(is_there(fixture));
    vm_end_adoption(vm, vm_open_adoption(vm, SVIRT_ADOPT_DEAD));
    g_assert_false(is_there(fixture));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                  \
    g_test_add("/keeper/socket-file/" name, Fixture, NULL, set_up, function, \
               tear_down)
    ADD("is-removed", test_is_removed);
    ADD("is-removed-by-path", test_is_removed_by_path);
    ADD("follows-its-directory", test_follows_its_directory);
    ADD("a-wrong-descriptor-is-not-believed",
        test_a_wrong_descriptor_is_not_believed);
    ADD("another-directory-there-is-left-alone",
        test_another_directory_there_is_left_alone);
    ADD("another-socket-is-left-alone", test_another_socket_is_left_alone);
    ADD("other-types-are-left-alone", test_other_types_are_left_alone);
    ADD("only-with-the-rights-of-the-author",
        test_only_with_the_rights_of_the_author);
    ADD("goes-with-the-vm", test_goes_with_the_vm);
    ADD("goes-with-an-adopted-vm", test_goes_with_an_adopted_vm);
    ADD("goes-with-a-dead-vm-that-is-recovered",
        test_goes_with_a_dead_vm_that_is_recovered);
    return g_test_run();
}
