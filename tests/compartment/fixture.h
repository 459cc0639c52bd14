/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"
#include "compartment/compartment.h"
#include "compartment/relabel-plan.h"
#include "domain/domain.h"
#include "host/config.h"
#include "host/connection.h"
#include "state/definitions.h"

#define TEST_UUID_A "11111111-2222-4333-8444-55555555550a"
#define TEST_UUID_B "11111111-2222-4333-8444-55555555550b"
#define TEST_NOW 1700000000

/* An embedded instance in a directory of its own. */
typedef struct Fixture {
    char *dir; /* owned, as everything here */
    SvirtConnection *connection;
    SvirtConfig *config;
    SvirtState *state; /* writable */
} Fixture;

void fixture_set_up(Fixture *fixture, const void *data);
void fixture_tear_down(Fixture *fixture, const void *data);
/* Close the state before forking, open it again after. */
void fixture_close_state(Fixture *fixture);
void fixture_open_state(Fixture *fixture);

/* Owned by the caller. `seclabels` is XML put into the domain, "" for none. */
SvirtDomain *fixture_domain(const char *name, const char *uuid,
                            const char *seclabels);
/* Recorded in the state too. */
SvirtDefinition *fixture_define(Fixture *fixture, const char *name,
                                const char *uuid, uid_t author);
/* Claimed for a definition and domain made on the way. */
SvirtCompartment *fixture_compartment(Fixture *fixture, const char *name,
                                      const char *uuid,
                                      const char *seclabels);

/* A file in the fixture's directory; its path, owned by the caller. */
char *fixture_file(Fixture *fixture, const char *name, const char *content);
SvirtObject *fixture_open(const char *path);
/* An exclusive disk. */
SvirtRelabelItem fixture_disk(const SvirtObject *object);

/* Give the compartment labels of the test model. */
void fixture_add_test_label(SvirtCompartment *compartment, const char *image);

/* "uid:gid TEST-LABEL" of what the path leads to; owned by the caller. */
char *fixture_labels(const char *path);

#define FIXTURE_TEST(name, test)                                             \
    g_test_add(name, Fixture, NULL, fixture_set_up, test, fixture_tear_down)

/* Skips, and is true, without root. */
bool fixture_lacks_root(void);
/* A mount namespace of its own for the whole program, when root. */
void fixture_unshare_mounts(void);
