/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/resource.h"

#include <jansson.h>
#include <stdlib.h>

/* null for NULL; a message cut at a byte may end in half a character. */
static json_t *
make_text(const char *text)
{
    g_autofree char *valid = NULL;

    if (text == NULL) {
        return json_null();
    }
    valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

static json_t *
make_seclabels(const GPtrArray *seclabels)
{
    json_t *list = json_array();

    for (guint i = 0; seclabels != NULL && i < seclabels->len; i++) {
        const SvirtSeclabel *seclabel = g_ptr_array_index(seclabels, i);
        json_t *item = json_object();

        json_object_set_new(
            item, "model",
            make_text(seclabel->has_model
                          ? svirt_model_kind_to_string(seclabel->model)
                          : NULL));
        json_object_set_new(item, "relabel",
                            json_boolean(svirt_seclabel_relabels(seclabel)));
        json_object_set_new(item, "label", make_text(seclabel->label));
        json_array_append_new(list, item);
    }
    return list;
}

static bool
is_image(SvirtResourceKind kind)
{
    return kind == SVIRT_RESOURCE_DISK || kind == SVIRT_RESOURCE_CDROM ||
           kind == SVIRT_RESOURCE_BACKING || kind == SVIRT_RESOURCE_DATA_FILE;
}

static const char *
get_format(const SvirtResource *resource)
{
    if (!is_image(resource->kind)) {
        return NULL;
    }
    return svirt_disk_format_to_string(
        resource->format != SVIRT_DISK_FORMAT_UNSET ? resource->format
                                                    : SVIRT_DISK_FORMAT_RAW);
}

static json_t *
make_resource(const SvirtResourceList *list, const SvirtResource *resource,
              bool withheld)
{
    json_t *item = json_object();
    json_t *origin = json_object();

    json_object_set_new(
        item, "kind", make_text(svirt_resource_kind_to_string(resource->kind)));
    json_object_set_new(item, "access",
                        make_text(svirt_access_to_string(resource->access)));
    json_object_set_new(item, "path", make_text(resource->path));
    if (resource->name != NULL) {
        json_object_set_new(item, "name", make_text(resource->name));
    }
    json_object_set_new(item, "target", make_text(resource->target));
    json_object_set_new(item, "format", make_text(get_format(resource)));
    json_object_set_new(item, "block", json_boolean(resource->block));
    json_object_set_new(item, "optional", json_boolean(resource->optional));
    json_object_set_new(item, "transient", json_boolean(resource->transient));
    json_object_set_new(item, "append", json_boolean(resource->append));
    if (withheld) {
        json_object_set_new(item, "withheld", json_true());
    }
    json_object_set_new(origin, "file",
                        make_text(list->domain->document->file));
    json_object_set_new(origin, "line", json_integer(resource->line));
    json_object_set_new(origin, "element", make_text(resource->origin));
    json_object_set_new(item, "origin", origin);
    json_object_set_new(item, "seclabels", make_seclabels(resource->seclabels));
    return item;
}

static json_t *
make_domain(const SvirtDomain *domain)
{
    json_t *item = json_object();
    char uuid[SVIRT_UUID_TEXT];

    svirt_uuid_format(&domain->uuid, uuid);
    json_object_set_new(item, "name", make_text(domain->name));
    json_object_set_new(item, "uuid",
                        make_text(domain->uuid_given ? uuid : NULL));
    return item;
}

static json_t *
make_warnings(const SvirtDomain *domain)
{
    json_t *list = json_array();

    for (size_t i = 0; i < domain->warning_count; i++) {
        json_t *item = json_object();

        json_object_set_new(item, "line",
                            json_integer(domain->warnings[i].line));
        json_object_set_new(item, "text", make_text(domain->warnings[i].text));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *
make_obstacles(const SvirtDomain *domain)
{
    json_t *list = json_array();

    for (size_t i = 0; i < domain->obstacle_count; i++) {
        const SvirtObstacle *obstacle = &domain->obstacles[i];
        json_t *item = json_object();

        json_object_set_new(item, "line", json_integer(obstacle->line));
        json_object_set_new(item, "text", make_text(obstacle->text));
        json_object_set_new(item, "hint", make_text(obstacle->hint));
        json_array_append_new(list, item);
    }
    return list;
}

char *
svirt_resource_list_to_json(const SvirtResourceList *list)
{
    json_t *root = json_object();
    json_t *resources = json_array();
    char *text;
    char *result;

    json_object_set_new(root, "domain", make_domain(list->domain));
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(resources,
                              make_resource(list, &list->items[i], false));
    }
    for (size_t i = 0; i < list->withheld_count; i++) {
        json_array_append_new(resources,
                              make_resource(list, &list->withheld[i], true));
    }
    json_object_set_new(root, "resources", resources);
    json_object_set_new(root, "warnings", make_warnings(list->domain));
    json_object_set_new(root, "obstacles", make_obstacles(list->domain));
    text = json_dumps(root, JSON_INDENT(2));
    g_assert(text != NULL);
    result = g_strconcat(text, "\n", NULL);
    free(text); /* Jansson's own allocator is malloc */
    json_decref(root);
    return result;
}
