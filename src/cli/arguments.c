/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/arguments.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"

struct SvirtArguments {
    GHashTable *values; /* name (borrowed from the table) -> text, owned */
    GPtrArray *rest;    /* owned texts, NULL-terminated once parsed */
    GPtrArray *lists;   /* owned texts: an option's name, its value */
};

static const SvirtOption *
find_named(const SvirtOption *options, const char *name, size_t length)
{
    for (const SvirtOption *option = options; option->name != NULL; option++) {
        if (strlen(option->name) == length &&
            strncmp(option->name, name, length) == 0) {
            return option;
        }
    }
    return NULL;
}

/* The first positional argument that has no value yet. */
static const SvirtOption *
next_positional(const SvirtOption *options, const SvirtArguments *arguments)
{
    for (const SvirtOption *option = options; option->name != NULL; option++) {
        if (option->kind == SVIRT_OPTION_REST ||
            ((option->kind == SVIRT_OPTION_REQUIRED ||
              option->kind == SVIRT_OPTION_POSITIONAL) &&
             !g_hash_table_contains(arguments->values, option->name))) {
            return option;
        }
    }
    return NULL;
}

static bool
usage(GError **error, const char *command, const char *format,
      const char *what)
{
    g_autofree char *hint = g_strdup_printf("svirt %s --help", command);
    g_autofree char *message = g_strdup_printf("%s: ", command);
    g_autofree char *detail = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    detail = g_strdup_printf(format, what);
#pragma GCC diagnostic pop
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, hint, "%s%s", message,
                       detail);
}

/* "--pausd": options are compared without what follows them. */
static bool
unknown_option(const SvirtOption *options, const char *command,
               const char *word, GError **error)
{
    const char *names[64] = { "help", "format" };
    size_t count = 2;
    const char *bare = word + strspn(word, "-");
    g_autofree char *name = g_strndup(bare, strcspn(bare, "="));
    g_autofree char *hint = NULL;
    const char *nearest;

    for (const SvirtOption *option = options;
         option->name != NULL && count < G_N_ELEMENTS(names); option++) {
        names[count++] = option->name;
    }
    nearest = svirt_nearest_word(name, names, count);
    hint = nearest != NULL
               ? g_strdup_printf("did you mean '--%s'? svirt %s --help lists "
                                 "all", nearest, command)
               : g_strdup_printf("svirt %s --help", command);
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, hint,
                       "%s: option '%s' is unknown", command, word);
}

static bool
set_value(SvirtArguments *arguments, const SvirtOption *option,
          const char *value, const char *command, GError **error)
{
    if (option->kind == SVIRT_OPTION_REST) {
        g_ptr_array_add(arguments->rest, g_strdup(value));
        return true;
    }
    if (option->kind == SVIRT_OPTION_LIST) {
        g_ptr_array_add(arguments->lists, g_strdup(option->name));
        g_ptr_array_add(arguments->lists, g_strdup(value));
        return true;
    }
    if (g_hash_table_contains(arguments->values, option->name)) {
        return usage(error, command, "option '--%s' is given twice",
                     option->name);
    }
    g_hash_table_insert(arguments->values, (char *)option->name,
                        g_strdup(value));
    return true;
}

static bool
parse_named(const SvirtOption *options, SvirtArguments *arguments,
            const char *command, int argc, char **argv, int *index,
            GError **error)
{
    const char *word = argv[*index] + 2;
    const char *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const SvirtOption *option = find_named(options, word, length);

    if (option == NULL) {
        return unknown_option(options, command, argv[*index], error);
    }
    if (option->kind == SVIRT_OPTION_FLAG) {
        if (equals != NULL) {
            return usage(error, command, "option '--%s' takes no value",
                         option->name);
        }
        g_hash_table_insert(arguments->values, (char *)option->name,
                            g_strdup(""));
        return true;
    }
    if (equals == NULL && *index + 1 >= argc) {
        return usage(error, command, "option '--%s' needs a value",
                     option->name);
    }
    return set_value(arguments, option,
                     equals != NULL ? equals + 1 : argv[++*index], command,
                     error);
}

static bool
check_required(const SvirtOption *options, const SvirtArguments *arguments,
               const char *command, GError **error)
{
    for (const SvirtOption *option = options; option->name != NULL; option++) {
        if (option->kind == SVIRT_OPTION_REQUIRED &&
            !g_hash_table_contains(arguments->values, option->name)) {
            return usage(error, command, "argument '%s' is missing",
                         option->value);
        }
    }
    return true;
}

bool
svirt_arguments_parse(const SvirtOption *options, const char *command,
                      int argc, char **argv, SvirtArguments **ret,
                      GError **error)
{
    g_autoptr(SvirtArguments) arguments = g_new0(SvirtArguments, 1);
    bool named = true;

    arguments->values =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    arguments->rest = g_ptr_array_new_with_free_func(g_free);
    arguments->lists = g_ptr_array_new_with_free_func(g_free);
    for (int i = 1; i < argc; i++) {
        const SvirtOption *option;

        if (named && strcmp(argv[i], "--") == 0) {
            named = false;
            continue;
        }
        if (named && strncmp(argv[i], "--", 2) == 0) {
            if (!parse_named(options, arguments, command, argc, argv, &i,
                             error)) {
                return false;
            }
            continue;
        }
        if (named && argv[i][0] == '-' && argv[i][1] != '\0') {
            return unknown_option(options, command, argv[i], error);
        }
        option = next_positional(options, arguments);
        if (option == NULL) {
            return usage(error, command, "argument '%s' is one too many",
                         argv[i]);
        }
        if (!set_value(arguments, option, argv[i], command, error)) {
            return false;
        }
    }
    g_ptr_array_add(arguments->rest, NULL);
    if (!check_required(options, arguments, command, error)) {
        return false;
    }
    *ret = g_steal_pointer(&arguments);
    return true;
}

void
svirt_arguments_free(SvirtArguments *arguments)
{
    if (arguments == NULL) {
        return;
    }
    g_hash_table_unref(arguments->values);
    g_ptr_array_unref(arguments->rest);
    g_ptr_array_unref(arguments->lists);
    g_free(arguments);
}

bool
svirt_arguments_flag(const SvirtArguments *arguments, const char *name)
{
    return g_hash_table_contains(arguments->values, name);
}

const char *
svirt_arguments_text(const SvirtArguments *arguments, const char *name)
{
    return g_hash_table_lookup(arguments->values, name);
}

char **
svirt_arguments_rest(const SvirtArguments *arguments)
{
    return (char **)arguments->rest->pdata;
}

bool
svirt_arguments_each(const SvirtArguments *arguments, const char *name,
                     SvirtArgumentsEach each, void *data, GError **error)
{
    for (unsigned i = 0; i < arguments->lists->len; i += 2) {
        if (strcmp(arguments->lists->pdata[i], name) == 0 &&
            !each(arguments->lists->pdata[i + 1], data, error)) {
            return false;
        }
    }
    return true;
}
