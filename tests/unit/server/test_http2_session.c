/* SPDX-License-Identifier: MIT
 *
 * An HTTP/2 session without a socket: two requests, one with a body that its handler takes later,
 * while memory runs out at every place of ours. A request may then fail, and be seen to, or the
 * connection end; nothing may crash, leak, or look complete when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/http2.h"
#include "support/failmalloc.h"

enum { BODY = 3000, ANSWER = 40000 };

struct talk {
    struct loop loop;
    struct http2_session session;
    struct outq out;
    weir_exchange *waiting; /* has not taken its body yet */
    size_t body;            /* bytes that the handler was given */
    size_t data[4];         /* of each stream, what the client was given */
    bool ended[4];          /* and whether it was all */
    bool over;
};

static const weir_server_options options = {
    .head_max = 32768,
    .target_max = 8192,
    .fields_max = 100,
    .body_max = UINT64_MAX,
    .head_timeout = 10000,
    .body_timeout = 10000,
    .keepalive_timeout = 10000,
    .send_timeout = 10000,
    .h2_max_streams = 100,
    .h2_window = 65536,
    .h2_window_max = 1 << 20,
    .h2_connection_window = 8 << 20,
    .h2_header_table = 4096,
    .h2_resets = 200,
    .h2_control_frames = 1000,
};

/* ---- The server's end ------------------------------------------------------------------------ */

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    static char answer[ANSWER];
    struct talk *talk = arg;

    talk->body += data.len;
    if (state == 1)
        (void)weir_respond_bytes(x, 200, "text/plain", str(answer, sizeof answer));
    else if (state < 0)
        weir_fail(x);
}

static void handle(weir_exchange *x, void *arg)
{
    struct talk *talk = arg;

    if (!weir_header(x, "cookie") || !weir_header(x, "host") || !weir_param(x, "A"))
        weir_fail(x);
    else if (strcmp(weir_method(x), "POST") == 0)
        talk->waiting = x;
    else
        (void)weir_respond(x, 200, "text/plain", "Hello, world\n");
}

static void output(struct http2_session *s, bool borrowed, bool more)
{
    (void)s;
    (void)borrowed;
    (void)more;
}

static void over(struct http2_session *s)
{
    container_of(s, struct talk, session)->over = true;
}

static bool flush(struct http2_session *s)
{
    (void)s;
    return true;
}

static void nothing(struct http2_session *s)
{
    (void)s;
}

static int load_params(struct http2_session *s, weir_exchange *x)
{
    (void)s;
    x->params = arena_alloc(x->arena, sizeof *x->params);
    if (!x->params)
        return WEIR_ERROR_NOMEM;
    x->params[0] = (weir_pair){WEIR_STR("A"), WEIR_STR("b")};
    x->param_count = 1;
    return 0;
}

static void note(struct http2_session *s, const char *reason, unsigned status)
{
    (void)s;
    (void)reason;
    (void)status;
}

static const struct http2_session_ops ops = {
    .output = output,
    .flush = flush,
    .over = over,
    .released = nothing,
    .load_params = load_params,
    .note = note,
};

/* ---- The client's end ------------------------------------------------------------------------ */

static size_t put_frame(char *out, unsigned type, unsigned flags, unsigned stream,
                        const void *payload, size_t len)
{
    char head[9] = {
        (char)(len >> 16), (char)(len >> 8), (char)len, (char)type, (char)flags, 0, 0, 0,
        (char)stream};

    memcpy(out, head, sizeof head);
    if (len)
        memcpy(out + sizeof head, payload, len);
    return sizeof head + len;
}

static size_t put_field(char *out, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    out[0] = 0x10; /* RFC 7541 6.2.3 */
    out[1] = (char)n;
    memcpy(out + 2, name, n);
    out[2 + n] = (char)v;
    memcpy(out + 3 + n, value, v);
    return 3 + n + v;
}

static size_t put_head(char *out, const char *method, unsigned flags, unsigned stream)
{
    char block[512];
    size_t n = put_field(block, ":method", method);

    n += put_field(block + n, ":scheme", "http");
    n += put_field(block + n, ":path", "/some/path?query");
    n += put_field(block + n, ":authority", "a.example");
    n += put_field(block + n, "cookie", "a=b");
    n += put_field(block + n, "cookie", "c=d");
    return put_frame(out, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, stream, block, n);
}

