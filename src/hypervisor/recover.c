/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/recover.h"

#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "compartment/recover.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/orphan.h"
#include "hypervisor/transient.h"
#include "keeper/programs.h"
#include "state/definitions.h"

#define ANSWER_MS 10000
/* QMP's other end died with the monitor: nobody can open it again. */
#define UNMANAGED "has a keeper, and no monitor for good: only destroy works"

typedef struct Recovery {
    SvirtManager *manager; /* borrowed, as all here */
    GPtrArray *rows;
} Recovery;

void
svirt_recovered_free(SvirtRecovered *recovered)
{
    if (recovered == NULL) {
        return;
    }
    g_free(recovered->domain);
    g_free(recovered->what);
    g_free(recovered->result);
    g_free(recovered);
}

static void
add_row(GPtrArray *rows, const char *domain, const char *what,
        const char *result, bool complete)
{
    SvirtRecovered *row = g_new0(SvirtRecovered, 1);

    row->domain = g_strdup(domain);
    row->what = g_strdup(what);
    row->result = g_strdup(result);
    row->complete = complete;
    g_ptr_array_add(rows, row);
}

/* An emulator that let go of a lock had the disk to itself no longer. */
static void
add_locks(const SvirtAdopt *orphan, GPtrArray *rows)
{
    const char *name = svirt_adopt_status(orphan)->name;
    unsigned again = svirt_adopt_locks(orphan, SVIRT_ADOPT_LOCK_AGAIN);
    unsigned busy = svirt_adopt_locks(orphan, SVIRT_ADOPT_LOCK_BUSY);
    unsigned lost = svirt_adopt_locks(orphan, SVIRT_ADOPT_LOCK_LOST);
    g_autofree char *words = NULL;

    if (again + busy + lost == 0) {
        return;
    }
    words = g_strdup_printf("the emulator gave up %u: %u taken again, %u in "
                            "use by another process, %u lost",
                            again + busy + lost, again, busy, lost);
    add_row(rows, name, "image locks", words, busy + lost == 0);
}

static void
adopt(SvirtAdopt *orphan, GPtrArray *rows)
{
    const char *name = svirt_adopt_status(orphan)->name;
    char program[PATH_MAX];
    SvirtMessage answer;
    bool ok = svirt_program_path("keeper", SVIRT_PROGRAM_KEEPER, program,
                                 sizeof(program)) &&
              svirt_adopt_start(orphan, program, ANSWER_MS, &answer);

    if (!ok) {
        int saved = errno;
        g_autofree char *why = g_strdup_printf(
            "no keeper: %s",
            !svirt_run_process_alive(
                &svirt_adopt_status(orphan)->process[SVIRT_PROCESS_VMM])
                ? "its emulator ended meanwhile; svirt recover clears it"
            : saved == EREMOTEIO ? answer.text : g_strerror(saved));

        add_row(rows, name, "running VM", why, false);
        return;
    }
    add_row(rows, name, "running VM",
            answer.type == SVIRT_MESSAGE_READY ? "has a keeper again"
            : answer.type == SVIRT_MESSAGE_QMP_BROKEN
                ? "has a keeper; it breaks the protocol"
                : UNMANAGED,
            answer.type == SVIRT_MESSAGE_READY);
    add_locks(orphan, rows);
}

/* Profiles and rules serve nobody now, and a start that was killed is to leave
 * none; labels are the journal's matter, or those of a VM that is off. Those
 * of an author who is not root are reached by the rules. */
static void
forget_labels(SvirtManager *manager, const char *uuid_text)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, NULL);
    g_autoptr(SvirtDefinition) definition = NULL;
    SvirtUuid uuid;

    if (state != NULL && svirt_uuid_parse(uuid_text, &uuid) &&
        svirt_definitions_by_uuid(state, &uuid, &definition, NULL) &&
        definition != NULL && definition->author == 0) {
        (void)svirt_model_labels_forget(manager, definition, NULL);
    }
}

