/* SPDX-License-Identifier: MIT
 *
 * wire/params.c: see params.h. */
#include "wire/params.h"

#include "base/str.h"

enum { FIRST_ROOM = 1024 };

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

/* How many pairs there are; a negative error when they do not end where the bytes end. */
static int count_pairs(weir_str bytes, size_t max)
{
    weir_pair pair;
    size_t count = 0;
    int rc;

    while ((rc = weir_pair_decode(&bytes, &pair)) > 0)
        if (++count > max)
            return WEIR_ERROR_LIMIT;
    return rc < 0 ? rc : (int)count;
}

int params_finish(struct params *params, struct arena *arena, size_t count_max)
{
    weir_str bytes = {params->bytes, params->len};

    if (params->error || params->len == 0)
        return 0;

    int count = count_pairs(bytes, count_max);
    if (count < 0) {
        params->error = count;
        return 0;
    }
    params->pairs = arena_alloc(arena, (size_t)count * sizeof *params->pairs);
    if (!params->pairs)
        return WEIR_ERROR_NOMEM;
    params->count = (size_t)count;

    /* The byte behind a value is the first length of the next pair: it may be overwritten once that
     * pair has been read. */
    for (size_t i = 0; i < params->count; i++) {
        (void)weir_pair_decode(&bytes, &params->pairs[i]);
        if (i > 0)
            ((char *)params->pairs[i - 1].value.ptr)[params->pairs[i - 1].value.len] = '\0';
    }
    params->bytes[params->len] = '\0';
    return 0;
}

weir_str params_find(const struct params *params, weir_str name)
{
    for (size_t i = params->count; i-- > 0;)
        if (str_eq(params->pairs[i].name, name))
            return params->pairs[i].value;
    return (weir_str){NULL, 0};
}
