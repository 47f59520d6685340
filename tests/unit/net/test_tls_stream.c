/* SPDX-License-Identifier: MIT
 *
 * Streams over TLS, seen by their owners: a client and a server on one loop, over a socket pair.
 * What comes, and in which order: connected, data, the end or an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/error.h>

#include "net/stream.h"
#include "support/certificate.h"

struct side {
    struct stream stream; /* first */
    char seen[256];       /* what happened: "connected data(hello) end closed" */
    size_t take;          /* bytes of the next data to take before pausing; SIZE_MAX: all */
};

struct fixture {
    struct loop loop;
    struct tls_context *accepting, *connecting;
    struct side server, client;
};

static void note(struct stream *stream, const char *what)
{
    struct side *side = (struct side *)(void *)stream;
    size_t len = strlen(side->seen);

    assert_true(len + strlen(what) + 2 < sizeof side->seen);
    snprintf(side->seen + len, sizeof side->seen - len, "%s%s", len ? " " : "", what);
}

static size_t on_data(struct stream *stream, const char *bytes, size_t len)
{
    struct side *side = (struct side *)(void *)stream;
    char text[128];

    if (len > side->take) {
        len = side->take;
        stream_pause(stream);
    }
    snprintf(text, sizeof text, "data(%.*s)", (int)len, bytes);
    note(stream, text);
    return len;
}

static void on_end(struct stream *stream)
{
    note(stream, "end");
}

static void on_error(struct stream *stream, int error, bool writing)
{
    note(stream, weir_error_name(error));
    assert_false(writing);
}

static void on_drained(struct stream *stream)
{
    note(stream, "drained");
}

static void on_connected(struct stream *stream)
{
    note(stream, "connected");
}

static void on_closed(struct stream *stream)
{
    note(stream, "closed");
    stream_done(stream);
}

static const struct stream_ops ops = {on_data,    on_end,       on_error,
                                      on_drained, on_connected, on_closed};

static void turns(struct fixture *f)
{
    for (int i = 0; i < 20; i++)
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
}

static void begin(struct fixture *f)
{
    char error[TLS_ERROR];
    int fds[2];

    memset(f, 0, sizeof *f);
    f->server.take = f->client.take = SIZE_MAX;
    assert_int_equal(loop_init(&f->loop, NULL), 0);
    assert_int_equal(tls_context_new(true, &(struct tls_settings){0}, &f->accepting, error), 0);
    assert_int_equal(
        tls_context_add_certificate(f->accepting, certificate_file, certificate_key, error), 0);
    assert_int_equal(tls_context_new(false, &(struct tls_settings){.ca_file = certificate_file},
                                     &f->connecting, error),
                     0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(stream_init(&f->server.stream, &f->loop, fds[0], &ops), 0);
    assert_int_equal(stream_init(&f->client.stream, &f->loop, fds[1], &ops), 0);
    assert_int_equal(stream_accept_tls(&f->server.stream, f->accepting, WEIR_STR("")), 0);
}

static void connect_client(struct fixture *f)
{
    assert_int_equal(
        stream_connect_tls(&f->client.stream, f->connecting, WEIR_STR(""), "localhost"), 0);
}

static void say(struct side *side, const char *words)
{
    assert_int_equal(outq_append(&side->stream.out, words, strlen(words)), 0);
    stream_dirty(&side->stream);
}

static void finish(struct fixture *f)
{
    stream_close(&f->server.stream);
    stream_close(&f->client.stream);
    turns(f);
    tls_context_unref(f->accepting);
    tls_context_unref(f->connecting);
    loop_done(&f->loop);
}

static void talk_and_end(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    connect_client(&f);
    stream_resume(&f.server.stream);
    stream_resume(&f.client.stream);
    say(&f.client, "early"); /* waits for the handshake */
    turns(&f);
    assert_string_equal(f.server.seen, "connected data(early)");
    say(&f.server, "answer");
    turns(&f);
    assert_string_equal(f.client.seen, "connected data(answer)");
    say(&f.client, "last");
    stream_finish(&f.client.stream, false);
    turns(&f);
    assert_string_equal(f.client.seen, "connected data(answer) closed");
    assert_string_equal(f.server.seen, "connected data(early) data(last) end");
    finish(&f);
}

static void cut_off(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    connect_client(&f);
    stream_resume(&f.server.stream);
    stream_resume(&f.client.stream); /* nothing stays unread, which would be a reset */
    say(&f.client, "something");
    turns(&f);
    stream_close(&f.client.stream);
    turns(&f);
    assert_string_equal(f.server.seen, "connected data(something) CLOSED");
    finish(&f);
}

/* What had come before is told first, however long the owner waits. */
static void end_waits_for_the_owner(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    connect_client(&f);
    f.server.take = 3;
    stream_resume(&f.server.stream);
    stream_resume(&f.client.stream);
    turns(&f);
    say(&f.client, "abcdef");
    stream_finish(&f.client.stream, false);
    turns(&f);
    assert_string_equal(f.server.seen, "connected data(abc)");
    f.server.take = 2;
    stream_resume(&f.server.stream);
    turns(&f);
    assert_string_equal(f.server.seen, "connected data(abc) data(de)");
    stream_resume(&f.server.stream);
    turns(&f);
    assert_string_equal(f.server.seen, "connected data(abc) data(de) data(f) end");
    finish(&f);
}

/* The handshake goes on without the owner; data waits for it. */
static void owner_not_reading_yet(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    connect_client(&f);
    say(&f.client, "hello");
    turns(&f);
    assert_string_equal(f.server.seen, "connected");
    stream_resume(&f.server.stream);
    turns(&f);
    assert_string_equal(f.server.seen, "connected data(hello)");
    finish(&f);
}

static void no_tls_at_all(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    stream_resume(&f.server.stream);
    say(&f.client, "GET / HTTP/1.1\r\n\r\n");
    turns(&f);
    assert_string_equal(f.server.seen, "HANDSHAKE");
    assert_string_equal(tls_session_reason(f.server.stream.tls), "http request");
    finish(&f);
}

static void gone_during_the_handshake(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    stream_resume(&f.server.stream);
    say(&f.client, "\26\3\1\2");
    stream_finish(&f.client.stream, false);
    turns(&f);
    assert_string_equal(f.server.seen, "HANDSHAKE");
    finish(&f);
}

static void unknown_issuer(void **state)
{
    struct fixture f;
    char error[TLS_ERROR];

    (void)state;
    begin(&f);
    tls_context_unref(f.connecting);
    assert_int_equal(tls_context_new(false, &(struct tls_settings){0}, &f.connecting, error), 0);
    connect_client(&f);
    stream_resume(&f.server.stream);
    turns(&f);
    assert_string_equal(f.client.seen, "CERTIFICATE");
    assert_string_equal(f.server.seen, "HANDSHAKE"); /* told by an alert */
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talk_and_end),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(end_waits_for_the_owner),
        cmocka_unit_test(owner_not_reading_yet),
        cmocka_unit_test(no_tls_at_all),
        cmocka_unit_test(gone_during_the_handshake),
        cmocka_unit_test(unknown_issuer),
    };
    return cmocka_run_group_tests_name("net/tls_stream", tests, certificate_make,
                                       certificate_remove);
}
