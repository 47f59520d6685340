/* SPDX-License-Identifier: MIT
 *
 * programs/http2.c: a server whose handlers do what the HTTP/2 tests need: hold on, stall, fail,
 * stream.
 *
 *     http2 URL [OPTION=VALUE...]      options of weir_server_options, in its words
 *
 *     /hello               answers at once, whatever body comes
 *     /post                reads the body, answers with its length
 *     /hold?linger=MS      never answers; when cancelled it goes on holding for MS more
 *     /stall               does not read its body before somebody asks for /release
 *     /stream?size=N       writes N bytes as fast as they are taken
 *     /fail?after=N        writes N bytes and fails; 0: before the head
 *     /short               declares ten bytes and writes five
 *     /huge-head           a field that no frame can hold
 *     /stats               "held N cancelled N" */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

enum { STALLED_MAX = 1000, PIECE = 16384 };

static weir_server *server;
static weir_exchange *stalled[STALLED_MAX];
static unsigned stalled_count, held, cancelled;
static char piece[PIECE];

static unsigned long number(weir_exchange *x, const char *name)
{
    const char *query = weir_query(x);
    const char *at = query ? strstr(query, name) : NULL;

    return at ? strtoul(at + strlen(name) + 1, NULL, 10) : 0;
}

static void answer_length(weir_exchange *x, unsigned long long length)
{
    char text[32];

    snprintf(text, sizeof text, "%llu", length);
    weir_respond(x, 200, "text/plain", text);
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

static void count_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    size_t *length = arg;

    *length += data.len;
    if (state == 1)
        answer_length(x, *length);
    else if (state < 0)
        weir_respond(x, state == WEIR_ERROR_TIMEOUT ? 408 : 400, "text/plain",
                     weir_error_name(state));
}

static void post(weir_exchange *x)
{
    size_t *length = weir_alloc(x, sizeof *length);

    if (!length) {
        weir_fail(x);
        return;
    }
    *length = 0;
    weir_on_body(x, count_body, length);
}

static void forget(weir_exchange *x, void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < stalled_count; i++)
        if (stalled[i] == x)
            stalled[i] = stalled[--stalled_count];
    weir_finish(x);
}

static void stall(weir_exchange *x)
{
    if (stalled_count == STALLED_MAX) {
        weir_fail(x);
        return;
    }
    stalled[stalled_count++] = x;
    weir_on_cancel(x, forget, NULL);
}

static void release_stalled(weir_exchange *x)
{
    unsigned count = stalled_count;

    while (stalled_count > 0) {
        stalled_count--;
        weir_on_cancel(stalled[stalled_count], NULL, NULL);
        post(stalled[stalled_count]);
    }
    answer_length(x, count);
}

/* ---- Holding and streaming ------------------------------------------------------------------- */

static void let_go(weir_exchange *x, void *arg)
{
    (void)arg;
    held--;
    weir_finish(x);
}

static void hold_cancelled(weir_exchange *x, void *arg)
{
    unsigned long linger = number(x, "linger");

    cancelled++;
    if (linger == 0 || weir_after(x, (uint32_t)linger, let_go, arg) != 0)
        let_go(x, arg);
}

static void hold(weir_exchange *x)
{
    held++;
    weir_on_cancel(x, hold_cancelled, NULL);
}

static void stream_on(weir_exchange *x, void *arg)
{
    size_t *left = arg;
    int rc = 0;

    while (*left > 0 && rc == 0) {
        size_t n = *left < PIECE ? *left : PIECE;
        rc = weir_write(x, piece, n);
        if (rc == 0)
            *left -= n;
    }
    if (rc == WEIR_ERROR_AGAIN) {
        weir_on_drain(x, stream_on, left);
        return;
    }
    if (rc == WEIR_ERROR_CANCELLED)
        cancelled++;
    weir_finish(x);
}

