/* SPDX-License-Identifier: MIT
 *
 * exchange/query.c: the query string and cookies as lists of pairs. They are decoded when first
 * asked for, into one text of strings with NULs, and 12 bytes a pair that say where they are. */
#include <weir/form.h>

#include "exchange/exchange.h"
#include "http/cookie.h"
#include "http/urlencoded.h"

struct pair_place {
    uint32_t name, name_len, value_len;
};

struct exchange_pairs {
    char *text; /* name NUL value NUL name NUL ... */
    struct pair_place *places;
    size_t count;
};

/* Writes pairs: the first pass only counts, the second one fills. */
struct pair_writer {
    struct exchange_pairs *pairs; /* NULL: count */
    size_t len, count, name_start;
};

static void put(struct pair_writer *w, weir_str piece)
{
    if (w->pairs && piece.len > 0)
        memcpy(w->pairs->text + w->len, piece.ptr, piece.len);
    w->len += piece.len;
}

static void put_end(struct pair_writer *w)
{
    put(w, str("", 1));
}

static void end_name(struct pair_writer *w, size_t start)
{
    if (w->pairs)
        w->pairs->places[w->count] =
            (struct pair_place){(uint32_t)start, (uint32_t)(w->len - start), 0};
    put_end(w);
    w->name_start = w->len;
}

static void end_value(struct pair_writer *w)
{
    if (w->pairs)
        w->pairs->places[w->count].value_len = (uint32_t)(w->len - w->name_start);
    put_end(w);
    w->count++;
}

typedef void write_pairs(struct pair_writer *w, weir_str source);

static void write_query(struct pair_writer *w, weir_str query)
{
    struct http_urlencoded decoder = {0};
    size_t start = 0;
    weir_str data;

    for (;;) {
        switch (http_urlencoded_next(&decoder, &query, true, &data)) {
        case HTTP_PAIR_NAME_END:
            end_name(w, start);
            break;
        case HTTP_PAIR_END:
            end_value(w);
            start = w->len;
            break;
        case HTTP_PAIR_DONE:
        case HTTP_PAIR_MORE:
            return;
        default:
            put(w, data);
        }
    }
}

static void write_cookies(struct pair_writer *w, weir_str cookies)
{
    weir_str name, value;

    while (http_cookie_next(&cookies, &name, &value)) {
        size_t start = w->len;
        put(w, name);
        end_name(w, start);
        put(w, value);
        end_value(w);
    }
}

/* The list at *where, made if it is not there yet; NULL when memory is out. */
static const struct exchange_pairs *load(weir_exchange *x, struct exchange_pairs **where,
                                         const char *source, write_pairs *write)
{
    struct pair_writer counter = {0};
    weir_str text = str_of(source);

    if (*where)
        return *where;
    write(&counter, text);
    if (counter.len > UINT32_MAX)
        return NULL;
    struct exchange_pairs *pairs = arena_zalloc(x->arena, sizeof *pairs);
    if (!pairs)
        return NULL;
    if (counter.count > 0) {
        pairs->text = arena_alloc(x->arena, counter.len);
        pairs->places = arena_alloc(x->arena, counter.count * sizeof *pairs->places);
        if (!pairs->text || !pairs->places)
            return NULL;
    }
    struct pair_writer writer = {.pairs = pairs};
    write(&writer, text);
    pairs->count = writer.count;
    *where = pairs;
    return pairs;
}

static bool pair_at(const struct exchange_pairs *pairs, size_t index, weir_str *ret_name,
                    weir_str *ret_value)
{
    if (!pairs || index >= pairs->count)
        return false;
    const struct pair_place *p = &pairs->places[index];
    *ret_name = str(pairs->text + p->name, p->name_len);
    *ret_value = str(ret_name->ptr + p->name_len + 1, p->value_len);
    return true;
}

static const char *find(const struct exchange_pairs *pairs, const char *wanted)
{
    weir_str name, value;

    for (size_t i = 0; pair_at(pairs, i, &name, &value); i++)
        if (str_eq(name, str_of(wanted)))
            return strlen(value.ptr) == value.len ? value.ptr : NULL;
    return NULL;
}

static const struct exchange_pairs *load_query(weir_exchange *x)
{
    return load(x, &x->query_pairs, x->query.ptr, write_query);
}

static const struct exchange_pairs *load_cookies(weir_exchange *x)
{
    return load(x, &x->cookies, weir_header(x, "Cookie"), write_cookies);
}

const char *weir_query_get(weir_exchange *x, const char *name)
{
    return find(load_query(x), name);
}

bool weir_query_at(weir_exchange *x, size_t index, weir_str *ret_name, weir_str *ret_value)
{
    return pair_at(load_query(x), index, ret_name, ret_value);
}

const char *weir_cookie(weir_exchange *x, const char *name)
{
    return find(load_cookies(x), name);
}

bool weir_cookie_at(weir_exchange *x, size_t index, weir_str *ret_name, weir_str *ret_value)
{
    return pair_at(load_cookies(x), index, ret_name, ret_value);
}

int weir_set_cookie(weir_exchange *x, const char *name, const char *value,
                    const weir_cookie_options *options)
{
    weir_cookie_options o = {0};
    char text[HTTP_SET_COOKIE_MAX];

    if (!name || !value || (options && options->size < sizeof options->size))
        return WEIR_ERROR_INVALID;
    if (options)
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    if (o.same_site > WEIR_SAME_SITE_NONE)
        return WEIR_ERROR_INVALID;
    struct http_cookie cookie = {
        .name = str_of(name),
        .value = str_of(value),
        .path = str_of(o.path),
        .domain = str_of(o.domain),
        .max_age = o.max_age,
        .expires = o.expires,
        .same_site = (enum http_same_site)o.same_site,
        .secure = o.secure,
        .http_only = o.http_only,
        .partitioned = o.partitioned,
    };
    int rc = http_cookie_write(&cookie, text);
    return rc ? rc : weir_add_header(x, "Set-Cookie", text);
}
