/* SPDX-License-Identifier: MIT
 *
 * An application's STDOUT as an answer: whole, byte by byte, cut in two at every offset, and
 * without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/error.h>

#include "client/answer.h"
#include "support/cuts.h"
#include "support/failmalloc.h"

struct row {
    const char *output;
    const char *expect;
    bool is_head;
};

static const struct http_limits limits = {.head_max = 200, .fields_max = 3};

static void tell_block(struct answer *a, int event, struct text *outcome)
{
    text_add(outcome, event == ANSWER_HEAD ? "head %u\n" : "interim %u\n",
             a->parser.response.status);
    for (uint16_t i = 0; i < a->parser.response.field_count; i++)
        text_add(outcome, "%s=%s\n", http_field_name(a->text.ptr, &a->fields[i]).ptr,
                 http_field_value(a->text.ptr, &a->fields[i]).ptr);
    text_add(outcome, "block %zu\n", a->head.len);
}

/* Bodies are told at the end: where they are cut is the transport's. */
static int read_answer(struct delivery *delivery, const struct row *row, struct pool *pool,
                       struct text *outcome)
{
    struct answer a;
    weir_str in, part;
    int rc = answer_init(&a, pool, limits);
    size_t body = 0;

    if (rc != 0)
        return rc;
    answer_expect(&a, row->is_head);
    while (rc >= 0 && delivery_next(delivery, false, &in))
        while ((rc = answer_next(&a, &in, &part)) > 0) {
            if (rc == ANSWER_BODY)
                body += part.len;
            else
                tell_block(&a, rc, outcome);
        }
    if (rc == 0)
        rc = answer_end(&a);
    if (rc != WEIR_ERROR_CONTENT_LENGTH)
        text_add(outcome, "body %zu\n", body);
    text_add(outcome, "%s %s", weir_error_name(rc), rc < 0 ? a.fault : "");
    answer_done(&a);
    return rc;
}

static void driver(struct delivery *delivery, const void *arg, struct text *outcome)
{
    struct pool pool;

    pool_init(&pool);
    (void)read_answer(delivery, arg, &pool, outcome);
    pool_done(&pool);
}

static const struct row rows[] = {
    {"Content-Type: text/plain\r\n\r\nhello",
     "head 200\nContent-Type=text/plain\nblock 28\nbody 5\nOK ", false},
    {"Status: 103 Early\nLink: a\n\nStatus: 102\n\nStatus: 404\nA: 1\n\nx",
     "interim 103\nLink=a\nblock 27\ninterim 102\nblock 13\nhead 404\nA=1\nblock 18\nbody 1\nOK ",
     false},
    {"A: 1\n\n", "head 200\nA=1\nblock 6\nbody 0\nOK ", false},
    {"", "body 0\nRESPONSE response-empty", false},
    {"A: 1\n", "body 0\nRESPONSE response-head-incomplete", false},
    {"Status: 100\n\n", "interim 100\nblock 13\nbody 0\nRESPONSE response-empty", false},
    {"no header\n", "body 0\nRESPONSE space-before-colon", false},
    {"Content-Length: 2\n\nab", "head 200\nContent-Length=2\nblock 19\nbody 2\nOK ", false},
    {"Content-Length: 2\n\na",
     "head 200\nContent-Length=2\nblock 19\nCONTENT_LENGTH body-short-of-content-length", false},
    {"Content-Length: 2\n\nabc",
     "head 200\nContent-Length=2\nblock 19\nCONTENT_LENGTH body-beyond-content-length", false},
    {"Content-Length: 2\n\n", "head 200\nContent-Length=2\nblock 19\nbody 0\nOK ", true},
    {"Status: 304\nContent-Length: 2\n\n", "head 304\nContent-Length=2\nblock 31\nbody 0\nOK ",
     false},
    {"A: 1\nB: 2\nC: 3\nD: 4\n\n", "body 0\nRESPONSE too-many-fields", false},
    {"A: "
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxx"
     "xxxxxx\n\n",
     "body 0\nRESPONSE header-too-large", false},
};

static void answers(void **state)
{
    static struct text outcome;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        deliver_in_every_way(rows[i].output, str_of(rows[i].output), driver, &rows[i], &outcome);
        assert_string_equal(outcome.bytes, rows[i].expect);
    }
}

/* In two pieces, so that a block has to be put together. */
static int attempt(void *arg)
{
    static const weir_str pieces[] = {{"Status: 103\nLink: a\n\nA: ", 24}, {"1\n\nbody", 7}};
    struct pool *pool = arg;
    struct answer a;
    weir_str part;
    int rc = answer_init(&a, pool, limits);

    if (rc != 0)
        return rc;
    for (size_t i = 0; rc >= 0 && i < 2; i++) {
        weir_str in = pieces[i];
        while ((rc = answer_next(&a, &in, &part)) > 0)
            ;
    }
    if (rc == 0)
        rc = answer_end(&a);
    answer_done(&a);
    pool_done(pool); /* keep nothing: the next attempt allocates again */
    pool_init(pool);
    return rc;
}

static void without_memory(void **state)
{
    struct pool pool;

    (void)state;
    pool_init(&pool);
    failmalloc_each(attempt, &pool, WEIR_ERROR_NOMEM);
    pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
