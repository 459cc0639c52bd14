/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm.h"

#include <errno.h>
#include <signal.h>

#include "base/fd.h"

void
vm_kill_keeper(Vm *vm)
{
    g_assert_no_errno(kill(vm->keeper, SIGKILL));
    vm_wait_gone(vm->keeper);
    svirt_fd_close(&vm->svirt_fd);
    g_assert_true(vm_process_is_there(vm->vmm));
}

SvirtAdopt *
vm_open_adoption(Vm *vm, SvirtAdoptState state)
{
    const char *why = NULL;
    SvirtAdopt *adopt = svirt_adopt_open(vm->runs_fd, vm->uuid_text, &why);

    if (adopt == NULL) {
        g_error("%s: %s", why, g_strerror(errno));
    }
    g_assert_cmpstr(svirt_adopt_state_to_string(svirt_adopt_state(adopt)), ==,
                    svirt_adopt_state_to_string(state));
    return adopt;
}

void
vm_adopt(Vm *vm, SvirtAdopt *adopt, SvirtMessageType answer)
{
    SvirtMessage message = { 0 };
    SvirtRunStatus status;

    if (!svirt_adopt_start(adopt, KEEPER_PROGRAM, 20000, &message)) {
        g_error("%s: %s", g_strerror(errno), message.text);
    }
    g_assert_cmpint(message.type, ==, answer);
    vm_status(vm, &status);
    vm->keeper = vm->other = status.keeper.pid;
    vm->monitor = status.process[SVIRT_PROCESS_MONITOR].pid;
    g_assert_cmpuint(status.flags & SVIRT_RUN_ADOPTED, !=, 0);
    g_assert_cmpuint(status.flags & (SVIRT_RUN_STARTING |
                                     SVIRT_RUN_COMMITTING), ==, 0);
}

void
vm_adopt_and_free(Vm *vm, SvirtAdoptState state, SvirtMessageType answer)
{
    SvirtAdopt *adopt = vm_open_adoption(vm, state);

    vm_adopt(vm, adopt, answer);
    svirt_adopt_free(adopt);
}

void
vm_end_adoption(Vm *vm, SvirtAdopt *adopt)
{
    g_assert_true(svirt_adopt_end(adopt, 5000));
    svirt_adopt_free(adopt);
    vm_wait_released(vm);
}
