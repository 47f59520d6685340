/* SPDX-License-Identifier: MIT
 *
 * wire/params.c: see params.h. */
#include "wire/params.h"

#include "base/str.h"
#include "wire/record.h"

enum { FIRST_ROOM = 1024, FIRST_PAIRS = 32 };

int params_add(struct params *params, struct arena *arena, size_t max, weir_str content)
{
    if (params->error)
        return 0;
    if (content.len > max - params->len) {
        params->error = WEIR_ERROR_LIMIT;
        return 0;
    }
    if (content.len > params->room - params->len) {
        size_t room = params->room ? 2 * params->room : FIRST_ROOM;
        if (room < params->len + content.len)
            room = params->len + content.len;
        char *bytes = arena_alloc(arena, room + 1);
        if (!bytes)
            return WEIR_ERROR_NOMEM;
        if (params->len)
            memcpy(bytes, params->bytes, params->len);
        params->bytes = bytes;
        params->room = room;
    }
    memcpy(params->bytes + params->len, content.ptr, content.len);
    params->len += content.len;
    return 0;
}

/* Doubles the room for pairs. */
static int grow(struct params *params, struct arena *arena, size_t *room)
{
    weir_pair *pairs = arena_alloc(arena, 2 * *room * sizeof *pairs);

    if (!pairs)
        return WEIR_ERROR_NOMEM;
    memcpy(pairs, params->pairs, params->count * sizeof *pairs);
    params->pairs = pairs;
    *room *= 2;
    return 0;
}

/* The next NUL from p on; most are lengths of empty values. */
static const char *find_nul(const char *p, const char *stop)
{
    const char *nul = p < stop ? memchr(p, 0, (size_t)(stop - p)) : NULL;
    return nul ? nul : stop;
}

int params_finish(struct params *params, struct arena *arena, size_t count_max)
{
    size_t room = FIRST_PAIRS;

    if (params->error || params->len == 0)
        return 0;
    const char *next = params->bytes, *stop = next + params->len;
    params->pairs = arena_alloc(arena, room * sizeof *params->pairs);
    if (!params->pairs)
        return WEIR_ERROR_NOMEM;

    const char *nul = find_nul(next, stop);
    for (; next < stop; params->count++) {
        if (params->count == count_max) {
            params->error = WEIR_ERROR_LIMIT;
            break;
        }
        if (params->count == room && grow(params, arena, &room) != 0)
            return WEIR_ERROR_NOMEM;
        weir_pair *pair = &params->pairs[params->count];
        char *first_length = (char *)(uintptr_t)next;
        if (!pair_take(&next, stop, pair)) {
            params->error = WEIR_ERROR_PARAMS;
            break;
        }
        *first_length = '\0'; /* it has been read, and stands behind the value before */
        if (nul < next) {
            if (nul < pair->name.ptr) /* a length, of this pair or an earlier one */
                nul = find_nul(pair->name.ptr, stop);
            params->has_nul = params->has_nul || nul < next;
        }
    }
    *(char *)(uintptr_t)next = '\0';
    return 0;
}

weir_str params_find(const struct params *params, weir_str name)
{
    for (size_t i = params->count; i-- > 0;)
        if (str_eq(params->pairs[i].name, name))
            return params->pairs[i].value;
    return (weir_str){NULL, 0};
}
