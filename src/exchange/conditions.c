/* SPDX-License-Identifier: MIT
 *
 * exchange/conditions.c: conditional requests: from an exchange to http/conditional. */
#include <time.h>
#include <weir/file.h>

#include "exchange/file.h"
#include "http/conditional.h"

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return ts.tv_sec;
}

static weir_str header(weir_exchange *x, const char *name)
{
    return str_of(weir_header(x, name));
}

int weir_check_conditions(weir_exchange *x, const char *etag, int64_t modified)
{
    struct http_validators validators = {str_of(etag), modified};

    if (etag && !http_etag_valid(validators.etag))
        return WEIR_ERROR_INVALID;
    struct http_conditions conditions = {
        .if_match = header(x, "if-match"),
        .if_none_match = header(x, "if-none-match"),
        .if_modified_since = header(x, "if-modified-since"),
        .if_unmodified_since = header(x, "if-unmodified-since"),
    };
    bool reads = x->is_head || str_eq(x->method, WEIR_STR("GET"));
    return (int)http_conditions_check(&conditions, &validators, reads, now());
}

bool exchange_if_range_holds(weir_exchange *x, const char *etag, int64_t modified)
{
    struct http_conditions conditions = {.if_range = header(x, "if-range")};
    struct http_validators validators = {str_of(etag), modified};

    return http_if_range_holds(&conditions, &validators, now());
}
