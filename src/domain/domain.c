/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/domain.h"

#include <string.h>

#include "domain/parse.h"
#include "domain/resource.h"
#include "domain/rules.h"

bool
svirt_domain_validate_name(const char *name, GError **error)
{
    const char *fault = NULL;

    if (name[0] == '\0' || strspn(name, " ") == strlen(name)) {
        fault = "is empty";
    } else if (strlen(name) > SVIRT_DOMAIN_NAME_MAX) {
        fault = "is longer than 255 bytes";
    } else if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        fault = "is a directory";
    } else if (strchr(name, '/') != NULL) {
        fault = "contains '/'";
    } else if (!g_utf8_validate(name, -1, NULL)) {
        fault = "is not UTF-8";
    }
    for (const char *p = name; fault == NULL && *p != '\0';
         p = g_utf8_next_char(p)) {
        if (g_unichar_iscntrl(g_utf8_get_char(p))) {
            fault = "contains a control character";
        }
    }
    if (fault != NULL) {
        g_autofree char *shown = g_strescape(name, NULL);

        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "use letters, digits, '-', '_' and '.'",
                           "domain name '%.80s' %s", shown, fault);
    }
    return true;
}

static void
parse_identity(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *name = svirt_reader_child(reader, root, "name");
    SvirtXmlNode *uuid = svirt_reader_child(reader, root, "uuid");
    GError *cause = NULL;

    SVIRT_READ_ENUM(reader, root, "type", svirt_domain_type,
                    &domain->type);
    (void)svirt_reader_required(reader, root, "type"); /* error is kept */
    /* It decides about nothing below. */
    root->unread = false;
    (void)svirt_reader_part(reader);
    if (name == NULL) {
        svirt_reader_fail(reader, root->line, SVIRT_ERROR_INVALID, "add <name>",
                          "<domain> has no <name>");
    } else {
        domain->name = svirt_reader_raw_text(reader, name);
        if (!svirt_domain_validate_name(domain->name, &cause)) {
            svirt_reader_take(reader, name->line, cause);
        }
    }
    (void)svirt_reader_part(reader);
    if (uuid != NULL && uuid->text != NULL) {
        const char *text = svirt_reader_text(reader, uuid);

        domain->uuid_given = svirt_uuid_parse(text, &domain->uuid);
        if (!domain->uuid_given) {
            svirt_reader_fail(reader, uuid->line, SVIRT_ERROR_INVALID,
                              "remove <uuid> to have one made",
                              "'%.80s' is no UUID", text);
        }
    }
}

static void
parse_description(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *title = svirt_reader_child(reader, root, "title");
    SvirtXmlNode *text = svirt_reader_child(reader, root, "description");
    SvirtXmlNode *metadata = svirt_reader_child(reader, root, "metadata");

    if (title != NULL) {
        domain->title = svirt_reader_raw_text(reader, title);
        if (strchr(domain->title, '\n') != NULL) {
            svirt_reader_fail(reader, title->line, SVIRT_ERROR_INVALID,
                              "put the text into <description>",
                              "<title> has more than one line");
        }
    }
    if (text != NULL) {
        domain->description = svirt_reader_raw_text(reader, text);
    }
    if (metadata != NULL) {
        metadata->opaque = true;
        domain->metadata = metadata;
    }
}

static void
parse_memory(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *memory = svirt_reader_child(reader, root, "memory");
    SvirtXmlNode *current = svirt_reader_child(reader, root, "currentMemory");
    SvirtXmlNode *cpu = svirt_reader_child(reader, root, "cpu");

    if (memory == NULL && svirt_reader_child(reader, cpu, "numa") != NULL) {
        /* The cells say how much. */
        if (current != NULL) {
            domain->current_memory_line = current->line;
            (void)svirt_reader_size(reader, current, SVIRT_DOMAIN_MEMORY_MAX);
        }
        return;
    }
    if (memory == NULL) {
        svirt_reader_fail(reader, root->line, SVIRT_ERROR_INVALID,
                          "add <memory unit='MiB'>512</memory>",
                          "<domain> has no <memory>");
        return;
    }
    domain->memory_line = memory->line;
    domain->memory_bytes =
        svirt_reader_size(reader, memory, SVIRT_DOMAIN_MEMORY_MAX);
    if (domain->memory_bytes == 0) {
        svirt_reader_fail(reader, memory->line, SVIRT_ERROR_INVALID, NULL,
                          "<memory> is 0");
    }
    domain->current_memory_bytes = domain->memory_bytes;
    if (current == NULL) {
        return;
    }
    domain->current_memory_line = current->line;
    domain->current_memory_bytes =
        svirt_reader_size(reader, current, SVIRT_DOMAIN_MEMORY_MAX);
    if (domain->current_memory_bytes == 0) {
        domain->current_memory_bytes = domain->memory_bytes;
    }
    if (domain->current_memory_bytes > domain->memory_bytes) {
        domain->current_memory_bytes = domain->memory_bytes;
        svirt_reader_warn(reader, current->line,
                          "<currentMemory> is more than <memory>, which is "
                          "taken");
    }
}

