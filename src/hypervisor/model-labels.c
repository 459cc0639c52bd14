/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/model-labels.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/procfs.h"
#include "hypervisor/qemu.h"
#include "model/model.h"

/* The model of a label that is in force here; NULL: nothing to do for it. */
static const SvirtModel *
model_in_force(const SvirtCompartmentLabel *label)
{
    const SvirtModel *model = svirt_model_by_kind(label->model);

    return label->active && model != NULL && model->labels_processes &&
                   label->type != SVIRT_SECLABEL_NONE
               ? model
               : NULL;
}

static bool
check_label(const SvirtCompartment *compartment,
            const SvirtCompartmentLabel *label, GError **error)
{
    const char *word = svirt_model_kind_to_string(label->model);

    if (label->type == SVIRT_SECLABEL_NONE) {
        return true;
    }
    if (label->active && label->problem != NULL) {
        return svirt_raise(error, (SvirtErrorCode)label->problem->code,
                           g_error_copy(label->problem),
                           svirt_error_hint(label->problem),
                           "'%s' has no %s label", compartment->name, word);
    }
    if (label->named && !label->active) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "remove the <seclabel>, or boot with the model",
                           "'%s' has a <seclabel> for model '%s', which this "
                           "host does not run", compartment->name, word);
    }
    return true;
}

static bool
check_enforcing(const SvirtCompartment *compartment,
                const SvirtCompartmentLabel *label, const SvirtModel *model,
                GError **error)
{
    bool enforcing = false;

    if (!label->require_enforcing) {
        return true;
    }
    if (!model->is_enforcing(label->set.vmm, &enforcing, error)) {
        return false;
    }
    return enforcing ||
           svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                       "have the model enforce, or remove requireEnforcing",
                       "'%s' requires enforcing, and %s only warns of what "
                       "'%.128s' does",
                       compartment->name,
                       svirt_model_kind_to_string(label->model),
                       label->set.vmm);
}

bool
svirt_model_labels_load_paths(const SvirtCompartment *compartment,
                              const SvirtModelPath *paths, size_t count,
                              GError **error)
{
    for (size_t i = 0; i < compartment->label_count; i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);
        SvirtLabelSeed seed = svirt_compartment_seed(compartment, label);

        if (!check_label(compartment, label, error)) {
            return false;
        }
        if (model == NULL) {
            continue;
        }
        seed.paths = paths;
        seed.path_count = count;
        if (!model->load(&seed, &label->set, error) ||
            !check_enforcing(compartment, label, model, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_model_labels_load(const SvirtCompartment *compartment,
                        const char *emulator, GError **error)
{
    const SvirtModelPath program = {
        .path = emulator,
        .access = SVIRT_MODEL_PATH_READ | SVIRT_MODEL_PATH_EXECUTE,
    };
    /* What lies in /usr every VM of the host may execute. */
    const bool own =
        emulator != NULL && !g_str_has_prefix(emulator, "/usr/");

    return svirt_model_labels_load_paths(compartment, &program, own ? 1 : 0,
                                         error);
}

bool
svirt_model_labels_unload(const SvirtCompartment *compartment, GError **error)
{
    for (size_t i = 0; i < compartment->label_count; i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);
        SvirtLabelSeed seed = svirt_compartment_seed(compartment, label);

        if (model != NULL && label->problem == NULL &&
            !model->unload(&seed, &label->set, error)) {
            return false;
        }
    }
    return true;
}

/* What the claims say; NULL in *ret: there are none, or its text is not
 * understood any more. */
static bool
find_compartment(SvirtManager *manager, const SvirtDefinition *definition,
                 SvirtDomain **ret_domain, SvirtCompartment **ret,
                 GError **error)
{
    const SvirtConfig *config = svirt_manager_config(manager, error);
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtCompartment) compartment = NULL;
    SvirtState *state;

    if (config == NULL) {
        return false;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    if (state == NULL) {
        return false;
    }
    if (svirt_manager_parse(definition, &domain, NULL) &&
        svirt_compartment_find(state, config, definition, domain,
                               &compartment, NULL)) {
        *ret = g_steal_pointer(&compartment);
        *ret_domain = g_steal_pointer(&domain);
    }
    return true;
}

bool
svirt_model_labels_forget(SvirtManager *manager,
                          const SvirtDefinition *definition, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtCompartment) compartment = NULL;

    return find_compartment(manager, definition, &domain, &compartment,
                            error) &&
           (compartment == NULL ||
            svirt_model_labels_unload(compartment, error));
}

bool
svirt_model_labels_mend(SvirtManager *manager,
                        const SvirtDefinition *definition, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtCompartment) compartment = NULL;

    return find_compartment(manager, definition, &domain, &compartment,
                            error) &&
           (compartment == NULL ||
            svirt_model_labels_load(compartment,
                                    svirt_qemu_emulator(domain), error));
}

