/* SPDX-License-Identifier: MIT
 *
 * http/target.c: request targets and authorities, taken apart and checked. */
#include "http/target.h"

#include <arpa/inet.h>

#include "http/chars.h"

/* The length of "[IPv6 address]" at the start of s, 0 if there is none. Zone identifiers and
 * IPvFuture are refused: no server name is spelled so, and backends disagree about them. */
static size_t ipv6_literal(weir_str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t n = 0;

    for (size_t i = 1; i < s.len && n < sizeof text; i++) {
        char c = s.ptr[i];
        if (c == ']') {
            text[n] = '\0';
            return inet_pton(AF_INET6, text, &address) == 1 ? i + 1 : 0;
        }
        if (http_hex_value(c) < 0 && c != ':' && c != '.')
            return 0;
        text[n++] = c;
    }
    return 0;
}

bool http_authority_parse(weir_str authority, weir_str *ret_host, uint32_t *ret_port)
{
    size_t len;
    uint64_t port = 0;

    if (authority.len > 0 && authority.ptr[0] == '[')
        len = ipv6_literal(authority);
    else
        len = http_skip(authority.ptr, 0, authority.len, HTTP_CHAR_HOST);
    if (len == 0)
        return false;

    if (len < authority.len) {
        weir_str digits = {authority.ptr + len + 1, authority.len - len - 1};
        if (authority.ptr[len] != ':')
            return false;
        if (digits.len > 0 && (!str_to_u64(digits, 65535, &port) || port == 0))
            return false;
    }
    *ret_host = str(authority.ptr, len);
    *ret_port = (uint32_t)port;
    return true;
}

/* Every '%' starts an escape of two hex digits, none of them %00. */
static bool escapes_valid(weir_str path)
{
    const char *end = path.ptr + path.len;

    for (const char *p = path.ptr; p < end && (p = memchr(p, '%', (size_t)(end - p))); p += 3) {
        if (end - p < 3 || http_hex_value(p[1]) < 0 || http_hex_value(p[2]) < 0)
            return false;
        if (p[1] == '0' && p[2] == '0')
            return false;
    }
    return true;
}

/* Cuts path?query. The query is not looked into: it is the application's. */
static bool split_path(weir_str s, weir_str *ret_path, weir_str *ret_query, bool *ret_has_query)
{
    const char *mark = s.len ? memchr(s.ptr, '?', s.len) : NULL;
    weir_str path = {s.ptr, mark ? (size_t)(mark - s.ptr) : s.len};

    if (!escapes_valid(path))
        return false;
    *ret_path = path;
    *ret_query = mark ? str(mark + 1, s.len - path.len - 1) : str(NULL, 0);
    *ret_has_query = mark != NULL;
    return true;
}

bool http_origin_form_parse(weir_str target, weir_str *ret_path, weir_str *ret_query,
                            bool *ret_has_query)
{
    return target.len > 0 && target.ptr[0] == '/' &&
           http_skip(target.ptr, 0, target.len, HTTP_CHAR_TARGET) == target.len &&
           split_path(target, ret_path, ret_query, ret_has_query);
}

static struct http_span span_of(const char *head, weir_str s)
{
    return (struct http_span){s.ptr ? (uint32_t)(s.ptr - head) : 0, (uint32_t)s.len};
}

static const char *set_path(struct http_request *request, const char *head, weir_str s)
{
    weir_str path, query;

    if (!split_path(s, &path, &query, &request->has_query))
        return "target-escape";
    request->path = span_of(head, path);
    request->query = span_of(head, query);
    return NULL;
}

static const char *set_authority(struct http_request *request, const char *head, weir_str authority)
{
    weir_str host;

    if (!http_authority_parse(authority, &host, &request->port))
        return "target-authority";
    request->authority = span_of(head, authority);
    request->host = span_of(head, host);
    request->has_host = true;
    return NULL;
}

/* http://host:port/path?query; userinfo falls to the check of the authority (RFC 9110 4.2.4). */
static const char *absolute_form(struct http_request *request, const char *head, weir_str target,
                                 bool tls, uint16_t *ret_status)
{
    const char *colon = memchr(target.ptr, ':', target.len);
    size_t scheme_len = colon ? (size_t)(colon - target.ptr) : 0;
    weir_str scheme = {target.ptr, scheme_len};

    if (target.len < scheme_len + 3 || memcmp(target.ptr + scheme_len, "://", 3) != 0)
        return "target-form";
    request->is_https = str_eq_nocase(scheme, WEIR_STR("https"));
    if (!request->is_https && !str_eq_nocase(scheme, WEIR_STR("http")))
        return "target-scheme";
    if (request->is_https != tls) {
        *ret_status = 421;
        return "target-scheme";
    }

    size_t start = scheme_len + 3, end = start;
    while (end < target.len && target.ptr[end] != '/' && target.ptr[end] != '?')
        end++;
    const char *reason = set_authority(request, head, str(target.ptr + start, end - start));
    if (reason)
        return reason;
    return set_path(request, head, str(target.ptr + end, target.len - end));
}

const char *http_target_parse(struct http_request *request, const char *head, bool tls,
                              uint16_t *ret_status)
{
    weir_str method = http_span_str(head, request->method);
    weir_str target = http_span_str(head, request->target);

    *ret_status = 400;
    if (str_eq(method, WEIR_STR("CONNECT"))) {
        request->target_form = HTTP_TARGET_AUTHORITY;
        const char *reason = set_authority(request, head, target);
        /* RFC 9110 9.3.6: there is no default port. */
        return !reason && request->port == 0 ? "target-authority" : reason;
    }
    if (target.ptr[0] == '/') {
        request->target_form = HTTP_TARGET_ORIGIN;
        return set_path(request, head, target);
    }
    if (str_eq(target, WEIR_STR("*"))) {
        if (!str_eq(method, WEIR_STR("OPTIONS")))
            return "target-form";
        request->target_form = HTTP_TARGET_ASTERISK;
        request->path = request->target;
        return NULL;
    }
    request->target_form = HTTP_TARGET_ABSOLUTE;
    return absolute_form(request, head, target, tls, ret_status);
}
