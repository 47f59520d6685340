/* SPDX-License-Identifier: MIT
 *
 * proxy/proxy.h: weir: what it was told to do, and what it has on each loop. */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <weir/server.h>

#include "client/call.h"
#include "exchange/exchange.h"
#include "server/server.h"

enum { BACKENDS_MAX = 64, LISTENERS_MAX = 64, CERTIFICATES_MAX = 64 };

struct proxy_options {
    const char *listen[LISTENERS_MAX];
    unsigned listen_count;
    const char *to[BACKENDS_MAX];
    unsigned to_count;
    const char *cert[CERTIFICATES_MAX], *key[CERTIFICATES_MAX];
    unsigned cert_count;
    const char *client_ca; /* issuers of client certificates, or NULL */
    weir_tls_verify client_verify;
    const char *backend_ca, *backend_cert, *backend_key; /* for fcgis: backends, or NULL */
    uint32_t threads;
    const char *root; /* document root of script backends, or NULL */
    uint64_t body_max;
    uint32_t http2; /* weir_http2 */
    struct upstream_options upstream;
};

struct proxy_loop {
    struct loop *loop;
    unsigned next; /* round robin */
    struct upstream upstreams[];
};

struct proxy {
    struct proxy_options options;
    struct endpoint backends[BACKENDS_MAX];
    struct tls_context *backend_tls; /* NULL: no backend needs it */
    struct weir_server *server;
    struct proxy_loop *loops[256];
};

/* 0, or an error after a line on stderr. */
int proxy_init(struct proxy *proxy, const struct proxy_options *options);
int proxy_run(struct proxy *proxy);
void proxy_done(struct proxy *proxy);

/* The handler that the proxy is; arg is the struct proxy. */
void proxy_handle(weir_exchange *x, void *arg);

#endif
