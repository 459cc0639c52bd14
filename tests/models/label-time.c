/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * label-time MODEL ATTRIBUTE LABEL OTHER PATH...: what reading and what
 * writing the labels of these objects takes, next to as many bare fgetxattr(2)
 * and fsetxattr(2) of ATTRIBUTE in the same run. Prints "get RATIO OWN BARE"
 * and "set ...", times in microseconds for all PATHs, each the median of many
 * rounds; own and bare take turns.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>

#include "model/model.h"

#define ROUNDS 301
#define MAX_OBJECTS 64

typedef struct Bench {
    const SvirtModel *model;
    const char *attribute;
    const char *label[2]; /* written in turn, so that each is a change */
    size_t count;
    SvirtObject *object[MAX_OBJECTS];
} Bench;

static double
now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* As a start has them: O_PATH, and the descriptor its header was read by. */
static bool
open_objects(Bench *bench, char **paths, GError **error)
{
    for (; *paths != NULL && bench->count < MAX_OBJECTS; paths++) {
        SvirtObject **object = &bench->object[bench->count++];
        int fd;

        if (!svirt_object_open(*paths, NULL, SVIRT_OBJECT_WANT_DISK, 0, object,
                               error) ||
            !svirt_object_reopen(*object, NULL, O_RDONLY, &fd, error)) {
            return false;
        }
        svirt_object_keep(*object, fd);
    }
    return true;
}

static bool
get_own(const Bench *bench, unsigned round)
{
    for (size_t i = 0; i < bench->count; i++) {
        g_autofree char *label = NULL;

        if (!bench->model->read_label(bench->object[i], &label, NULL) ||
            !bench->model->labels_equal(label, bench->label[0])) {
            return false;
        }
    }
    return true;
}

static bool
get_bare(const Bench *bench, unsigned round)
{
    for (size_t i = 0; i < bench->count; i++) {
        char label[256];

        if (fgetxattr(bench->object[i]->read_fd, bench->attribute, label,
                      sizeof(label)) < 0) {
            return false;
        }
    }
    return true;
}

static bool
set_own(const Bench *bench, unsigned round)
{
    for (size_t i = 0; i < bench->count; i++) {
        if (!bench->model->write_label(bench->object[i],
                                       bench->label[round % 2], NULL)) {
            return false;
        }
    }
    return true;
}

static bool
set_bare(const Bench *bench, unsigned round)
{
    const char *label = bench->label[(round + 1) % 2];

    for (size_t i = 0; i < bench->count; i++) {
        if (fsetxattr(bench->object[i]->read_fd, bench->attribute, label,
                      strlen(label) + 1, 0) < 0) {
            return false;
        }
    }
    return true;
}

static int
by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

static bool
compare(const Bench *bench, const char *name,
        bool (*own)(const Bench *bench, unsigned round),
        bool (*bare)(const Bench *bench, unsigned round))
{
    static double took[2][ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        double began = now_us();

        if (!own(bench, i)) {
            return false;
        }
        took[0][i] = now_us() - began;
        began = now_us();
        if (!bare(bench, i)) {
            return false;
        }
        took[1][i] = now_us() - began;
    }
    for (unsigned i = 0; i < 2; i++) {
        qsort(took[i], ROUNDS, sizeof(took[i][0]), by_size);
    }
    (void)printf("%s %.2f %.1f %.1f\n", name,
                 took[0][ROUNDS / 2] / took[1][ROUNDS / 2],
                 took[0][ROUNDS / 2], took[1][ROUNDS / 2]);
    return true;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    SvirtModelKind kind;
    Bench bench = { NULL };

    if (argc < 6 || !svirt_model_kind_from_string(argv[1], &kind)) {
        return 2;
    }
    bench.model = svirt_model_by_kind(kind);
    bench.attribute = argv[2];
    bench.label[0] = argv[3];
    bench.label[1] = argv[4];
    if (!open_objects(&bench, argv + 5, &error)) {
        g_autofree char *text = svirt_error_render(error);

        (void)fputs(text, stderr);
        return 1;
    }
    /* The last round of writing leaves the first label, which is read then. */
    if (!compare(&bench, "set", set_own, set_bare) || !set_own(&bench, 0) ||
        !compare(&bench, "get", get_own, get_bare)) {
        perror("label-time");
        return 1;
    }
    return 0;
}
