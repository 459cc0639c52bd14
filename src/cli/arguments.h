/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What a command takes, as a table: it is parsed, printed by --help, and the
 * source of man pages and completion. Positional arguments may also be named,
 * as in virsh: `svirt start web` is `svirt start --domain web`.
 */
typedef enum SvirtOptionKind {
    SVIRT_OPTION_FLAG,
    SVIRT_OPTION_TEXT,
    SVIRT_OPTION_LIST,       /* a TEXT that may be given several times */
    SVIRT_OPTION_REQUIRED,   /* positional, must be given */
    SVIRT_OPTION_POSITIONAL, /* positional, may be left out */
    SVIRT_OPTION_REST,       /* every further positional argument */
} SvirtOptionKind;

typedef struct SvirtOption {
    const char *name; /* without "--"; NULL ends the table */
    SvirtOptionKind kind;
    const char *value; /* word for the value in help: "NAME"; NULL for flags */
    const char *help;
} SvirtOption;

typedef struct SvirtArguments SvirtArguments;

/*
 * Parses argv[1..argc) of a command. USAGE names the option; "--" ends
 * options. Owned by the caller.
 */
bool svirt_arguments_parse(const SvirtOption *options, const char *command,
                           int argc, char **argv, SvirtArguments **ret,
                           GError **error);
void svirt_arguments_free(SvirtArguments *arguments);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtArguments, svirt_arguments_free)

bool svirt_arguments_flag(const SvirtArguments *arguments, const char *name);
/* Borrowed; NULL when not given. */
const char *svirt_arguments_text(const SvirtArguments *arguments,
                                 const char *name);
/* Calls `each` with every value of a LIST, in the order given; false when one
 * of the calls was. */
typedef bool (*SvirtArgumentsEach)(const char *value, void *data,
                                   GError **error);
bool svirt_arguments_each(const SvirtArguments *arguments, const char *name,
                          SvirtArgumentsEach each, void *data,
                          GError **error);
/* The REST arguments, borrowed, NULL-terminated. */
char **svirt_arguments_rest(const SvirtArguments *arguments);