static void stream(weir_exchange *x)
{
    size_t *left = weir_alloc(x, sizeof *left);

    if (!left) {
        weir_fail(x);
        return;
    }
    *left = number(x, "size");
    stream_on(x, left);
}

static void break_off(weir_exchange *x)
{
    unsigned long after = number(x, "after");

    if (after > 0)
        weir_write(x, piece, after < PIECE ? after : PIECE);
    weir_fail(x);
}

static void huge_head(weir_exchange *x)
{
    static char value[200000];

    memset(value, 'v', sizeof value - 1);
    weir_add_header(x, "X-Huge", value);
    weir_respond(x, 200, NULL, "text");
}

/* ---- The program ----------------------------------------------------------------------------- */

static void handle(weir_exchange *x, void *arg)
{
    const char *path = weir_path(x);
    char text[64];

    (void)arg;
    if (strcmp(path, "/post") == 0)
        post(x);
    else if (strcmp(path, "/hold") == 0)
        hold(x);
    else if (strcmp(path, "/stall") == 0)
        stall(x);
    else if (strcmp(path, "/release") == 0)
        release_stalled(x);
    else if (strcmp(path, "/stream") == 0)
        stream(x);
    else if (strcmp(path, "/fail") == 0)
        break_off(x);
    else if (strcmp(path, "/huge-head") == 0)
        huge_head(x);
    else if (strcmp(path, "/short") == 0) {
        weir_add_header(x, "Content-Length", "10");
        weir_write(x, "hello", 5);
        weir_finish(x);
    } else if (strcmp(path, "/stats") == 0) {
        snprintf(text, sizeof text, "held %u cancelled %u", held, cancelled);
        weir_respond(x, 200, "text/plain", text);
    } else {
        weir_respond(x, 200, "text/plain", "Hello, world\n");
    }
}

static bool set_option(weir_server_options *o, const char *text)
{
    static const struct {
        const char *name;
        size_t offset;
    } options[] = {
#define OPTION(name) {#name, offsetof(weir_server_options, name)}
        OPTION(threads),
        OPTION(workers),
        OPTION(head_max),
        OPTION(target_max),
        OPTION(fields_max),
        OPTION(head_timeout),
        OPTION(body_timeout),
        OPTION(keepalive_timeout),
        OPTION(send_timeout),
        OPTION(drain_timeout),
        OPTION(http2),
        OPTION(h2_max_streams),
        OPTION(h2_window),
        OPTION(h2_window_max),
        OPTION(h2_connection_window),
        OPTION(h2_header_table),
        OPTION(h2_resets),
        OPTION(h2_control_frames),
#undef OPTION
    };
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;

    if (len == 8 && memcmp(text, "body_max", 8) == 0) {
        o->body_max = strtoull(equals + 1, NULL, 10);
        return true;
    }
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (len == strlen(options[i].name) && memcmp(text, options[i].name, len) == 0) {
            uint32_t value = (uint32_t)strtoul(equals + 1, NULL, 10);
            memcpy((char *)o + options[i].offset, &value, sizeof value);
            return true;
        }
    fprintf(stderr, "http2: no option %s\n", text);
    return false;
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    weir_server_stop(server);
}

int main(int argc, char **argv)
{
    weir_server_options options = {.size = sizeof options};

    for (int i = 2; i < argc; i++)
        if (!set_option(&options, argv[i]))
            return 1;
    memset(piece, 'x', sizeof piece);
    server = weir_server_new(&options);
    if (!server || weir_server_listen(server, argc > 1 ? argv[1] : NULL, handle, NULL) != 0) {
        fprintf(stderr, "http2: %s\n", server ? weir_server_error(server) : "out of memory");
        return 1;
    }
    signal(SIGTERM, on_signal);
    fprintf(stderr, "http2: listening on %s\n", weir_server_url(server, 0));
    int rc = weir_server_run(server);
    server = weir_server_free(server);
    return rc != 0;
}
