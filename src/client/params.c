/* SPDX-License-Identifier: MIT
 *
 * client/params.c: the parameters of a request, as they are added by name or as headers. */
#include <stdio.h>
#include <stdlib.h>

#include "client/client.h"
#include "http/field.h"
#include "wire/record.h"

enum { FIRST_ROOM = 32, SHOWN = 64 };

weir_pair *request_find_param(weir_client_request *r, weir_str name)
{
    for (size_t i = 0; i < r->params.count; i++)
        if (str_eq(r->params.pairs[i].name, name))
            return &r->params.pairs[i];
    return NULL;
}

static int too_large(weir_client_request *r, weir_str name, size_t value_len, const char *than)
{
    return request_fail(r, WEIR_ERROR_LIMIT, "parameter %.*s%s with %zu bytes: %s",
                        (int)(name.len < SHOWN ? name.len : SHOWN), name.ptr,
                        name.len > SHOWN ? "..." : "", value_len, than);
}

static int no_memory(weir_client_request *r)
{
    return request_fail(r, WEIR_ERROR_NOMEM, "adding a parameter: out of memory");
}

/* Room for one more, copied from the arena that is given back with the request. */
static weir_pair *add_pair(weir_client_request *r)
{
    struct request_params *p = &r->params;

    if (p->count == p->room) {
        size_t room = p->room ? 2 * p->room : FIRST_ROOM;
        weir_pair *pairs = realloc(p->pairs, room * sizeof *pairs);
        if (!pairs)
            return NULL;
        p->pairs = pairs;
        p->room = room;
    }
    return &p->pairs[p->count];
}

/* What the method means for the answer and for a second attempt (RFC 9110 9.2.2). */
static void look_at_method(weir_client_request *r, weir_str method)
{
    static const weir_str idempotent[] = {
        {"GET", 3}, {"HEAD", 4}, {"OPTIONS", 7}, {"PUT", 3}, {"DELETE", 6}};

    r->is_head = str_eq(method, WEIR_STR("HEAD"));
    r->is_idempotent = false;
    for (size_t i = 0; i < sizeof idempotent / sizeof *idempotent; i++)
        r->is_idempotent |= str_eq(method, idempotent[i]);
}

int request_put(weir_client_request *r, weir_str name, weir_str value, bool replace)
{
    weir_pair *pair = replace ? request_find_param(r, name) : NULL;
    bool is_new = !pair;

    if (r->state != REQUEST_NEW)
        return request_fail(r, WEIR_ERROR_STATE, "adding a parameter: the request has started");
    if (name.len > RECORD_SEND_MAX || value.len > RECORD_SEND_MAX ||
        pair_size(name.len, value.len) > RECORD_SEND_MAX)
        return too_large(r, name, value.len, "a record takes no more than 65528");

    size_t size = r->params.size + pair_size(name.len, value.len) -
                  (is_new ? 0 : pair_size(pair->name.len, pair->value.len));
    if (size > r->client->options.params_max)
        return too_large(r, name, value.len, "all parameters together are over params_max");
    if (is_new)
        pair = add_pair(r);
    if (!pair)
        return no_memory(r);
    char *copy = arena_copy(&r->arena, value.ptr, value.len);
    char *name_copy = is_new ? arena_copy(&r->arena, name.ptr, name.len) : NULL;
    if (!copy || (is_new && !name_copy))
        return no_memory(r);
    if (is_new) {
        pair->name = str(name_copy, name.len);
        r->params.count++;
    }
    pair->value = str(copy, value.len);
    r->params.size = size;
    if (str_eq(name, WEIR_STR("REQUEST_METHOD")))
        look_at_method(r, pair->value);
    return 0;
}

int weir_client_param(weir_client_request *r, weir_str name, weir_str value)
{
    return request_put(r, name, value, false);
}

/* ---- Headers --------------------------------------------------------------------------------- */

static bool becomes_parameter(enum http_field_id id)
{
    return id != HTTP_FIELD_PROXY && id != HTTP_FIELD_REDIRECT_STATUS && id != HTTP_FIELD_EXPECT &&
           id != HTTP_FIELD_CONTENT_LENGTH && !http_field_is_hop_by_hop(id);
}

