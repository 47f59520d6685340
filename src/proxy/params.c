/* SPDX-License-Identifier: MIT
 *
 * proxy/params.c: the parameters of a request: what weir vouches for, the request line, the
 * headers.
 *
 * Each name is written once. Headers become HTTP_ names by a mapping that no two names share
 * (letters and digits as they are, '-' to '_', any other name dropped before), so no header can
 * become or hide a parameter of another kind. */
#include "proxy/gateway.h"

#include "http/field.h"

enum { HEADER_NAME_MAX = 256 };

static int put(struct gateway *g, const char *name, size_t name_len, weir_str value)
{
    return weir_web_param(g->call.request, str(name, name_len), value);
}

#define PUT(g, name, value) put((g), (name), sizeof(name) - 1, (value))

/* Some 2 KiB in each request, that hardly any application looks at. */
static bool is_whole_certificate(weir_str name)
{
    return str_eq(name, WEIR_STR("TLS_CLIENT_CERT")) || str_eq(name, WEIR_STR("SSL_CLIENT_CERT"));
}

/* Facts of the connection and of weir itself. */
static int put_trusted(struct gateway *g)
{
    weir_exchange *x = g->x;
    weir_str name, value;
    int rc = PUT(g, "GATEWAY_INTERFACE", WEIR_STR("CGI/1.1"));

    if (rc == 0)
        rc = PUT(g, "SERVER_SOFTWARE", WEIR_STR("weir/" WEIR_VERSION));
    if (rc == 0)
        rc = PUT(g, "REQUEST_ID", str(g->request_id, REQUEST_ID_SIZE));
    /* REMOTE_ADDR, REMOTE_PORT, SERVER_ADDR, SERVER_PORT, REQUEST_SCHEME, TLS_*, SSL_* */
    for (size_t i = 0; rc == 0 && weir_param_at(x, i, &name, &value); i++)
        if (!is_whole_certificate(name))
            rc = weir_web_param(g->call.request, name, value);
    if (rc == 0)
        rc = PUT(g, "SERVER_NAME", x->host);
    if (rc != 0 || !g->proxy->options.root)
        return rc;
    rc = PUT(g, "DOCUMENT_ROOT", str_of(g->proxy->options.root));
    if (rc == 0)
        rc = PUT(g, "SCRIPT_FILENAME", g->script.filename);
    return rc ? rc : PUT(g, "REDIRECT_STATUS", WEIR_STR("200"));
}

/* A request without a body says so by not mentioning one (RFC 3875 4.1.2), unless its method leads
 * to expect one. */
static bool tells_length(const struct gateway *g)
{
    return g->content_length > 0 ||
           (g->content_length == 0 &&
            (str_eq(g->method, WEIR_STR("POST")) || str_eq(g->method, WEIR_STR("PUT")) ||
             str_eq(g->method, WEIR_STR("PATCH"))));
}

static int put_request_line(struct gateway *g)
{
    weir_exchange *x = g->x;
    char digits[20];
    int rc = PUT(g, "REQUEST_METHOD", g->method);

    if (rc == 0)
        rc = PUT(g, "SERVER_PROTOCOL", x->protocol);
    if (rc == 0)
        rc = PUT(g, "REQUEST_URI", g->target);
    if (rc == 0)
        rc = PUT(g, "SCRIPT_NAME", g->script.name);
    if (rc == 0 && g->script.path_info.ptr)
        rc = PUT(g, "PATH_INFO", g->script.path_info);
    if (rc == 0)
        rc = PUT(g, "DOCUMENT_URI", g->path);
    if (rc == 0)
        rc = PUT(g, "QUERY_STRING", g->query);
    if (rc == 0 && tells_length(g))
        rc = PUT(g, "CONTENT_LENGTH", str(digits, u64_to_dec((uint64_t)g->content_length, digits)));
    return rc;
}

static int put_header(struct gateway *g, const struct header *h)
{
    char name[5 + HEADER_NAME_MAX] = "HTTP_";

    if (h->id == HTTP_FIELD_CONTENT_TYPE)
        return g->content_length >= 0 ? PUT(g, "CONTENT_TYPE", h->value) : 0;
    if (h->name.len > HEADER_NAME_MAX)
        return WEIR_ERROR_LIMIT;
    for (size_t i = 0; i < h->name.len; i++)
        name[5 + i] = h->name.ptr[i] == '-' ? '_' : ascii_upper(h->name.ptr[i]);
    return put(g, name, 5 + h->name.len, h->value);
}

int gateway_params(struct gateway *g)
{
    weir_exchange *x = g->x;
    int rc = exchange_load(x); /* none must be missing because memory was out */

    if (rc == 0)
        rc = put_trusted(g);
    if (rc == 0)
        rc = put_request_line(g);
    for (size_t i = 0; i < x->header_count && rc == 0; i++)
        rc = put_header(g, &x->headers[i]);
    return rc ? rc : weir_web_params_end(g->call.request);
}
