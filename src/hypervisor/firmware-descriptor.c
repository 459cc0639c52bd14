/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/firmware.h"

#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "image/json-depth.h"

#define DEPTH_MAX 8u

void
svirt_firmware_choice_clear(SvirtFirmwareChoice *choice)
{
    g_clear_pointer(&choice->executable, g_free);
    g_clear_pointer(&choice->variables, g_free);
}

static bool
wrong(GError **error, const char *what)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "its %s is not what a descriptor has", what);
}

static bool
is_word_list(const json_t *list)
{
    bool ok = json_is_array(list);

    for (size_t i = 0; i < json_array_size(list); i++) {
        ok = ok && json_is_string(json_array_get(list, i));
    }
    return ok;
}

static bool
has_word(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (g_strcmp0(json_string_value(json_array_get(list, i)), word) == 0) {
            return true;
        }
    }
    return false;
}

static bool
check_targets(const json_t *targets)
{
    bool ok = json_array_size(targets) > 0;

    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        const json_t *machines = json_object_get(target, "machines");

        ok = ok &&
             json_is_string(json_object_get(target, "architecture")) &&
             is_word_list(machines) && json_array_size(machines) > 0;
    }
    return ok;
}

/* A file of the mapping, or false when it is none. */
static bool
is_file(const json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "filename"));

    if (name == NULL || name[0] != '/') {
        return false;
    }
    for (const char *p = name; *p != '\0'; p++) {
        if (g_ascii_iscntrl(*p)) {
            return false;
        }
    }
    return g_utf8_validate(name, -1, NULL);
}

static bool
check_mapping(const json_t *mapping)
{
    const char *device =
        json_string_value(json_object_get(mapping, "device"));
    const json_t *executable = json_object_get(mapping, "executable");
    const json_t *variables = json_object_get(mapping, "nvram-template");
    const json_t *mode = json_object_get(mapping, "mode");

    if (g_strcmp0(device, "flash") != 0) {
        return device != NULL; /* not what is looked for */
    }
    return is_file(executable) &&
           json_is_string(json_object_get(executable, "format")) &&
           (mode == NULL || json_is_string(mode)) &&
           (variables == NULL ||
            (is_file(variables) &&
             json_is_string(json_object_get(variables, "format"))));
}

static bool
check(const json_t *root, GError **error)
{
    static const char *const lists[] = { "interface-types", "features",
                                         "tags" };

    if (!json_is_object(root)) {
        return wrong(error, "text");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        if (!is_word_list(json_object_get(root, lists[i]))) {
            return wrong(error, lists[i]);
        }
    }
    if (!json_is_string(json_object_get(root, "description"))) {
        return wrong(error, "description");
    }
    if (!check_targets(json_object_get(root, "targets"))) {
        return wrong(error, "targets");
    }
    return check_mapping(json_object_get(root, "mapping")) ||
           wrong(error, "mapping");
}

static bool
fits_target(const json_t *root, const SvirtFirmwareWish *wish)
{
    const json_t *targets = json_object_get(root, "targets");

    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        const json_t *machines = json_object_get(target, "machines");

        if (g_strcmp0(json_string_value(
                          json_object_get(target, "architecture")),
                      wish->arch) != 0) {
            continue;
        }
        for (size_t j = 0; j < json_array_size(machines); j++) {
            if (fnmatch(json_string_value(json_array_get(machines, j)),
                        wish->machine, 0) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool
is_as_wished(SvirtSwitch wish, bool has)
{
    return wish == SVIRT_SWITCH_UNSET || (wish == SVIRT_SWITCH_ON) == has;
}

static bool
is_raw(const json_t *file)
{
    return g_strcmp0(json_string_value(json_object_get(file, "format")),
                     "raw") == 0;
}

/* In flash, raw, with a file for its variables or, if so wished, none. */
static bool
fits_mapping(const json_t *root, const SvirtFirmwareWish *wish)
{
    const json_t *mapping = json_object_get(root, "mapping");
    const json_t *executable = json_object_get(mapping, "executable");
    const json_t *variables = json_object_get(mapping, "nvram-template");
    const char *mode = json_string_value(json_object_get(mapping, "mode"));
    const char *device =
        json_string_value(json_object_get(mapping, "device"));

    if (strcmp(device, "flash") != 0 || !is_raw(executable) ||
        (wish->executable != NULL &&
         g_strcmp0(json_string_value(json_object_get(executable, "filename")),
                   wish->executable) != 0)) {
        return false;
    }
    if (wish->stateless) {
        return g_strcmp0(mode, "stateless") == 0;
    }
    return (mode == NULL || strcmp(mode, "split") == 0) && is_raw(variables);
}

static bool
fits(const json_t *root, const SvirtFirmwareWish *wish)
{
    const json_t *features = json_object_get(root, "features");
    bool smm = has_word(features, "requires-smm");

    return has_word(json_object_get(root, "interface-types"), "uefi") &&
           fits_target(root, wish) && fits_mapping(root, wish) &&
           is_as_wished(wish->secure_boot,
                        has_word(features, "secure-boot")) &&
           is_as_wished(wish->enrolled_keys,
                        has_word(features, "enrolled-keys")) &&
           is_as_wished(wish->secure_loader, smm) &&
           (wish->smm != SVIRT_SWITCH_OFF || !smm);
}

static char *
copy_name(const json_t *mapping, const char *member)
{
    return g_strdup(json_string_value(
        json_object_get(json_object_get(mapping, member), "filename")));
}

bool
svirt_firmware_read(const char *text, size_t length,
                    const SvirtFirmwareWish *wish, bool *ret_fits,
                    SvirtFirmwareChoice *ret, GError **error)
{
    g_autofree char *copy = g_strndup(text, length);
    const json_t *mapping;
    json_error_t fault;
    json_t *root;
    bool ok;

    if (strlen(copy) != length || !svirt_json_depth_fits(copy, DEPTH_MAX)) {
        return wrong(error, "text");
    }
    root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "its line %d is no JSON", fault.line);
    }
    ok = check(root, error);
    *ret_fits = ok && fits(root, wish);
    if (*ret_fits) {
        mapping = json_object_get(root, "mapping");
        ret->executable = copy_name(mapping, "executable");
        ret->variables = wish->stateless
                             ? NULL
                             : copy_name(mapping, "nvram-template");
        ret->secure = has_word(json_object_get(root, "features"),
                               "requires-smm");
    }
    json_decref(root);
    return ok;
}
