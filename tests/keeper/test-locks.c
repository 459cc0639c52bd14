/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm.h"

/*
 * The keeper is dead, the emulator alone has the image's lock, and lets go of
 * it in one way or another. `svirt recover` finds out.
 */
#define BYTE 101 /* write permission in use: what vm.c locks */
#define UNSHARED_BYTE 201

static void
tell_vmm(Vm *vm, const char *command)
{
    g_autofree char *json = g_strdup_printf("{\"execute\": \"%s\"}", command);
    g_autofree char *reply = vm_qmp(vm, json);

    g_assert_true(g_str_has_prefix(reply, "{\"return\""));
}

static Vm *
vm_without_keeper(const char *command)
{
    Vm *vm = vm_fake("serve", NULL, NULL);

    vm_start_and_run(vm, false);
    if (command != NULL) {
        tell_vmm(vm, command);
    }
    g_assert_false(vm_image_is_free(vm)); /* as long as the keeper lives */
    vm_kill_keeper(vm);
    return vm;
}

static void
adopt(Vm *vm, SvirtAdoptLock state, bool unlocked)
{
    SvirtAdopt *adopt = vm_open_adoption(vm, SVIRT_ADOPT_MANAGED);
    SvirtRunStatus status;

    vm_adopt(vm, adopt, SVIRT_MESSAGE_READY);
    for (unsigned i = 0; i < SVIRT_ADOPT_LOCK_MAX; i++) {
        g_test_message("%s: %u", svirt_adopt_lock_to_string(i),
                       svirt_adopt_locks(adopt, i));
        g_assert_cmpuint(svirt_adopt_locks(adopt, i), ==, i == state ? 1 : 0);
    }
    svirt_adopt_free(adopt);
    vm_status(vm, &status);
    g_assert_cmpint((status.flags & SVIRT_RUN_UNLOCKED) != 0, ==, unlocked);
}

typedef struct Row {
    const char *name;
    const char *command; /* what the emulator does, NULL nothing */
    bool lapses;         /* nobody holds the lock then */
    SvirtAdoptLock state;
} Row;

static const Row rows[] = {
    { "honest", NULL, false, SVIRT_ADOPT_LOCK_HELD },
    { "closed", "lock-close", true, SVIRT_ADOPT_LOCK_AGAIN },
    { "replaced-by-the-image", "lock-replace", true, SVIRT_ADOPT_LOCK_AGAIN },
    { "replaced-by-another-file", "lock-foreign", true,
      SVIRT_ADOPT_LOCK_AGAIN },
    { "moved-to-another-number", "lock-move", false, SVIRT_ADOPT_LOCK_HELD },
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_without_keeper(row->command);
    g_assert_cmpint(vm_image_is_free(vm), ==, row->lapses);
    adopt(vm, row->state, row->lapses);
    g_assert_false(vm_image_is_free(vm));
    /* It is the keeper's now, whatever the emulator does next. */
    if (row->command == NULL || strcmp(row->command, "lock-replace") == 0) {
        tell_vmm(vm, "lock-close");
    }
    tell_vmm(vm, "image-close");
    g_assert_false(vm_image_is_free(vm));
    vm_kill(vm);
}

/* Somebody saw it free meanwhile: both say so, nobody is thrown out. */
static void
test_taken_by_another(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *path = NULL;
    struct flock lock = { .l_type = F_RDLCK, .l_start = UNSHARED_BYTE,
                          .l_len = 1 };

    if (!vm_possible()) {
        return;
    }
    vm = vm_without_keeper("lock-close");
    path = g_build_filename(vm->top, "image", NULL);
    {
        SVIRT_AUTO_FD other = open(path, O_RDONLY | O_CLOEXEC);

        g_assert_no_errno(fcntl(other, F_OFD_SETLK, &lock));
        adopt(vm, SVIRT_ADOPT_LOCK_BUSY, true);
        g_assert_false(vm_image_is_free(vm));
    }
    vm_kill(vm);
}

static void
test_lost_with_its_last_descriptor(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_without_keeper("lock-close");
    tell_vmm(vm, "image-close");
    adopt(vm, SVIRT_ADOPT_LOCK_LOST, true);
    g_assert_true(vm_process_is_there(vm->vmm));
    vm_kill(vm);
}

/* Another file that took the path is not the image. */
static void
test_another_file_of_that_name_is_left_alone(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *path = NULL;
    g_autofree char *moved = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_without_keeper("lock-close");
    path = g_build_filename(vm->top, "image", NULL);
    moved = g_strconcat(path, ".moved", NULL);
    g_assert_no_errno(rename(path, moved));
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    adopt(vm, SVIRT_ADOPT_LOCK_AGAIN, true);
    g_assert_true(vm_image_is_free(vm)); /* the new file is */
    g_assert_no_errno(rename(moved, path));
    g_assert_false(vm_image_is_free(vm));
    vm_kill(vm);
}

static void
test_words(void)
{
    for (int i = 0; i < SVIRT_ADOPT_LOCK_MAX; i++) {
        SvirtAdoptLock state = SVIRT_ADOPT_LOCK_MAX;

        g_assert_true(svirt_adopt_lock_from_string(
            svirt_adopt_lock_to_string((SvirtAdoptLock)i), &state));
        g_assert_cmpint((int)state, ==, i);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/keeper/locks/%s", rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/keeper/locks/taken-by-another", test_taken_by_another);
    g_test_add_func("/keeper/locks/lost-with-its-last-descriptor",
                    test_lost_with_its_last_descriptor);
    g_test_add_func("/keeper/locks/another-file-of-that-name-is-left-alone",
                    test_another_file_of_that_name_is_left_alone);
    g_test_add_func("/keeper/locks/words", test_words);
    return g_test_run();
}
