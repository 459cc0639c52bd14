/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture-spec.h"

static SvirtLaunchSpec *
good_spec(void)
{
    SvirtUuid uuid;
    SvirtLaunchSpec *spec;
    int32_t number = 0;
    static const char *const values[SVIRT_PROCESS_KINDS] = { "a:b", NULL,
                                                           "c" };

    svirt_uuid_generate(&uuid);
    spec = svirt_spec_new(&uuid, "web");
    g_assert_true(svirt_spec_add_arg(&spec, SVIRT_PROCESS_VMM, "/usr/bin/q"));
    g_assert_true(svirt_spec_add_arg(&spec, SVIRT_PROCESS_VMM, "-S"));
    g_assert_true(svirt_spec_add_arg(&spec, SVIRT_PROCESS_MONITOR, "/m"));
    g_assert_true(svirt_spec_add_file(&spec, "/usr", SVIRT_FILE_TREE));
    for (number = 0; number <= 2; number++) {
        const SvirtSpecFd fd = { 20, SVIRT_TO_VMM | SVIRT_TO_MONITOR, number,
                                 number, -1, SVIRT_FD_NULL, 0 };

        g_assert_true(svirt_spec_add_fd(&spec, &fd));
    }
    {
        const SvirtSpecFd lock = { 21, SVIRT_TO_VMM | SVIRT_TO_KEEPER, 5, -1,
                                   -1, SVIRT_FD_LOCK, 3 };

        g_assert_true(svirt_spec_add_fd(&spec, &lock));
    }
    {
        const SvirtSpecLock held = { 8, 9, 21, { 0xf, 0xa } };

        g_assert_true(svirt_spec_add_lock(&spec, &held));
    }
    g_assert_true(svirt_spec_add_label(&spec, 3, "attr/exec", NULL, "exec ",
                                       values));
    spec->ids[SVIRT_PROCESS_VMM] = (SvirtSpecIds){ 1001, 1001 };
    spec->ids[SVIRT_PROCESS_MONITOR] = (SvirtSpecIds){ 1002, 1002 };
    spec->rlimit_nofile = 64;
    spec->ready_timeout_ms = 1000;
    return spec;
}

static void
test_what_is_written_is_read(void)
{
    SvirtLaunchSpec *spec = good_spec();
    const char *why = NULL;
    const SvirtLaunchSpec *view = fixture_spec_map(spec, &why);

    g_assert_cmpstr(why, ==, NULL);
    g_assert_nonnull(view);
    g_assert_cmpmem(view, view->size_bytes, spec, spec->size_bytes);
    g_assert_cmpstr(svirt_spec_string(view, view->args[1]), ==, "-S");
    g_assert_cmpstr(svirt_spec_string(view, view->files[0].path), ==, "/usr");
    g_assert_cmpstr(svirt_spec_label(view, 3, SVIRT_PROCESS_VMM), ==, "a:b");
    g_assert_cmpstr(svirt_spec_label(view, 3, SVIRT_PROCESS_MONITOR), ==,
                    NULL);
    g_assert_cmpstr(svirt_spec_label(view, 4, SVIRT_PROCESS_VMM), ==, NULL);
    svirt_spec_unmap(view);
    svirt_spec_free(spec);
}

MUTATION(magic, spec->magic++)
MUTATION(version, spec->version++)
MUTATION(strings_end, spec->strings[spec->strings_bytes - 1] = 'x')
MUTATION(strings_long, spec->strings_bytes++)
MUTATION(strings_short, spec->strings_bytes--)
MUTATION(name_empty, spec->name[0] = '\0')
MUTATION(name_endless, memset(spec->name, 'a', sizeof(spec->name)))
MUTATION(name_control, spec->name[1] = '\n')
MUTATION(name_slash, spec->name[1] = '/')
MUTATION(uuid_nil, memset(&spec->uuid, 0, sizeof(spec->uuid)))
MUTATION(fds_many, spec->n_fds = SVIRT_SPEC_MAX_FDS + 1)
MUTATION(files_many, spec->n_files = UINT32_MAX)
MUTATION(args_many, spec->n_args = SVIRT_SPEC_MAX_ARGS + 1)
MUTATION(layer, spec->waived_layers = 1u << 20)
MUTATION(abi, spec->landlock_abi_limit = -2)
MUTATION(node, spec->device_nodes = 1u << 9)
MUTATION(paused, spec->paused = 2)
MUTATION(nofile_low, spec->rlimit_nofile = 0)
MUTATION(nofile_high, spec->rlimit_nofile = UINT64_MAX)
MUTATION(timeout_none, spec->ready_timeout_ms = 0)
MUTATION(serials, spec->n_serials = UINT32_MAX)
MUTATION(arg_offset, spec->args[1] = spec->strings_bytes)
MUTATION(argv_first, spec->argv[0].first = UINT32_MAX)
MUTATION(argv_count, spec->argv[0].count = UINT32_MAX)
MUTATION(argv_gap, spec->argv[0].count = 1)
MUTATION(argv_overlap, spec->argv[1].first = 1)
MUTATION(argv_no_vmm, spec->argv[0].count = 0)
MUTATION(program_relative, spec->strings[spec->args[0]] = 'u')
MUTATION(program_dots, memcpy(spec->strings + spec->args[0], "/../bin/q", 9))
MUTATION(program_double, memcpy(spec->strings + spec->args[0], "//sr", 4))
MUTATION(program_slash, memcpy(spec->strings + spec->args[0], "/usr/bin//",
                               10))
