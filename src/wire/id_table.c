/* SPDX-License-Identifier: MIT
 *
 * wire/id_table.c: see id_table.h. */
#include "wire/id_table.h"

#include <string.h>

void id_table_init(struct id_table *table, struct pool *pool)
{
    *table = (struct id_table){.pool = pool};
}

static struct id_entry **bucket(const struct id_table *table, uint16_t id)
{
    struct id_table *t = (struct id_table *)(uintptr_t)table;
    return table->buckets ? &table->buckets[id & table->mask] : &t->first;
}

void id_table_done(struct id_table *table)
{
    pool_put(table->pool, table->buckets, table->size);
    id_table_init(table, table->pool);
}

struct id_entry *id_table_find(const struct id_table *table, uint16_t id)
{
    struct id_entry *entry = *bucket(table, id);

    while (entry && entry->id != id)
        entry = entry->next;
    return entry;
}

static void link_entry(struct id_table *table, struct id_entry *entry)
{
    struct id_entry **at = bucket(table, entry->id);

    entry->next = *at;
    *at = entry;
}

/* Doubles the buckets, from one to sixteen at first. */
static void grow(struct id_table *table)
{
    uint32_t buckets = table->buckets ? 2 * (table->mask + 1) : 16;
    size_t size;
    struct id_entry **memory = pool_get(table->pool, buckets * sizeof *memory, &size);

    if (!memory)
        return;
    memset(memory, 0, buckets * sizeof *memory);

    struct id_table old = *table;
    table->buckets = memory;
    table->size = size;
    table->mask = buckets - 1;
    table->first = NULL;
    for (uint32_t b = 0; b <= old.mask; b++) {
        struct id_entry *entry = old.buckets ? old.buckets[b] : old.first;
        while (entry) {
            struct id_entry *next = entry->next;
            link_entry(table, entry);
            entry = next;
        }
    }
    pool_put(old.pool, old.buckets, old.size);
}

void id_table_add(struct id_table *table, struct id_entry *entry)
{
    if (table->count >= 2 * (table->mask + 1))
        grow(table);
    link_entry(table, entry);
    table->count++;
}

void id_table_remove(struct id_table *table, struct id_entry *entry)
{
    struct id_entry **at = bucket(table, entry->id);

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    table->count--;
}

struct id_entry *id_table_any(const struct id_table *table)
{
    if (!table->buckets)
        return table->first;
    for (uint32_t b = 0; table->count > 0 && b <= table->mask; b++)
        if (table->buckets[b])
            return table->buckets[b];
    return NULL;
}
