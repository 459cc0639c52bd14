/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/name.h"

#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "image/header.h"
#include "image/json-depth.h"
#include "image/quote.h"

#define JSON_PREFIX "json:"
#define FILE_PREFIX "file:"
#define FDSET_PREFIX "/dev/fdset/"
/* The deepest accepted form has two levels. */
#define JSON_DEPTH_MAX 4

void
svirt_image_name_clear(SvirtImageName *name)
{
    g_clear_pointer(&name->path, g_free);
    name->format_known = false;
}

static bool
raise_name(GError **error, SvirtErrorCode code, const char *hint,
           const char *name, const char *what)
{
    g_autofree char *shown = svirt_image_quote(name);

    return svirt_raise(error, code, NULL, hint, "name %s %s", shown, what);
}

static bool
path_take(const char *name, const char *path, bool must_be_absolute,
          SvirtImageName *ret, GError **error)
{
    if (*path == '\0') {
        return raise_name(error, SVIRT_ERROR_INVALID, NULL, name,
                          "of another image is empty");
    }
    if (!svirt_image_text_is_plain(path)) {
        return raise_name(error, SVIRT_ERROR_UNSUPPORTED,
                          "rename the file and rewrite the header", name,
                          "has control characters");
    }
    if (g_str_has_prefix(path, FDSET_PREFIX)) {
        return raise_name(error, SVIRT_ERROR_INVALID,
                          "write the real name with 'qemu-img rebase -u -b "
                          "NAME -F FORMAT'",
                          name, "is a descriptor set of a VM that is gone");
    }
    if (must_be_absolute && *path != '/') {
        return raise_name(error, SVIRT_ERROR_UNSUPPORTED,
                          "write an absolute path", name,
                          "is relative to QEMU's working directory");
    }
    ret->path = g_strdup(path);
    return true;
}

static bool
is_file_driver(const char *driver)
{
    return driver == NULL || g_str_equal(driver, "file") ||
           g_str_equal(driver, "host_device");
}

/* What a json: name may hold, each borrowed from the JSON value or NULL. */
typedef struct JsonName {
    const char *driver;
    const char *filename;
    const char *file_driver;
    const char *file_filename;
} JsonName;

static bool
json_string_take(const char *name, const char *key, json_t *value,
                 const char **ret, GError **error)
{
    if (!json_is_string(value) || *ret != NULL) {
        g_autofree char *what = NULL;
        g_autofree char *shown = svirt_image_quote(key);

        what = g_strdup_printf("has no single string for %s", shown);
        return raise_name(error, SVIRT_ERROR_INVALID, NULL, name, what);
    }
    *ret = json_string_value(value);
    return true;
}

static bool
json_key_refuse(const char *name, const char *key, GError **error)
{
    g_autofree char *shown = svirt_image_quote(key);
    g_autofree char *what = g_strdup_printf("has the key %s", shown);

    return raise_name(error, SVIRT_ERROR_UNSUPPORTED,
                      "name the file by its path", name, what);
}

