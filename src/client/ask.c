/* SPDX-License-Identifier: MIT
 *
 * client/ask.c: questions about an application itself: GET_VALUES, and the ping made of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/conn.h"
#include "wire/record.h"

struct question {
    struct call call;
    weir_client *client;
    const char *const *names;
    size_t count;
    weir_value_fn *fn;
    void *arg;
    uint64_t started, connected;
    int result;
    bool malformed;
    bool over;
};

static struct question *question_of(struct call *call)
{
    return container_of(call, struct question, call);
}

void question_values(struct question *q, const struct tap *tap, weir_str content)
{
    weir_pair pair;
    int rc;

    if (!q->call.conn || q->call.conn->tap != tap)
        return; /* an answer to somebody else */
    while ((rc = weir_pair_decode(&content, &pair)) > 0)
        if (q->fn)
            q->fn(pair.name, pair.value, q->arg);
    q->malformed = rc < 0;
}

static size_t size_of_names(const struct question *q)
{
    size_t size = 0;

    for (size_t i = 0; i < q->count; i++)
        size += pair_size(strlen(q->names[i]), 0);
    return size;
}

/* On the connection, in place of BEGIN_REQUEST. libfcgi sends its answer only when another record
 * comes: an empty question, which everybody else answers too, when we are gone. */
static int write_question(struct call *call)
{
    struct question *q = question_of(call);
    struct weir_web_session *session = &call->conn->session;
    size_t size = size_of_names(q);
    unsigned padding = record_padding(size);

    q->connected = uv_hrtime();
    if (!q->names) {
        int rc = weir_web_session_get_values(session);
        return rc ? rc : record_write_empty(session->out, WEIR_GET_VALUES, 0);
    }
    char *p = outq_reserve(session->out, WEIR_RECORD_HEADER_SIZE + size + padding);
    if (!p)
        return WEIR_ERROR_NOMEM;
    record_put(p, WEIR_GET_VALUES, 0, size, padding);
    p += WEIR_RECORD_HEADER_SIZE;
    for (size_t i = 0; i < q->count; i++)
        p = pair_put(p, str_of(q->names[i]), WEIR_STR(""));
    memset(p, 0, padding);
    outq_commit(session->out, WEIR_RECORD_HEADER_SIZE + size + padding);
    return record_write_empty(session->out, WEIR_GET_VALUES, 0);
}

static void on_done(struct call *call, int error)
{
    struct question *q = question_of(call);

    q->result = error;
    q->over = true;
    client_notice(q->client->cl);
}

static void ignore(struct call *call, weir_str data)
{
    (void)call;
    (void)data;
}

static void ignore_drained(struct call *call)
{
    (void)call;
}

static const struct call_ops ops = {
    .params = write_question,
    .output = ignore,
    .error_output = ignore,
    .drained = ignore_drained,
    .done = on_done,
};

static bool is_over(void *arg)
{
    return ((struct question *)arg)->over;
}

static bool has_addresses(void *arg)
{
    return !((weir_client *)arg)->resolve;
}

static uint32_t left_of(uint32_t timeout, uint64_t started)
{
    uint64_t gone = (uv_hrtime() - started) / 1000000;

    if (timeout >= WEIR_CLIENT_NO_LIMIT)
        return timeout;
    return gone < timeout ? timeout - (uint32_t)gone : 0;
}

static int find_addresses(weir_client *client, uint32_t timeout)
{
    int rc = client_resolve(client);

    if (rc == 0)
        rc = client_drive(client->cl, has_addresses, client, timeout, false);
    if (rc < 0 && rc != WEIR_ERROR_TIMEOUT)
        return rc;
    if (client->port[0] != '\0' && !client->resolved_at)
        return client_fail(client, WEIR_ERROR_ADDRESS, "%s: cannot resolve %s", client->url,
                           client->up.endpoint.host);
    return 0;
}

