/* SPDX-License-Identifier: MIT
 *
 * exchange/head.c: status, headers, trailers and 1xx responses: what a handler may say about its
 * answer. Nothing it gives can end a line, and what belongs to the carrier stays the carrier's. */
#include "exchange/blocking.h"
#include "exchange/exchange.h"
#include "http/field.h"

bool exchange_head_is_fixed(const weir_exchange *x)
{
    return x->head_sent || x->finished || x->files || (x->blocking && blocking_ended(x));
}

int weir_set_status(weir_exchange *x, int status)
{
    if (exchange_head_is_fixed(x))
        return WEIR_ERROR_STATE;
    if (status < 200 || status > 599)
        return WEIR_ERROR_INVALID;
    x->status = (unsigned)status;
    return 0;
}

int weir_set_reason(weir_exchange *x, const char *reason)
{
    weir_str copy = str_of(reason);

    if (exchange_head_is_fixed(x))
        return WEIR_ERROR_STATE;
    if (!reason)
        return WEIR_ERROR_INVALID;
    if (!http_value_valid(copy))
        return WEIR_ERROR_HEADER;
    copy.ptr = arena_copy(x->arena, copy.ptr, copy.len);
    if (!copy.ptr)
        return WEIR_ERROR_NOMEM;
    x->reason = copy;
    return 0;
}

/* ---- Headers --------------------------------------------------------------------------------- */

static int add_pair(struct arena *arena, weir_pair **pairs, size_t *count, size_t *room,
                    weir_pair pair)
{
    if (*count == *room) {
        size_t more = *room ? 2 * *room : 8;
        weir_pair *grown = arena_alloc(arena, more * sizeof *grown);
        if (!grown)
            return WEIR_ERROR_NOMEM;
        if (*count)
            memcpy(grown, *pairs, *count * sizeof *grown);
        *pairs = grown;
        *room = more;
    }
    (*pairs)[(*count)++] = pair;
    return 0;
}

static int copy_pair(struct arena *arena, weir_str name, weir_str value, weir_pair *ret)
{
    ret->name = str(arena_copy(arena, name.ptr, name.len), name.len);
    ret->value = str(arena_copy(arena, value.ptr, value.len), value.len);
    return ret->name.ptr && ret->value.ptr ? 0 : WEIR_ERROR_NOMEM;
}

int exchange_add_field(weir_exchange *x, weir_str name, weir_str value)
{
    return add_pair(x->arena, &x->fields, &x->field_count, &x->field_room,
                    (weir_pair){name, value});
}

/* Fields that say how the message is framed or what becomes of the connection. */
static bool is_carriers(enum http_field_id id)
{
    return http_field_is_hop_by_hop(id) || id == HTTP_FIELD_STATUS;
}

static int declare_length(weir_exchange *x, weir_str value)
{
    uint64_t length;

    if (!str_to_u64(value, INT64_MAX, &length) || x->declared >= 0)
        return WEIR_ERROR_HEADER;
    x->declared = (int64_t)length;
    return 0;
}

int weir_add_header(weir_exchange *x, const char *name, const char *value)
{
    weir_str n = str_of(name), v = str_of(value);
    weir_pair copy;

    if (exchange_head_is_fixed(x))
        return WEIR_ERROR_STATE;
    if (!name || !value)
        return WEIR_ERROR_INVALID;
    if (!http_name_valid(n) || !http_value_valid(v))
        return WEIR_ERROR_HEADER;

    enum http_field_id id = http_field_lookup(n.ptr, n.len);
    if (id == HTTP_FIELD_CONTENT_LENGTH)
        return declare_length(x, v);
    if (is_carriers(id))
        return WEIR_ERROR_HEADER;
    if (x->field_count >= RESPONSE_FIELDS_MAX)
        return WEIR_ERROR_LIMIT;
    int rc = copy_pair(x->arena, n, v, &copy);
    if (rc == 0)
        rc = exchange_add_field(x, copy.name, copy.value);
    if (rc == 0 && id == HTTP_FIELD_DATE)
        x->has_date = true;
    if (rc == 0 && id == HTTP_FIELD_CONTENT_TYPE)
        x->has_content_type = true;
    return rc;
}

static void remove_fields(weir_exchange *x, weir_str name)
{
    size_t kept = 0;

    for (size_t i = 0; i < x->field_count; i++)
        if (!str_eq_nocase(x->fields[i].name, name))
            x->fields[kept++] = x->fields[i];
    x->field_count = kept;
}

int weir_set_header(weir_exchange *x, const char *name, const char *value)
{
    weir_str n = str_of(name);

    if (exchange_head_is_fixed(x))
        return WEIR_ERROR_STATE;
    if (!name)
        return WEIR_ERROR_INVALID;
    if (!http_name_valid(n) || (value && !http_value_valid(str_of(value))))
        return WEIR_ERROR_HEADER;

    switch (http_field_lookup(n.ptr, n.len)) {
    case HTTP_FIELD_CONTENT_LENGTH:
        x->declared = -1;
        break;
    case HTTP_FIELD_DATE:
        x->has_date = false;
        remove_fields(x, n);
        break;
    case HTTP_FIELD_CONTENT_TYPE: /* nearly always the first one */
        if (x->has_content_type)
            remove_fields(x, n);
        x->has_content_type = false;
        break;
    default:
        remove_fields(x, n);
    }
    return value ? weir_add_header(x, name, value) : 0;
}

/* ---- Trailers -------------------------------------------------------------------------------- */

int weir_add_trailer(weir_exchange *x, const char *name, const char *value)
{
    weir_str n = str_of(name), v = str_of(value);
    weir_pair copy;

    if (x->finished || blocking_ended(x))
        return WEIR_ERROR_STATE;
    if (!name || !value)
        return WEIR_ERROR_INVALID;
    if (!http_trailer_allowed(n) || !http_value_valid(v))
        return WEIR_ERROR_HEADER;
    if (x->trailer_count >= RESPONSE_FIELDS_MAX)
        return WEIR_ERROR_LIMIT;
    if (!x->carrier->takes_trailers || !x->carrier->takes_trailers(x))
        return WEIR_ERROR_UNSUPPORTED;
    int rc = copy_pair(x->arena, n, v, &copy);
    return rc ? rc : add_pair(x->arena, &x->trailers, &x->trailer_count, &x->trailer_room, copy);
}

/* ---- Before the response --------------------------------------------------------------------- */

int weir_informational(weir_exchange *x, int status, const weir_pair *fields, size_t count)
{
    if (exchange_head_is_fixed(x))
        return WEIR_ERROR_STATE;
    if (status < 102 || status > 199)
        return WEIR_ERROR_INVALID;
    if (count > RESPONSE_FIELDS_MAX)
        return WEIR_ERROR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        weir_str name = fields[i].name;
        if (!http_name_valid(name) || !http_value_valid(fields[i].value))
            return WEIR_ERROR_HEADER;
        enum http_field_id id = http_field_lookup(name.ptr, name.len);
        if (is_carriers(id) || id == HTTP_FIELD_CONTENT_LENGTH)
            return WEIR_ERROR_HEADER;
    }
    if (x->cancelled)
        return WEIR_ERROR_CANCELLED;
    if (x->blocking)
        return blocking_informational(x, (unsigned)status, fields, count);
    return x->carrier->informational(x, (unsigned)status, fields, count);
}

int weir_early_hints(weir_exchange *x, const char *link)
{
    if (!link)
        return WEIR_ERROR_INVALID;
    return weir_informational(x, 103, &(weir_pair){WEIR_STR("Link"), str_of(link)}, 1);
}
