/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/host-socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

typedef struct Fixture {
    char path[32];
    int dir;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)g_strlcpy(fixture->path, "/tmp/svirt-sock-XXXXXX",
                    sizeof(fixture->path));
    g_assert_nonnull(g_mkdtemp(fixture->path));
    fixture->dir = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)unlinkat(fixture->dir, "s", 0);
    svirt_fd_close(&fixture->dir);
    g_assert_cmpint(rmdir(fixture->path), ==, 0);
}

static void
test_born_closed_to_others(Fixture *fixture, gconstpointer data)
{
    SVIRT_AUTO_FD fd = -1;
    struct stat st;

    (void)data;
    g_assert_true(
        svirt_host_socket_listen(fixture->dir, "s", NULL, "s", &fd, NULL));
    g_assert_cmpint(fstatat(fixture->dir, "s", &st, 0), ==, 0);
    g_assert_true(S_ISSOCK(st.st_mode));
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
}

static void
test_live_one_is_kept_stale_one_replaced(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD first = -1;
    SVIRT_AUTO_FD second = -1;

    (void)data;
    g_assert_true(
        svirt_host_socket_listen(fixture->dir, "s", NULL, "s", &first, NULL));
    g_assert_false(svirt_host_socket_listen(fixture->dir, "s", NULL, "s",
                                            &second, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    svirt_fd_close(&first);
    g_assert_true(
        svirt_host_socket_listen(fixture->dir, "s", NULL, "s", &second, NULL));
}

static void
test_file_in_its_place_is_kept(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD file =
        openat(fixture->dir, "s", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    SVIRT_AUTO_FD fd = -1;

    (void)data;
    g_assert_cmpint(file, >=, 0);
    g_assert_false(
        svirt_host_socket_listen(fixture->dir, "s", NULL, "s", &fd, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    g_assert_cmpint(faccessat(fixture->dir, "s", F_OK, 0), ==, 0);
}

static void
test_long_name_is_invalid(Fixture *fixture, gconstpointer data)
{
    g_autofree char *name =
        g_strnfill(SVIRT_HOST_SOCKET_NAME_MAX + 1, 'x');
    g_autofree char *fits = g_strnfill(SVIRT_HOST_SOCKET_NAME_MAX, 'x');
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD fd = -1;

    (void)data;
    g_assert_false(svirt_host_socket_listen(fixture->dir, name, NULL, name,
                                            &fd, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    g_assert_true(
        svirt_host_socket_listen(fixture->dir, fits, NULL, fits, &fd, NULL));
    g_assert_cmpint(unlinkat(fixture->dir, fits, 0), ==, 0);
}

#define AUTHOR 65534

/* A server that trusts root must not take the author's VM for root. */
static void
test_server_sees_the_author(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtCredentials) author =
        svirt_credentials_new(AUTHOR, AUTHOR, NULL, 0);
    g_autoptr(GError) error = NULL;
    struct ucred peer = { 0 };
    socklen_t size = sizeof(peer);
    SVIRT_AUTO_FD server = -1;
    SVIRT_AUTO_FD client = -1;
    SVIRT_AUTO_FD second = -1;

    (void)data;
    if (geteuid() != 0) {
        g_test_skip("needs root, to act as an author");
        return;
    }
    g_assert_cmpint(fchmod(fixture->dir, 0711), ==, 0);
    g_assert_true(
        svirt_host_socket_listen(fixture->dir, "s", NULL, "s", &server, NULL));
    g_assert_cmpint(fchmodat(fixture->dir, "s", 0666, 0), ==, 0);
    g_assert_false(svirt_host_socket_listen(fixture->dir, "s", author, "s",
                                            &second, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    client = accept(server, NULL, NULL);
    g_assert_cmpint(client, >=, 0);
    g_assert_cmpint(
        getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size), ==, 0);
    g_assert_cmpuint(peer.uid, ==, AUTHOR);
    g_assert_cmpuint(peer.gid, ==, AUTHOR);
    g_assert_cmpuint(geteuid(), ==, 0);
    g_assert_cmpuint(getegid(), ==, 0);
}

/* Between the question and the removal nobody becomes root again. */
static void
test_stale_one_is_the_authors_to_remove(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtCredentials) author =
        svirt_credentials_new(AUTHOR, AUTHOR, NULL, 0);
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD server = -1;
    SVIRT_AUTO_FD second = -1;

    (void)data;
    if (geteuid() != 0) {
        g_test_skip("needs root, to act as an author");
        return;
    }
    g_assert_cmpint(fchmod(fixture->dir, 0711), ==, 0);
    g_assert_true(
        svirt_host_socket_listen(fixture->dir, "s", NULL, "s", &server, NULL));
    g_assert_cmpint(fchmodat(fixture->dir, "s", 0666, 0), ==, 0);
    svirt_fd_close(&server);
    g_assert_false(svirt_host_socket_listen(fixture->dir, "s", author, "s",
                                            &second, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_cmpint(faccessat(fixture->dir, "s", F_OK, 0), ==, 0);
}

#define ADD(name, function)                                                  \
    g_test_add("/hypervisor/host-socket/" name, Fixture, NULL, set_up,       \
               function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("born-closed-to-others", test_born_closed_to_others);
    ADD("live-one-is-kept-stale-one-replaced",
        test_live_one_is_kept_stale_one_replaced);
    ADD("file-in-its-place-is-kept", test_file_in_its_place_is_kept);
    ADD("long-name-is-invalid", test_long_name_is_invalid);
    ADD("server-sees-the-author", test_server_sees_the_author);
    ADD("stale-one-is-the-authors-to-remove",
        test_stale_one_is_the_authors_to_remove);
    return g_test_run();
}