static int explain(struct question *q)
{
    weir_client *client = q->client;

    switch (q->result) {
    case 0:
        return 0;
    case WEIR_ERROR_CONNECT:
        return client_fail(client, q->result, "%s: cannot connect: %s", client->url,
                           client->up.last_errno == EAGAIN ? "its backlog is full"
                                                           : strerror(client->up.last_errno));
    case WEIR_ERROR_TIMEOUT:
        return client_fail(client, q->result, "%s: GET_VALUES: %s in time", client->url,
                           q->connected ? "accepted, but not answered" : "not connected");
    case WEIR_ERROR_CLOSED:
        return client_fail(client, q->result,
                           "%s: GET_VALUES: it closed the connection without an answer",
                           client->url);
    default:
        return client_fail(client, q->result, "%s: GET_VALUES: %s", client->url,
                           weir_error_text(q->result));
    }
}

static int ask(struct question *q, uint32_t timeout)
{
    weir_client *client = q->client;
    struct client_loop *cl = client->cl;
    int rc;

    client->error[client->unusable ? strlen(client->error) : 0] = '\0';
    if (client->unusable)
        return q->result = client->unusable;
    if (!cl->is_own || cl->running)
        return q->result = client_fail(client, WEIR_ERROR_STATE,
                                       "GET_VALUES: it blocks, on a loop of the client's only");
    if (size_of_names(q) > RECORD_SEND_MAX)
        return q->result = client_fail(client, WEIR_ERROR_LIMIT,
                                       "GET_VALUES: the names are more than a record takes");
    uv_update_time(cl->loop->uv);
    q->started = uv_hrtime();
    rc = find_addresses(client, timeout);
    if (rc != 0)
        return q->result = rc;
    client->question = q;
    call_start(&q->call, &client->up, WEIR_RESPONDER, &ops, true);
    q->call.asks = true;
    rc = client_drive(cl, is_over, q, left_of(timeout, q->started), false);
    client->question = NULL;
    if (!q->over) {
        call_abort(&q->call);
        q->result = rc;
    } else if (q->result == 0 && q->malformed) {
        q->result = WEIR_ERROR_PARAMS;
    }
    return explain(q);
}

int weir_client_get_values(weir_client *client, const char *const *names, size_t count,
                           uint32_t timeout, weir_value_fn *fn, void *arg)
{
    struct question q = {.client = client, .names = names, .count = count, .fn = fn, .arg = arg};

    return ask(&q, timeout);
}

static weir_ping_result classify(const struct question *q)
{
    switch (q->result) {
    case 0:
    case WEIR_ERROR_UNKNOWN_TYPE:
    case WEIR_ERROR_PARAMS:
        return WEIR_PING_ANSWERED;
    case WEIR_ERROR_TIMEOUT:
        return q->connected || q->client->up.last_errno == EAGAIN ? WEIR_PING_BUSY
                                                                  : WEIR_PING_REFUSED;
    case WEIR_ERROR_CONNECT:
        return q->client->up.last_errno == EAGAIN ? WEIR_PING_BUSY : WEIR_PING_REFUSED;
    case WEIR_ERROR_CLOSED:
        return WEIR_PING_CLOSED;
    case WEIR_ERROR_ADDRESS:
        return q->client->unusable ? WEIR_PING_FAILED : WEIR_PING_REFUSED;
    case WEIR_ERROR_NOMEM:
    case WEIR_ERROR_INVALID:
    case WEIR_ERROR_STATE:
    case WEIR_ERROR_SYSTEM:
        return WEIR_PING_FAILED;
    default:
        return WEIR_PING_BROKEN;
    }
}

int weir_client_ping(weir_client *client, uint32_t timeout, weir_ping *ret_ping, size_t ping_size)
{
    struct question q = {.client = client};
    weir_ping ping = {.error = ask(&q, timeout)};

    ping.result = classify(&q);
    if (q.started) {
        ping.connect_ns = q.connected ? q.connected - q.started : 0;
        ping.answer_ns = uv_hrtime() - q.started;
    }
    memset(ret_ping, 0, ping_size);
    memcpy(ret_ping, &ping, ping_size < sizeof ping ? ping_size : sizeof ping);
    return ping.error;
}
