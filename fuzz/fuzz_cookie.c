/* SPDX-License-Identifier: MIT
 *
 * Cookie fields; and each cookie that can be set again is read back from its Set-Cookie as it was.
 */
#include "fuzz.h"
#include "http/cookie.h"

static void check_set(weir_str name, weir_str value)
{
    struct http_cookie cookie = {.name = name,
                                 .value = value,
                                 .path = WEIR_STR("/"),
                                 .max_age = 1,
                                 .secure = true,
                                 .http_only = true};
    char out[HTTP_SET_COOKIE_MAX];

    if (http_cookie_write(&cookie, out) != 0)
        return;
    weir_str field = str_of(out), again, same;
    FUZZ_CHECK(http_value_valid(field));
    FUZZ_CHECK(http_cookie_next(&field, &again, &same));
    FUZZ_CHECK(str_eq(again, name) && str_eq(same, value));
    FUZZ_CHECK(str_eq(field, WEIR_STR(" Path=/; Max-Age=1; Secure; HttpOnly")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str bytes = fuzz_copy(str((const char *)data, size)), rest = bytes, name, value;
    size_t left = rest.len + 1;

    while (http_cookie_next(&rest, &name, &value)) {
        FUZZ_CHECK(rest.len < left);
        left = rest.len;
        FUZZ_CHECK(name.len > 0 && http_value_valid(name) && http_value_valid(value));
        FUZZ_CHECK(name.ptr >= bytes.ptr && value.ptr > name.ptr);
        FUZZ_CHECK(value.ptr + value.len <= bytes.ptr + bytes.len);
        FUZZ_CHECK(!memchr(name.ptr, '=', name.len));
        check_set(name, value);
    }
    FUZZ_CHECK(rest.len == 0);
    fuzz_free(bytes);
    return 0;
}