static void
end(const Recovery *recovery, SvirtAdopt *orphan, const char *uuid_text,
    const char *what)
{
    const char *name = svirt_adopt_status(orphan)->name;
    bool ok = svirt_orphan_end(recovery->manager, orphan, ANSWER_MS);

    if (ok) {
        forget_labels(recovery->manager, uuid_text);
    }
    /* A start that died before it wrote its status has no name here. */
    add_row(recovery->rows, *name != '\0' ? name : uuid_text, what,
            ok ? "ended and released" : "not all released", ok);
}

/* Its keeper lives, which is no help where nothing can be asked of it. */
static void
note_unmanaged(int runs, const char *uuid_text, GPtrArray *rows)
{
    SvirtRunStatus run;

    if (svirt_run_status_read(runs, uuid_text, &run) &&
        (run.flags & SVIRT_RUN_UNMANAGED) != 0 &&
        svirt_run_process_alive(&run.process[SVIRT_PROCESS_VMM])) {
        add_row(rows, run.name, "running VM", UNMANAGED, false);
    }
}

static void
recover_run(int runs, const char *uuid_text, void *data)
{
    const Recovery *recovery = data;
    const char *why = "";
    SvirtAdopt *orphan = svirt_adopt_open(runs, uuid_text, &why);

    if (orphan == NULL) {
        if (errno == EWOULDBLOCK) {
            note_unmanaged(runs, uuid_text, recovery->rows);
        } else if (errno != ENOENT) { /* a vanished run needs nobody */
            add_row(recovery->rows, uuid_text, "run directory", why, false);
        }
        return;
    }
    switch (svirt_orphan_decide(orphan, ANSWER_MS)) {
    case SVIRT_ADOPT_MANAGED:
    case SVIRT_ADOPT_UNMANAGED:
        adopt(orphan, recovery->rows);
        break;
    case SVIRT_ADOPT_COMMITTING:
    case SVIRT_ADOPT_UNFINISHED:
        end(recovery, orphan, uuid_text, "unfinished start");
        break;
    case SVIRT_ADOPT_DEAD:
        end(recovery, orphan, uuid_text, "left-over run");
        break;
    case SVIRT_ADOPT_DAMAGED:
        if (svirt_orphan_lives(recovery->manager, orphan)) {
            add_row(recovery->rows, uuid_text, "running VM, damaged status",
                    "left alone: svirt destroy ends it", false);
        } else {
            end(recovery, orphan, uuid_text, "left-over run, damaged status");
        }
        break;
    case SVIRT_ADOPT_STATE_MAX:
        break;
    }
    svirt_adopt_free(orphan);
}

static bool
recover_journals(SvirtManager *manager, GPtrArray *rows, GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    g_autoptr(GPtrArray) undone = NULL;

    if (state == NULL || !svirt_recover_journals(state, NULL, NULL, &undone,
                                                 NULL, error)) {
        return false;
    }
    for (unsigned i = 0; i < undone->len; i++) {
        const SvirtRecoverRow *row = undone->pdata[i];
        char uuid[SVIRT_UUID_TEXT];

        svirt_uuid_format(&row->uuid, uuid);
        add_row(rows, uuid, row->path,
                row->detail != NULL
                    ? row->detail
                    : svirt_recover_outcome_to_string(row->outcome),
                row->outcome != SVIRT_RECOVER_MOVED &&
                    row->outcome != SVIRT_RECOVER_FAILED);
    }
    return true;
}

/* Whose keeper could not see to it. */
static bool
recover_transients(SvirtManager *manager, GPtrArray *rows, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!svirt_transient_reap(manager, &names, error)) {
        return false;
    }
    for (unsigned i = 0; i < names->len; i++) {
        add_row(rows, names->pdata[i], "transient domain", "is gone", true);
    }
    return true;
}

bool
svirt_recover(SvirtManager *manager, GPtrArray **ret_rows, GError **error)
{
    g_autoptr(GPtrArray) rows =
        g_ptr_array_new_with_free_func((GDestroyNotify)svirt_recovered_free);
    Recovery recovery = { manager, rows };

    /* VMs first: a journal of a VM that runs is judged with it running. */
    if (!svirt_manager_visit_runs(manager, recover_run, &recovery, error) ||
        !recover_journals(manager, rows, error) ||
        !recover_transients(manager, rows, error)) {
        return false;
    }
    *ret_rows = g_steal_pointer(&rows);
    return true;
}
