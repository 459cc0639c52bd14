/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/compartment.h"
#include "hypervisor/manager.h"
#include "launch/spec.h"

/*
 * A compartment's labels, of every model this host runs, on their way into the
 * kernel: the combining of several models. What one refuses stops the start;
 * none is left out because another is there.
 */

/*
 * Before anything is launched: every model that runs gave labels, every model
 * a <seclabel> names runs, the kernel knows the labels, and enforces where the
 * definition requires it. `emulator`: its path; AppArmor lets the VMM open it.
 * UNSUPPORTED: the host does not run a model the definition names; REFUSED:
 * requireEnforcing; those of probe, derive and load.
 */
bool svirt_model_labels_load(const SvirtCompartment *compartment,
                             const char *emulator, GError **error);
/* The same with objects that are opened by name. Nothing is checked of them. */
bool svirt_model_labels_load_paths(const SvirtCompartment *compartment,
                                   const SvirtModelPath *paths, size_t count,
                                   GError **error);
/* After the last run: profiles and rules of this VM's are taken out of the
 * kernel. BUSY: a process still has one. */
bool svirt_model_labels_unload(const SvirtCompartment *compartment,
                               GError **error);
/* The same for a definition; one that never had labels, or whose text is not
 * understood any more, has nothing loaded. */
bool svirt_model_labels_forget(SvirtManager *manager,
                               const SvirtDefinition *definition,
                               GError **error);

/* For one that runs: what somebody else changed in the kernel is loaded once
 * more. Errors of svirt_model_labels_load. */
bool svirt_model_labels_mend(SvirtManager *manager,
                             const SvirtDefinition *definition,
                             GError **error);
/*
 * Before objects are opened with the rights of an author who is not root: they
 * carry the VM's labels from an earlier run, and since the host's last boot
 * the kernel may not know that svirt may open them (Smack). Nothing for root's
 * definitions. Errors of svirt_model_labels_load.
 */
bool svirt_model_labels_recall(SvirtManager *manager,
                               const SvirtDefinition *definition,
                               GError **error);

/* What each process writes for itself. */
bool svirt_model_labels_add(const SvirtCompartment *compartment,
                            SvirtLaunchSpec **spec, GError **error);

/* Who a socket is made for. */
typedef enum SvirtSocketFor {
    SVIRT_SOCKET_FOR_VMM,
    SVIRT_SOCKET_FOR_MONITOR,
} SvirtSocketFor;

/*
 * What this thread creates until the _end carries the VM's label: sockets for
 * its VMM or its monitor; files for the VMM, memfds among them. NULL is no
 * compartment: nothing is done. _end is called for a _begin that failed, too;
 * it aborts rather than let svirt go on creating under a VM's label.
 */
bool svirt_creation_begin_sockets(const SvirtCompartment *compartment,
                                  SvirtSocketFor whose, GError **error);
bool svirt_creation_begin_files(const SvirtCompartment *compartment,
                                GError **error);
void svirt_creation_end(const SvirtCompartment *compartment);
/*
 * For an opened log file of the monitor's: what lets it be rotated. One whose
 * file system stores no labels is left as it is.
 */
bool svirt_creation_label_log(const SvirtCompartment *compartment, int fd,
                              const char *shown, GError **error);
/*
 * For a memfd that a running VM is to write, by way of its monitor: the label
 * of the VM's own objects under models that give files none when they are made.
 * `shown` is for messages.
 */
bool svirt_model_labels_give(SvirtManager *manager,
                             const SvirtDefinition *definition, int fd,
                             const char *shown, GError **error);
/* For a socket made meanwhile: what its creation could not give it. */
bool svirt_creation_label_socket(const SvirtCompartment *compartment,
                                 SvirtSocketFor whose, int fd,
                                 GError **error);
