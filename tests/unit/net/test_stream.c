/* SPDX-License-Identifier: MIT
 *
 * Bytes that one stream kept while paused are lent to another, as weir lends an application's
 * answer to its client: they must stay whole until the other has sent or copied them, also when the
 * owner closes the stream they came from at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/stream.h"

enum { TOTAL = 40000, FIRST = 100 };

struct fixture {
    struct loop loop;
    struct stream from, to;
    int peer_from, peer_to;
    size_t seen;
    int calls, closed;
    bool close_after; /* the owner closes the stream when it has everything */
};

static struct fixture *of(struct stream *stream)
{
    return stream->loop->user;
}

/* Takes a little the first time, and the rest, kept meanwhile, on loan. */
static size_t lend(struct stream *stream, const char *bytes, size_t len)
{
    struct fixture *f = of(stream);

    if (f->calls++ == 0) {
        assert_true(len > FIRST);
        assert_int_equal(outq_append(&f->to.out, bytes, FIRST), 0);
        stream_dirty(&f->to);
        stream_pause(stream);
        f->seen += FIRST;
        return FIRST;
    }
    assert_int_equal(outq_borrow(&f->to.out, bytes, len), 0);
    stream_borrowed(&f->to);
    f->seen += len;
    if (f->seen == TOTAL && f->close_after)
        stream_close(stream);
    return len;
}

static size_t ignore_data(struct stream *stream, const char *bytes, size_t len)
{
    (void)stream;
    (void)bytes;
    return len;
}

static void ignore_event(struct stream *stream)
{
    (void)stream;
}

static void ignore_error(struct stream *stream, int error, bool writing)
{
    (void)stream;
    (void)error;
    (void)writing;
    fail();
}

static void count_closed(struct stream *stream)
{
    of(stream)->closed++;
}

static const struct stream_ops lender = {lend,         ignore_event, ignore_error,
                                         ignore_event, ignore_event, count_closed};
static const struct stream_ops taker = {ignore_data,  ignore_event, ignore_error,
                                        ignore_event, ignore_event, count_closed};

static void turn(struct fixture *f)
{
    (void)uv_run(f->loop.uv, UV_RUN_NOWAIT);
}

static void run(bool close_after)
{
    struct fixture f = {.close_after = close_after};
    char sent[TOTAL], got[TOTAL + 1];
    int from[2], to[2];
    size_t have = 0;

    for (int i = 0; i < TOTAL; i++)
        sent[i] = (char)('A' + i % 61);
    assert_int_equal(loop_init(&f.loop, NULL), 0);
    f.loop.user = &f;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, from), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, to), 0);
    assert_int_equal(stream_init(&f.from, &f.loop, from[0], &lender), 0);
    assert_int_equal(stream_init(&f.to, &f.loop, to[0], &taker), 0);
    stream_resume(&f.from);
    stream_resume(&f.to);

    assert_int_equal(write(from[1], sent, TOTAL), TOTAL);
    for (int i = 0; i < 100 && have < TOTAL; i++) {
        turn(&f);
        if (f.from.paused)
            stream_resume(&f.from);
        ssize_t n = read(to[1], got + have, sizeof got - have);
        have += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(have, TOTAL);
    assert_memory_equal(got, sent, TOTAL);

    stream_close(&f.from);
    stream_close(&f.to);
    for (int i = 0; i < 100 && f.closed < 2; i++)
        turn(&f);
    assert_int_equal(f.closed, 2);
    loop_done(&f.loop);
    close(from[1]);
    close(to[1]);
}

static void lent_and_kept_open(void **state)
{
    (void)state;
    run(false);
}

static void lent_and_closed(void **state)
{
    (void)state;
    run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lent_and_kept_open),
        cmocka_unit_test(lent_and_closed),
    };
    return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
