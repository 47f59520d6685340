/* SPDX-License-Identifier: MIT
 *
 * examples/stream.c: server-sent events: a clock that many browsers watch.
 *
 *     stream http://127.0.0.1:8080 [MILLISECONDS]
 *
 * /events sends a numbered event every so many milliseconds (1000). A browser that has lost its
 * connection comes back with the last number it saw, in Last-Event-ID, and is told what it missed.
 * / is a page that shows them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir/weir.h>

enum { REMEMBERED = 100 }; /* events that can be caught up on */

static unsigned long interval = 1000;
static long started; /* milliseconds */

static const char page[] =
    "<!doctype html><title>stream</title><pre id=out></pre><script>\n"
    "new EventSource('/events').onmessage = e => out.prepend(e.lastEventId, ' ', e.data, '\\n')\n"
    "</script>\n";

static long milliseconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The number of the latest event: the same for all who watch. */
static unsigned long latest(void)
{
    return (unsigned long)(milliseconds() - started) / interval;
}

struct client {
    unsigned long next; /* event to send */
};

/* Sends what is due and comes back when the next is; a client that does not keep up holds nobody
 * up, and is sent the rest when it has read. */
static void send_events(weir_exchange *x, void *arg)
{
    struct client *c = arg;
    char event[128];

    while (c->next <= latest()) {
        int n =
            snprintf(event, sizeof event, "id: %lu\ndata: %lu ms\n\n", c->next, c->next * interval);
        int rc = weir_write(x, event, (size_t)n);
        if (rc == WEIR_ERROR_AGAIN)
            weir_on_drain(x, send_events, c);
        if (rc != 0)
            return; /* otherwise it is gone: on_cancel ends it */
        c->next++;
    }
    long due = started + (long)(c->next * interval) - milliseconds();
    if (weir_after(x, due > 0 ? (uint32_t)due : 0, send_events, c) != 0)
        weir_fail(x);
}

static void on_cancel(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_finish(x);
}

/* Where to begin: behind the last event that the client saw, if that is not too long ago. */
static unsigned long first_event(weir_exchange *x)
{
    const char *seen = weir_header(x, "Last-Event-ID");
    unsigned long now = latest();
    unsigned long next = seen ? strtoul(seen, NULL, 10) + 1 : now;

    if (next > now + 1)
        next = now; /* of another run of this program */
    return next + REMEMBERED < now ? now - REMEMBERED : next;
}

static void watch(weir_exchange *x)
{
    struct client *c = weir_alloc(x, sizeof *c);

    if (!c) {
        weir_fail(x);
        return;
    }
    c->next = first_event(x);
    weir_add_header(x, "Content-Type", "text/event-stream");
    weir_add_header(x, "Cache-Control", "no-store");
    weir_add_header(x, "X-Accel-Buffering", "no"); /* nginx: pass it on as it comes */
    weir_on_cancel(x, on_cancel, NULL);
    if (weir_printf(x, "retry: %lu\n\n", 2 * interval) == 0)
        send_events(x, c);
}

static void handle(weir_exchange *x, void *arg)
{
    const char *path = weir_path(x);

    (void)arg;
    if (strcmp(path, "/events") == 0)
        watch(x);
    else if (strcmp(path, "/") == 0)
        weir_respond(x, 200, "text/html; charset=utf-8", page);
    else
        weir_respond(x, 404, "text/plain", "404 Not Found\n");
}

static weir_server *server;

static void on_signal(int number)
{
    (void)number;
    weir_server_stop(server);
}

int main(int argc, char **argv)
{
    /* The streams have no end of their own: at a stop they are cancelled after a second. */
    weir_server_options options = {.size = sizeof options, .drain_timeout = 1000};

    if (argc > 2)
        interval = strtoul(argv[2], NULL, 10);
    if (interval == 0)
        interval = 1;
    started = milliseconds();
    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, argc > 1 ? argv[1] : NULL, handle, NULL) != 0) {
        fprintf(stderr, "stream: %s\n", server ? weir_server_error(server) : "out of memory");
        return 1;
    }
    fprintf(stderr, "stream: listening on %s\n", weir_server_url(server, 0));
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    int rc = weir_server_run(server);
    if (rc == 0)
        server = weir_server_free(server);
    return rc != 0;
}
