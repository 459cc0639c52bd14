/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/seclabel.h"

#include <string.h>

#include "label/context.h"
#include "label/dac-label.h"
#include "label/derive.h"

SVIRT_ENUM_TABLE(SvirtSeclabelType, svirt_seclabel_type, SVIRT_SECLABEL_MAX,
                 [SVIRT_SECLABEL_DYNAMIC] = "dynamic",
                 [SVIRT_SECLABEL_STATIC] = "static",
                 [SVIRT_SECLABEL_NONE] = "none")

SvirtSeclabel *
svirt_seclabel_new(void)
{
    return g_new0(SvirtSeclabel, 1);
}

SvirtSeclabel *
svirt_seclabel_copy(const SvirtSeclabel *seclabel)
{
    SvirtSeclabel *copy = g_new0(SvirtSeclabel, 1);

    *copy = *seclabel;
    copy->label = g_strdup(seclabel->label);
    copy->baselabel = g_strdup(seclabel->baselabel);
    copy->imagelabel = g_strdup(seclabel->imagelabel);
    return copy;
}

void
svirt_seclabel_free(SvirtSeclabel *seclabel)
{
    if (seclabel == NULL) {
        return;
    }
    g_free(seclabel->label);
    g_free(seclabel->baselabel);
    g_free(seclabel->imagelabel);
    g_free(seclabel);
}

static bool
raise_rule(const char *hint, const char *phrase, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, hint,
                       "seclabel %s", phrase);
}

/* Does `text` read as a label of the model named? Without a model only its
 * size can be told. */
static bool
check_text(const SvirtSeclabel *seclabel, const char *what, const char *text,
           GError **error)
{
    g_autoptr(SvirtContext) context = NULL;

    if (text == NULL) {
        return true;
    }
    if (*text == '\0' || strnlen(text, SVIRT_SECLABEL_LABEL_BYTES) ==
                             SVIRT_SECLABEL_LABEL_BYTES) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "a label has 1 to 4095 bytes",
                           "seclabel %s is empty or too long", what);
    }
    if (!seclabel->has_model) {
        return true;
    }
    switch (seclabel->model) {
    case SVIRT_MODEL_SELINUX:
    case SVIRT_MODEL_FLASK:
        return svirt_context_parse(text, &context, error);
    case SVIRT_MODEL_DAC:
        if (!svirt_dac_label_is_wellformed(text)) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "write it as user:group or +107:+107",
                               "'%.64s' is no DAC label", text);
        }
        return true;
    case SVIRT_MODEL_SMACK:
        if (!svirt_smack_label_is_valid(text)) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "use 1 to 255 printable characters without "
                               "space, /, quotes and backslash",
                               "'%.64s' is no Smack label", text);
        }
        return true;
    case SVIRT_MODEL_APPARMOR:
    case SVIRT_MODEL_LANDLOCK:
    case SVIRT_MODEL_NONE:
    case SVIRT_MODEL_TEST:
    case SVIRT_MODEL_ACL:
    case SVIRT_MODEL_MAX:
        return true;
    }
    return true;
}

static bool
check_dynamic(SvirtSeclabel *seclabel, GError **error)
{
    if (seclabel->relabel == SVIRT_SECLABEL_RELABEL_NO) {
        return raise_rule("leave out relabel, or use type='static'",
                          "type 'dynamic' needs relabel='yes'", error);
    }
    /* A live XML read back carries the labels of that run: output only. */
    g_clear_pointer(&seclabel->label, g_free);
    g_clear_pointer(&seclabel->imagelabel, g_free);
    seclabel->relabel = SVIRT_SECLABEL_RELABEL_YES;
    return check_text(seclabel, "<baselabel>", seclabel->baselabel, error);
}