/* Reads what the session sent. Only the last frame before the end may be cut off. */
static void take_output(struct talk *talk)
{
    static char bytes[200000];
    size_t len = 0, at = 0;
    struct iovec iov[8];
    int n;

    while ((n = outq_iovec(&talk->out, iov, 8)) > 0)
        for (int i = 0; i < n; i++) {
            size_t part = iov[i].iov_len;
            assert_true(part <= sizeof bytes - len);
            memcpy(bytes + len, iov[i].iov_base, part);
            len += part;
            outq_consume(&talk->out, part);
        }
    while (at + 9 <= len) {
        const uint8_t *head = (const uint8_t *)bytes + at;
        size_t size = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (at + 9 + size > len)
            break;
        if (head[3] == NGHTTP2_DATA)
            talk->data[head[8] & 3] += size;
        if (head[3] <= NGHTTP2_HEADERS && head[4] & NGHTTP2_FLAG_END_STREAM)
            talk->ended[head[8] & 3] = true;
        at += 9 + size;
    }
    assert_true(at == len || talk->over);
}

static void turn(struct talk *talk)
{
    (void)uv_run(talk->loop.uv, UV_RUN_NOWAIT);
    http2_session_run(&talk->session);
    take_output(talk);
}

static void feed(struct talk *talk, const char *bytes, size_t len)
{
    http2_session_receive(&talk->session, bytes, len);
    stream_flush_borrowed(&talk->loop);
    turn(talk);
}

static void converse(struct talk *talk)
{
    static const char body[BODY];
    char bytes[8192];
    size_t n = put_frame(bytes, NGHTTP2_SETTINGS, 0, 0, NULL, 0);

    feed(talk, http2_preface, HTTP2_PREFACE_SIZE);
    n += put_head(bytes + n, "GET", NGHTTP2_FLAG_END_STREAM, 1);
    n += put_head(bytes + n, "POST", 0, 3);
    n += put_frame(bytes + n, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3, body, BODY);
    feed(talk, bytes, n);
    if (talk->waiting && !talk->session.dead && !weir_cancelled(talk->waiting))
        weir_on_body(talk->waiting, on_body, talk);
    turn(talk);
    turn(talk);
}

/* An answer that ends is the handler's, or one of ours that says what went wrong. */
static void assert_whole_or_open(const struct talk *talk, unsigned stream, size_t want)
{
    size_t got = talk->data[stream];

    if (talk->ended[stream] && got != want)
        assert_true(got == strlen("500 Internal Server Error\n") ||
                    got == strlen("503 Service Unavailable\n"));
}

/* Whether both requests were answered well. */
static bool attempt(void)
{
    struct talk talk = {0};
    bool well = false;

    if (loop_init(&talk.loop, NULL) != 0)
        return false;
    outq_init(&talk.out, &talk.loop.pool);
    if (http2_session_init(&talk.session, &ops, &talk.loop, &talk.out, &options, false, handle,
                           &talk) == 0) {
        converse(&talk);
        assert_whole_or_open(&talk, 1, 13);
        assert_whole_or_open(&talk, 3, ANSWER);
        well = talk.ended[1] && talk.data[1] == 13 && talk.ended[3] && talk.data[3] == ANSWER;
        assert_true(!well || talk.body == BODY);
        http2_session_lose(&talk.session);
        if (talk.session.stream_count > 0)
            (void)weir_finish(talk.waiting); /* it had nothing set that would have heard */
        assert_int_equal(talk.session.stream_count, 0);
        assert_int_equal(talk.session.held, 0);
        http2_session_done(&talk.session);
    }
    outq_done(&talk.out);
    loop_done(&talk.loop);
    return well;
}

static void test_memory(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (int forever = 0; forever < 2; forever++)
        for (unsigned long n = 1;; n++) {
            failmalloc_fail(n, forever);
            bool well = attempt();
            if (!failmalloc_failed()) {
                assert_true(well);
                break;
            }
            failures += !well;
        }
    failmalloc_reset();
    assert_true(failures >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
