/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/verify.h"

#include <unistd.h>

#include "model/model.h"

#define WORKERS_MAX 16
/* A thread costs what a quarter of a VM does. */
#define JOBS_PER_WORKER 4

typedef struct Work {
    SvirtVerifyJob *jobs;
    size_t count;
    gsize next; /* atomic */
} Work;

static void *
work_on(void *data)
{
    Work *work = data;
    g_autoptr(GByteArray) room = g_byte_array_new();

    for (;;) {
        gsize mine = g_atomic_pointer_add(&work->next, 1);
        const SvirtLaunchSpec *spec;
        SvirtVerifyJob *job;

        if (mine >= work->count) {
            return NULL;
        }
        job = &work->jobs[mine];
        if (job->read_spec(job, room, &spec, &job->error)) {
            (void)svirt_verify_run(job->status, spec, &job->rows,
                                   &job->error);
        }
    }
}

void
svirt_verify_jobs(SvirtVerifyJob *jobs, size_t count)
{
    Work work = { jobs, count, 0 };
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = MIN((size_t)MAX(cpus, 1), WORKERS_MAX);
    GThread *threads[WORKERS_MAX];
    size_t n_threads = 0;

    /* What a model opens once it opens here, by one thread. */
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)i);
        bool active;

        if (model != NULL) {
            (void)model->probe(&active, NULL);
        }
    }
    wanted = MIN(wanted, count / JOBS_PER_WORKER + 1);
    while (n_threads + 1 < wanted) {
        threads[n_threads] = g_thread_try_new("verify", work_on, &work, NULL);
        if (threads[n_threads] == NULL) {
            break; /* the others do it */
        }
        n_threads++;
    }
    (void)work_on(&work);
    while (n_threads > 0) {
        (void)g_thread_join(threads[--n_threads]);
    }
}