MUTATION(uid_root, spec->ids[0].uid = 0)
MUTATION(gid_root, spec->ids[1].gid = 0)
MUTATION(uid_unchanged, spec->ids[0].uid = UINT32_MAX)
MUTATION(uid_shared, spec->ids[0].uid = spec->ids[1].uid)
MUTATION(gid_shared, spec->ids[0].gid = spec->ids[1].gid)
MUTATION(file_offset, spec->files[0].path = UINT32_MAX)
MUTATION(file_flags, spec->files[0].flags = 64)
MUTATION(locks_many, spec->n_locks = SVIRT_SPEC_MAX_LOCKS + 1)
MUTATION(lock_bytes, spec->locks[0].bytes.unshared = SVIRT_LOCK_ALL + 1)
MUTATION(lock_source, spec->locks[0].source = 20)
MUTATION(labels_many, spec->n_labels = SVIRT_SPEC_MAX_LABELS + 1)
MUTATION(label_model, spec->labels[0].model = 32)
MUTATION(label_twice, spec->labels[spec->n_labels++] = spec->labels[0])
MUTATION(label_path, spec->labels[0].path = SVIRT_SPEC_NO_STRING)
MUTATION(label_dots, memcpy(spec->strings + spec->labels[0].path, "../", 3))
MUTATION(label_absolute, spec->strings[spec->labels[0].path] = '/')
MUTATION(label_fallback, spec->labels[0].fallback = spec->strings_bytes)
MUTATION(label_prefix, spec->labels[0].prefix = spec->strings_bytes)
MUTATION(label_value, spec->labels[0].value[0] = spec->strings_bytes)
MUTATION(label_newline,
         spec->strings[spec->labels[0].value[0]] = '\n')
MUTATION(label_empty, spec->strings[spec->labels[0].value[0]] = '\0')
MUTATION(fd_role, spec->fds[0].role = SVIRT_FD_MAX)
MUTATION(fd_source_low, spec->fds[0].source = -1)
MUTATION(fd_source_high, spec->fds[0].source = SVIRT_SPEC_MAX_FD_NUMBER)
MUTATION(fd_to_nobody, spec->fds[3].to = 0)
MUTATION(fd_to_unknown, spec->fds[3].to |= 1u << 20)
MUTATION(fd_lock_to_monitor, (spec->fds[3].to = SVIRT_TO_MONITOR,
                              spec->fds[3].vmm = -1,
                              spec->fds[3].monitor = 5))
MUTATION(fd_run_dir_to_vmm, spec->fds[3].role = SVIRT_FD_RUN_DIR)
MUTATION(fd_log_file_to_vmm, spec->fds[3].role = SVIRT_FD_LOG_FILE)
MUTATION(fd_control_to_vmm, spec->fds[3].role = SVIRT_FD_CONTROL)
MUTATION(fd_number_missing, spec->fds[3].vmm = -1)
MUTATION(fd_number_extra, spec->fds[3].monitor = 6)
MUTATION(fd_number_high, spec->fds[3].vmm = 64)
MUTATION(fd_number_twice, spec->fds[3].vmm = 2)
MUTATION(fd_serial_index, spec->fds[3].role = SVIRT_FD_SERIAL)
MUTATION(fd_to_absent, (spec->fds[3].to |= SVIRT_TO_PASST(0),
                        spec->fds[3].role = SVIRT_FD_PROBE,
                        spec->fds[3].passt = 3))