static bool
json_file_take(const char *name, json_t *file, JsonName *ret, GError **error)
{
    const char *key;
    json_t *value;

    json_object_foreach(file, key, value)
    {
        bool ok;

        if (g_str_equal(key, "driver")) {
            ok = json_string_take(name, key, value, &ret->file_driver, error);
        } else if (g_str_equal(key, "filename")) {
            ok = json_string_take(name, key, value, &ret->file_filename, error);
        } else {
            ok = json_key_refuse(name, key, error);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool
json_object_take(const char *name, json_t *object, JsonName *ret,
                 GError **error)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        bool ok;

        if (g_str_equal(key, "driver")) {
            ok = json_string_take(name, key, value, &ret->driver, error);
        } else if (g_str_equal(key, "filename")) {
            ok = json_string_take(name, key, value, &ret->filename, error);
        } else if (g_str_equal(key, "file") && json_is_object(value)) {
            ok = json_file_take(name, value, ret, error);
        } else if (g_str_equal(key, "file.driver")) {
            ok = json_string_take(name, key, value, &ret->file_driver, error);
        } else if (g_str_equal(key, "file.filename")) {
            ok = json_string_take(name, key, value, &ret->file_filename, error);
        } else {
            ok = json_key_refuse(name, key, error);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool
json_driver_refuse(const char *name, const char *driver, GError **error)
{
    g_autofree char *shown = svirt_image_quote(driver);
    g_autofree char *what = g_strdup_printf("has the driver %s", shown);

    return raise_name(error, SVIRT_ERROR_UNSUPPORTED,
                      "copy the image to a file of this host", name, what);
}

static bool
json_decide(const char *name, const JsonName *json, SvirtImageName *ret,
            GError **error)
{
    if ((json->filename == NULL) == (json->file_filename == NULL)) {
        return raise_name(error, SVIRT_ERROR_UNSUPPORTED,
                          "name the file by its path", name,
                          "does not name exactly one file");
    }
    if (json->filename != NULL) {
        /* {"driver": "file", "filename": PATH}: the bytes as they are. */
        if (json->driver == NULL || json->file_driver != NULL ||
            !is_file_driver(json->driver)) {
            return json_driver_refuse(name, json->driver, error);
        }
        ret->format = SVIRT_IMAGE_FORMAT_RAW;
        ret->format_known = true;
        return path_take(name, json->filename, true, ret, error);
    }
    if (!is_file_driver(json->file_driver)) {
        return json_driver_refuse(name, json->file_driver, error);
    }
    if (json->driver != NULL) {
        if (!svirt_image_format_from_string(json->driver, &ret->format)) {
            return json_driver_refuse(name, json->driver, error);
        }
        ret->format_known = true;
    }
    return path_take(name, json->file_filename, true, ret, error);
}

static bool
json_parse(const char *name, SvirtImageName *ret, GError **error)
{
    const char *text = name + strlen(JSON_PREFIX);
    JsonName parts = { 0 };
    json_t *value;
    bool ok;

    if (!svirt_json_depth_fits(text, JSON_DEPTH_MAX)) {
        return raise_name(error, SVIRT_ERROR_INVALID, NULL, name,
                          "is nested too deeply");
    }
    value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(value)) {
        json_decref(value);
        return raise_name(error, SVIRT_ERROR_INVALID, NULL, name,
                          "is not a JSON object");
    }
    ok = json_object_take(name, value, &parts, error) &&
         json_decide(name, &parts, ret, error);
    json_decref(value);
    return ok;
}

bool
svirt_image_name_parse(const char *name, SvirtImageName *ret, GError **error)
{
    g_auto(SvirtImageName) parsed = { 0 };
    const char *colon = name + strcspn(name, ":/");
    bool ok;

    if (strlen(name) > SVIRT_IMAGE_NAME_MAX) {
        return raise_name(error, SVIRT_ERROR_INVALID, NULL, name,
                          "is too long");
    }
    if (g_str_has_prefix(name, JSON_PREFIX)) {
        ok = json_parse(name, &parsed, error);
    } else if (g_str_has_prefix(name, FILE_PREFIX)) {
        ok = path_take(name, name + strlen(FILE_PREFIX), true, &parsed, error);
    } else if (*colon == ':') {
        g_autofree char *protocol = g_strndup(name, (gsize)(colon - name));
        g_autofree char *shown = svirt_image_quote(protocol);
        g_autofree char *what = g_strdup_printf("has the protocol %s", shown);

        ok = raise_name(error, SVIRT_ERROR_UNSUPPORTED,
                        "copy the image to a file of this host; a file name "
                        "with a colon needs './' before it",
                        name, what);
    } else {
        ok = path_take(name, name, false, &parsed, error);
    }
    if (ok) {
        *ret = parsed;
        parsed = (SvirtImageName){ 0 };
    }
    return ok;
}

char *
svirt_image_name_resolve(const char *naming_path, const char *path)
{
    const char *slash = strrchr(naming_path, '/');

    if (*path == '/' || slash == NULL) {
        return g_strdup(path);
    }
    return g_strdup_printf("%.*s%s", (int)(slash - naming_path + 1),
                           naming_path, path);
}

bool
svirt_image_name_same(const char *a, const char *b)
{
    g_autofree char *plain_a = g_canonicalize_filename(a, "/");
    g_autofree char *plain_b = g_canonicalize_filename(b, "/");

    return g_str_equal(plain_a, plain_b);
}
