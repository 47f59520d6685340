/* SPDX-License-Identifier: MIT
 *
 * Content-Type values: their parameters, and what a form makes of them. */
#include <stdlib.h>
#include <weir/error.h>

#include "fuzz.h"
#include "http/form.h"
#include "http/param.h"

static void check_parameters(weir_str bytes)
{
    weir_str rest = bytes, head = http_param_head(&rest), name, value;
    char *unquoted = malloc(bytes.len + 1);
    int rc;

    FUZZ_CHECK(unquoted && !memchr(head.ptr, ';', head.len));
    while ((rc = http_param_next(&rest, &name, &value)) > 0) {
        FUZZ_CHECK(http_name_valid(name) && value.len > 0);
        FUZZ_CHECK(value.ptr + value.len + rest.len == bytes.ptr + bytes.len);
        FUZZ_CHECK(http_unquote(value, unquoted) <= value.len);
    }
    FUZZ_CHECK(rc == WEIR_ERROR_HEADER || rest.len == 0);
    free(unquoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_form_limits limits = {.header_size = 100};
    weir_str bytes = fuzz_copy(str((const char *)data, size));
    struct pool pool;
    struct http_form form;

    check_parameters(bytes);
    pool_init(&pool);
    int rc = http_form_init(&form, &pool, &limits, bytes);
    FUZZ_CHECK(rc == 0 || rc == WEIR_ERROR_MEDIA_TYPE || rc == WEIR_ERROR_FORM);
    if (form.is_multipart) {
        const struct http_multipart *m = &form.multipart;
        weir_str boundary = {m->delimiter + 4, m->delimiter_len - (size_t)4};
        FUZZ_CHECK(rc == 0 && http_boundary_valid(boundary));
    }
    http_form_done(&form);
    pool_done(&pool);
    fuzz_free(bytes);
    return 0;
}