MUTATION(fd_image_on_1, spec->fds[1].role = SVIRT_FD_IMAGE)
MUTATION(fd_2_closed, (spec->fds[2].vmm = 9, spec->fds[2].monitor = 9))

static const FixtureMutation mutations[] = {
    { "magic", "magic", magic },
    { "version", "version", version },
    { "strings-without-end", "strings", strings_end },
    { "strings-too-long", "size_bytes", strings_long },
    { "strings-too-short", "size_bytes", strings_short },
    { "name-empty", "name", name_empty },
    { "name-without-end", "name", name_endless },
    { "name-with-newline", "name", name_control },
    { "name-with-slash", "name", name_slash },
    { "uuid-nil", "uuid", uuid_nil },
    { "too-many-fds", "counts", fds_many },
    { "too-many-files", "counts", files_many },
    { "too-many-args", "counts", args_many },
    { "unknown-layer", "waived_layers", layer },
    { "landlock-limit", "landlock_abi_limit", abi },
    { "unknown-node", "device_nodes", node },
    { "paused", "paused", paused },
    { "no-descriptors", "rlimit_nofile", nofile_low },
    { "endless-descriptors", "rlimit_nofile", nofile_high },
    { "no-timeout", "ready_timeout_ms", timeout_none },
    { "serials", "n_serials", serials },
    { "argument-behind-strings", "args", arg_offset },
    { "argv-starts-behind-args", "argv", argv_first },
    { "argv-longer-than-args", "argv", argv_count },
    { "argv-leaves-a-gap", "argv", argv_gap },
    { "argv-overlaps", "argv", argv_overlap },
    { "no-vmm", "argv", argv_no_vmm },
    { "program-relative", "argv", program_relative },
    { "program-with-dots", "argv", program_dots },
    { "program-with-empty-part", "argv", program_double },
    { "program-ends-in-slash", "argv", program_slash },
    { "uid-root", "ids", uid_root },
    { "gid-root", "ids", gid_root },
    { "uid-unchanged", "ids", uid_unchanged },
    { "uid-of-two-processes", "ids", uid_shared },
    { "gid-of-two-processes", "ids", gid_shared },
    { "file-behind-strings", "files", file_offset },
    { "file-flags", "files", file_flags },
    { "too-many-labels", "counts", labels_many },
    { "too-many-locks", "counts", locks_many },
    { "lock-of-a-fifth-permission", "locks", lock_bytes },
    { "lock-of-another-role", "locks", lock_source },
    { "label-of-no-model", "labels", label_model },
    { "two-labels-of-a-model", "labels", label_twice },
    { "label-without-file", "labels", label_path },
    { "label-out-of-the-thread", "labels", label_dots },
    { "label-at-a-path", "labels", label_absolute },
    { "label-fallback-behind-strings", "labels", label_fallback },
    { "label-prefix-behind-strings", "labels", label_prefix },
    { "label-behind-strings", "labels", label_value },
    { "label-with-newline", "labels", label_newline },
    { "label-empty", "labels", label_empty },
    { "unknown-role", "fds", fd_role },
    { "source-negative", "fds", fd_source_low },
    { "source-too-high", "fds", fd_source_high },
    { "to-nobody", "fds", fd_to_nobody },
    { "to-an-unknown", "fds", fd_to_unknown },
    { "lock-to-monitor", "fds", fd_lock_to_monitor },
    { "run-directory-to-vmm", "fds", fd_run_dir_to_vmm },
    { "log-file-to-vmm", "fds", fd_log_file_to_vmm },
    { "control-to-vmm", "fds", fd_control_to_vmm },
    { "number-missing", "fds", fd_number_missing },
    { "number-without-receiver", "fds", fd_number_extra },
    { "number-over-the-limit", "fds", fd_number_high },
    { "number-twice", "fds", fd_number_twice },
    { "serial-without-serials", "fds", fd_serial_index },
    { "to-a-process-not-wanted", "fds", fd_to_absent },
    { "image-on-standard-output", "fds", fd_image_on_1 },
    { "standard-error-closed", "fds 0 to 2", fd_2_closed },
};

