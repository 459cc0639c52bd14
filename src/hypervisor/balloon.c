/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/balloon.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "hypervisor/qemu.h"
#include "image/json-load.h"
#include "monitor/client.h"

/* A listing waits for no guest. */
#define ANSWER_MS 200

/* {"return": {"actual": BYTES}}, qapi/machine.json. */
static json_int_t
read_actual(const char *reply)
{
    json_t *root = svirt_json_load(reply, strlen(reply), 0);
    json_t *answer = json_object_get(root, "return");
    json_int_t actual = json_integer_value(json_object_get(answer, "actual"));

    json_decref(root);
    return actual;
}

uint64_t
svirt_balloon_read(SvirtManager *manager, const SvirtDefinition *definition,
                   const SvirtDomain *domain)
{
    char why[SVIRT_CONTROL_WHY];
    SVIRT_AUTO_FD run = -1;
    SVIRT_AUTO_FD fd = -1;
    json_int_t actual = 0;
    char *reply = NULL;

    if (!svirt_qemu_has_balloon(domain) ||
        !svirt_manager_open_run(manager, &definition->uuid, definition->name,
                                &run, NULL)) {
        return domain->memory_bytes;
    }
    fd = svirt_control_connect(run);
    if (fd >= 0 && svirt_control_qmp(fd, "{\"execute\": \"query-balloon\"}",
                                     NULL, 0, false, ANSWER_MS, &reply,
                                     why)) {
        actual = read_actual(reply);
        free(reply);
    }
    return actual > 0 && (uint64_t)actual < domain->memory_bytes
               ? (uint64_t)actual
               : domain->memory_bytes;
}
