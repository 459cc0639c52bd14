/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

/*
 * Memory that lives and dies together: everything parsed from one definition
 * is allocated here, so that nothing in it has an owner of its own.
 */
typedef struct SvirtArena SvirtArena;

/* Owned by the caller. */
SvirtArena *svirt_arena_new(void);
void svirt_arena_free(SvirtArena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtArena, svirt_arena_free)

/* Zeroed, aligned for any type, owned by the arena; never NULL. */
void *svirt_arena_alloc(SvirtArena *arena, size_t size_bytes);
/* `count` zeroed elements; aborts when the product overflows. */
void *svirt_arena_array(SvirtArena *arena, size_t count, size_t size_bytes);
/* A copy of `length` bytes with a NUL behind them. */
char *svirt_arena_text(SvirtArena *arena, const char *text, size_t length);
char *svirt_arena_printf(SvirtArena *arena, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
