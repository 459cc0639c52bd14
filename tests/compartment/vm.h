/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/fault.h"
#include "fixture.h"

#define VM_DISKS 2
/* Each disk is changed under two models. */
#define VM_STEPS (2 * VM_DISKS)

/*
 * A VM of two disks, one with a label of the test model, one without. Its
 * start makes four changes.
 */
typedef struct Vm {
    char *paths[VM_DISKS];         /* owned */
    SvirtCompartment *compartment; /* owned */
} Vm;

/* As fixture_labels says it. */
extern const char *const vm_before[VM_DISKS];
extern const char *const vm_after[VM_DISKS];

void vm_set_up(Fixture *fixture, Vm *vm);
void vm_tear_down(Vm *vm);
bool vm_carries(const Vm *vm, const char *const labels[VM_DISKS]);

/* What a record's fault cuts off. */
typedef bool (*VmWork)(Fixture *fixture, const Vm *vm,
                       const SvirtFault *fault, GError **error);
bool vm_apply(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
              GError **error);
bool vm_recover_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
                     GError **error);
bool vm_restore_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
                     GError **error);

unsigned vm_open_journals(Fixture *fixture);
/* How many journals are left. */
unsigned vm_recover(Fixture *fixture, const SvirtFault *fault);
/* Everything of this VM's is given back, and nothing is remembered. */
void vm_release(Fixture *fixture, const Vm *vm);

/* Counts records down. */
typedef struct Countdown {
    unsigned left;
    SvirtFaultPoint reached;
} Countdown;

/* True when `work`, in a process of its own, was killed at its Nth record;
 * false when it has fewer and succeeded. */
bool vm_dies_at(Fixture *fixture, const Vm *vm, VmWork work, unsigned n);
