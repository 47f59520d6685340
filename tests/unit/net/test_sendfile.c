/* SPDX-License-Identifier: MIT
 *
 * Files straight to a socket: in order with what is queued, as fast as the peer reads, with an end
 * to waiting for it, and without a signal when it is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/error.h>

#include "net/stream.h"

enum { SIZE = 3 << 20, ROOM = SIZE + 64 };

struct fixture {
    struct loop loop;
    struct stream stream;
    int peer, file;
    char *bytes, *got;
    size_t have;
    uint64_t offset;
    int64_t result; /* of the last stream_sendfile */
    int drained, closed, error;
};

static struct fixture *of(struct stream *stream)
{
    return stream->loop->user;
}

static size_t on_data(struct stream *stream, const char *bytes, size_t len)
{
    (void)stream;
    (void)bytes;
    return len;
}

static void on_event(struct stream *stream)
{
    (void)stream;
}

static void on_error(struct stream *stream, int error, bool writing)
{
    (void)writing;
    of(stream)->error = error;
}

/* Sends as much of the file as goes. */
static void send_on(struct fixture *f)
{
    while (f->offset < SIZE) {
        f->result = stream_sendfile(&f->stream, f->file, f->offset, SIZE - f->offset);
        if (f->result <= 0)
            break;
        f->offset += (uint64_t)f->result;
    }
    if (f->result == 0)
        stream_want_drain(&f->stream);
    stream_dirty(&f->stream);
}

static void on_drained(struct stream *stream)
{
    of(stream)->drained++;
    send_on(of(stream));
}

static void on_closed(struct stream *stream)
{
    of(stream)->closed++;
}

static const struct stream_ops ops = {on_data, on_event, on_error, on_drained, on_event, on_closed};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char name[] = "/tmp/weir-test-XXXXXX";
    int pair[2];

    assert_non_null(f);
    f->bytes = malloc(SIZE);
    f->got = malloc(ROOM);
    assert_true(f->bytes && f->got);
    for (size_t i = 0; i < SIZE; i++)
        f->bytes[i] = (char)(i * 7 + i / 251);
    f->file = mkstemp(name);
    assert_true(f->file >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(write(f->file, f->bytes, SIZE), SIZE);
    assert_int_equal(loop_init(&f->loop, NULL), 0);
    f->loop.user = f;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(stream_init(&f->stream, &f->loop, pair[0], &ops), 0);
    f->peer = pair[1];
    stream_resume(&f->stream);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    stream_close(&f->stream);
    for (int i = 0; i < 100 && !f->closed; i++)
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(f->closed, 1);
    loop_done(&f->loop);
    if (f->peer >= 0)
        close(f->peer);
    close(f->file);
    free(f->bytes);
    free(f->got);
    free(f);
    return 0;
}

/* Turns of the loop until fn is true, or too many. */
static bool turn_until(struct fixture *f, bool (*fn)(struct fixture *f))
{
    for (int i = 0; i < 100000 && !fn(f); i++)
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    return fn(f);
}

static void read_some(struct fixture *f, size_t max)
{
    ssize_t n = read(f->peer, f->got + f->have, ROOM - f->have < max ? ROOM - f->have : max);

    f->have += n > 0 ? (size_t)n : 0;
}

static bool has_all(struct fixture *f)
{
    read_some(f, 50000);
    return f->have == SIZE + 10;
}

static void file_between_texts(void **state)
{
    struct fixture *f = *state;

    assert_true(stream_can_sendfile(&f->stream));
    assert_int_equal(outq_append(&f->stream.out, "head:", 5), 0);
    send_on(f);
    assert_true(f->offset > 0 && f->offset < SIZE); /* the socket has room for less */
    while (f->offset < SIZE) {
        int before = f->drained;
        read_some(f, 50000);
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
        assert_true(f->drained - before <= 1); /* asked once, not again and again */
    }
    assert_int_equal(outq_append(&f->stream.out, ":tail", 5), 0);
    stream_dirty(&f->stream);
    assert_true(turn_until(f, has_all));
    assert_memory_equal(f->got, "head:", 5);
    assert_memory_equal(f->got + 5, f->bytes, SIZE);
    assert_memory_equal(f->got + 5 + SIZE, ":tail", 5);
    assert_int_equal(f->error, 0);
}

/* Little of it, but the socket is full: asking at once again would be asking for ever. */
static void rest_in_the_way(void **state)
{
    struct fixture *f = *state;

    while (send(f->stream.fd, f->bytes, 1000, MSG_DONTWAIT) == 1000)
        ;
    assert_int_equal(outq_append(&f->stream.out, "rest", 4), 0);
    send_on(f);
    assert_true(f->offset == 0 && f->result == 0);
    for (int i = 0; i < 10; i++)
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(f->drained, 0);
    assert_int_equal(stream_pending(&f->stream), 4);
    for (int i = 0; i < 100000 && f->offset < SIZE; i++) {
        f->have = 0;
        read_some(f, ROOM);
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(f->offset, SIZE);
}

static bool has_failed(struct fixture *f)
{
    return f->error != 0;
}

static void file_that_ends(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(stream_sendfile(&f->stream, f->file, SIZE, 1), WEIR_ERROR_SHORT_BODY);
    assert_int_equal(stream_sendfile(&f->stream, f->file, UINT64_MAX, 1), WEIR_ERROR_SHORT_BODY);
    assert_int_equal(ftruncate(f->file, 100), 0);
    send_on(f);
    assert_true(turn_until(f, has_failed) == false && f->result == WEIR_ERROR_SHORT_BODY);
    read_some(f, ROOM);
    assert_int_equal(f->have, 100);
}

static void peer_that_is_gone(void **state)
{
    struct fixture *f = *state;

    close(f->peer);
    f->peer = -1;
    send_on(f); /* SIGPIPE would end the program */
    assert_true(turn_until(f, has_failed));
    assert_int_equal(f->error, WEIR_ERROR_CLOSED);
}

static void peer_that_does_not_read(void **state)
{
    struct fixture *f = *state;

    f->stream.stall_ms = 30;
    send_on(f);
    while (!has_failed(f))
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(f->error, WEIR_ERROR_TIMEOUT);
}

/* Having waited once must not end a stream that has nothing to send any more. */
static void peer_that_has_read(void **state)
{
    struct fixture *f = *state;

    f->stream.stall_ms = 30;
    assert_int_equal(outq_append(&f->stream.out, f->bytes, SIZE), 0);
    stream_dirty(&f->stream);
    (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    assert_true(stream_pending(&f->stream) > 0);
    while (stream_pending(&f->stream) > 0) {
        read_some(f, ROOM);
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    }
    uint64_t start = uv_now(f->loop.uv);
    while (uv_now(f->loop.uv) - start < 200)
        (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(f->error, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(file_between_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rest_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_that_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peer_that_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peer_that_does_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peer_that_has_read, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("net/sendfile", tests, NULL, NULL);
}