static void
parse_vcpus(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *vcpu = svirt_reader_child(reader, root, "vcpu");

    domain->vcpus_max = 1;
    if (vcpu != NULL) {
        domain->vcpus_max = (unsigned)svirt_reader_text_number(
            reader, vcpu, 1, SVIRT_DOMAIN_VCPUS_MAX);
        domain->vcpus = (unsigned)svirt_reader_number(reader, vcpu, "current",
                                                      1, domain->vcpus_max, 0);
    }
    if (domain->vcpus == 0) {
        domain->vcpus = domain->vcpus_max;
    }
    if (reader->error != NULL) {
        domain->vcpus_max = 0; /* unknown: nothing is compared with it */
    }
}

static void
parse_seclabels(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    domain->seclabels = svirt_parse_seclabels(reader, root);
}

/* Both begin with the line. */
static int
compare_lines(gconstpointer a, gconstpointer b)
{
    G_STATIC_ASSERT(offsetof(SvirtDomainWarning, line) == 0 &&
                    offsetof(SvirtObstacle, line) == 0);
    const unsigned *left = a;
    const unsigned *right = b;

    return (*left > *right) - (*left < *right);
}

static void *
keep_array(SvirtReader *reader, const GArray *found, size_t *ret_count)
{
    size_t size = g_array_get_element_size((GArray *)found);
    void *all = svirt_arena_array(reader->arena, found->len, size);

    if (found->len > 0) {
        memcpy(all, found->data, found->len * size);
    }
    *ret_count = found->len;
    return all;
}

static void
read_domain(SvirtReader *reader, SvirtDomain *domain)
{
    static void (*const parts[])(SvirtReader *, SvirtXmlNode *,
                                 SvirtDomain *) = {
        parse_identity,      parse_description,     parse_memory,
        parse_vcpus,         svirt_parse_memory,    svirt_parse_iothreads,
        svirt_parse_tune,    svirt_parse_sysinfo,   svirt_parse_commandline,
        svirt_parse_os,      svirt_parse_features,  svirt_parse_cpu,
        svirt_parse_clock,   svirt_parse_lifecycle, parse_seclabels,
        svirt_parse_dimms,   svirt_parse_iommu,     svirt_parse_devices,
    };
    SvirtXmlNode *root = reader->document->root;

    if (root->namespace_uri != NULL || strcmp(root->name, "domain") != 0) {
        svirt_reader_fail(reader, root->line, SVIRT_ERROR_INVALID,
                          "give libvirt domain XML", "<%.80s> is not a domain",
                          root->name);
        return;
    }
    root->seen = true;
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        parts[i](reader, root, domain);
        (void)svirt_reader_part(reader);
    }
    domain->withheld =
        keep_array(reader, reader->withheld, &domain->withheld_count);
    domain->withheld_resources = keep_array(
        reader, reader->resources, &domain->withheld_resource_count);
    if (reader->faults->len == 0) {
        svirt_domain_check(reader, domain);
    }
    svirt_rules_check(reader, root);
}

static void
keep_found(SvirtReader *reader, SvirtDomain *domain)
{
    g_array_sort(reader->warnings, compare_lines);
    g_array_sort(reader->obstacles, compare_lines);
    domain->warnings =
        keep_array(reader, reader->warnings, &domain->warning_count);
    domain->obstacles =
        keep_array(reader, reader->obstacles, &domain->obstacle_count);
    domain->withheld_resources = keep_array(
        reader, reader->resources, &domain->withheld_resource_count);
}

void
svirt_domain_fault_free(SvirtDomainFault *fault)
{
    if (fault != NULL) {
        g_clear_error(&fault->error);
        g_free(fault);
    }
}

static void
free_fault(gpointer fault)
{
    svirt_domain_fault_free(fault);
}

static int
compare_faults(gconstpointer a, gconstpointer b)
{
    const SvirtDomainFault *left = *(const SvirtDomainFault *const *)a;
    const SvirtDomainFault *right = *(const SvirtDomainFault *const *)b;

    return (left->line > right->line) - (left->line < right->line);
}

static void
give_faults(GPtrArray *faults, GPtrArray *ret_faults, GError **error)
{
    const SvirtDomainFault *first = faults->pdata[0];

    g_propagate_error(error, g_error_copy(first->error));
    if (ret_faults != NULL) {
        g_ptr_array_sort(faults, compare_faults);
        g_ptr_array_extend_and_steal(ret_faults, g_ptr_array_ref(faults));
    }
}

