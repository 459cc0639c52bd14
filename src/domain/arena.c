/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <string.h>

/* Under AddressSanitizer each allocation is a block of its own, so that an
   access past its end is seen. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_BLOCK 0u
#endif
#endif
#if !defined(ARENA_BLOCK) && defined(__SANITIZE_ADDRESS__)
#define ARENA_BLOCK 0u
#endif
#ifndef ARENA_BLOCK
#define ARENA_BLOCK (16u * 1024u)
#endif

typedef struct ArenaBlock ArenaBlock;
struct ArenaBlock {
    ArenaBlock *next;
    alignas(max_align_t) unsigned char bytes[];
};

struct SvirtArena {
    ArenaBlock *blocks;
    unsigned char *free_bytes; /* inside the first block */
    size_t free_count;
};

SvirtArena *
svirt_arena_new(void)
{
    return g_new0(SvirtArena, 1);
}

void
svirt_arena_free(SvirtArena *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->blocks != NULL) {
        ArenaBlock *block = arena->blocks;

        arena->blocks = block->next;
        g_free(block);
    }
    g_free(arena);
}

static void *
add_block(SvirtArena *arena, size_t size_bytes)
{
    ArenaBlock *block = g_malloc0(sizeof(*block) + size_bytes);

    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

void *
svirt_arena_alloc(SvirtArena *arena, size_t size_bytes)
{
    const size_t align = alignof(max_align_t);
    size_t wanted;
    void *result;

    g_assert(size_bytes <= G_MAXSIZE / 2);
    /* At least one unit: an empty array has a place, too. */
    wanted = (MAX(size_bytes, 1) + align - 1) / align * align;
    if (wanted > ARENA_BLOCK / 4) {
        /* Exact, so that a big text does not waste the open block. */
        return add_block(arena, size_bytes);
    }
    if (wanted > arena->free_count) {
        arena->free_bytes = add_block(arena, ARENA_BLOCK);
        arena->free_count = ARENA_BLOCK;
    }
    result = arena->free_bytes;
    arena->free_bytes += wanted;
    arena->free_count -= wanted;
    return result;
}

void *
svirt_arena_array(SvirtArena *arena, size_t count, size_t size_bytes)
{
    g_assert(size_bytes == 0 || count <= G_MAXSIZE / 2 / size_bytes);
    return svirt_arena_alloc(arena, count * size_bytes);
}

char *
svirt_arena_text(SvirtArena *arena, const char *text, size_t length)
{
    char *copy = svirt_arena_alloc(arena, length + 1);

    memcpy(copy, text, length);
    return copy;
}

char *
svirt_arena_printf(SvirtArena *arena, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    return svirt_arena_text(arena, text, strlen(text));
}