static bool maps_one_to_one(weir_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = ascii_lower(name.ptr[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= 255;
}

static int join(weir_client_request *r, weir_str name, weir_str first, weir_str second,
                const char *between)
{
    size_t len = first.len + 2 + second.len;
    char *both = malloc(len + 1);

    if (!both)
        return no_memory(r);
    memcpy(both, first.ptr, first.len);
    memcpy(both + first.len, between, 2);
    memcpy(both + first.len + 2, second.ptr, second.len);
    int rc = request_put(r, name, str(both, len), true);
    free(both);
    return rc;
}

static int refuse_header(weir_client_request *r, weir_str name, const char *why)
{
    return request_fail(r, WEIR_ERROR_HEADER, "header %.*s: %s",
                        (int)(name.len < SHOWN ? name.len : SHOWN), name.ptr, why);
}

int weir_client_header(weir_client_request *r, weir_str name, weir_str value)
{
    char upper[5 + 255] = "HTTP_";

    if (!maps_one_to_one(name))
        return refuse_header(r, name, "only letters, digits and '-' can become a parameter");
    enum http_field_id id = http_field_lookup(name.ptr, name.len);
    if (!becomes_parameter(id))
        return refuse_header(r, name, "it never becomes a parameter");
    if (!http_value_valid(value))
        return refuse_header(r, name, "control bytes in its value");
    if (id == HTTP_FIELD_CONTENT_TYPE)
        return request_put(r, WEIR_STR("CONTENT_TYPE"), value, true);
    for (size_t i = 0; i < name.len; i++)
        upper[5 + i] = name.ptr[i] == '-' ? '_' : ascii_upper(name.ptr[i]);

    weir_str param = {upper, 5 + name.len};
    weir_pair *before = request_find_param(r, param);
    if (!before || id == HTTP_FIELD_HOST)
        return request_put(r, param, value, true);
    return join(r, param, before->value, value, id == HTTP_FIELD_COOKIE ? "; " : ", ");
}

/* ---- What follows from the body -------------------------------------------------------------- */

/* A request without a body says so by not mentioning one (RFC 3875 4.1.2), unless its method leads
 * to expect one. */
static bool tells_length(weir_client_request *r)
{
    weir_pair *method = request_find_param(r, WEIR_STR("REQUEST_METHOD"));

    if (r->role == WEIR_AUTHORIZER || r->body.length < 0)
        return false;
    return r->body.length > 0 || r->body.kind != OUTGOING_NONE ||
           (method &&
            (str_eq(method->value, WEIR_STR("POST")) || str_eq(method->value, WEIR_STR("PUT")) ||
             str_eq(method->value, WEIR_STR("PATCH"))));
}

static int put_number(weir_client_request *r, weir_str name, int64_t number)
{
    char digits[20];
    return request_put(r, name, str(digits, u64_to_dec((uint64_t)number, digits)), false);
}

static int put_content_length(weir_client_request *r)
{
    weir_pair *given = request_find_param(r, WEIR_STR("CONTENT_LENGTH"));
    uint64_t length;

    if (!given)
        return tells_length(r) ? put_number(r, WEIR_STR("CONTENT_LENGTH"), r->body.length) : 0;
    /* What is no number, or does not say anything, is the caller's to test the application with. */
    if (r->body.length >= 0 && str_to_u64(given->value, INT64_MAX, &length) &&
        length != (uint64_t)r->body.length)
        return request_fail(r, WEIR_ERROR_CONTENT_LENGTH,
                            "the parameter CONTENT_LENGTH is %.*s, the body has %lld bytes",
                            (int)given->value.len, given->value.ptr, (long long)r->body.length);
    return 0;
}

int request_complete_params(weir_client_request *r)
{
    int rc = put_content_length(r);

    if (rc == 0 && r->role == WEIR_FILTER && !request_find_param(r, WEIR_STR("FCGI_DATA_LENGTH")))
        rc = put_number(r, WEIR_STR("FCGI_DATA_LENGTH"), r->data.length);
    if (rc == 0 && r->role == WEIR_FILTER && r->mtime >= 0 &&
        !request_find_param(r, WEIR_STR("FCGI_DATA_LAST_MOD")))
        rc = put_number(r, WEIR_STR("FCGI_DATA_LAST_MOD"), r->mtime);
    return rc;
}
