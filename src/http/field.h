/* SPDX-License-Identifier: MIT
 *
 * http/field.h: header fields as places in a buffer, and the names that mean something to us.
 *
 * Parsers describe what they found by offsets from the first byte of the head, never by pointers:
 * the head may be moved (from the loop's read buffer into the request's arena) without touching
 * the fields. */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* X(identifier, lower-case name): fields that the edge or the gateway treats by name. */
#define HTTP_FIELD_MAP(X)                         \
    X(ACCEPT_ENCODING, "accept-encoding")         \
    X(AUTHORIZATION, "authorization")             \
    X(CONNECTION, "connection")                   \
    X(CONTENT_ENCODING, "content-encoding")       \
    X(CONTENT_LENGTH, "content-length")           \
    X(CONTENT_RANGE, "content-range")             \
    X(CONTENT_TYPE, "content-type")               \
    X(COOKIE, "cookie")                           \
    X(DATE, "date")                               \
    X(EXPECT, "expect")                           \
    X(HOST, "host")                               \
    X(HTTP2_SETTINGS, "http2-settings")           \
    X(IF_MATCH, "if-match")                       \
    X(IF_MODIFIED_SINCE, "if-modified-since")     \
    X(IF_NONE_MATCH, "if-none-match")             \
    X(IF_RANGE, "if-range")                       \
    X(IF_UNMODIFIED_SINCE, "if-unmodified-since") \
    X(KEEP_ALIVE, "keep-alive")                   \
    X(LOCATION, "location")                       \
    X(PROXY, "proxy")                             \
    X(PROXY_AUTHORIZATION, "proxy-authorization") \
    X(PROXY_CONNECTION, "proxy-connection")       \
    X(RANGE, "range")                             \
    X(REDIRECT_STATUS, "redirect-status")         \
    X(SERVER, "server")                           \
    X(STATUS, "status")                           \
    X(TE, "te")                                   \
    X(TRAILER, "trailer")                         \
    X(TRANSFER_ENCODING, "transfer-encoding")     \
    X(UPGRADE, "upgrade")                         \
    X(X_ACCEL_REDIRECT, "x-accel-redirect")       \
    X(X_SENDFILE, "x-sendfile")

enum http_field_id {
    HTTP_FIELD_OTHER = 0,
#define HTTP_FIELD_ENUM(identifier, name) HTTP_FIELD_##identifier,
    HTTP_FIELD_MAP(HTTP_FIELD_ENUM)
#undef HTTP_FIELD_ENUM
        HTTP_FIELD_COUNT
};

struct http_span {
    uint32_t off, len;
};

struct http_field {
    struct http_span value; /* without the white space around it */
    uint32_t name_off;
    uint16_t name_len;
    uint8_t id; /* enum http_field_id */
};

/* A field that has found its place: what an exchange shows. */
struct header {
    weir_str name;  /* lower case, of [a-z0-9-] */
    weir_str value; /* followed by a NUL */
    uint8_t id;     /* enum http_field_id */
};

static inline weir_str http_span_str(const char *base, struct http_span span)
{
    return (weir_str){base + span.off, span.len};
}

static inline weir_str http_field_name(const char *base, const struct http_field *field)
{
    return (weir_str){base + field->name_off, field->name_len};
}

static inline weir_str http_field_value(const char *base, const struct http_field *field)
{
    return http_span_str(base, field->value);
}

/* The identifier of a name in any case; HTTP_FIELD_OTHER for one that is not in the map. The name
 * must be a token (RFC 9110 5.6.2). */
enum http_field_id http_field_lookup(const char *name, size_t len);

/* Whether the field belongs to one connection and is never passed on (RFC 9110 7.6.1; also
 * Proxy-Authorization, RFC 9110 11.7.1, and HTTP2-Settings, RFC 9113). */
bool http_field_is_hop_by_hop(enum http_field_id id);

/* Whether the field never becomes a header of an exchange: those of one connection, those that
 * would turn into a parameter that somebody trusts (Proxy: httpoxy; Redirect-Status:
 * CVE-2024-8927), and what the edge itself obeys: Expect and Content-Length. */
bool http_field_stays_at_edge(enum http_field_id id);

/* Whether a second field of this name must have the value of the first: what means one thing cannot
 * mean two (RFC 9110 5.3). Host and the framing fields are stricter still. */
bool http_field_is_singleton(enum http_field_id id);

/* Whether the field has no place behind the body (RFC 9110 6.5.1): what must be known before. Of
 * long names the first bytes are enough. */
bool http_field_forbidden_in_trailers(weir_str name);

/* Whether a name is a token and a value holds no byte but HTAB, SP, 21-7E and 80-FF: what may be
 * written into a header without changing its framing. The empty value is valid, the empty name is
 * not. */
bool http_name_valid(weir_str name);
bool http_value_valid(weir_str value);

/* Whether the name is a token that may stand in trailers: none of those that frame, route, control
 * or authenticate a message, or say how to read its body (RFC 9110 6.5.1). */
bool http_trailer_allowed(weir_str name);

/* Takes the first item of a comma-separated list of tokens off *list, without the white space
 * around it; an item may be empty (RFC 9110 5.6.1.2). False when there is none left. */
bool http_list_next(weir_str *list, weir_str *ret_item);

/* Whether the comma-separated list holds the token, without regard to case. */
bool http_list_has(weir_str list, weir_str token);

#endif
