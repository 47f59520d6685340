/* SPDX-License-Identifier: MIT
 *
 * fuzz/fuzz_http2.c: an HTTP/2 session without a socket. The input is what a client sends after the
 * preface; where it does not begin with SETTINGS, an empty one is put in front. Handlers answer at
 * once, read the body, hold on, or fail, by the first letter of the path; headers and parameters
 * are looked at. It comes whole, in two parts and byte by byte. What the session sends must be
 * frames, and when the connection is lost every exchange must have ended and nothing be held. */
#include <stdlib.h>

#include "fuzz.h"
#include "server/http2.h"

enum { BYTEWISE_MAX = 1000 };

static struct loop loop;
static weir_server_options options = {
    .head_max = 4096,
    .target_max = 1024,
    .fields_max = 20,
    .body_max = 100000,
    .head_timeout = 10000,
    .body_timeout = 10000,
    .keepalive_timeout = 10000,
    .send_timeout = 10000,
    .h2_max_streams = 8,
    .h2_window = 4096,
    .h2_window_max = 16384,
    .h2_connection_window = 65536,
    .h2_header_table = 4096,
    .h2_resets = 20,
    .h2_control_frames = 50,
};

struct run {
    struct http2_session session;
    struct outq out;
    unsigned running;
    size_t frame_left; /* of the payload of the frame that the output is in */
    size_t head_got;
    uint8_t head[9];
    bool over;
};

static struct run *run_of(struct http2_session *s)
{
    return container_of(s, struct run, session);
}

/* ---- The handler ----------------------------------------------------------------------------- */

static void ended(weir_exchange *x)
{
    struct run *run = weir_user(x);

    run->running--;
}

static void on_cancel(weir_exchange *x, void *arg)
{
    (void)arg;
    ended(x);
    (void)weir_finish(x);
}

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    (void)arg;
    (void)data;
    if (state == 0 || state == WEIR_ERROR_CANCELLED)
        return;
    FUZZ_CHECK(state == 1);
    ended(x);
    (void)weir_respond(x, 200, "text/plain", "read");
}

static void look(weir_exchange *x)
{
    weir_str name, value;

    FUZZ_CHECK(weir_method(x) && weir_target(x) && weir_path(x) && weir_host(x));
    FUZZ_CHECK(weir_path(x)[0] == '/' || strcmp(weir_path(x), "*") == 0);
    for (size_t i = 0; weir_header_at(x, i, &name, &value); i++) {
        FUZZ_CHECK(http_name_valid(name) && http_value_valid(value));
        FUZZ_CHECK(value.ptr[value.len] == '\0');
    }
}

static void handle(weir_exchange *x, void *arg)
{
    static char text[20000];
    struct run *run = arg;

    weir_set_user(x, run);
    look(x);
    switch (weir_path(x)[1]) {
    case 'b':
        run->running++;
        weir_on_cancel(x, on_cancel, NULL);
        weir_on_body(x, on_body, NULL);
        break;
    case 'h':
        run->running++;
        weir_on_cancel(x, on_cancel, NULL);
        break;
    case 'f':
        (void)weir_write(x, text, 10);
        weir_fail(x);
        break;
    case 's':
        (void)weir_write(x, text, sizeof text);
        (void)weir_finish(x);
        break;
    default:
        (void)weir_respond(x, 200, "text/plain", "Hello, world\n");
    }
}

/* ---- The owner ------------------------------------------------------------------------------- */

/* Takes what was sent and checks that it is frames, none larger than a client must take. */
static void take_output(struct run *run)
{
    struct iovec iov[8];
    int n;

    while ((n = outq_iovec(&run->out, iov, 8)) > 0)
        for (int i = 0; i < n; i++) {
            const uint8_t *bytes = iov[i].iov_base;
            for (size_t k = 0; k < iov[i].iov_len; k++) {
                if (run->frame_left > 0) {
                    run->frame_left--;
                    continue;
                }
                run->head[run->head_got++] = bytes[k];
                if (run->head_got < sizeof run->head)
                    continue;
                run->head_got = 0;
                run->frame_left = (size_t)run->head[0] << 16 | run->head[1] << 8 | run->head[2];
                FUZZ_CHECK(run->frame_left <= 16384 && run->head[3] <= 9);
            }
            outq_consume(&run->out, iov[i].iov_len);
        }
}

static void output(struct http2_session *s, bool borrowed, bool more)
{
    (void)s;
    (void)borrowed;
    (void)more;
}

static bool flush(struct http2_session *s)
{
    take_output(run_of(s));
    return true;
}

static void over(struct http2_session *s)
{
    run_of(s)->over = true;
}

static void released(struct http2_session *s)
{
    (void)s;
}

static int load_params(struct http2_session *s, weir_exchange *x)
{
    (void)s;
    (void)x;
    return 0;
}

static void note(struct http2_session *s, const char *reason, unsigned status)
{
    (void)s;
    FUZZ_CHECK(reason && status < 600);
}

static const struct http2_session_ops ops = {
    .output = output,
    .flush = flush,
    .over = over,
    .released = released,
    .load_params = load_params,
    .note = note,
};

/* ---- The input ------------------------------------------------------------------------------- */

static void feed(struct run *run, weir_str bytes)
{
    weir_str copy = fuzz_copy(bytes);

    http2_session_receive(&run->session, copy.ptr, copy.len);
    fuzz_free(copy);
    for (int i = 0; i < 3; i++) { /* turns of the loop: what was put off, then what has drained */
        (void)uv_run(loop.uv, UV_RUN_NOWAIT);
        take_output(run);
        http2_session_run(&run->session);
    }
    take_output(run);
}

static void play(weir_str bytes, size_t first, size_t step)
{
    static const char settings[9] = {0, 0, 0, 4};
    struct run run = {0};

    outq_init(&run.out, &loop.pool);
    FUZZ_CHECK(http2_session_init(&run.session, &ops, &loop, &run.out, &options, false, handle,
                                  &run) == 0);
    feed(&run, str(http2_preface, HTTP2_PREFACE_SIZE));
    if (bytes.len < 4 || bytes.ptr[3] != 4)
        feed(&run, str(settings, sizeof settings));
    feed(&run, str(bytes.ptr, first));
    for (size_t at = first; at < bytes.len; at += step)
        feed(&run, str(bytes.ptr + at, step < bytes.len - at ? step : bytes.len - at));
    FUZZ_CHECK(run.over || run.session.stream_count <= options.h2_max_streams);
    FUZZ_CHECK(run.frame_left == 0 && run.head_got == 0);
    http2_session_lose(&run.session);
    FUZZ_CHECK(run.running == 0 && run.session.stream_count == 0);
    FUZZ_CHECK(run.session.held == 0);
    http2_session_done(&run.session);
    outq_done(&run.out);
    (void)uv_run(loop.uv, UV_RUN_NOWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str bytes = {(const char *)data, size};

    if (!loop.uv)
        FUZZ_CHECK(loop_init(&loop, NULL) == 0);
    play(bytes, size, 1);
    play(bytes, fuzz_cut(bytes), size + 1);
    if (size < BYTEWISE_MAX)
        play(bytes, 0, 1);
    return 0;
}
