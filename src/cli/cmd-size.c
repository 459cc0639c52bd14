/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "cli/redefine.h"
#include "cli/size.h"
#include "hypervisor/life.h"
#include "hypervisor/tune.h"

/* How many CPUs and how much memory a guest has, or may have. */

const SvirtOption svirt_setvcpus_options[] = {
    { "domain", SVIRT_OPTION_REQUIRED, "DOMAIN",
      "name, UUID or id of the domain" },
    { "count", SVIRT_OPTION_REQUIRED, "COUNT", "how many it is to have" },
    { "maximum", SVIRT_OPTION_FLAG, NULL, "how many it may have at most" },
    { "live", SVIRT_OPTION_FLAG, NULL, "plug them into the running domain" },
    { "config", SVIRT_OPTION_FLAG, NULL, "of the definition" },
    { "current", SVIRT_OPTION_FLAG, NULL,
      "of the running domain, or of the definition: the default" },
    { NULL, SVIRT_OPTION_FLAG, NULL, NULL },
};

const SvirtOption svirt_setmaxmem_options[] = {
    { "domain", SVIRT_OPTION_REQUIRED, "DOMAIN",
      "name, UUID or id of the domain" },
    { "size", SVIRT_OPTION_REQUIRED, "SIZE", "in KiB, or as 512M, 1G" },
    { "config", SVIRT_OPTION_FLAG, NULL, "of the definition: the default" },
    { NULL, SVIRT_OPTION_FLAG, NULL, NULL },
};

const SvirtOption svirt_setmem_options[] = {
    { "domain", SVIRT_OPTION_REQUIRED, "DOMAIN",
      "name, UUID or id of the domain" },
    { "size", SVIRT_OPTION_REQUIRED, "SIZE",
      "what the balloon leaves the guest, in KiB, or as 512M, 1G" },
    { "live", SVIRT_OPTION_FLAG, NULL, "of the running domain (always so)" },
    { NULL, SVIRT_OPTION_FLAG, NULL, NULL },
};

static bool
load(const SvirtCli *cli, SvirtDefinition **ret, SvirtDomain **ret_domain,
     GError **error)
{
    return svirt_cli_domain(cli, ret, error) &&
           svirt_manager_parse(*ret, ret_domain, error);
}

/* ---- CPUs ---------------------------------------------------------------- */

/* Those that are there; the others can be plugged in. */
static unsigned
count_present(const json_t *slots)
{
    const json_t *slot;
    unsigned count = 0;
    size_t i;

    json_array_foreach(slots, i, slot) {
        count += json_object_get(slot, "qom-path") != NULL;
    }
    return count;
}

/* The empty one that comes first: QEMU lists the last first. */
static const json_t *
next_empty(const json_t *slots, size_t *at)
{
    while (*at > 0) {
        const json_t *slot = json_array_get(slots, --*at);

        if (json_object_get(slot, "qom-path") == NULL) {
            return slot;
        }
    }
    return NULL;
}

static bool
plug(const SvirtCli *cli, const SvirtDefinition *definition,
     const json_t *slot, unsigned number, GError **error)
{
    json_t *arguments = json_deep_copy(json_object_get(slot, "props"));

    if (!json_is_object(arguments)) {
        json_decref(arguments);
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "QEMU says nothing of a place for a CPU");
    }
    json_object_set(arguments, "driver", json_object_get(slot, "type"));
    json_object_set_new(arguments, "id", json_sprintf("vcpu%u", number));
    return svirt_life_call(cli->manager, definition, "device_add", arguments,
                           -1, NULL, error);
}

static bool
plug_all(const SvirtCli *cli, const SvirtDefinition *definition,
         const json_t *slots, unsigned wanted, GError **error)
{
    unsigned present = count_present(slots);
    size_t at = json_array_size(slots);

    if (wanted < present) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "svirt setvcpus --config after svirt shutdown",
                           "domain '%s' has %u CPUs, and none is taken from a "
                           "running guest",
                           definition->name, present);
    }
    if (wanted > json_array_size(slots)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give less, or svirt setvcpus --maximum --config "
                           "and start it anew",
                           "domain '%s' has no place for more than %zu CPUs",
                           definition->name, json_array_size(slots));
    }
    for (; present < wanted; present++) {
        if (!plug(cli, definition, next_empty(slots, &at), present, error)) {
            return false;
        }
    }
    return true;
}

