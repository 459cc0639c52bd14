/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "launch/spec.h"

/* Each changes one field of a good spec; `why` names it, NULL: it stays one. */
typedef struct FixtureMutation {
    const char *name;
    const char *why;
    void (*change)(SvirtLaunchSpec *spec);
} FixtureMutation;

#define MUTATION(function, statement)                                        \
    static void function(SvirtLaunchSpec *spec) { statement; }

/* Sealed and mapped, as a keeper does it; NULL with *ret_why. */
const SvirtLaunchSpec *fixture_spec_map(const SvirtLaunchSpec *spec,
                                        const char **ret_why);
/* A test "<prefix>/<name>" for each of what `make` gives. Borrows `rows`. */
void fixture_spec_mutations(const char *prefix,
                            SvirtLaunchSpec *(*make)(void),
                            const FixtureMutation *rows, size_t count);
