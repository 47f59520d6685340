/* SPDX-License-Identifier: MIT
 *
 * exchange/request.c: reading the request. Parameters and headers are loaded when first asked for:
 * a handler that looks at neither does not pay for them. */
#include <arpa/inet.h>

#include "exchange/exchange.h"
#include "http/field.h"

static bool load_params(weir_exchange *x)
{
    if (!x->params_loaded && x->carrier->load_params(x) == 0)
        x->params_loaded = true;
    return x->params_loaded;
}

static bool load_headers(weir_exchange *x)
{
    if (!x->headers_loaded && x->carrier->load_headers(x) == 0)
        x->headers_loaded = true;
    return x->headers_loaded;
}

int exchange_load(weir_exchange *x)
{
    return load_params(x) && load_headers(x) ? 0 : WEIR_ERROR_NOMEM;
}

const char *weir_param(weir_exchange *x, const char *name)
{
    weir_str wanted = str_of(name);

    if (!load_params(x))
        return NULL;
    for (size_t i = 0; i < x->param_count; i++)
        if (str_eq(x->params[i].name, wanted))
            return x->params[i].value.ptr;
    return NULL;
}

bool weir_param_at(weir_exchange *x, size_t index, weir_str *ret_name, weir_str *ret_value)
{
    if (!load_params(x) || index >= x->param_count)
        return false;
    *ret_name = x->params[index].name;
    *ret_value = x->params[index].value;
    return true;
}

weir_family weir_remote_family(weir_exchange *x)
{
    const char *text = weir_param(x, "REMOTE_ADDR");
    struct in6_addr room;

    if (text && inet_pton(AF_INET, text, &room) == 1)
        return WEIR_FAMILY_IPV4;
    if (text && inet_pton(AF_INET6, text, &room) == 1)
        return WEIR_FAMILY_IPV6;
    return WEIR_FAMILY_NONE;
}

const char *weir_remote_addr(weir_exchange *x)
{
    return weir_remote_family(x) == WEIR_FAMILY_NONE ? NULL : weir_param(x, "REMOTE_ADDR");
}

int weir_remote_port(weir_exchange *x)
{
    const char *text = weir_param(x, "REMOTE_PORT");
    uint64_t port;

    if (!text || !str_to_u64(str_of(text), 65535, &port) || port == 0)
        return -1;
    return (int)port;
}

int64_t weir_peer_pid(const weir_exchange *x)
{
    return x->peer ? x->peer->pid : -1;
}

int64_t weir_peer_uid(const weir_exchange *x)
{
    return x->peer ? x->peer->uid : -1;
}

int64_t weir_peer_gid(const weir_exchange *x)
{
    return x->peer ? x->peer->gid : -1;
}

const char *weir_header(weir_exchange *x, const char *name)
{
    weir_str wanted = str_of(name);

    if (!load_headers(x))
        return NULL;
    for (size_t i = 0; i < x->header_count; i++)
        if (str_eq_nocase(x->headers[i].name, wanted))
            return x->headers[i].value.ptr;
    return NULL;
}

bool weir_header_at(weir_exchange *x, size_t index, weir_str *ret_name, weir_str *ret_value)
{
    if (!load_headers(x) || index >= x->header_count)
        return false;
    *ret_name = x->headers[index].name;
    *ret_value = x->headers[index].value;
    return true;
}

const char *weir_method(weir_exchange *x)
{
    return x->method.ptr;
}

const char *weir_target(weir_exchange *x)
{
    return x->target.ptr;
}

const char *weir_path(weir_exchange *x)
{
    return x->path.ptr;
}

const char *weir_query(weir_exchange *x)
{
    return x->query.ptr;
}

const char *weir_host(weir_exchange *x)
{
    return x->host.ptr;
}

int64_t weir_content_length(weir_exchange *x)
{
    return x->content_length;
}

void weir_set_user(weir_exchange *x, void *user)
{
    x->user = user;
}

void *weir_user(const weir_exchange *x)
{
    return x->user;
}

void *weir_alloc(weir_exchange *x, size_t size)
{
    return arena_alloc(x->arena, size);
}

/* Values of one name become one value (RFC 9110 5.3; Cookie: RFC 9113 8.2.3). */
static int join(weir_exchange *x, struct header *first, const struct header *more)
{
    const char *joiner = first->id == HTTP_FIELD_COOKIE ? "; " : ", ";
    size_t len = first->value.len + 2 + more->value.len;
    char *value = arena_alloc(x->arena, len + 1);

    if (!value)
        return WEIR_ERROR_NOMEM;
    memcpy(value, first->value.ptr, first->value.len);
    memcpy(value + first->value.len, joiner, 2);
    memcpy(value + first->value.len + 2, more->value.ptr, more->value.len);
    value[len] = '\0';
    first->value = str(value, len);
    return 0;
}

int exchange_join_headers(weir_exchange *x)
{
    uint64_t seen = 0; /* a hash a bit: only names whose bit is set are compared */
    size_t kept = 0;

    for (size_t i = 0; i < x->header_count; i++) {
        struct header *h = &x->headers[i];
        unsigned hash = (unsigned)(h->name.len * 7 + (unsigned char)h->name.ptr[0] * 3 +
                                   (unsigned char)h->name.ptr[h->name.len - 1]);
        uint64_t bit = 1ull << (hash & 63);
        size_t k = kept;
        if (seen & bit)
            for (k = 0; k < kept && !str_eq(x->headers[k].name, h->name); k++)
                ;
        if (k < kept) {
            if (join(x, &x->headers[k], h) != 0)
                return WEIR_ERROR_NOMEM;
        } else {
            x->headers[kept++] = *h;
        }
        seen |= bit;
    }
    x->header_count = kept;
    return 0;
}
