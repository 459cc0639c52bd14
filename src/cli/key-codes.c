/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/key-codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* From 1 on, Linux and XT count alike. */
static const char plain_names[] =
    "ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P "
    "LEFTBRACE RIGHTBRACE ENTER LEFTCTRL A S D F G H J K L SEMICOLON "
    "APOSTROPHE GRAVE LEFTSHIFT BACKSLASH Z X C V B N M COMMA DOT SLASH "
    "RIGHTSHIFT KPASTERISK LEFTALT SPACE CAPSLOCK F1 F2 F3 F4 F5 F6 F7 F8 F9 "
    "F10 NUMLOCK SCROLLLOCK KP7 KP8 KP9 KPMINUS KP4 KP5 KP6 KPPLUS KP1 KP2 "
    "KP3 KP0 KPDOT - ZENKAKUHANKAKU 102ND F11 F12";
#define PLAIN_LAST 88u

typedef struct Extended {
    const char *name;
    unsigned char number; /* Linux */
    unsigned char code;   /* QEMU */
} Extended;

static const Extended extended[] = {
    { "KPENTER", 96, 0x9c },    { "RIGHTCTRL", 97, 0x9d },
    { "KPSLASH", 98, 0xb5 },    { "SYSRQ", 99, 0x54 },
    { "RIGHTALT", 100, 0xb8 },  { "HOME", 102, 0xc7 },
    { "UP", 103, 0xc8 },        { "PAGEUP", 104, 0xc9 },
    { "LEFT", 105, 0xcb },      { "RIGHT", 106, 0xcd },
    { "END", 107, 0xcf },       { "DOWN", 108, 0xd0 },
    { "PAGEDOWN", 109, 0xd1 },  { "INSERT", 110, 0xd2 },
    { "DELETE", 111, 0xd3 },    { "MUTE", 113, 0xa0 },
    { "VOLUMEDOWN", 114, 0xae },{ "VOLUMEUP", 115, 0xb0 },
    { "POWER", 116, 0xde },     { "PAUSE", 119, 0xc6 },
    { "LEFTMETA", 125, 0xdb },  { "RIGHTMETA", 126, 0xdc },
    { "COMPOSE", 127, 0xdd },   { "SLEEP", 142, 0xdf },
    { "WAKEUP", 143, 0xe3 },
};

static unsigned
find_plain(const char *name)
{
    g_auto(GStrv) names = g_strsplit(plain_names, " ", -1);

    for (unsigned i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* 0: there is no such key. */
static unsigned
linux_code(const char *word, unsigned number)
{
    const char *name = g_str_has_prefix(word, "KEY_") ? word + 4 : NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(extended); i++) {
        if (number == extended[i].number ||
            g_strcmp0(name, extended[i].name) == 0) {
            return extended[i].code;
        }
    }
    return name != NULL ? find_plain(name)
                        : (number <= PLAIN_LAST ? number : 0);
}

json_t *
svirt_key_code(const char *codeset, const char *word, GError **error)
{
    bool linux_set = strcmp(codeset, "linux") == 0;
    bool number_set = strcmp(codeset, "qnum") == 0 ||
                      strcmp(codeset, "xt") == 0 ||
                      strcmp(codeset, "rfb") == 0;
    char *end = NULL;
    unsigned long number = strtoul(word, &end, 0);
    unsigned code;

    if (strcmp(codeset, "qcode") == 0) {
        return json_pack("{s:s,s:s}", "type", "qcode", "data", word);
    }
    if (!linux_set && !number_set) {
        svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                    "use linux, qnum or qcode",
                    "code set '%s' is not built", codeset);
        return NULL;
    }
    if (!g_ascii_isdigit(word[0]) || *end != '\0' || number > 255) {
        number = 0;
    }
    code = linux_set ? linux_code(word, (unsigned)number) : (unsigned)number;
    if (code == 0) {
        svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                    "see linux/input-event-codes.h, or use --codeset qcode",
                    "there is no key '%s' in code set '%s'", word, codeset);
        return NULL;
    }
    return json_pack("{s:s,s:i}", "type", "number", "data", (int)code);
}
