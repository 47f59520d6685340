/* SPDX-License-Identifier: MIT
 *
 * exchange/roles.c: Authorizers and Filters (FastCGI 6.3, 6.4). */
#include <stdio.h>

#include "exchange/exchange.h"

weir_role weir_exchange_role(const weir_exchange *x)
{
    return x->role;
}

int weir_set_variable(weir_exchange *x, const char *name, const char *value)
{
    char header[9 + 128] = "Variable-";
    size_t len = name ? strlen(name) : 0;

    if (!name || !value)
        return WEIR_ERROR_INVALID;
    if (len == 0 || len >= sizeof header - 9)
        return WEIR_ERROR_HEADER;
    for (size_t i = 0; i < len; i++) {
        char ch = ascii_lower(name[i]);
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_'))
            return WEIR_ERROR_HEADER;
    }
    memcpy(header + 9, name, len + 1);
    return weir_add_header(x, header, value);
}

int weir_allow(weir_exchange *x)
{
    int rc = weir_set_status(x, 200);

    return rc ? rc : weir_finish(x);
}

int weir_deny(weir_exchange *x, int status, const char *content_type, const char *body)
{
    if (status == 200)
        return WEIR_ERROR_INVALID;
    return weir_respond(x, status, content_type, body);
}

int64_t weir_data_length(weir_exchange *x)
{
    return x->data_length;
}

int64_t weir_data_mtime(weir_exchange *x)
{
    const char *value = weir_param(x, "FCGI_DATA_LAST_MOD");
    uint64_t seconds;

    return value && str_to_u64(str_of(value), INT64_MAX, &seconds) ? (int64_t)seconds : -1;
}
