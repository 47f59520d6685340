/* SPDX-License-Identifier: MIT
 *
 * server/fcgi_request.c: from FastCGI parameters to an exchange.
 *
 * Parameters come in three classes that share one list on the wire:
 *
 *     HTTP_*                        headers, the client's words
 *     REQUEST_URI, SERVER_NAME ...  the request line, chosen by the client without a prefix
 *     everything else               what the proxy vouches for
 *
 * A name of the last two classes that comes twice has no meaning that could be trusted: the request
 * is refused. A NUL in any of them as well: what C would see is not what was sent. */
#include "http/path.h"
#include "http/request.h"
#include "server/fcgi.h"

/* X(name, second letter, last letter): the request line, and what is chosen by the client with it.
 */
#define LINE_PARAMS(X)           \
    X(REQUEST_METHOD, 'E', 'D')  \
    X(REQUEST_URI, 'E', 'I')     \
    X(QUERY_STRING, 'U', 'G')    \
    X(SCRIPT_NAME, 'C', 'E')     \
    X(PATH_INFO, 'A', 'O')       \
    X(PATH_TRANSLATED, 'A', 'D') \
    X(DOCUMENT_URI, 'O', 'I')    \
    X(CONTENT_TYPE, 'O', 'E')    \
    X(CONTENT_LENGTH, 'O', 'H')  \
    X(SERVER_PROTOCOL, 'E', 'L') \
    X(SERVER_NAME, 'E', 'E')     \
    X(SERVER_PORT, 'E', 'T')

enum line_param {
#define LINE_ENUM(name, second, last) LINE_##name,
    LINE_PARAMS(LINE_ENUM)
#undef LINE_ENUM
        LINE_COUNT
};

/* Two letters tell the names apart: no two share a slot, or the compiler would say so. */
enum { LINE_SLOTS = 32 };
#define LINE_SLOT(second, last) (((unsigned char)(second) + (unsigned char)(last)) % LINE_SLOTS)

