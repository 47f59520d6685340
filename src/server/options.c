/* SPDX-License-Identifier: MIT
 *
 * server/options.c: weir_server_options: defaults and limits. */
#include <stdio.h>
#include <stdlib.h>

#include "server/server.h"

static void check(struct weir_server *server, const char *name, uint64_t value, uint64_t max)
{
    if (value > max && !server->options_error[0])
        snprintf(server->options_error, sizeof server->options_error,
                 "weir_server_options.%s is %llu; at most %llu is possible", name,
                 (unsigned long long)value, (unsigned long long)max);
}

/* Copies what the caller's version of the struct has. */
static void copy(struct weir_server *server, const weir_server_options *given)
{
    weir_server_options *own = &server->options;

    if (given && given->size < sizeof given->size)
        snprintf(server->options_error, sizeof server->options_error,
                 "weir_server_options.size must be sizeof(weir_server_options)");
    else if (given)
        memcpy(own, given, given->size < sizeof *own ? given->size : sizeof *own);
}

static int copy_strings(struct weir_server *server)
{
    const weir_server_options *o = &server->options;
    int rc = certificates_init(&server->certificates, o);

    if (rc != 0 || !o->web_server_addrs)
        return rc;
    server->web_server_addrs = strdup(o->web_server_addrs);
    if (server->web_server_addrs)
        return 0;
    certificates_done(&server->certificates);
    return WEIR_ERROR_NOMEM;
}

void server_drop_options(struct weir_server *server)
{
    certificates_done(&server->certificates);
    free(server->web_server_addrs);
}

static uint32_t at_least(uint32_t value, uint64_t least)
{
    return value >= least ? value : least < INT32_MAX ? (uint32_t)least : INT32_MAX;
}

/* The windows of all streams fit into that of the connection, with room for one more: so much may
 * have been taken and not been given back yet. */
static void raise_windows(weir_server_options *o)
{
    uint64_t streams = (uint64_t)o->h2_window * (o->h2_max_streams + 1);

    o->h2_window_max = at_least(o->h2_window_max, o->h2_window);
    o->h2_connection_window = at_least(o->h2_connection_window, streams);
}

int server_take_options(struct weir_server *server, const weir_server_options *given)
{
    weir_server_options *own = &server->options;

    copy(server, given);
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
    DEFAULT(h2_max_streams, 100);
    DEFAULT(h2_window, 65536);
    DEFAULT(h2_window_max, 1 << 20);
    DEFAULT(h2_connection_window, 8 << 20);
    DEFAULT(h2_header_table, 4096);
    DEFAULT(h2_resets, 200);
    DEFAULT(h2_control_frames, 1000);
#undef DEFAULT
    if (!own->log) {
        own->log = log_to_stderr;
        own->log_arg = server;
    }

#define CHECK(member, max) check(server, #member, own->member, max)
    CHECK(threads, SERVER_THREADS_MAX);
    CHECK(workers, SERVER_WORKERS_MAX);
    CHECK(fields_max, SERVER_FIELDS_MAX);
    CHECK(max_requests, SERVER_REQUESTS_MAX);
    CHECK(head_max, SERVER_HEAD_MAX);
    CHECK(target_max, SERVER_HEAD_MAX);
    CHECK(params_max, SERVER_PARAMS_MAX);
    CHECK(tls_client_verify, WEIR_TLS_VERIFY_REQUIRED);
    CHECK(h2_max_streams, SERVER_H2_STREAMS_MAX);
    CHECK(h2_window, SERVER_H2_WINDOW_MAX);
    CHECK(h2_window_max, SERVER_H2_WINDOW_MAX);
    CHECK(h2_connection_window, INT32_MAX);
    CHECK(h2_header_table, SERVER_H2_TABLE_MAX);
#undef CHECK
    raise_windows(own);
    return copy_strings(server);
}
