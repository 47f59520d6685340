/* SPDX-License-Identifier: MIT
 *
 * client/cgi.c: the CGI/1.1 parameters of a request, from a method and a URL (RFC 3875 4.1). */
#include <stdio.h>
#include <stdlib.h>

#include "client/client.h"
#include "http/chars.h"
#include "http/field.h"
#include "http/path.h"
#include "http/request.h"

struct target {
    bool is_https;
    weir_str authority; /* as it was given */
    weir_str host;      /* without port */
    uint32_t port;      /* 0: the scheme's */
    weir_str origin;    /* path and query, raw */
    weir_str path;      /* of it, decoded: from malloc */
    weir_str query;
};

struct script {
    weir_str name;      /* SCRIPT_NAME */
    weir_str path_info; /* ptr NULL: none */
    weir_str filename;  /* from malloc, or ptr NULL */
};

static int bad_url(weir_client_request *r, const char *url, const char *why)
{
    return request_fail(r, WEIR_ERROR_ADDRESS, "%.300s: %s", url, why);
}

/* http://HOST[:PORT][/PATH][?QUERY], or what follows the host. A fragment is not sent. */
static int split_url(weir_client_request *r, const char *url, struct target *t)
{
    weir_str rest = str_of(url);
    const char *hash = memchr(rest.ptr, '#', rest.len);

    if (hash)
        rest.len = (size_t)(hash - rest.ptr);
    t->authority = t->host = WEIR_STR("localhost");
    if (!str_starts(rest, WEIR_STR("/"))) {
        size_t scheme = 7;
        if (rest.len >= 8 && str_eq_nocase(str(rest.ptr, 8), WEIR_STR("https://"))) {
            scheme = 8;
            t->is_https = true;
        } else if (rest.len < 7 || !str_eq_nocase(str(rest.ptr, 7), WEIR_STR("http://"))) {
            return bad_url(r, url, "this must be http://HOST/PATH, https://HOST/PATH or /PATH");
        }
        rest = str(rest.ptr + scheme, rest.len - scheme);
        size_t n = 0;
        while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
            n++;
        t->authority = str(rest.ptr, n);
        if (!http_authority_parse(t->authority, &t->host, &t->port))
            return bad_url(r, url, "the host is not valid");
        rest = str(rest.ptr + n, rest.len - n);
    }
    t->origin = rest;
    return 0;
}

/* Makes REQUEST_URI an origin-form and decodes its path. buffer: from malloc, is given to t. */
static int decode_path(weir_client_request *r, const char *url, struct target *t, char *buffer)
{
    weir_str raw, query;
    bool has_query;
    size_t len;

    if (t->origin.len == 0 || t->origin.ptr[0] == '?') {
        /* "http://host?query" asks for "/" (RFC 9112 3.2.1). */
        buffer[0] = '/';
        if (t->origin.len > 0)
            memcpy(buffer + 1, t->origin.ptr, t->origin.len);
        t->origin = str(buffer, t->origin.len + 1);
        buffer += t->origin.len;
    }
    if (!http_origin_form_parse(t->origin, &raw, &query, &has_query))
        return bad_url(r, url, "the path or query holds bytes that no request line can");
    t->query = has_query ? query : WEIR_STR("");
    enum http_path_result result = http_path_normalise(raw, buffer, &len);
    if (result != HTTP_PATH_OK)
        return bad_url(r, url, http_path_reason(result));
    t->path = str(buffer, len);
    return 0;
}

static char *concat(weir_str a, weir_str b, weir_str c, size_t *ret_len)
{
    char *out = malloc(a.len + b.len + c.len + 1);

    if (!out)
        return NULL;
    memcpy(out, a.ptr, a.len);
    memcpy(out + a.len, b.ptr, b.len);
    memcpy(out + a.len + b.len, c.ptr, c.len);
    *ret_len = a.len + b.len + c.len;
    return out;
}

/* The end of the first segment that ends like a script; 0 if there is none. */
static size_t script_end(weir_str path, weir_str split)
{
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/')
            continue;
        if (i > split.len && str_eq(str(path.ptr + i - split.len, split.len), split))
            return i;
    }
    return 0;
}

/* SCRIPT_NAME is the path up to end, PATH_INFO what follows. */
static void split_path(struct script *s, weir_str path, size_t end)
{
    s->name = str(path.ptr, end);
    if (end < path.len)
        s->path_info = str(path.ptr + end, path.len - end);
}

static int find_under_root(weir_client_request *r, const weir_client_http *http, weir_str path,
                           struct script *s, char **ret_owned)
{
    weir_str root = str_of(http->root);
    weir_str split = str_of(http->split ? http->split : ".php");
    size_t end = script_end(path, split), len;

    while (root.len > 0 && root.ptr[root.len - 1] == '/')
        root.len--;
    if (end > 0) {
        split_path(s, path, end);
    } else if (path.ptr[path.len - 1] == '/') {
        weir_str index = str_of(http->index ? http->index : "index.php");
        *ret_owned = concat(path, index, WEIR_STR(""), &len);
        if (!*ret_owned)
            return WEIR_ERROR_NOMEM;
        s->name = str(*ret_owned, len);
    } else {
        return request_fail(r, WEIR_ERROR_INVALID, "%.*s: no script: no segment ends with %.*s",
                            (int)path.len, path.ptr, (int)split.len, split.ptr);
    }
    if (!http->script_filename) {
        s->filename.ptr = concat(root, s->name, WEIR_STR(""), &s->filename.len);
        if (!s->filename.ptr)
            return WEIR_ERROR_NOMEM;
    }
    return 0;
}

