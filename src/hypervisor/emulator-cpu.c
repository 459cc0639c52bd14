/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>
#include <string.h>

#include "domain/reader.h"
#include "hypervisor/emulator-private.h"
#include "image/json-load.h"

/* It is a hostile answer: so many questions, each about a word. */
#define MODELS_MAX 128u
#define FEATURES_MAX 1024u
/* Some twenty questions, once for each version of the emulator. */
#define TIMEOUT_S 30u

typedef struct Model {
    const char *name;   /* borrowed from `reply`, or the host */
    const char *vendor; /* the same; may be NULL */
    json_t *reply;      /* owned */
    json_t *features;   /* borrowed: an object with them as members */
} Model;

/* The reply with this id, owned by the caller; NULL: none came. */
static json_t *
hear_reply(SvirtEmulatorTalk *talk, const char *id)
{
    for (;;) {
        g_autofree char *line = NULL;
        json_t *reply;

        if (!svirt_emulator_talk_hear(talk, &line)) {
            return NULL;
        }
        reply = svirt_json_load(line, strlen(line), 0);
        if (g_strcmp0(json_string_value(json_object_get(reply, "id")), id) ==
            0) {
            return reply;
        }
        json_decref(reply);
    }
}

static bool
expand(SvirtEmulatorTalk *talk, const char *name, Model *ret)
{
    g_autofree char *question = g_strdup_printf(
        "{\"execute\":\"query-cpu-model-expansion\",\"id\":\"e\","
        "\"arguments\":{\"type\":\"static\",\"model\":{\"name\":\"%s\"}}}\n",
        name);
    json_t *model;

    ret->name = name;
    ret->reply = svirt_emulator_talk_say(talk, question)
                     ? hear_reply(talk, "e")
                     : NULL;
    model = json_object_get(json_object_get(ret->reply, "return"), "model");
    ret->features = json_object_get(model, "props");
    ret->vendor =
        json_string_value(json_object_get(ret->features, "vendor"));
    return json_is_object(ret->features) &&
           json_object_size(ret->features) <= FEATURES_MAX;
}

static bool
has(const Model *model, const char *feature)
{
    return json_is_true(json_object_get(model->features, feature));
}

/*
 * Of the CPU itself, and to be said: QEMU decides by itself what KVM adds, and
 * what belongs to a guest's own virtual machines follows vmx.
 */
static bool
is_feature(const char *name)
{
    return svirt_reader_is_word(name) && !g_str_has_prefix(name, "kvm") &&
           !g_str_has_prefix(name, "hv-") && !g_str_has_prefix(name, "vmx-") &&
           strcmp(name, "lmce") != 0 && strcmp(name, "hypervisor") != 0;
}

/* How many features both have, less those of `model` alone. */
static int
likeness(const Model *host, const Model *model)
{
    const char *name;
    json_t *value;
    int count = 0;

    json_object_foreach(model->features, name, value) {
        if (json_is_true(value) && is_feature(name)) {
            count += has(host, name) ? 1 : -1;
        }
    }
    /* One of another maker only where there is no other. */
    return count + (g_strcmp0(host->vendor, model->vendor) == 0
                        ? (int)FEATURES_MAX
                        : 0);
}

/* One that runs here and whose name means the same in every version. */
static const char *
candidate(const json_t *definition)
{
    const json_t *lacking = json_object_get(definition,
                                            "unavailable-features");
    const char *name =
        json_string_value(json_object_get(definition, "name"));

    return name != NULL && strlen(name) <= 64 && svirt_reader_is_word(name) &&
                   json_is_string(json_object_get(definition, "alias-of")) &&
                   json_is_array(lacking) && json_array_size(lacking) == 0 &&
                   !json_is_true(json_object_get(definition, "deprecated"))
               ? name
               : NULL;
}

static bool
find_best(SvirtEmulatorTalk *talk, const Model *host, const json_t *list,
          Model *best)
{
    unsigned asked = 0;
    int most = -1;

    for (size_t i = 0; i < json_array_size(list) && asked < MODELS_MAX; i++) {
        const char *name = candidate(json_array_get(list, i));
        Model model = { NULL };
        int like;

        if (name == NULL) {
            continue;
        }
        asked++;
        if (!expand(talk, name, &model)) {
            json_decref(model.reply);
            return false;
        }
        like = likeness(host, &model);
        if (like > most || (like == most && strcmp(name, best->name) < 0)) {
            json_decref(best->reply);
            *best = model;
            most = like;
        } else {
            json_decref(model.reply);
        }
    }
    return most >= 0;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_sorted(const Model *of, const Model *without, const char *word,
           GString *lines)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *name;
    json_t *value;

    json_object_foreach(of->features, name, value) {
        if (json_is_true(value) && is_feature(name) && !has(without, name)) {
            g_ptr_array_add(names, (gpointer)name);
        }
    }
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_string_append_printf(lines, "%s %s\n", word,
                               (const char *)names->pdata[i]);
    }
}

bool
svirt_emulator_ask_cpu(const char *program, bool kvm, char **ret)
{
    g_auto(SvirtEmulatorTalk) talk = SVIRT_EMULATOR_TALK_INIT;
    g_autoptr(GString) lines = g_string_new(NULL);
    Model host = { NULL }, best = { NULL };
    json_t *known = NULL;
    bool ok;

    ok = svirt_emulator_talk_open(program, kvm, TIMEOUT_S, &talk) &&
         svirt_emulator_talk_say(&talk,
                                 "{\"execute\":\"qmp_capabilities\"}\n") &&
         expand(&talk, kvm ? "host" : "max", &host) &&
         svirt_emulator_talk_say(
             &talk, "{\"execute\":\"query-cpu-definitions\",\"id\":\"c\"}\n") &&
         (known = hear_reply(&talk, "c")) != NULL &&
         find_best(&talk, &host, json_object_get(known, "return"), &best);
    if (ok) {
        g_string_append_printf(lines, "model %s\n", best.name);
        add_sorted(&host, &best, "require", lines);
        add_sorted(&best, &host, "disable", lines);
        *ret = g_strdup(lines->str);
    }
    json_decref(best.reply);
    json_decref(host.reply);
    json_decref(known);
    return ok;
}
