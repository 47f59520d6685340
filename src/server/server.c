/* SPDX-License-Identifier: MIT
 *
 * server/server.c: the public face of a server: options, addresses, threads. What happens on each
 * loop is in loop.c. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/loop.h"
#include "server/server.h"
#include "server/workers.h"

static void log_to_stderr(weir_log_level level, const char *line, void *arg)
{
    static const char *const words[] = {"error: ", "warning: ", ""};

    (void)arg;
    fprintf(stderr, "%s: %s%s\n", program_invocation_short_name, words[level], line);
}

void server_log(const struct weir_server *server, weir_log_level level, const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    server->options.log(level, line, server->options.log_arg);
}

/* Copies what the caller's version of the struct has, and fills in the defaults. */
static void take_options(weir_server_options *own, const weir_server_options *given)
{
    memset(own, 0, sizeof *own);
    if (given)
        memcpy(own, given, given->size < sizeof *own ? given->size : sizeof *own);

#define DEFAULT(member, value) \
    if (!own->member)          \
    own->member = (value)
    DEFAULT(threads, 1);
    DEFAULT(max_connections, 10000);
    DEFAULT(head_max, 32768);
    DEFAULT(target_max, 8192);
    DEFAULT(fields_max, 100);
    DEFAULT(params_max, 65536);
    DEFAULT(params_count_max, 512);
    DEFAULT(max_requests, 100);
    DEFAULT(body_max, UINT64_MAX);
    DEFAULT(head_timeout, 10000);
    DEFAULT(body_timeout, 30000);
    DEFAULT(keepalive_timeout, 60000);
    DEFAULT(send_timeout, 60000);
    DEFAULT(drain_timeout, 30000);
    DEFAULT(worker_queue, 1000);
    DEFAULT(log, log_to_stderr);
#undef DEFAULT
    if (own->tls_client_verify > WEIR_TLS_VERIFY_REQUIRED)
        own->tls_client_verify = WEIR_TLS_VERIFY_REQUIRED;
    if (own->threads > 256)
        own->threads = 256;
    if (own->workers > 4096)
        own->workers = 4096;
    if (own->fields_max > 1000)
        own->fields_max = 1000;
    if (own->max_requests > 65535)
        own->max_requests = 65535;
}

weir_server *weir_server_new(const weir_server_options *options)
{
    weir_server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    take_options(&server->options, options);
    list_init(&server->sites);
    if (certificates_init(&server->certificates, &server->options) != 0) {
        free(server);
        return NULL;
    }
    return server;
}

static void close_site(struct site *site, unsigned threads)
{
    bool shared = site->endpoint.is_unix || site->endpoint.is_fd;

    for (unsigned i = 0; i < threads && !(shared && i > 0); i++)
        if (site->fds[i] >= 0 && !site->endpoint.is_fd)
            close(site->fds[i]);
    if (site->endpoint.is_unix && site->endpoint.address.un.sun_path[0] != '\0')
        (void)unlink(site->endpoint.address.un.sun_path);
    free(site);
}

/* A listening socket for each loop: the kernel spreads TCP connections over them (SO_REUSEPORT);
 * UNIX sockets cannot be shared that way, so the loops wait on the same one. */
static int open_site(struct weir_server *server, struct site *site)
{
    unsigned threads = server->options.threads;
    struct endpoint *ep = &site->endpoint;

    for (unsigned i = 0; i < threads; i++)
        site->fds[i] = -1;
    for (unsigned i = 0; i < threads; i++) {
        bool shared = i > 0 && (ep->is_unix || ep->is_fd);
        int fd = shared ? site->fds[0] : listener_open(ep, threads > 1, server->error);
        if (fd < 0)
            return fd;
        site->fds[i] = fd;
    }
    return 0;
}

int weir_server_add_certificate(weir_server *server, const char *cert_file, const char *key_file)
{
    if (!cert_file)
        return WEIR_ERROR_INVALID;
    if (atomic_load(&server->running))
        return WEIR_ERROR_STATE;
    return certificates_add(&server->certificates, cert_file, key_file, server->error);
}

int weir_server_reload_certificates(weir_server *server)
{
    char error[TLS_ERROR];
    int rc;

    if (server->certificates.count == 0)
        return WEIR_ERROR_STATE;
    rc = certificates_reload(&server->certificates, error);
    if (rc != 0)
        server_log(server, WEIR_LOG_ERROR, "certificates not reloaded, the old ones stay: %s",
                   error);
    return rc;
}

/* For a listener that speaks TLS. */
static int load_certificates(struct weir_server *server, const char *url)
{
    int rc = certificates_load(&server->certificates, server->error);

    if (rc == 0 && server->certificates.count == 0) {
        snprintf(server->error, sizeof server->error,
                 "%s: TLS needs a certificate and its key, and none was given", url);
        rc = WEIR_ERROR_CERTIFICATE;
    }
    return rc;
}

