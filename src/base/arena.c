/* SPDX-License-Identifier: MIT
 *
 * base/arena.c: see arena.h. The first block is 4 KiB, which holds the whole of an ordinary
 * request; the next ones are 16 KiB, a larger piece gets a block of its own size. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#define ALIGNMENT 16

struct arena_block {
    struct arena_block *next;
    size_t size;
};

_Static_assert(sizeof(struct arena_block) % ALIGNMENT == 0, "blocks must keep the alignment");

void arena_init(struct arena *arena, struct pool *pool)
{
    *arena = (struct arena){.pool = pool};
}

void arena_done(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        pool_put(arena->pool, block, block->size);
    }
    arena->pos = arena->end = NULL;
}

static int add_block(struct arena *arena, size_t want)
{
    size_t usual = arena->blocks ? POOL_16K : POOL_4K;
    size_t size;
    struct arena_block *block;

    if (want > SIZE_MAX / 2)
        return -1;
    want += sizeof *block;
    block = pool_get(arena->pool, want > usual ? want : usual, &size);
    if (!block)
        return -1;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->pos = (char *)(block + 1);
    arena->end = (char *)block + size;
    return 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    /* Nothing at all also needs a place, or it would look like memory that is out. */
    size = ((size ? size : 1) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if ((size_t)(arena->end - arena->pos) < size && add_block(arena, size) != 0)
        return NULL;

    void *memory = arena->pos;
    arena->pos += size;
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);
    return memory ? memset(memory, 0, size) : NULL;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t len)
{
    char *copy = len < SIZE_MAX ? arena_alloc(arena, len + 1) : NULL;

    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}
