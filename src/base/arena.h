/* SPDX-License-Identifier: MIT
 *
 * base/arena.h: memory that lives exactly as long as one request.
 *
 * Allocation moves a pointer through blocks from a pool; nothing is freed alone, arena_done gives
 * all of it back at once. Not for threads. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/pool.h"

struct arena_block;

struct arena {
    struct pool *pool;
    struct arena_block *blocks;
    char *pos, *end;
};

/* Allocates nothing yet. pool must outlive the arena. */
void arena_init(struct arena *arena, struct pool *pool);

/* Gives everything back; the arena is as after arena_init. */
void arena_done(struct arena *arena);

/* size bytes aligned to 16, not cleared; NULL when memory is out. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, cleared. */
void *arena_zalloc(struct arena *arena, size_t size);

/* A copy of len bytes with a NUL after them; NULL when memory is out. */
char *arena_copy(struct arena *arena, const char *bytes, size_t len);

#endif
