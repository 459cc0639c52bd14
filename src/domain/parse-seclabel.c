/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

static char *
copy_child(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    SvirtXmlNode *child = svirt_reader_child(reader, node, name);

    return child != NULL ? g_strdup(svirt_reader_text(reader, child)) : NULL;
}

static void
read_common(SvirtReader *reader, SvirtXmlNode *node, SvirtSeclabel *seclabel)
{
    const char *model = svirt_reader_attribute(reader, node, "model");
    const char *relabel = svirt_reader_attribute(reader, node, "relabel");

    if (model != NULL) {
        seclabel->has_model =
            svirt_model_kind_from_string(model, &seclabel->model) &&
            seclabel->model != SVIRT_MODEL_ACL; /* no model of a host's */
        if (!seclabel->has_model) {
            svirt_reader_bad_word(reader, node, "model", model);
        }
    }
    if (relabel != NULL) {
        seclabel->relabel = svirt_reader_yes_no(reader, node, "relabel", false)
                                ? SVIRT_SECLABEL_RELABEL_YES
                                : SVIRT_SECLABEL_RELABEL_NO;
    }
    seclabel->label = copy_child(reader, node, "label");
}

static GPtrArray *
new_list(SvirtReader *reader)
{
    GPtrArray *list =
        g_ptr_array_new_with_free_func((GDestroyNotify)svirt_seclabel_free);

    g_ptr_array_add(reader->seclabel_lists, list);
    return list;
}

const GPtrArray *
svirt_parse_seclabels(SvirtReader *reader, SvirtXmlNode *root)
{
    GPtrArray *list = new_list(reader);
    SvirtXmlNode *node = NULL;
    GError *cause = NULL;
    unsigned line = root->line;

    bool ok = true;

    while ((node = svirt_reader_next(reader, root, node, "seclabel"))) {
        SvirtSeclabel *seclabel = svirt_seclabel_new();

        g_ptr_array_add(list, seclabel);
        SVIRT_READ_ENUM(reader, node, "type", svirt_seclabel_type,
                        &seclabel->type);
        read_common(reader, node, seclabel);
        seclabel->require_enforcing = svirt_reader_yes_no(
            reader, node, "requireEnforcing", false);
        seclabel->baselabel = copy_child(reader, node, "baselabel");
        seclabel->imagelabel = copy_child(reader, node, "imagelabel");
        line = node->line;
        if (reader->error == NULL && !svirt_seclabel_check(seclabel, &cause)) {
            svirt_reader_take(reader, line, cause);
        }
        ok = svirt_reader_part(reader) && ok;
    }
    if (ok && !svirt_seclabel_check_list(list, &cause)) {
        svirt_reader_take(reader, line, cause);
    }
    return list;
}

static bool
same_model(const SvirtSeclabel *a, const SvirtSeclabel *b)
{
    return a->has_model == b->has_model &&
           (!a->has_model || a->model == b->model);
}

static void
read_source_seclabel(SvirtReader *reader, SvirtXmlNode *node, GPtrArray *list)
{
    SvirtSeclabel *seclabel = svirt_seclabel_new();
    GError *cause = NULL;

    g_ptr_array_add(list, seclabel);
    read_common(reader, node, seclabel);
    if (reader->error == NULL &&
        !svirt_seclabel_check_device(seclabel, &cause)) {
        svirt_reader_take(reader, node->line, cause);
    }
    for (guint i = 0; i + 1 < list->len; i++) {
        if (same_model(g_ptr_array_index(list, i), seclabel)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "keep one for each model",
                              "second <seclabel> for one model in <source>");
        }
    }
}

const GPtrArray *
svirt_parse_source_seclabels(SvirtReader *reader, SvirtXmlNode *source)
{
    SvirtXmlNode *node = svirt_reader_next(reader, source, NULL, "seclabel");
    GPtrArray *list;

    if (node == NULL) {
        return NULL;
    }
    list = new_list(reader);
    while (node != NULL) {
        read_source_seclabel(reader, node, list);
        node = svirt_reader_next(reader, source, node, "seclabel");
    }
    for (guint i = list->len; i > 0 && reader->error == NULL; i--) {
        const SvirtSeclabel *seclabel = g_ptr_array_index(list, i - 1);

        if (seclabel->label == NULL && svirt_seclabel_relabels(seclabel)) {
            (void)g_ptr_array_remove_index(list, i - 1);
        }
    }
    return list;
}
