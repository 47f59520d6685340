/* SPDX-License-Identifier: MIT
 *
 * http/cookie.c: see cookie.h. */
#include "http/cookie.h"

#include <weir/error.h>

#include "http/chars.h"
#include "http/field.h"
#include "http/response.h"

/* ---- Cookie ---------------------------------------------------------------------------------- */

static weir_str trim(weir_str s)
{
    while (s.len > 0 && http_char_is_ows(s.ptr[0]))
        s = str(s.ptr + 1, s.len - 1);
    while (s.len > 0 && http_char_is_ows(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool http_cookie_next(weir_str *cookies, weir_str *ret_name, weir_str *ret_value)
{
    while (cookies->len > 0) {
        const char *semicolon = memchr(cookies->ptr, ';', cookies->len);
        size_t len = semicolon ? (size_t)(semicolon - cookies->ptr) : cookies->len;
        weir_str pair = {cookies->ptr, len};
        const char *equals = len ? memchr(pair.ptr, '=', len) : NULL;

        *cookies = semicolon ? str(semicolon + 1, cookies->len - len - 1) : str(NULL, 0);
        if (!equals || !http_value_valid(pair))
            continue;
        size_t name_len = (size_t)(equals - pair.ptr);
        weir_str name = trim(str(pair.ptr, name_len));
        weir_str value = trim(str(equals + 1, len - name_len - 1));
        if (name.len == 0)
            continue;
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = str(value.ptr + 1, value.len - 2);
        *ret_name = name;
        *ret_value = value;
        return true;
    }
    return false;
}

/* ---- Set-Cookie ------------------------------------------------------------------------------ */

/* cookie-octet, RFC 6265 4.1.1. */
static bool is_cookie_value(weir_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

static bool is_path(weir_str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] < 0x20 || path.ptr[i] >= 0x7f || path.ptr[i] == ';')
            return false;
    return path.len > 0 && path.ptr[0] == '/';
}

static bool is_domain(weir_str domain)
{
    for (size_t i = 0; i < domain.len; i++) {
        char c = ascii_lower(domain.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return domain.len > 0;
}

static bool has_prefix(weir_str name, weir_str prefix)
{
    return name.len >= prefix.len && str_eq_nocase(str(name.ptr, prefix.len), prefix);
}

static int check(const struct http_cookie *c)
{
    bool host = has_prefix(c->name, WEIR_STR("__Host-"));
    bool needs_secure = host || has_prefix(c->name, WEIR_STR("__Secure-")) || c->partitioned ||
                        c->same_site == HTTP_SAME_SITE_NONE;

    if (!http_name_valid(c->name) || !is_cookie_value(c->value) ||
        (c->path.ptr && !is_path(c->path)) || (c->domain.ptr && !is_domain(c->domain)))
        return WEIR_ERROR_HEADER;
    if (c->name.len > HTTP_COOKIE_MAX || c->value.len > HTTP_COOKIE_MAX - c->name.len ||
        c->path.len > HTTP_COOKIE_ATTRIBUTE_MAX || c->domain.len > HTTP_COOKIE_ATTRIBUTE_MAX)
        return WEIR_ERROR_LIMIT;
    if (needs_secure && !c->secure)
        return WEIR_ERROR_INVALID;
    if (host && (c->domain.ptr || !c->path.ptr || c->path.len != 1))
        return WEIR_ERROR_INVALID;
    return 0;
}

struct writer {
    char *out;
    size_t len;
};

static void put(struct writer *w, weir_str text)
{
    if (text.len > 0)
        memcpy(w->out + w->len, text.ptr, text.len);
    w->len += text.len;
}

static void put_date(struct writer *w, int64_t seconds)
{
    char date[HTTP_DATE_SIZE];

    http_date(seconds, date);
    put(w, WEIR_STR("; Expires="));
    put(w, str_of(date));
}

int http_cookie_write(const struct http_cookie *c, char out[static HTTP_SET_COOKIE_MAX])
{
    static const char *const same_site[] = {"", "; SameSite=Lax", "; SameSite=Strict",
                                            "; SameSite=None"};
    struct writer w = {out, 0};
    char number[20];
    int rc = check(c);

    if (rc != 0)
        return rc;
    put(&w, c->name);
    put(&w, WEIR_STR("="));
    put(&w, c->value);
    if (c->path.ptr) {
        put(&w, WEIR_STR("; Path="));
        put(&w, c->path);
    }
    if (c->domain.ptr) {
        put(&w, WEIR_STR("; Domain="));
        put(&w, c->domain);
    }
    if (c->max_age != 0) {
        put(&w, WEIR_STR("; Max-Age="));
        put(&w, str(number, u64_to_dec(c->max_age > 0 ? (uint64_t)c->max_age : 0, number)));
    }
    if (c->max_age < 0 || c->expires != 0)
        put_date(&w, c->max_age < 0 ? 0 : c->expires);
    if (c->secure)
        put(&w, WEIR_STR("; Secure"));
    if (c->http_only)
        put(&w, WEIR_STR("; HttpOnly"));
    put(&w, str_of(same_site[c->same_site]));
    if (c->partitioned)
        put(&w, WEIR_STR("; Partitioned"));
    out[w.len] = '\0';
    return 0;
}
