/* SPDX-License-Identifier: MIT
 *
 * base/pool.c: four free lists; see pool.h. */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

struct pool_item {
    struct pool_item *next;
};

static const size_t sizes[POOL_SIZES] = {POOL_512, POOL_4K, POOL_16K, POOL_64K};

static int size_class(size_t size)
{
    if (size <= POOL_4K)
        return size <= POOL_512 ? 0 : 1;
    if (size <= POOL_64K)
        return size <= POOL_16K ? 2 : 3;
    return -1;
}

void pool_init(struct pool *pool)
{
    memset(pool, 0, sizeof *pool);
}

void pool_done(struct pool *pool)
{
    for (int c = 0; c < POOL_SIZES; c++) {
        while (pool->kept[c]) {
            struct pool_item *item = pool->kept[c];
            pool->kept[c] = item->next;
            free(item);
        }
        pool->count[c] = 0;
    }
}

void *pool_get(struct pool *pool, size_t size, size_t *ret_size)
{
    int c = size_class(size);
    void *memory;

    if (c >= 0 && pool->kept[c]) {
        memory = pool->kept[c];
        pool->kept[c] = pool->kept[c]->next;
        pool->count[c]--;
    } else {
        memory = malloc(c >= 0 ? sizes[c] : size);
        if (!memory)
            return NULL;
    }
    *ret_size = c >= 0 ? sizes[c] : size;
    return memory;
}

void pool_put(struct pool *pool, void *memory, size_t size)
{
    int c = size_class(size);

    if (!memory)
        return;
    if (!POOL_KEEPS || c < 0 || pool->count[c] >= POOL_KEEP / sizes[c]) {
        free(memory);
        return;
    }
    struct pool_item *item = memory;
    item->next = pool->kept[c];
    pool->kept[c] = item;
    pool->count[c]++;
}
