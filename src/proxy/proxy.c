/* SPDX-License-Identifier: MIT
 *
 * proxy/proxy.c: weir as a whole: listeners in front, upstreams on every loop. */
#include "proxy/proxy.h"

#include <stdio.h>
#include <stdlib.h>

static int loop_started(struct loop *loop, void *arg)
{
    struct proxy *proxy = arg;
    unsigned count = proxy->options.to_count;
    struct proxy_loop *pl = calloc(1, sizeof *pl + count * sizeof *pl->upstreams);

    if (!pl)
        return WEIR_ERROR_NOMEM;
    pl->loop = loop;
    pl->next = loop->index;
    for (unsigned i = 0; i < count; i++)
        upstream_init(&pl->upstreams[i], loop, &proxy->backends[i], &proxy->options.upstream);
    proxy->loops[loop->index] = pl;
    loop->user = pl;
    return 0;
}

/* No connection is kept for requests that will not come. */
static void loop_draining(struct loop *loop, void *arg)
{
    struct proxy *proxy = arg;
    struct proxy_loop *pl = proxy->loops[loop->index];

    for (unsigned i = 0; i < proxy->options.to_count; i++)
        upstream_drain(&pl->upstreams[i]);
}

static void loop_stopped(struct loop *loop, void *arg)
{
    struct proxy *proxy = arg;
    struct proxy_loop *pl = proxy->loops[loop->index];

    for (unsigned i = 0; i < proxy->options.to_count; i++)
        upstream_close(&pl->upstreams[i]);
}

static int listen_all(struct proxy *proxy)
{
    for (unsigned i = 0; i < proxy->options.listen_count; i++) {
        const char *url = proxy->options.listen[i];
        if (strncmp(url, "fcgi", 4) == 0) {
            fprintf(stderr, "weir: --listen %s: weir accepts HTTP; FastCGI is for --to\n", url);
            return WEIR_ERROR_ADDRESS;
        }
        int rc = weir_server_listen(proxy->server, url, proxy_handle, proxy);
        if (rc != 0) {
            fprintf(stderr, "weir: %s\n", weir_server_error(proxy->server));
            return rc;
        }
    }
    return 0;
}

static int add_certificates(struct proxy *proxy)
{
    const struct proxy_options *o = &proxy->options;

    for (unsigned i = 0; i < o->cert_count; i++) {
        int rc = weir_server_add_certificate(proxy->server, o->cert[i], o->key[i]);
        if (rc != 0) {
            fprintf(stderr, "weir: %s\n", weir_server_error(proxy->server));
            return rc;
        }
    }
    return 0;
}

/* What is needed to speak TLS to backends. */
static int init_backend_tls(struct proxy *proxy)
{
    struct proxy_options *o = &proxy->options;
    struct tls_settings settings = {.ca_file = o->backend_ca};
    char error[TLS_ERROR];
    int rc = tls_context_new(false, &settings, &proxy->backend_tls, error);

    if (rc == 0 && o->backend_cert)
        rc =
            tls_context_add_certificate(proxy->backend_tls, o->backend_cert, o->backend_key, error);
    if (rc != 0)
        fprintf(stderr, "weir: %s\n", error);
    o->upstream.tls = proxy->backend_tls;
    return rc;
}

static int init_backends(struct proxy *proxy, const struct proxy_options *options)
{
    char error[ENDPOINT_ERROR];

    for (unsigned i = 0; i < options->to_count; i++) {
        struct endpoint *ep = &proxy->backends[i];
        int rc = endpoint_parse(options->to[i], false, ep, error);
        if (rc != 0) {
            fprintf(stderr, "weir: --to %s\n", error);
            return rc;
        }
        if (ep->carrier != ENDPOINT_FCGI) {
            fprintf(stderr,
                    "weir: --to %s: weir speaks FastCGI to its backends, so this must be "
                    "fcgi://HOST:PORT, fcgis://HOST:PORT or fcgi+unix:PATH\n",
                    options->to[i]);
            return WEIR_ERROR_ADDRESS;
        }
        rc = ep->is_tls && !proxy->backend_tls ? init_backend_tls(proxy) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

int proxy_init(struct proxy *proxy, const struct proxy_options *options)
{
    int rc;

    *proxy = (struct proxy){.options = *options};
    rc = init_backends(proxy, options);
    if (rc != 0)
        return rc;
    proxy->server = weir_server_new(&(weir_server_options){
        .size = sizeof(weir_server_options),
        .threads = options->threads,
        .body_max = options->body_max,
        .tls_client_ca = options->client_ca,
        .tls_client_verify = options->client_verify,
        .http2 = options->http2,
    });
    if (!proxy->server)
        return WEIR_ERROR_NOMEM;
    proxy->server->hooks = (struct server_hooks){
        .loop_started = loop_started,
        .loop_draining = loop_draining,
        .loop_stopped = loop_stopped,
        .arg = proxy,
    };
    rc = add_certificates(proxy);
    return rc ? rc : listen_all(proxy);
}

int proxy_run(struct proxy *proxy)
{
    server_own_process(proxy->server);
    return weir_server_run(proxy->server);
}

void proxy_done(struct proxy *proxy)
{
    proxy->server = weir_server_free(proxy->server);
    tls_context_unref(proxy->backend_tls);
    for (unsigned i = 0; i < 256; i++)
        free(proxy->loops[i]);
}