/* Two of them, as two interfaces have; the last two entries are their nets. */
static SvirtLaunchSpec *
spec_with_passts(void)
{
    SvirtLaunchSpec *spec = good_spec();

    for (unsigned i = 0; i < 2; i++) {
        spec->ids[SVIRT_PROCESS_PASST + i] = (SvirtSpecIds){ 1003, 1003 };
        g_assert_true(svirt_spec_add_arg(
            &spec, (SvirtProcess)(SVIRT_PROCESS_PASST + i), "/usr/bin/p"));
    }
    for (int32_t i = 0; i <= 2; i++) {
        spec->fds[i].to |= SVIRT_TO_PASST(0) | SVIRT_TO_PASST(1);
        spec->fds[i].passt = i;
    }
    for (unsigned i = 0; i < 2; i++) {
        const SvirtSpecFd net = { (int32_t)(30 + i), SVIRT_TO_PASST(i), -1, -1,
                                  3, SVIRT_FD_NET, i };

        g_assert_true(svirt_spec_add_fd(&spec, &net));
    }
    return spec;
}

MUTATION(none, (void)spec)
MUTATION(net_to_two, spec->fds[5].to |= SVIRT_TO_PASST(0))
MUTATION(passt_number_missing, spec->fds[5].passt = -1)
MUTATION(passt_number_alone, spec->fds[3].passt = 7)
MUTATION(passt_number_twice, spec->fds[5].passt = 2)
MUTATION(passt_absent, spec->fds[5].to = SVIRT_TO_PASST(2))
MUTATION(passt_closed_2, spec->fds[2].to &= ~SVIRT_TO_PASST(1))
MUTATION(passt_uid_of_vmm, spec->ids[SVIRT_PROCESS_PASST + 1].uid = 1001)
MUTATION(passt_root, spec->ids[SVIRT_PROCESS_PASST + 1].gid = 0)

static const FixtureMutation passt_mutations[] = {
    { "two-with-one-uid", NULL, none },
    { "net-to-two", "fds", net_to_two },
    { "number-missing", "fds", passt_number_missing },
    { "number-without-receiver", "fds", passt_number_alone },
    { "number-twice", "fds", passt_number_twice },
    { "to-one-not-wanted", "fds", passt_absent },
    { "standard-error-closed", "fds 0 to 2", passt_closed_2 },
    { "uid-of-the-vmm", "ids", passt_uid_of_vmm },
    { "gid-root", "ids", passt_root },
};

static void
test_bad_file_paths(void)
{
    static const char *const paths[] = {
        "usr", "/", "/usr/", "/usr//lib", "/usr/../etc", "/usr/.", "/proc",
        "/proc/sys", "/dev/kvm", "/sys/kernel", "",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) {
        SvirtLaunchSpec *spec = good_spec();
        const char *why = NULL;

        g_assert_true(svirt_spec_add_file(&spec, paths[i], 0));
        g_assert_null(fixture_spec_map(spec, &why));
        g_assert_cmpstr(why, ==, "files");
        svirt_spec_free(spec);
    }
}

static void
test_unsealed_is_refused(void)
{
    SvirtLaunchSpec *spec = good_spec();
    SVIRT_AUTO_FD fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const char *why = NULL;

    g_assert_true(svirt_write_full(fd, spec, spec->size_bytes));
    g_assert_null(svirt_spec_map(fd, &why));
    g_assert_cmpstr(why, ==, "seals");
    /* Growing would still be possible. */
    g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK), ==,
                    0);
    g_assert_null(svirt_spec_map(fd, &why));
    svirt_spec_free(spec);
}

static void
test_sizes_are_bounded(void)
{
    static const off_t sizes[] = {
        0, 1, sizeof(SvirtLaunchSpec) - 1, sizeof(SvirtLaunchSpec),
        sizeof(SvirtLaunchSpec) + SVIRT_SPEC_MAX_STRINGS + 1,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        SVIRT_AUTO_FD fd = memfd_create("spec",
                                        MFD_CLOEXEC | MFD_ALLOW_SEALING);
        const char *why = NULL;

        g_assert_cmpint(ftruncate(fd, sizes[i]), ==, 0);
        g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK |
                              F_SEAL_GROW), ==, 0);
        g_assert_null(svirt_spec_map(fd, &why));
        g_assert_cmpstr(why, ==, "size_bytes");
    }
}

/* Any one byte changed gives a refusal or a block that holds together. */
static void
test_random_bytes_never_escape(void)
{
    SvirtLaunchSpec *spec = good_spec();
    g_autofree uint8_t *copy = g_malloc(spec->size_bytes);

    for (unsigned round = 0; round < 3000; round++) {
        SvirtLaunchSpec *broken = (SvirtLaunchSpec *)(void *)copy;
        const SvirtLaunchSpec *view;
        const char *why = NULL;

        memcpy(copy, spec, spec->size_bytes);
        for (unsigned n = 0; n < 4; n++) {
            size_t at = (size_t)g_test_rand_int_range(0, 4096);

            copy[at] = (uint8_t)g_test_rand_int();
        }
        broken->size_bytes = spec->size_bytes;
        view = fixture_spec_map(broken, &why);
        if (view == NULL) {
            g_assert_nonnull(why);
            continue;
        }
        for (uint32_t i = 0; i < view->n_args; i++) {
            g_assert_cmpuint(strlen(svirt_spec_string(view, view->args[i])),
                             <, view->strings_bytes);
        }
        svirt_spec_unmap(view);
    }
    svirt_spec_free(spec);
}

