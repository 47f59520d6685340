/* SPDX-License-Identifier: MIT
 *
 * http/field.c: the class table of all parsers, the names of field.h, and what can be said about a
 * name, a value or a list without knowing the message around it. */
#include "http/field.h"

#include "http/chars.h"

#define IS_ALPHA(c) (((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z'))
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_TOKEN(c)                                                                        \
    (IS_ALPHA(c) || IS_DIGIT(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || \
     (c) == '&' || (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' ||  \
     (c) == '^' || (c) == '_' || (c) == '`' || (c) == '|' || (c) == '~')
#define IS_VALUE(c) ((c) == '\t' || ((c) >= 0x20 && (c) != 0x7f))
#define IS_TARGET(c)                                                                     \
    ((c) > 0x20 && (c) < 0x7f && (c) != '#' && (c) != '<' && (c) != '>' && (c) != '"' && \
     (c) != '\\')
#define IS_HOST(c)                                                                         \
    (IS_ALPHA(c) || IS_DIGIT(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~' || \
     (c) == '!' || (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '(' || (c) == ')' ||  \
     (c) == '*' || (c) == '+' || (c) == ';' || (c) == '=')

#define CLASS(c)                                                                \
    (IS_TOKEN(c) ? HTTP_CHAR_TOKEN : 0) | (IS_VALUE(c) ? HTTP_CHAR_VALUE : 0) | \
        (IS_TARGET(c) ? HTTP_CHAR_TARGET : 0) | (IS_HOST(c) ? HTTP_CHAR_HOST : 0)
#define CLASS4(c)  CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define CLASS16(c) CLASS4(c), CLASS4((c) + 4), CLASS4((c) + 8), CLASS4((c) + 12)
#define CLASS64(c) CLASS16(c), CLASS16((c) + 16), CLASS16((c) + 32), CLASS16((c) + 48)

const uint8_t http_char_class[256] = {CLASS64(0), CLASS64(64), CLASS64(128), CLASS64(192)};

static const weir_str names[HTTP_FIELD_COUNT] = {
#define NAME(identifier, name) [HTTP_FIELD_##identifier] = {name, sizeof(name) - 1},
    HTTP_FIELD_MAP(NAME)
#undef NAME
};

/* The names of each length, ended by 0: after one look at the length most names need no compare,
 * the others one or two. A test finds a name of the map that is missing here. */
enum { LONGEST_NAME = 19, CANDIDATES = 5 };

static const uint8_t by_length[LONGEST_NAME + 1][CANDIDATES] = {
    [2] = {HTTP_FIELD_TE},
    [4] = {HTTP_FIELD_HOST, HTTP_FIELD_DATE},
    [5] = {HTTP_FIELD_RANGE, HTTP_FIELD_PROXY},
    [6] = {HTTP_FIELD_COOKIE, HTTP_FIELD_STATUS, HTTP_FIELD_SERVER, HTTP_FIELD_EXPECT},
    [7] = {HTTP_FIELD_UPGRADE, HTTP_FIELD_TRAILER},
    [8] = {HTTP_FIELD_LOCATION, HTTP_FIELD_IF_MATCH, HTTP_FIELD_IF_RANGE},
    [10] = {HTTP_FIELD_CONNECTION, HTTP_FIELD_KEEP_ALIVE, HTTP_FIELD_X_SENDFILE},
    [12] = {HTTP_FIELD_CONTENT_TYPE},
    [13] = {HTTP_FIELD_IF_NONE_MATCH, HTTP_FIELD_AUTHORIZATION, HTTP_FIELD_CONTENT_RANGE},
    [14] = {HTTP_FIELD_CONTENT_LENGTH, HTTP_FIELD_HTTP2_SETTINGS},
    [15] = {HTTP_FIELD_ACCEPT_ENCODING, HTTP_FIELD_REDIRECT_STATUS},
    [16] = {HTTP_FIELD_CONTENT_ENCODING, HTTP_FIELD_PROXY_CONNECTION, HTTP_FIELD_X_ACCEL_REDIRECT},
    [17] = {HTTP_FIELD_TRANSFER_ENCODING, HTTP_FIELD_IF_MODIFIED_SINCE},
    [19] = {HTTP_FIELD_IF_UNMODIFIED_SINCE, HTTP_FIELD_PROXY_AUTHORIZATION},
};

static uint64_t load8(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Whether a token is that lower-case name of the map. Setting bit 5 folds the case of letters and
 * changes no other byte of a token into one that the map's names have. */
static bool is_name(const char *token, weir_str name)
{
    size_t i = 0;

    for (; i + 8 <= name.len; i += 8)
        if ((load8(token + i) | 0x2020202020202020) != load8(name.ptr + i))
            return false;
    for (; i < name.len; i++)
        if ((token[i] | 0x20) != name.ptr[i])
            return false;
    return true;
}

enum http_field_id http_field_lookup(const char *name, size_t len)
{
    if (len == 0 || len > LONGEST_NAME)
        return HTTP_FIELD_OTHER;

    char first = (char)(name[0] | 0x20);
    for (const uint8_t *id = by_length[len]; *id; id++)
        if (names[*id].ptr[0] == first && is_name(name, names[*id]))
            return *id;
    return HTTP_FIELD_OTHER;
}

bool http_field_is_hop_by_hop(enum http_field_id id)
{
    switch (id) {
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_HTTP2_SETTINGS:
    case HTTP_FIELD_KEEP_ALIVE:
    case HTTP_FIELD_PROXY_AUTHORIZATION:
    case HTTP_FIELD_PROXY_CONNECTION:
    case HTTP_FIELD_TE:
    case HTTP_FIELD_TRAILER:
    case HTTP_FIELD_TRANSFER_ENCODING:
    case HTTP_FIELD_UPGRADE:
        return true;
    default:
        return false;
    }
}

bool http_field_stays_at_edge(enum http_field_id id)
{
    return http_field_is_hop_by_hop(id) || id == HTTP_FIELD_PROXY ||
           id == HTTP_FIELD_REDIRECT_STATUS || id == HTTP_FIELD_EXPECT ||
           id == HTTP_FIELD_CONTENT_LENGTH;
}

bool http_field_is_singleton(enum http_field_id id)
{
    switch (id) {
    case HTTP_FIELD_AUTHORIZATION:
    case HTTP_FIELD_CONTENT_RANGE:
    case HTTP_FIELD_CONTENT_TYPE:
    case HTTP_FIELD_EXPECT:
    case HTTP_FIELD_IF_MATCH:
    case HTTP_FIELD_IF_MODIFIED_SINCE:
    case HTTP_FIELD_IF_NONE_MATCH:
    case HTTP_FIELD_IF_RANGE:
    case HTTP_FIELD_IF_UNMODIFIED_SINCE:
    case HTTP_FIELD_PROXY_AUTHORIZATION:
    case HTTP_FIELD_RANGE:
        return true;
    default:
        return false;
    }
}

bool http_field_forbidden_in_trailers(weir_str name)
{
    enum http_field_id id = http_field_lookup(name.ptr, name.len);

    if (name.len > 8 && str_eq_nocase(str(name.ptr, 8), WEIR_STR("content-")))
        return true;
    switch (id) {
    case HTTP_FIELD_AUTHORIZATION:
    case HTTP_FIELD_COOKIE:
    case HTTP_FIELD_EXPECT:
    case HTTP_FIELD_HOST:
    case HTTP_FIELD_IF_MATCH:
    case HTTP_FIELD_IF_MODIFIED_SINCE:
    case HTTP_FIELD_IF_NONE_MATCH:
    case HTTP_FIELD_IF_RANGE:
    case HTTP_FIELD_IF_UNMODIFIED_SINCE:
    case HTTP_FIELD_RANGE:
        return true;
    default:
        return http_field_is_hop_by_hop(id) || str_eq_nocase(name, WEIR_STR("set-cookie"));
    }
}

bool http_name_valid(weir_str name)
{
    return name.len > 0 && http_skip(name.ptr, 0, name.len, HTTP_CHAR_TOKEN) == name.len;
}

bool http_value_valid(weir_str value)
{
    return http_skip_value(value.ptr, 0, value.len) == value.len;
}

bool http_trailer_allowed(weir_str name)
{
    /* Those of the map are not repeated. */
    static const char *const more[] = {
        "accept-ranges",
        "age",
        "allow",
        "cache-control",
        "content-disposition",
        "content-language",
        "content-location",
        "expires",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "retry-after",
        "set-cookie",
        "vary",
        "via",
        "warning",
        "www-authenticate",
    };

    if (!http_name_valid(name) || http_field_lookup(name.ptr, name.len) != HTTP_FIELD_OTHER)
        return false;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (str_eq_nocase(name, str_of(more[i])))
            return false;
    return true;
}

bool http_list_next(weir_str *list, weir_str *ret_item)
{
    if (!list->ptr)
        return false;

    const char *comma = list->len ? memchr(list->ptr, ',', list->len) : NULL;
    size_t len = comma ? (size_t)(comma - list->ptr) : list->len;
    weir_str item = {list->ptr, len};

    *list = comma ? str(comma + 1, list->len - len - 1) : (weir_str){NULL, 0};
    while (item.len > 0 && http_char_is_ows(item.ptr[0])) {
        item.ptr++;
        item.len--;
    }
    while (item.len > 0 && http_char_is_ows(item.ptr[item.len - 1]))
        item.len--;
    *ret_item = item;
    return true;
}

bool http_list_has(weir_str list, weir_str token)
{
    weir_str item;

    while (http_list_next(&list, &item))
        if (str_eq_nocase(item, token))
            return true;
    return false;
}