int weir_server_listen(weir_server *server, const char *url, weir_handler *handler, void *arg)
{
    struct site *site;
    int rc;

    if (!handler)
        return WEIR_ERROR_INVALID;
    if (atomic_load(&server->running))
        return WEIR_ERROR_STATE;
    site = calloc(1, sizeof *site);
    if (!site)
        return WEIR_ERROR_NOMEM;
    *site = (struct site){
        .server = server,
        .handler = handler,
        .handler_arg = arg,
        .dispatch = server->options.workers ? workers_handle : handler,
        .dispatch_arg = server->options.workers ? site : arg,
    };
    rc = endpoint_parse(url, true, &site->endpoint, server->error);
    if (rc == 0 && site->endpoint.is_tls)
        rc = load_certificates(server, url);
    if (rc != 0) {
        free(site);
        return rc;
    }
    rc = open_site(server, site);
    if (rc != 0) {
        /* A UNIX socket that another process owns must not be removed. */
        if (site->fds[0] < 0)
            site->endpoint.is_unix = false;
        close_site(site, server->options.threads);
        return rc;
    }
    if (site->endpoint.carrier == ENDPOINT_HTTP)
        site->alpn = WEIR_STR("\10http/1.1");
    endpoint_format(&site->endpoint, site->url);
    list_insert(&server->sites, &site->node);
    return 0;
}

const char *weir_server_url(const weir_server *server, size_t index)
{
    for (struct list *n = server->sites.next; n != &server->sites; n = n->next)
        if (index-- == 0)
            return container_of(n, struct site, node)->url;
    return NULL;
}

const char *weir_server_error(const weir_server *server)
{
    return server->error;
}

weir_server *weir_server_free(weir_server *server)
{
    if (!server)
        return NULL;
    while (!list_empty(&server->sites)) {
        struct site *site = container_of(server->sites.next, struct site, node);
        list_remove(&site->node);
        close_site(site, server->options.threads);
    }
    certificates_done(&server->certificates);
    free(server);
    return NULL;
}

static void run_thread(void *arg)
{
    server_loop_run(arg);
}

int weir_server_run(weir_server *server)
{
    unsigned threads = server->options.threads;
    unsigned ready = 0, started = 1;
    int rc = 0;

    if (list_empty(&server->sites))
        return WEIR_ERROR_STATE;
    server->loops = calloc(threads, sizeof *server->loops);
    if (!server->loops)
        return WEIR_ERROR_NOMEM;
    (void)signal(SIGPIPE, SIG_IGN);
    if (server->options.workers) {
        server->workers = workers_start(server->options.workers, server->options.worker_queue);
        if (!server->workers)
            rc = WEIR_ERROR_SYSTEM;
    }
    while (ready < threads && rc == 0) {
        rc = server_loop_init(&server->loops[ready], server, ready);
        if (rc == 0)
            ready++;
    }
    if (rc == 0) {
        atomic_store(&server->running, true);
        while (started < threads && uv_thread_create(&server->loops[started].thread, run_thread,
                                                     &server->loops[started]) == 0)
            started++;
        if (started < threads) {
            rc = WEIR_ERROR_SYSTEM;
            weir_server_stop(server);
        }
        server_loop_run(&server->loops[0]);
        for (unsigned i = 1; i < started; i++)
            (void)uv_thread_join(&server->loops[i].thread);
        atomic_store(&server->running, false);
    }
    if (atomic_load(&server->forced) && server->workers)
        return WEIR_ERROR_TIMEOUT; /* what still runs there may not lose the ground under it */
    workers_stop(server->workers);
    server->workers = NULL;
    while (ready-- > 0)
        server_loop_done(&server->loops[ready]);
    free(server->loops);
    server->loops = NULL;
    return rc;
}

void weir_server_stop(weir_server *server)
{
    atomic_fetch_add(&server->stops, 1);
    if (atomic_load(&server->running))
        for (unsigned i = 0; i < server->options.threads; i++)
            (void)uv_async_send(&server->loops[i].stop_signal);
}

int weir_serve(const char *url, weir_handler *handler, void *arg)
{
    weir_server *server = weir_server_new(NULL);
    int rc;

    if (!server)
        return WEIR_ERROR_NOMEM;
    rc = weir_server_listen(server, url, handler, arg);
    if (rc == 0) {
        server_log(server, WEIR_LOG_INFO, "listening on %s", weir_server_url(server, 0));
        server_handle_signals(server);
        rc = weir_server_run(server);
    }
    if (rc != 0)
        server_log(server, WEIR_LOG_ERROR, "%s",
                   server->error[0] ? server->error : weir_error_text(rc));
    (void)weir_server_free(server);
    return rc;
}
