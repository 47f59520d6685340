/* SPDX-License-Identifier: MIT
 *
 * client/client.c: clients: their loop, their addresses, their end.
 *
 * A client's memory goes when its last connection is closed, which takes a turn of the loop; then
 * its loop goes, if nobody else uses it. */
#include "client/client.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/conn.h"
#include "exchange/exchange.h"

enum { RESOLVE_AGAIN_MS = 60000 };

int client_fail(weir_client *client, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(client->error, sizeof client->error, format, args);
    va_end(args);
    return error;
}

const char *weir_client_error(const weir_client *client)
{
    return client->error;
}

const char *weir_client_url(const weir_client *client)
{
    return client->url;
}

weir_web_values weir_client_values(const weir_client *client)
{
    return client->up.values;
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* The loop has something to wait for while there are requests, or while it is driven: what is put
 * off to the end of the turn does not count for libuv. */
static void hold_loop(struct client_loop *cl)
{
    uv_handle_t *wake = (uv_handle_t *)&cl->own.wake;

    if (cl->loop != &cl->own)
        return;
    if (cl->active > 0 || cl->running)
        uv_ref(wake);
    else
        uv_unref(wake);
}

void client_loop_count(struct client_loop *cl, int requests)
{
    cl->active += (unsigned)requests;
    hold_loop(cl);
}

static struct client_loop *loop_new(uv_loop_t *uv)
{
    struct client_loop *cl = calloc(1, sizeof *cl);

    if (!cl)
        return NULL;
    if (loop_init(&cl->own, uv) != 0) {
        free(cl);
        return NULL;
    }
    cl->loop = &cl->own;
    hold_loop(cl);
    cl->is_own = !uv;
    if (cl->is_own)
        (void)uv_timer_init(cl->own.uv, &cl->limit);
    cl->limit.data = cl;
    return cl;
}

static struct client_loop *loop_of_server(struct loop *loop)
{
    struct client_loop *cl = calloc(1, sizeof *cl);

    if (cl)
        cl->loop = loop;
    return cl;
}

static void loop_is_closed(struct loop *loop)
{
    free(container_of(loop, struct client_loop, own));
}

/* The last client is gone. A loop of our own is closed by who freed that client. */
static void loop_unused(struct client_loop *cl)
{
    if (cl->loop != &cl->own)
        free(cl);
    else if (!cl->is_own)
        loop_close(&cl->own, loop_is_closed);
}

static void finish_loop(struct client_loop *cl)
{
    while (cl->users > 0)
        (void)uv_run(cl->own.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&cl->limit, NULL);
    loop_done(&cl->own);
    free(cl);
}

static void *finish_in_thread(void *arg)
{
    finish_loop(arg);
    return NULL;
}

/* The system may take long to give up a look-up, which nobody is to wait for: a thread of its own
 * does. */
static void finish_own_loop(struct client_loop *cl)
{
    pthread_t thread;

    if (cl->looks_up && pthread_create(&thread, NULL, finish_in_thread, cl) == 0)
        (void)pthread_detach(thread);
    else
        finish_loop(cl);
}

static void on_limit(uv_timer_t *timer)
{
    struct client_loop *cl = timer->data;

    cl->expired = true;
    uv_stop(cl->loop->uv);
}

void client_notice(struct client_loop *cl)
{
    if (cl->running)
        uv_stop(cl->loop->uv);
}

int client_drive(struct client_loop *cl, bool (*over)(void *arg), void *arg, uint32_t timeout,
                 bool heeds_stop)
{
    int rc = 0;

    if (!cl->is_own || cl->running)
        return WEIR_ERROR_STATE;
    cl->expired = false;
    uv_update_time(cl->loop->uv);
    if (timeout < WEIR_CLIENT_NO_LIMIT)
        (void)uv_timer_start(&cl->limit, on_limit, timeout, 0);
    cl->running = true;
    hold_loop(cl);
    while (rc == 0 && !over(arg)) {
        if (heeds_stop && atomic_exchange(&cl->stop, false))
            rc = WEIR_ERROR_CANCELLED;
        else if (cl->expired)
            rc = WEIR_ERROR_TIMEOUT;
        else
            (void)uv_run(cl->loop->uv, UV_RUN_ONCE);
    }
    cl->running = false;
    hold_loop(cl);
    (void)uv_timer_stop(&cl->limit);
    return rc;
}

/* Nothing in progress, and no connection but idle ones. */
static bool is_idle(void *arg)
{
    weir_client *client = arg;
    return client->cl->active == 0 && list_empty(&client->up.conns);
}

int weir_client_run(weir_client *client, uint32_t timeout)
{
    return client_drive(client->cl, is_idle, client, timeout, true);
}

void weir_client_stop(weir_client *client)
{
    if (!client->cl->is_own)
        return;
    atomic_store(&client->cl->stop, true);
    (void)uv_async_send(&client->cl->own.wake);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static void on_resolved(void *arg, const struct endpoint *endpoints, unsigned count,
                        const char *error)
{
    weir_client *client = arg;
    struct list waiting;
    char text[CLIENT_ERROR];

    client->resolve = NULL;
    for (unsigned i = 0; i < count; i++)
        client->endpoints[i] = endpoints[i];
    client->up.endpoints = client->endpoints;
    client->up.endpoint_count = count;
    client->up.preferred = 0;
    client->resolved_at = count > 0 ? loop_now(client->cl->loop) + 1 : 0;
    if (count == 0)
        snprintf(text, sizeof text, "%s: cannot resolve %s: %s", client->url,
                 client->up.endpoint.host, error);

    list_take(&waiting, &client->waiting);
    while (!list_empty(&waiting)) {
        struct list *node = waiting.next;
        list_remove(node);
        request_resolved(container_of(node, struct weir_client_request, wait_node),
                         count == 0 ? text : NULL);
    }
}

int client_resolve(weir_client *client)
{
    struct loop *loop = client->cl->loop;
    int rc;

    if (client->port[0] == '\0')
        return 1;
    if (client->resolved_at && loop_now(loop) < client->resolved_at + RESOLVE_AGAIN_MS)
        return 1;
    if (client->resolve)
        return 0;
    rc = resolve_start(loop, &client->up.endpoint, client->up.endpoint.host, client->port,
                       on_resolved, client, &client->resolve);
    if (rc != 0)
        return client_fail(client, rc, "%s: cannot look up %s: %s", client->url,
                           client->up.endpoint.host, weir_error_text(rc));
    return client->resolve ? 0 : 1;
}

/* ---- Records --------------------------------------------------------------------------------- */

static void on_record(struct tap *tap, const weir_record *record, weir_str content, bool is_sent)
{
    weir_client *client = tap->fn_arg;

    if (!is_sent && record->type == WEIR_GET_VALUES_RESULT && client->question)
        question_values(client->question, tap, content);
    if (client->options.observe)
        client->options.observe(&(weir_client_record){*record, content, tap->serial, is_sent},
                                client->options.observe_arg);
}

static int make_tap(struct upstream *up, struct tap **ret_tap)
{
    weir_client *client = (weir_client *)(void *)up;
    const weir_client_options *o = &client->options;
    struct tap_shape shape = {o->record_max, o->params_cut, o->padding};

    client->connections++;
    if (!o->observe && !o->count_records && !o->record_max && !o->params_cut && !o->padding &&
        !client->question)
        return 0;
    *ret_tap = tap_new(&client->cl->loop->pool, &shape,
                       o->observe || client->question ? on_record : NULL, client);
    if (!*ret_tap)
        return WEIR_ERROR_NOMEM;
    (*ret_tap)->serial = client->connections;
    return 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

/* Copies what the caller's version of the struct has, and fills in the defaults. */
static void take_options(weir_client_options *own, const weir_client_options *given)
{
    memset(own, 0, sizeof *own);
    if (given)
        memcpy(own, given, given->size < sizeof *own ? given->size : sizeof *own);

#define DEFAULT(member, value) \
    if (!own->member)          \
    own->member = (value)
    DEFAULT(connect_timeout, 2000);
    DEFAULT(first_byte_timeout, 60000);
    DEFAULT(idle_timeout, 60000);
    DEFAULT(send_timeout, 60000);
    DEFAULT(keepalive_timeout, 60000);
    DEFAULT(abort_timeout, 5000);
    DEFAULT(params_max, 1 << 20);
    DEFAULT(head_max, 32768);
    DEFAULT(fields_max, 100);
    DEFAULT(errors_max, 65536);
#undef DEFAULT
    if (own->fields_max > 10000)
        own->fields_max = 10000;
}

static int check_options(weir_client *client)
{
    const weir_client_options *o = &client->options;

    if (o->record_max > WEIR_RECORD_CONTENT_MAX)
        return client_fail(client, WEIR_ERROR_INVALID, "record_max %u: 65535 is the most",
                           o->record_max);
    if (o->padding < -1 || o->padding > 255)
        return client_fail(client, WEIR_ERROR_INVALID, "padding %d: a record has 0 to 255 bytes",
                           o->padding);
    if (o->keepalive < WEIR_KEEPALIVE_NONE)
        return client_fail(client, WEIR_ERROR_INVALID, "keepalive %d: not a number of connections",
                           o->keepalive);
    return 0;
}

static int check_url(weir_client *client, struct endpoint *ret_endpoint)
{
    char error[ENDPOINT_ERROR];
    int rc = endpoint_parse_name(client->url, ret_endpoint, client->port, error);

    if (rc != 0)
        return client_fail(client, rc, "%s", error);
    if (ret_endpoint->carrier != ENDPOINT_FCGI)
        return client_fail(
            client, WEIR_ERROR_ADDRESS,
            "%s: a FastCGI application is fcgi://HOST:PORT, fcgis://HOST:PORT or fcgi+unix:PATH",
            client->url);
    return 0;
}

/* What is needed to speak TLS: whom to trust, and who we are. */
static int init_tls(weir_client *client)
{
    const weir_client_options *o = &client->options;
    struct tls_settings settings = {.ca_file = o->tls_ca, .no_verify = o->tls_no_verify};
    char error[TLS_ERROR];
    int rc = tls_context_new(false, &settings, &client->tls, error);

    if (rc == 0 && o->tls_cert)
        rc = tls_context_add_certificate(client->tls, o->tls_cert, o->tls_key, error);
    return rc ? client_fail(client, rc, "%s: %s", client->url, error) : 0;
}

static void init_upstream(weir_client *client, const struct endpoint *endpoint)
{
    const weir_client_options *o = &client->options;
    struct upstream_options options = {
        .keepalive = o->keepalive > 0    ? o->keepalive
                     : o->keepalive == 0 ? KEEPALIVE_AUTO
                                         : 0,
        .connect_timeout = o->connect_timeout,
        .first_byte_timeout = o->first_byte_timeout,
        .response_timeout = o->idle_timeout,
        .send_timeout = o->send_timeout,
        .idle_timeout = o->keepalive_timeout,
        .abort_timeout = o->abort_timeout,
        .tls = client->tls,
        .ask_later = true,
    };

    upstream_init(&client->up, client->cl->loop, endpoint, &options);
    client->up.make_tap = make_tap;
    client->up.first_id = o->request_id;
}

/* cl gets another user, or is the one that nobody else has. */
static weir_client *client_new(struct client_loop *cl, const char *url,
                               const weir_client_options *options)
{
    struct endpoint endpoint = {.fd = -1};
    weir_client *client = calloc(1, sizeof *client);

    if (!client)
        return NULL;
    client->url = strdup(url ? url : "");
    if (!client->url) {
        free(client);
        return NULL;
    }
    take_options(&client->options, options);
    client->cl = cl;
    cl->users++;
    list_init(&client->requests);
    list_init(&client->waiting);
    list_init(&client->guest.node);
    client->unusable = check_options(client);
    if (!client->unusable)
        client->unusable = check_url(client, &endpoint);
    if (!client->unusable && endpoint.is_tls)
        client->unusable = init_tls(client);
    init_upstream(client, &endpoint);
    return client;
}

weir_client *weir_client_new(const char *url, const weir_client_options *options)
{
    weir_client_options own;
    struct client_loop *cl;

    take_options(&own, options);
    if (own.beside)
        cl = own.beside->cl;
    else
        cl = loop_new(own.uv);
    if (!cl || cl->loop != &cl->own)
        return NULL;
    weir_client *client = client_new(cl, url, options);
    if (client) {
        cl->owners++;
    } else if (!own.beside) {
        if (cl->is_own)
            finish_loop(cl);
        else
            loop_unused(cl);
    }
    return client;
}

static void client_gone(struct upstream *up)
{
    weir_client *client = (weir_client *)(void *)up;
    struct client_loop *cl = client->cl;

    tls_context_unref(client->tls);
    free(client->url);
    free(client);
    if (--cl->users == 0)
        loop_unused(cl);
}

static void client_end(weir_client *client)
{
    while (!list_empty(&client->requests))
        (void)weir_client_request_free(
            container_of(client->requests.next, struct weir_client_request, node));
    if (client->resolve) {
        resolve_forget(client->resolve);
        client->cl->looks_up = true;
    }
    upstream_drain(&client->up);
    loop_settle(client->cl->loop); /* there may be no next turn to say goodbye in */
    upstream_close(&client->up);
    if (client->up.conn_count == 0)
        client_gone(&client->up);
    else
        client->up.on_empty = client_gone;
}

weir_client *weir_client_free(weir_client *client)
{
    if (!client)
        return NULL;

    struct client_loop *cl = client->cl;
    bool is_last = --cl->owners == 0 && cl->is_own;
    client_end(client);
    if (is_last)
        finish_own_loop(cl);
    return NULL;
}

/* ---- On the loop of a handler ---------------------------------------------------------------- */

static void leave_loop(struct loop_guest *guest)
{
    client_end(container_of(guest, weir_client, guest));
}

weir_client *weir_client_of_exchange(weir_exchange *x, const char *url,
                                     const weir_client_options *options)
{
    struct list *guests = &x->loop->guests;

    if (x->blocking || !url)
        return NULL;
    for (struct list *n = guests->next; n != guests; n = n->next) {
        struct loop_guest *guest = container_of(n, struct loop_guest, node);
        weir_client *client = container_of(guest, weir_client, guest);
        if (guest->leave == leave_loop && strcmp(client->url, url) == 0)
            return client;
    }
    struct client_loop *cl = loop_of_server(x->loop);
    weir_client *client = cl ? client_new(cl, url, options) : NULL;
    if (!client) {
        free(cl);
        return NULL;
    }
    client->guest.leave = leave_loop;
    list_insert(guests, &client->guest.node);
    return client;
}