static bool
check_static(SvirtSeclabel *seclabel, GError **error)
{
    if (seclabel->label == NULL) {
        return raise_rule("add <label>, or use type='dynamic'",
                          "type 'static' needs a <label>", error);
    }
    if (seclabel->baselabel != NULL) {
        return raise_rule("remove <baselabel>",
                          "<baselabel> needs type 'dynamic'", error);
    }
    g_clear_pointer(&seclabel->imagelabel, g_free);
    if (seclabel->relabel == SVIRT_SECLABEL_RELABEL_UNSET) {
        seclabel->relabel = SVIRT_SECLABEL_RELABEL_NO;
    }
    return check_text(seclabel, "<label>", seclabel->label, error);
}

static bool
check_none(SvirtSeclabel *seclabel, GError **error)
{
    if (seclabel->relabel == SVIRT_SECLABEL_RELABEL_YES) {
        return raise_rule("remove relabel='yes'",
                          "type 'none' cannot relabel", error);
    }
    if (seclabel->label != NULL || seclabel->baselabel != NULL) {
        return raise_rule("remove <label> and <baselabel>",
                          "type 'none' takes no label", error);
    }
    g_clear_pointer(&seclabel->imagelabel, g_free);
    seclabel->relabel = SVIRT_SECLABEL_RELABEL_NO;
    return true;
}

bool
svirt_seclabel_check(SvirtSeclabel *seclabel, GError **error)
{
    if (seclabel->has_model && seclabel->model == SVIRT_MODEL_NONE) {
        /* libvirt: the model that is none can only have the type none. */
        if (seclabel->type == SVIRT_SECLABEL_STATIC) {
            return raise_rule("use type='none'",
                              "of model 'none' needs type 'none'",
                              error);
        }
        seclabel->type = SVIRT_SECLABEL_NONE;
    }
    switch (seclabel->type) {
    case SVIRT_SECLABEL_DYNAMIC:
        return check_dynamic(seclabel, error);
    case SVIRT_SECLABEL_STATIC:
        return check_static(seclabel, error);
    case SVIRT_SECLABEL_NONE:
        return check_none(seclabel, error);
    case SVIRT_SECLABEL_MAX:
        break;
    }
    g_assert_not_reached();
}

bool
svirt_seclabel_check_device(SvirtSeclabel *seclabel, GError **error)
{
    if (seclabel->baselabel != NULL || seclabel->imagelabel != NULL) {
        return raise_rule("a device takes <label> or relabel='no'",
                          "of a device takes no <baselabel> or <imagelabel>",
                          error);
    }
    if (seclabel->label != NULL &&
        seclabel->relabel == SVIRT_SECLABEL_RELABEL_NO) {
        return raise_rule("remove <label>, or relabel='no'",
                          "of a device has a <label> and relabel='no'",
                          error);
    }
    if (seclabel->relabel == SVIRT_SECLABEL_RELABEL_UNSET) {
        seclabel->relabel = SVIRT_SECLABEL_RELABEL_YES;
    }
    return check_text(seclabel, "<label>", seclabel->label, error);
}

bool
svirt_seclabel_check_list(const GPtrArray *seclabels, GError **error)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < seclabels->len; i++) {
        const SvirtSeclabel *seclabel = seclabels->pdata[i];
        unsigned bit;

        if (!seclabel->has_model) {
            if (seclabels->len > 1) {
                return raise_rule("add model='...' to each <seclabel>",
                                  "needs a model when there are several",
                                  error);
            }
            if (seclabel->type == SVIRT_SECLABEL_STATIC ||
                seclabel->baselabel != NULL) {
                return raise_rule("add model='selinux' or the like",
                                  "with a label needs a model", error);
            }
            continue;
        }
        bit = 1u << seclabel->model;
        if ((seen & bit) != 0) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "keep one <seclabel> for each model",
                               "seclabel for model '%s' is given twice",
                               svirt_model_kind_to_string(seclabel->model));
        }
        seen |= bit;
    }
    return true;
}

bool
svirt_seclabel_relabels(const SvirtSeclabel *seclabel)
{
    return seclabel->relabel == SVIRT_SECLABEL_RELABEL_YES;
}
