/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/label.h"

#include "base/fd.h"
#include "base/procfs.h"
#include "label/model-kind.h"

static const char *
optional(const SvirtLaunchSpec *spec, uint32_t offset)
{
    return offset == SVIRT_SPEC_NO_STRING ? NULL
                                          : svirt_spec_string(spec, offset);
}

bool
svirt_label_open(const SvirtLaunchSpec *spec, SvirtProcess which,
                 SvirtLabelFiles *ret, SvirtLaunchFailure *failure)
{
    SVIRT_AUTO_FD procfs = -1;

    ret->count = 0;
    for (uint32_t i = 0; i < spec->n_labels; i++) {
        const SvirtSpecLabel *label = &spec->labels[i];
        int fd;

        if (label->value[svirt_process_kind(which)] == SVIRT_SPEC_NO_STRING) {
            continue;
        }
        if (procfs < 0) {
            procfs = svirt_procfs_open();
        }
        if (procfs < 0) {
            return svirt_launch_fail(failure, SVIRT_STEP_LABEL,
                                     "/proc is no procfs of its own");
        }
        fd = svirt_procfs_open_attribute(procfs,
                                         svirt_spec_string(spec, label->path),
                                         optional(spec, label->fallback));
        if (fd < 0) {
            return svirt_launch_fail(failure, SVIRT_STEP_LABEL,
                                     "open /proc/thread-self/%s",
                                     svirt_spec_string(spec, label->path));
        }
        ret->fds[ret->count] = fd;
        ret->label[ret->count++] = i;
    }
    return true;
}

bool
svirt_label_write(const SvirtLaunchSpec *spec, SvirtProcess which,
                  SvirtLabelFiles *files, SvirtLaunchFailure *failure)
{
    for (uint32_t i = 0; i < files->count; i++) {
        const SvirtSpecLabel *label = &spec->labels[files->label[i]];
        const char *value = svirt_spec_string(
            spec, label->value[svirt_process_kind(which)]);

        if (!svirt_procfs_write_attribute(files->fds[i],
                                          optional(spec, label->prefix),
                                          value)) {
            return svirt_launch_fail(failure, SVIRT_STEP_LABEL,
                                     "%s to '%s'",
                                     svirt_spec_string(spec, label->path),
                                     value);
        }
        svirt_fd_close(&files->fds[i]);
    }
    files->count = 0;
    return true;
}

const char *
svirt_label_of_nodes(const SvirtLaunchSpec *spec, SvirtProcess which)
{
    for (uint32_t i = 0; i < spec->n_labels; i++) {
        if (spec->labels[i].model == SVIRT_MODEL_SMACK) {
            return optional(spec,
                            spec->labels[i].value[svirt_process_kind(which)]);
        }
    }
    return NULL;
}
