/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "fixture-spec.h"

enum { NULL_SOURCE = 20, DIR_SOURCE = 22 };

/* A spec whose VM has a socket file in /run/web, and one in /. */
static SvirtLaunchSpec *
spec_with_sockets(void)
{
    const SvirtSpecSocket socket = { 1, 2, 3, 4, DIR_SOURCE, 0, 0, 0 };
    const SvirtSpecFd dir = { DIR_SOURCE, SVIRT_TO_KEEPER, -1, -1, -1,
                              SVIRT_FD_SOCKET_DIR, 0 };
    SvirtUuid uuid;
    SvirtLaunchSpec *spec;

    svirt_uuid_generate(&uuid);
    spec = svirt_spec_new(&uuid, "web");
    g_assert_true(svirt_spec_add_arg(&spec, SVIRT_PROCESS_VMM, "/usr/bin/q"));
    g_assert_true(svirt_spec_add_file(&spec, "/usr", 0));
    for (int32_t number = 0; number <= 2; number++) {
        const SvirtSpecFd fd = { NULL_SOURCE, SVIRT_TO_VMM, number, -1, -1,
                                 SVIRT_FD_NULL, 0 };

        g_assert_true(svirt_spec_add_fd(&spec, &fd));
    }
    g_assert_true(svirt_spec_add_fd(&spec, &dir));
    g_assert_true(svirt_spec_add_socket(&spec, &socket, "/run/web", "serial"));
    g_assert_true(svirt_spec_add_socket(&spec, &socket, "/", "other"));
    spec->author = (SvirtSpecAuthor){ 1000, 1000, 1, { 27 } };
    spec->ids[SVIRT_PROCESS_VMM] = (SvirtSpecIds){ 1001, 1001 };
    spec->rlimit_nofile = 64;
    spec->ready_timeout_ms = 1000;
    return spec;
}

static void
test_what_is_written_is_read(void)
{
    SvirtLaunchSpec *spec = spec_with_sockets();
    const char *why = NULL;
    const SvirtLaunchSpec *view = fixture_spec_map(spec, &why);

    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpuint(view->n_sockets, ==, 2);
    g_assert_cmpstr(svirt_spec_string(view, view->sockets[0].dir_path), ==,
                    "/run/web");
    g_assert_cmpstr(svirt_spec_string(view, view->sockets[1].name), ==,
                    "other");
    g_assert_cmpuint(view->sockets[0].inode, ==, 4);
    g_assert_cmpuint(view->author.groups[0], ==, 27);
    svirt_spec_unmap(view);
    svirt_spec_free(spec);
}

static void
test_more_than_it_holds_is_an_error(void)
{
    const SvirtSpecSocket socket = { .source = DIR_SOURCE };
    SvirtLaunchSpec *spec = spec_with_sockets();

    while (spec->n_sockets < SVIRT_SPEC_MAX_SOCKETS) {
        g_assert_true(svirt_spec_add_socket(&spec, &socket, "/run", "s"));
    }
    g_assert_false(svirt_spec_add_socket(&spec, &socket, "/run", "s"));
    svirt_spec_free(spec);
}

static char *
name_of(SvirtLaunchSpec *spec)
{
    return spec->strings + spec->sockets[0].name;
}

MUTATION(many, spec->n_sockets = SVIRT_SPEC_MAX_SOCKETS + 1)
MUTATION(source, spec->sockets[0].source = NULL_SOURCE)
MUTATION(to_vmm, spec->fds[3].to |= SVIRT_TO_VMM; spec->fds[3].vmm = 9)
MUTATION(dots, memcpy(name_of(spec), "..", 3))
MUTATION(dot, memcpy(name_of(spec), ".", 2))
MUTATION(slash, name_of(spec)[1] = '/')
MUTATION(empty, name_of(spec)[0] = '\0')
MUTATION(name_outside, spec->sockets[0].name = spec->strings_bytes)
MUTATION(dir_outside, spec->sockets[0].dir_path = spec->strings_bytes)
MUTATION(relative, spec->strings[spec->sockets[0].dir_path] = 'x')
MUTATION(upward, memcpy(spec->strings + spec->sockets[0].dir_path, "/../", 4))
MUTATION(groups, spec->author.n_groups = SVIRT_SPEC_MAX_GROUPS + 1)
MUTATION(file_written, spec->files[0].flags = SVIRT_FILE_WRITE)
MUTATION(file_mount, spec->files[0].flags = SVIRT_FILE_MOUNT;
         spec->files[0].mount = 0)
MUTATION(file_device, spec->files[0].flags = SVIRT_FILE_DEVICE)
MUTATION(exec_bits, spec->exec = SVIRT_EXEC_ALL + 1)
MUTATION(exec_ports, spec->n_ports = 1)
MUTATION(exec_connect, spec->exec = SVIRT_EXEC_CONNECT)
MUTATION(exec_many, spec->exec = SVIRT_EXEC_CONNECT;
         spec->n_ports = SVIRT_SPEC_MAX_PORTS + 1)
MUTATION(exec_cwd, spec->cwd = spec->strings_bytes)

static const FixtureMutation mutations[] = {
    { "too-many", "counts", many },
    { "in-no-directory", "sockets", source },
    { "directory-to-the-vmm", "fds", to_vmm },
    { "above-its-directory", "sockets", dots },
    { "its-directory", "sockets", dot },
    { "below-its-directory", "sockets", slash },
    { "without-a-name", "sockets", empty },
    { "name-outside", "sockets", name_outside },
    { "directory-outside", "sockets", dir_outside },
    { "relative-directory", "sockets", relative },
    { "directory-with-dots", "sockets", upward },
    { "author-of-too-many-groups", "sockets", groups },
    { "file-written-in-its-place", "files", file_written },
    { "file-of-no-mount", "files", file_mount },
    { "device-outside-dev", "files", file_device },
    { "exec-bits-unknown", "exec", exec_bits },
    { "exec-ports-unasked", "exec", exec_ports },
    { "exec-connect-without-a-port", "exec", exec_connect },
    { "exec-too-many-ports", "exec", exec_many },
    { "exec-directory-outside", "exec", exec_cwd },
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/spec-held/what-is-written-is-read",
                    test_what_is_written_is_read);
    g_test_add_func("/launch/spec-held/more-than-it-holds-is-an-error",
                    test_more_than_it_holds_is_an_error);
    fixture_spec_mutations("/launch/spec-held/rejects", spec_with_sockets, mutations,
                           G_N_ELEMENTS(mutations));
    return g_test_run();
}
