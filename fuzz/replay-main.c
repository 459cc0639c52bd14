/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for libFuzzer where the compiler has none: feeds each file named,
 * and each file of each directory named, to the fuzzer once, so that every
 * seed and every finding of the past runs as a normal test.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
file_feed(int dir_fd, const char *name)
{
    SVIRT_AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    uint8_t *data;
    ssize_t got;

    if (fd < 0) {
        perror(name);
        return false;
    }
    data = malloc(INPUT_MAX);
    if (data == NULL) {
        return false;
    }
    got = svirt_read_full(fd, data, INPUT_MAX);
    if (got >= 0) {
        /* A copy of its own size, so that reading past it is seen. */
        uint8_t *exact = realloc(data, got > 0 ? (size_t)got : 1);

        data = exact != NULL ? exact : data;
        (void)LLVMFuzzerTestOneInput(data, (size_t)got);
    }
    free(data);
    return got >= 0;
}

/* How many files were fed; -1 after a failure. */
static int
directory_feed(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    if (dir == NULL) {
        perror(path);
        return -1;
    }
    while ((entry = readdir(dir)) != NULL && count >= 0) {
        if (entry->d_type != DT_DIR) {
            count = file_feed(dirfd(dir), entry->d_name) ? count + 1 : -1;
        }
    }
    closedir(dir);
    return count;
}

int
main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        int count;

        if (stat(argv[i], &st) != 0) {
            perror(argv[i]);
            return EXIT_FAILURE;
        }
        if (S_ISDIR(st.st_mode)) {
            count = directory_feed(argv[i]);
        } else {
            count = file_feed(AT_FDCWD, argv[i]) ? 1 : -1;
        }
        if (count < 0) {
            return EXIT_FAILURE;
        }
        total += count;
    }
    printf("%d inputs\n", total);
    /* No seed found means that nothing was tested. */
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