/* New threads have the affinity of the one that made them: as at the start. */
static bool
set_live(const SvirtCli *cli, const SvirtDefinition *definition,
         const SvirtDomain *domain, unsigned wanted, GError **error)
{
    SvirtRunStatus run;
    json_t *slots = NULL;
    bool damaged, ok;

    ok = svirt_life_call(cli->manager, definition, "query-hotpluggable-cpus",
                         NULL, -1, &slots, error) &&
         plug_all(cli, definition, slots, wanted, error);
    json_decref(slots);
    return ok &&
           svirt_cli_run_status(cli, &definition->uuid, &run, &damaged,
                                error) &&
           svirt_tune_pin(run.process[SVIRT_PROCESS_VMM].pid, &domain->tune,
                          error);
}

static bool
set_config(const SvirtCli *cli, const SvirtDefinition *definition,
           SvirtDomain *domain, unsigned wanted, GError **error)
{
    bool maximum = svirt_arguments_flag(cli->args, "maximum");
    SvirtXmlDocument *document = domain->document;
    SvirtXmlNode *vcpu = svirt_xml_ensure(document, document->root, "vcpu");
    unsigned now = MIN(domain->vcpus, wanted);

    if (!maximum && wanted > domain->vcpus_max) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give less, or raise it first: --maximum --config",
                           "domain '%s' may have %u CPUs at most",
                           definition->name, domain->vcpus_max);
    }
    svirt_cli_set_text(document, vcpu,
                       maximum ? wanted : domain->vcpus_max);
    svirt_xml_set(document, vcpu, "current", "%u", maximum ? now : wanted);
    return svirt_cli_redefine(cli, definition, domain, error);
}

bool
svirt_cmd_setvcpus(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *count = svirt_arguments_text(cli->args, "count");
    bool maximum = svirt_arguments_flag(cli->args, "maximum");
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    guint64 wanted = 0;
    bool live = false;

    (void)ret_exit;
    if (!g_ascii_string_to_unsigned(count, 10, 1, SVIRT_DOMAIN_VCPUS_MAX,
                                    &wanted, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give 1 to 4096", "'%s' is no number of CPUs",
                           count);
    }
    if (!load(cli, &definition, &domain, error) ||
        !svirt_cli_live_or_config(cli, definition, &live, error)) {
        return false;
    }
    if (live && maximum) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, "add --config",
                           "--maximum is a matter of the definition");
    }
    if (!(live ? set_live(cli, definition, domain, (unsigned)wanted, error)
               : set_config(cli, definition, domain, (unsigned)wanted,
                            error))) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Domain '%s' %s %" PRIu64 " CPU%s",
                   definition->name, maximum ? "may have" : "has", wanted,
                   wanted == 1 ? "" : "s");
    return true;
}

/* ---- memory -------------------------------------------------------------- */

bool
svirt_cmd_setmaxmem(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    SvirtXmlDocument *document;
    SvirtXmlNode *node;
    uint64_t bytes = 0;

    (void)ret_exit;
    if (!svirt_cli_size(svirt_arguments_text(cli->args, "size"), &bytes,
                        error) ||
        !load(cli, &definition, &domain, error)) {
        return false;
    }
    if (domain->memory.cell_count > 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "svirt edit, and change the cells",
                           "the memory of domain '%s' is what its NUMA cells "
                           "have",
                           definition->name);
    }
    document = domain->document;
    node = svirt_xml_ensure(document, document->root, "memory");
    svirt_xml_set(document, node, "unit", "KiB");
    svirt_cli_set_text(document, node, (bytes + 1023) / 1024);
    node = svirt_xml_find(document->root, "currentMemory");
    if (node != NULL && domain->current_memory_bytes > bytes) {
        svirt_xml_set(document, node, "unit", "KiB");
        svirt_cli_set_text(document, node, (bytes + 1023) / 1024);
    }
    if (!svirt_cli_redefine(cli, definition, domain, error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name,
                   "Domain '%s' has %" PRIu64 " KiB of memory",
                   definition->name, (bytes + 1023) / 1024);
    return true;
}