bool
svirt_model_labels_give(SvirtManager *manager,
                        const SvirtDefinition *definition, int fd,
                        const char *shown, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtCompartment) compartment = NULL;
    g_autoptr(SvirtObject) object = NULL;

    if (!find_compartment(manager, definition, &domain, &compartment,
                          error)) {
        return false;
    }
    for (size_t i = 0; compartment != NULL && i < compartment->label_count;
         i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);

        if (model == NULL || !model->labels_objects ||
            model->create.path != NULL || label->set.image == NULL) {
            continue;
        }
        if ((object == NULL &&
             !svirt_object_from_fd(fd, shown, SVIRT_OBJECT_WANT(REGULAR),
                                   SVIRT_OBJECT_NO_IDENTITY, &object,
                                   error)) ||
            !svirt_model_set_label(model, object, label->set.image, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_model_labels_recall(SvirtManager *manager,
                          const SvirtDefinition *definition, GError **error)
{
    return definition->author == 0 ||
           svirt_model_labels_mend(manager, definition, error);
}

bool
svirt_model_labels_add(const SvirtCompartment *compartment,
                       SvirtLaunchSpec **spec, GError **error)
{
    for (size_t i = 0; i < compartment->label_count; i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);
        const char *const values[SVIRT_PROCESS_KINDS] = {
            [SVIRT_PROCESS_VMM] = label->set.vmm,
            [SVIRT_PROCESS_MONITOR] = label->set.monitor,
            [SVIRT_PROCESS_PASST] = label->set.helper,
        };

        if (model != NULL &&
            !svirt_spec_add_label(spec, label->model, model->process.path,
                                  model->process.fallback,
                                  model->process.prefix, values)) {
            return svirt_raise_errno(error, errno, NULL,
                                     "the labels of '%s' do not fit into a "
                                     "launch", compartment->name);
        }
    }
    return true;
}

/* `attribute` and `label` may be without anything: then nothing is done. */
static bool
write_attribute(const SvirtModelAttribute *attribute, const char *label,
                GError **error)
{
    SVIRT_AUTO_FD procfs = -1;
    SVIRT_AUTO_FD fd = -1;

    if (attribute->path == NULL) {
        return true;
    }
    procfs = svirt_procfs_open();
    if (procfs >= 0) {
        fd = svirt_procfs_open_attribute(procfs, attribute->path,
                                         attribute->fallback);
    }
    if (fd < 0 ||
        !svirt_procfs_write_attribute(
            fd, label != NULL ? attribute->prefix : NULL, label)) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot write '%.128s' to "
                                 "/proc/thread-self/%s",
                                 label != NULL ? label : "",
                                 attribute->path);
    }
    return true;
}

static const char *
socket_label(const SvirtCompartmentLabel *label, SvirtSocketFor whose)
{
    return whose == SVIRT_SOCKET_FOR_VMM ? label->set.socket
                                         : label->set.monitor;
}

bool
svirt_creation_begin_sockets(const SvirtCompartment *compartment,
                             SvirtSocketFor whose, GError **error)
{
    for (size_t i = 0; compartment != NULL && i < compartment->label_count;
         i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);
        const char *text = socket_label(label, whose);

        if (model != NULL && text != NULL &&
            !write_attribute(&model->socket, text, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_creation_begin_files(const SvirtCompartment *compartment,
                           GError **error)
{
    for (size_t i = 0; compartment != NULL && i < compartment->label_count;
         i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);

        if (model != NULL && label->set.image != NULL &&
            !write_attribute(&model->create, label->set.image, error)) {
            return false;
        }
    }
    return true;
}

void
svirt_creation_end(const SvirtCompartment *compartment)
{
    for (size_t i = 0; compartment != NULL && i < compartment->label_count;
         i++) {
        const SvirtModel *model = model_in_force(&compartment->labels[i]);

        if (model != NULL &&
            (!write_attribute(&model->socket, NULL, NULL) ||
             !write_attribute(&model->create, NULL, NULL))) {
            abort();
        }
    }
}

bool
svirt_creation_label_socket(const SvirtCompartment *compartment,
                            SvirtSocketFor whose, int fd, GError **error)
{
    for (size_t i = 0; compartment != NULL && i < compartment->label_count;
         i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);
        const char *text = socket_label(label, whose);

        if (model != NULL && text != NULL && model->label_socket != NULL &&
            !model->label_socket(fd, text, error)) {
            return false;
        }
    }
    return true;
}

static bool
label_log(const SvirtModel *model, const SvirtObject *object,
          const char *label, GError **error)
{
    g_autofree char *now = NULL;
    g_autoptr(GError) cause = NULL;

    if (!model->read_label(object, &now, error)) {
        return false;
    }
    if (model->labels_equal(now, label) ||
        svirt_model_set_label(model, object, label, &cause) ||
        g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED)) {
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

bool
svirt_creation_label_log(const SvirtCompartment *compartment, int fd,
                         const char *shown, GError **error)
{
    g_autoptr(SvirtObject) object = NULL;

    for (size_t i = 0; compartment != NULL && i < compartment->label_count;
         i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = model_in_force(label);

        if (model == NULL || label->set.log == NULL) {
            continue;
        }
        if (object == NULL &&
            !svirt_object_from_fd(fd, shown, SVIRT_OBJECT_WANT(REGULAR),
                                  SVIRT_OBJECT_NO_IDENTITY, &object, error)) {
            return false;
        }
        if (!label_log(model, object, label->set.log, error)) {
            return false;
        }
    }
    return true;
}
