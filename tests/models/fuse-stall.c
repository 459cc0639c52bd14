/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuse-stall DIRECTORY STALL: see fuse-server.h; ends with its mount. */
#include <stdio.h>
#include <string.h>

#include "../compartment/fuse-server.h"

int
main(int argc, char **argv)
{
    int failure = argc == 3 ? fuse_serve(argv[1], argv[2], -1) : -1;

    if (failure != 0) {
        (void)fprintf(stderr, "fuse-stall: %s\n",
                      failure < 0 ? "DIRECTORY STALL" : strerror(failure));
    }
    return failure != 0;
}