static void
test_bounds_of_the_writer(void)
{
    SvirtLaunchSpec *spec = good_spec();
    g_autofree char *big = g_strnfill(SVIRT_SPEC_MAX_STRINGS, 'a');

    errno = 0;
    g_assert_false(svirt_spec_add_arg(&spec, SVIRT_PROCESS_MONITOR, big));
    g_assert_cmpint(errno, ==, E2BIG);
    /* The VMM's arguments end where the monitor's begin. */
    g_assert_false(svirt_spec_add_arg(&spec, SVIRT_PROCESS_VMM, "x"));
    g_assert_cmpint(errno, ==, EINVAL);
    for (unsigned i = spec->n_args; i < SVIRT_SPEC_MAX_ARGS; i++) {
        g_assert_true(svirt_spec_add_arg(&spec, SVIRT_PROCESS_MONITOR, "y"));
    }
    g_assert_false(svirt_spec_add_arg(&spec, SVIRT_PROCESS_MONITOR, "y"));
    for (unsigned i = spec->n_files; i < SVIRT_SPEC_MAX_FILES; i++) {
        g_assert_true(svirt_spec_add_file(&spec, "/usr/x", 0));
    }
    g_assert_false(svirt_spec_add_file(&spec, "/usr/x", 0));
    svirt_spec_free(spec);
}

static void
test_words(void)
{
    for (int i = 0; i < SVIRT_STEP_MAX; i++) {
        SvirtStep step = SVIRT_STEP_MAX;

        g_assert_true(svirt_step_from_string(
            svirt_step_to_string((SvirtStep)i), &step));
        g_assert_cmpint((int)step, ==, i);
    }
    for (int i = 0; i < SVIRT_FD_MAX; i++) {
        SvirtFdRole role = SVIRT_FD_MAX;

        g_assert_true(svirt_fd_role_from_string(
            svirt_fd_role_to_string((SvirtFdRole)i), &role));
        g_assert_cmpint((int)role, ==, i);
    }
    for (int i = 0; i < SVIRT_PROCESS_MAX; i++) {
        SvirtProcess process = SVIRT_PROCESS_MAX;

        g_assert_true(svirt_process_from_string(
            svirt_process_to_string((SvirtProcess)i), &process));
        g_assert_cmpint((int)process, ==, i);
    }
    for (int i = 0; i < SVIRT_SERIAL_KIND_MAX; i++) {
        SvirtSerialKind kind = SVIRT_SERIAL_KIND_MAX;

        g_assert_true(svirt_serial_kind_from_string(
            svirt_serial_kind_to_string((SvirtSerialKind)i), &kind));
        g_assert_cmpint((int)kind, ==, i);
    }
    for (uint32_t layer = 1; layer < SVIRT_LAYER_ALL; layer <<= 1) {
        uint32_t found = 0;

        g_assert_true(svirt_layer_from_string(svirt_layer_to_string(layer),
                                              &found));
        g_assert_cmpuint(found, ==, layer);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/spec/what-is-written-is-read",
                    test_what_is_written_is_read);
    fixture_spec_mutations("/launch/spec/rejects", good_spec, mutations,
                           G_N_ELEMENTS(mutations));
    g_test_add_func("/launch/spec/rejects-bad-file-paths",
                    test_bad_file_paths);
    g_test_add_func("/launch/spec/rejects-unsealed",
                    test_unsealed_is_refused);
    g_test_add_func("/launch/spec/rejects-other-sizes",
                    test_sizes_are_bounded);
    g_test_add_func("/launch/spec/random-bytes-never-escape",
                    test_random_bytes_never_escape);
    g_test_add_func("/launch/spec/writer-keeps-the-bounds",
                    test_bounds_of_the_writer);
    g_test_add_func("/launch/spec/words", test_words);
    fixture_spec_mutations("/launch/spec/passts", spec_with_passts,
                           passt_mutations, G_N_ELEMENTS(passt_mutations));
    return g_test_run();
}