/* Takes the document, in which nothing was read yet, from `document`; leaves
 * it there on failure. */
static bool
read_document(SvirtXmlDocument **document, SvirtDomain **ret_domain,
              GPtrArray *ret_faults, GError **error)
{
    g_autoptr(SvirtDomain) domain = g_new0(SvirtDomain, 1);
    g_autoptr(GArray) warnings =
        g_array_new(FALSE, FALSE, sizeof(SvirtDomainWarning));
    g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(free_fault);
    g_autoptr(GArray) obstacles =
        g_array_new(FALSE, FALSE, sizeof(SvirtObstacle));
    g_autoptr(GArray) withheld =
        g_array_new(FALSE, FALSE, sizeof(SvirtDeviceInfo));
    g_autoptr(GArray) resources =
        g_array_new(FALSE, FALSE, sizeof(SvirtResource));
    SvirtReader reader = {
        .warnings = warnings,
        .faults = faults,
        .obstacles = obstacles,
        .withheld = withheld,
        .resources = resources,
    };

    domain->document = *document;
    domain->seclabel_lists =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    reader.document = domain->document;
    reader.arena = domain->document->arena;
    reader.seclabel_lists = domain->seclabel_lists;
    read_domain(&reader, domain);
    (void)svirt_reader_part(&reader);
    if (faults->len > 0) {
        give_faults(faults, ret_faults, error);
        domain->document = NULL;
        return false;
    }
    keep_found(&reader, domain);
    *document = NULL;
    *ret_domain = g_steal_pointer(&domain);
    return true;
}

bool
svirt_domain_parse_all(const char *text, size_t length, const char *file,
                       SvirtDomain **ret_domain, GPtrArray *ret_faults,
                       GError **error)
{
    g_autoptr(SvirtXmlDocument) document = NULL;

    return svirt_xml_parse(text, length, file, &document, error) &&
           read_document(&document, ret_domain, ret_faults, error);
}

bool
svirt_domain_reread(SvirtDomain **domain, GError **error)
{
    SvirtDomain *next = NULL;

    svirt_xml_forget_readers((*domain)->document);
    if (!read_document(&(*domain)->document, &next, NULL, error)) {
        return false;
    }
    svirt_domain_free(*domain);
    *domain = next;
    return true;
}

bool
svirt_domain_parse(const char *text, size_t length, const char *file,
                   SvirtDomain **ret_domain, GError **error)
{
    return svirt_domain_parse_all(text, length, file, ret_domain, NULL, error);
}

bool
svirt_domain_is_startable(const SvirtDomain *domain, GError **error)
{
    const SvirtObstacle *first = domain->obstacles;
    g_autofree char *hint = NULL;

    if (domain->obstacle_count == 0) {
        return true;
    }
    if (domain->obstacle_count == 1) {
        return svirt_raise(error, first->code, NULL, first->hint,
                           "domain '%s' cannot start: %s", domain->name,
                           first->text);
    }
    hint = g_strdup_printf("%s; svirt dominfo lists all", first->hint);
    return svirt_raise(error, first->code, NULL, hint,
                       "domain '%s' cannot start: %s, and %zu more",
                       domain->name, first->text, domain->obstacle_count - 1);
}

void
svirt_domain_free(SvirtDomain *domain)
{
    if (domain != NULL) {
        g_clear_pointer(&domain->seclabel_lists, g_ptr_array_unref);
        svirt_xml_document_free(domain->document);
        g_free(domain);
    }
}

void
svirt_domain_set_uuid(SvirtDomain *domain, const SvirtUuid *uuid)
{
    SvirtXmlNode *root = domain->document->root;
    SvirtXmlNode *name = NULL;
    SvirtXmlNode *empty = NULL;
    char text[SVIRT_UUID_TEXT];

    g_assert(!domain->uuid_given);
    for (SvirtXmlNode *node = root->first_child; node != NULL;
         node = node->next) {
        if (node->namespace_uri == NULL && strcmp(node->name, "name") == 0) {
            name = node;
        } else if (node->namespace_uri == NULL &&
                   strcmp(node->name, "uuid") == 0) {
            empty = node;
        }
    }
    svirt_uuid_format(uuid, text);
    if (empty != NULL) {
        empty->text =
            svirt_arena_text(domain->document->arena, text, strlen(text));
    } else {
        svirt_xml_insert(domain->document, root, name, "uuid", text);
    }
    domain->uuid = *uuid;
    domain->uuid_given = true;
}

char *
svirt_domain_print(const SvirtDomain *domain)
{
    return svirt_xml_print(domain->document);
}