static int find_script(weir_client_request *r, const weir_client_http *http, weir_str path,
                       struct script *s, char **ret_owned)
{
    weir_str name = str_of(http->script_name);

    if (http->script_name) {
        while (name.len > 0 && name.ptr[name.len - 1] == '/')
            name.len--;
        if (!str_starts(path, name) || (path.len > name.len && path.ptr[name.len] != '/'))
            return request_fail(r, WEIR_ERROR_INVALID, "%.*s: does not begin with the script %s",
                                (int)path.len, path.ptr, http->script_name);
        split_path(s, path, name.len);
        return 0;
    }
    if (http->root)
        return find_under_root(r, http, path, s, ret_owned);
    split_path(s, path, http->script_filename ? path.len : 0);
    return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Adds parameters until one fails; then the rest are left out. */
struct writer {
    weir_client_request *r;
    int rc;
};

static void put(struct writer *w, const char *name, weir_str value)
{
    if (w->rc == 0 && value.ptr)
        w->rc = request_put(w->r, str_of(name), value, false);
}

static void put_server(struct writer *w, const weir_client_http *http, const struct target *t)
{
    char digits[20];
    uint32_t port = t->port ? t->port : t->is_https ? 443 : 80;

    put(w, "GATEWAY_INTERFACE", WEIR_STR("CGI/1.1"));
    put(w, "SERVER_SOFTWARE",
        http->server_software ? str_of(http->server_software) : WEIR_STR("weir/" WEIR_VERSION));
    put(w, "SERVER_PROTOCOL",
        http->server_protocol ? str_of(http->server_protocol) : WEIR_STR("HTTP/1.1"));
    put(w, "SERVER_NAME", t->host);
    put(w, "SERVER_PORT",
        http->server_port ? str_of(http->server_port) : str(digits, u64_to_dec(port, digits)));
    put(w, "SERVER_ADDR", str_of(http->server_addr));
    put(w, "REMOTE_ADDR", http->remote_addr ? str_of(http->remote_addr) : WEIR_STR("127.0.0.1"));
    put(w, "REMOTE_PORT", str_of(http->remote_port));
    put(w, "REQUEST_SCHEME", t->is_https ? WEIR_STR("https") : WEIR_STR("http"));
    if (t->is_https)
        put(w, "HTTPS", WEIR_STR("on"));
}

static void put_script(struct writer *w, const weir_client_http *http, const struct script *s)
{
    bool names_script = w->r->role != WEIR_AUTHORIZER; /* FastCGI 6.3 */

    if (names_script) {
        put(w, "SCRIPT_NAME", s->name);
        put(w, "PATH_INFO", s->path_info);
    }
    put(w, "DOCUMENT_ROOT", str_of(http->root));
    put(w, "SCRIPT_FILENAME", http->script_filename ? str_of(http->script_filename) : s->filename);
    if (names_script && http->root && s->path_info.ptr && w->rc == 0) {
        size_t len;
        char *translated = concat(str_of(http->root), s->path_info, WEIR_STR(""), &len);
        if (translated)
            put(w, "PATH_TRANSLATED", str(translated, len));
        else
            w->rc = WEIR_ERROR_NOMEM;
        free(translated);
    }
    if (http->script_filename || s->filename.ptr)
        put(w, "REDIRECT_STATUS", WEIR_STR("200"));
}

static int put_all(weir_client_request *r, const char *method, const weir_client_http *http,
                   const struct target *t, const struct script *s)
{
    struct writer w = {.r = r};

    put_server(&w, http, t);
    put(&w, "REQUEST_METHOD", str_of(method));
    put(&w, "REQUEST_URI", t->origin);
    put(&w, "DOCUMENT_URI", t->path);
    put(&w, "QUERY_STRING", t->query);
    put_script(&w, http, s);
    /* A Host header that was added before stays. */
    if (w.rc == 0 && !request_find_param(r, WEIR_STR("HTTP_HOST")))
        put(&w, "HTTP_HOST", t->authority);
    return w.rc;
}

int weir_client_request_http(weir_client_request *r, const char *method, const char *url,
                             const weir_client_http *given)
{
    weir_client_http http = {0};
    struct target target = {0};
    struct script script = {0};
    char *path = NULL, *owned = NULL;
    int rc;

    if (given)
        memcpy(&http, given, given->size < sizeof http ? given->size : sizeof http);
    if (r->state != REQUEST_NEW)
        return request_fail(r, WEIR_ERROR_STATE, "adding parameters: the request has started");
    if (!http_name_valid(str_of(method)))
        return request_fail(r, WEIR_ERROR_INVALID, "%.100s: not a method", method);
    rc = split_url(r, url, &target);
    if (rc != 0)
        return rc;
    path = malloc(2 * strlen(url) + 4);
    rc = path ? decode_path(r, url, &target, path) : WEIR_ERROR_NOMEM;
    if (rc == 0)
        rc = find_script(r, &http, target.path, &script, &owned);
    if (rc == 0)
        rc = put_all(r, method, &http, &target, &script);
    if (rc == WEIR_ERROR_NOMEM)
        (void)request_fail(r, rc, "adding parameters: out of memory");
    free((char *)(uintptr_t)script.filename.ptr);
    free(owned);
    free(path);
    return rc;
}