static const struct {
    weir_str name;
    uint8_t param;
} line_slots[LINE_SLOTS] = {
#define LINE_NAME(name, second, last) \
    [LINE_SLOT(second, last)] = {{#name, sizeof #name - 1}, LINE_##name},
    LINE_PARAMS(LINE_NAME)
#undef LINE_NAME
};

/* Which parameter of the request line the name is; LINE_COUNT: none. */
static unsigned line_param(weir_str name)
{
    if (name.len < 2)
        return LINE_COUNT;
    unsigned slot = LINE_SLOT(name.ptr[1], name.ptr[name.len - 1]);
    return str_eq(name, line_slots[slot].name) ? line_slots[slot].param : LINE_COUNT;
}

static bool is_header(weir_str name)
{
    return name.len > 5 && memcmp(name.ptr, "HTTP_", 5) == 0;
}

/* Names so far, as a set of hashes: a name that is in it may be a repeated one, others are not, so
 * that hardly ever anything is compared. */
struct seen {
    uint64_t bits[4];
};

static bool is_repeated(const weir_pair *pairs, size_t index, struct seen *seen)
{
    weir_str name = pairs[index].name;
    unsigned hash = (unsigned)name.len * 37;
    if (name.len > 0)
        hash += (unsigned char)name.ptr[name.len - 1] + (unsigned char)name.ptr[name.len / 2] * 7u;
    uint64_t *word = &seen->bits[hash >> 6 & 3], bit = 1ull << (hash & 63);

    if (*word & bit)
        for (size_t i = 0; i < index; i++)
            if (str_eq(pairs[i].name, name))
                return true;
    *word |= bit;
    return false;
}

/* One pass over all parameters: sorts out the request line and the first HTTP_HOST, refuses what is
 * ambiguous. */
static const char *sort_params(const weir_pair *pairs, size_t count, weir_str line[LINE_COUNT],
                               weir_str *ret_host)
{
    struct seen seen = {{0}};

    for (size_t i = 0; i < count; i++) {
        if (is_header(pairs[i].name)) {
            if (!ret_host->ptr && str_eq(pairs[i].name, WEIR_STR("HTTP_HOST")))
                *ret_host = pairs[i].value;
            continue;
        }
        if (is_repeated(pairs, i, &seen))
            return "params-duplicate";
        unsigned param = line_param(pairs[i].name);
        if (param < LINE_COUNT)
            line[param] = pairs[i].value;
    }
    return NULL;
}

/* "http://host/path?q" to "/path?q": some servers pass the absolute form on. */
static weir_str origin_form(weir_str uri)
{
    weir_str schemes[] = {WEIR_STR("http://"), WEIR_STR("https://")};

    for (int i = 0; i < 2; i++) {
        if (uri.len < schemes[i].len || !str_eq_nocase(str(uri.ptr, schemes[i].len), schemes[i]))
            continue;
        for (size_t p = schemes[i].len; p < uri.len; p++)
            if (uri.ptr[p] == '/' || uri.ptr[p] == '?')
                return str(uri.ptr + p, uri.len - p);
        return str(uri.ptr + uri.len, 0);
    }
    return uri;
}

/* SCRIPT_NAME and PATH_INFO of a server that sends no REQUEST_URI, already decoded. */
static int path_from_cgi(struct weir_exchange *ex, const weir_str line[LINE_COUNT])
{
    weir_str script = line[LINE_SCRIPT_NAME], info = line[LINE_PATH_INFO];
    size_t len = script.len + info.len;
    char *path = arena_alloc(ex->arena, len + 1);

    if (!path)
        return WEIR_ERROR_NOMEM;
    if (script.len)
        memcpy(path, script.ptr, script.len);
    if (info.len)
        memcpy(path + script.len, info.ptr, info.len);
    path[len] = '\0';
    if (len > 0)
        ex->path = str(path, len);
    if (line[LINE_QUERY_STRING].len > 0)
        ex->query = line[LINE_QUERY_STRING];
    return 0;
}

static int set_path(struct weir_exchange *ex, const weir_str line[LINE_COUNT],
                    const char **ret_reason)
{
    weir_str uri = origin_form(line[LINE_REQUEST_URI]);
    size_t len;

    if (line[LINE_REQUEST_URI].len == 0)
        return path_from_cgi(ex, line);
    if (str_eq(uri, WEIR_STR("*"))) {
        ex->target = ex->path = WEIR_STR("*");
        return 0;
    }
    const char *mark = uri.len ? memchr(uri.ptr, '?', uri.len) : NULL;
    weir_str raw = mark ? str(uri.ptr, (size_t)(mark - uri.ptr)) : uri;
    if (mark) /* up to the end of the parameter, where its NUL is */
        ex->query = str(mark + 1, uri.len - raw.len - 1);
    if (raw.len == 0) { /* absolute form without a path */
        char *target = arena_alloc(ex->arena, uri.len + 2);
        if (!target)
            return WEIR_ERROR_NOMEM;
        target[0] = '/';
        memcpy(target + 1, uri.ptr, uri.len);
        target[uri.len + 1] = '\0';
        ex->target = str(target, uri.len + 1);
        ex->path = WEIR_STR("/");
        return 0;
    }
    char *path = arena_alloc(ex->arena, raw.len + 1);
    if (!path)
        return WEIR_ERROR_NOMEM;
    enum http_path_result result = http_path_normalise(raw, path, &len);
    if (result != HTTP_PATH_OK) {
        *ret_reason = http_path_reason(result);
        return WEIR_ERROR_PARAMS;
    }
    path[len] = '\0';
    ex->path = str(path, len);
    ex->target = uri;
    return 0;
}

/* The host of an authority, if that is one at all. */
static int set_host(struct weir_exchange *ex, weir_str authority)
{
    weir_str host;
    uint32_t port;

    if (authority.len == 0 || !http_authority_parse(authority, &host, &port) || host.len == 0)
        return 0;
    char *copy = arena_copy(ex->arena, host.ptr, host.len);
    if (!copy)
        return WEIR_ERROR_NOMEM;
    for (size_t k = 0; k < host.len; k++)
        copy[k] = ascii_lower(copy[k]);
    ex->host = str(copy, host.len);
    return 0;
}

int fcgi_exchange_init(struct fcgi_exchange *x, struct weir_app_request *request,
                       const char **ret_reason)
{
    struct weir_exchange *ex = &x->x;
    weir_str line[LINE_COUNT] = {{NULL, 0}}, host = {NULL, 0};
    const weir_pair *pairs = request->params.pairs;
    size_t count = request->params.count;
    int rc;

    *ret_reason = request->params.has_nul ? "params-nul" : sort_params(pairs, count, line, &host);
    if (*ret_reason)
        return WEIR_ERROR_PARAMS;
    *ret_reason = "out-of-memory";
    ex->role = (weir_role)request->role;
    ex->content_length = request->content_length;
    if (line[LINE_REQUEST_METHOD].len > 0)
        ex->method = line[LINE_REQUEST_METHOD];
    ex->is_head = str_eq(ex->method, WEIR_STR("HEAD"));
    ex->protocol = line[LINE_SERVER_PROTOCOL];
    rc = set_path(ex, line, ret_reason);
    return rc ? rc : set_host(ex, host);
}

/* ---- Loaded when asked for ------------------------------------------------------------------- */

/* Parameters whose empty value means "not": nginx sends REMOTE_USER="" for everybody. */
static bool means_absent(weir_pair pair)
{
    return pair.value.len == 0 &&
           (str_eq(pair.name, WEIR_STR("REMOTE_USER")) ||
            str_eq(pair.name, WEIR_STR("AUTH_TYPE")) ||
            str_eq(pair.name, WEIR_STR("REMOTE_IDENT")) || str_eq(pair.name, WEIR_STR("HTTPS")));
}

int fcgi_load_params(weir_exchange *ex)
{
    const struct params *params = &((struct fcgi_exchange *)ex)->request->params;

    ex->params = arena_alloc(ex->arena, params->count * sizeof *ex->params);
    if (!ex->params)
        return WEIR_ERROR_NOMEM;
    for (size_t i = 0; i < params->count; i++) {
        weir_pair pair = params->pairs[i];
        if (!str_starts(pair.name, WEIR_STR("HTTP_")) && line_param(pair.name) == LINE_COUNT &&
            pair.name.len > 0 && !means_absent(pair))
            ex->params[ex->param_count++] = pair;
    }
    return 0;
}

/* Fields that a careful proxy would not have passed on. */
static bool is_dropped(enum http_field_id id)
{
    return http_field_stays_at_edge(id) || id == HTTP_FIELD_CONTENT_TYPE;
}

/* HTTP_USER_AGENT to user-agent, in place; false for a name that no such header has. */
static bool fold_name(char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char ch = name[i];
        if (ch == '_')
            name[i] = '-';
        else if (ch >= 'A' && ch <= 'Z')
            name[i] = ascii_lower(ch);
        else if (ch < '0' || ch > '9')
            return false;
    }
    return true;
}

int fcgi_load_headers(weir_exchange *ex)
{
    const struct params *params = &((struct fcgi_exchange *)ex)->request->params;

    ex->header_count = 0; /* this may be the second attempt */
    ex->headers = arena_alloc(ex->arena, (params->count + 1) * sizeof *ex->headers);
    if (!ex->headers)
        return WEIR_ERROR_NOMEM;
    for (size_t i = 0; i < params->count; i++) {
        weir_pair pair = params->pairs[i];
        struct header *h = &ex->headers[ex->header_count];
        if (is_header(pair.name)) {
            h->name = str(pair.name.ptr + 5, pair.name.len - 5);
            if (!fold_name((char *)(uintptr_t)h->name.ptr, h->name.len))
                continue;
            h->id = (uint8_t)http_field_lookup(h->name.ptr, h->name.len);
            if (is_dropped(h->id))
                continue;
        } else if (str_eq(pair.name, WEIR_STR("CONTENT_TYPE")) && pair.value.len > 0) {
            h->name = WEIR_STR("content-type");
            h->id = HTTP_FIELD_CONTENT_TYPE;
        } else {
            continue;
        }
        h->value = pair.value;
        ex->header_count++;
    }
    return exchange_join_headers(ex);
}
