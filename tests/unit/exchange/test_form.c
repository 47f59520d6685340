/* SPDX-License-Identifier: MIT
 *
 * Forms of an exchange on a loop: streamed with pauses and early ends, read as a whole within
 * limits and when memory is out. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/weir.h>

#include "fake.h"
#include "support/failmalloc.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART  "multipart/form-data; boundary=b"

static const char pairs[] = "title=My+trip&tags=a&tags=b%26c&empty=&bare&nul=a%00b&last";
static const char parts[] =
    "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nMy trip\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"/tmp/a.jpg\"\r\n"
    "Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n\0\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"b.jpg\"\r\n\r\n\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\r\n\r\n\r\n"
    "--b--\r\n";

/* ---- Streamed -------------------------------------------------------------------------------- */

struct log {
    char text[4096];
    int calls;
    int pause_at;  /* pauses in this call, or in every one with -1 */
    int finish_at; /* answers in this call */
    int state;
};

static void note(struct log *log, weir_exchange *x, const char *what, weir_str data)
{
    size_t len = strlen(log->text);

    assert_false(x->body.paused);
    assert_false(x->finished);
    assert_true(len + data.len + 16 < sizeof log->text);
    memcpy(log->text + len, what, strlen(what));
    len += strlen(what);
    for (size_t i = 0; i < data.len; i++)
        log->text[len++] = data.ptr[i] ? data.ptr[i] : '0';
    log->text[len] = '\0';
    log->calls++;
    if (log->calls == log->pause_at || log->pause_at < 0)
        weir_pause_body(x);
    if (log->calls == log->finish_at)
        weir_respond(x, 200, NULL, "early");
}

static void on_part(weir_exchange *x, const weir_form_part *part, void *arg)
{
    note(arg, x, weir_form_part_is_file(part) ? "\nfile " : "\nfield ", weir_form_part_name(part));
    strcat(((struct log *)arg)->text, "=");
}

static void on_data(weir_exchange *x, const weir_form_part *part, weir_str data, void *arg)
{
    note(arg, x, "", data);
}

static void on_part_end(weir_exchange *x, const weir_form_part *part, void *arg)
{
    char size[32];

    snprintf(size, sizeof size, " (%llu)", (unsigned long long)weir_form_part_size(part));
    note(arg, x, size, WEIR_STR(""));
}

static void on_end(weir_exchange *x, int state, void *arg)
{
    struct log *log = arg;

    assert_int_equal(log->state, 0);
    note(log, x, "\nend", WEIR_STR(""));
    log->state = state;
}

static const weir_form_callbacks callbacks = {
    .size = sizeof callbacks,
    .part = on_part,
    .data = on_data,
    .part_end = on_part_end,
    .end = on_end,
};

struct sample {
    const char *type;
    weir_str body;
    const char *want;
};

static const struct sample samples[] = {
    {URLENCODED,
     {pairs, sizeof pairs - 1},
     "\nfield title=My trip (7)\nfield tags=a (1)\nfield tags=b&c (3)\nfield empty= (0)"
     "\nfield bare= (0)\nfield nul=a0b (3)\nfield last= (0)\nend"},
    {MULTIPART,
     {parts, sizeof parts - 1},
     "\nfield title=My trip (7)\nfile photo=\xff\xd8\r\n0 (5)\nfile photo= (0)\nfield none= (0)"
     "\nend"},
};

/* Runs a sample; returns the number of turns it took. */
static int stream(const struct sample *sample, size_t step, struct log *log)
{
    struct fake f;
    int turns = 1;

    fake_init(&f, sample->type, sample->body, step);
    assert_int_equal(weir_on_form(&f.x, NULL, &callbacks, log), 0);
    fake_turn(&f);
    for (; log->state == 0 && !f.released; turns++) {
        int before = log->calls;
        assert_true(f.x.body.paused);
        fake_turn(&f);
        assert_int_equal(log->calls, before); /* nothing while paused */
        weir_resume_body(&f.x);
        fake_turn(&f);
        assert_true(log->calls > before);
    }
    if (!f.released) {
        weir_resume_body(&f.x);
        fake_turn(&f);
        weir_respond(&f.x, 200, NULL, "late");
    }
    assert_true(f.released);
    fake_done(&f);
    return turns;
}

static void test_streamed(void **state)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        for (size_t step = 1; step <= samples[i].body.len; step++) {
            struct log log = {0};
            assert_int_equal(stream(&samples[i], step, &log), 1);
            assert_string_equal(log.text, samples[i].want);
            assert_int_equal(log.state, 1);
        }
}

static void test_paused_at_every_call(void **state)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        for (size_t step = 1; step <= samples[i].body.len; step++) {
            struct log log = {.pause_at = -1};
            assert_true(stream(&samples[i], step, &log) > 10);
            assert_string_equal(log.text, samples[i].want);
            for (int call = 1; call < log.calls; call++) {
                struct log once = {.pause_at = call};
                assert_int_equal(stream(&samples[i], step, &once), 2);
                assert_string_equal(once.text, samples[i].want);
            }
        }
}

/* More than the exchange itself keeps while it is paused. */
static void test_paused_with_much_to_come(void **state)
{
    static char body[300000], want[4096];
    int len = snprintf(body, sizeof body, "a=");
    struct sample sample = {URLENCODED, {body, sizeof body}, want};
    struct fake f;
    struct log log = {.pause_at = 1};
    weir_form_options options = {.size = sizeof options, .field_size = 100};

    for (size_t i = (size_t)len; i < sizeof body; i++)
        body[i] = i % 100 ? 'x' : '&';
    fake_init(&f, sample.type, sample.body, 200000);
    options.fields = 1000000;
    assert_int_equal(weir_on_form(&f.x, &options, &callbacks, &log), 0);
    fake_turn(&f);
    assert_int_equal(log.calls, 1);
    assert_true(f.body.len > 300000 - 100 - BODY_BUFFER && f.x.body.kept.len == BODY_BUFFER);
    log.pause_at = 0;
    for (int i = 0; i < 300 && log.state == 0; i++) {
        log.text[0] = '\0';
        f.step = 1000;
        log.pause_at = log.calls + 30;
        weir_resume_body(&f.x);
        fake_turn(&f);
    }
    assert_int_equal(log.state, 1);
    assert_int_equal(f.body.len, 0);
    weir_finish(&f.x);
    fake_done(&f);
}

static void test_ended_at_every_call(void **state)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        for (size_t step = 1; step <= samples[i].body.len; step += 7) {
            struct log all = {0};
            stream(&samples[i], step, &all);
            for (int call = 1; call <= all.calls; call++) {
                struct log log = {.finish_at = call};
                stream(&samples[i], step, &log);
                assert_int_equal(log.calls, call);
            }
        }
}

static void test_broken_off(void **state)
{
    static const int ends[] = {WEIR_ERROR_SHORT_BODY, WEIR_ERROR_TIMEOUT, WEIR_ERROR_PROTOCOL};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct log log = {0};
        struct fake f;
        fake_init(&f, MULTIPART, str(parts, 150), 10);
        f.end = ends[i];
        assert_int_equal(weir_on_form(&f.x, NULL, &callbacks, &log), 0);
        fake_turn(&f);
        assert_int_equal(log.state, ends[i]);
        weir_form_refuse(&f.x, log.state);
        assert_int_equal(f.x.status, ends[i] == WEIR_ERROR_TIMEOUT ? 408 : 400);
        fake_done(&f);
    }

    struct log log = {0};
    struct fake f;
    fake_init(&f, MULTIPART, str(parts, 150), 10);
    assert_int_equal(weir_on_form(&f.x, NULL, &callbacks, &log), 0);
    exchange_cancel(&f.x);
    assert_int_equal(log.state, WEIR_ERROR_CANCELLED);
    weir_form_refuse(&f.x, log.state);
    assert_true(f.released);
    fake_done(&f);
}

/* The body ends where it said, but before the closing boundary. */
static void test_no_closing_boundary(void **state)
{
    struct log log = {0};
    struct fake f;

    fake_init(&f, MULTIPART, str(parts, sizeof parts - 8), 1000);
    assert_int_equal(weir_on_form(&f.x, NULL, &callbacks, &log), 0);
    fake_turn(&f);
    assert_int_equal(log.state, WEIR_ERROR_SHORT_BODY);
    weir_form_refuse(&f.x, log.state);
    assert_string_equal(f.answer, "the body ended before its declared length: it ends before the "
                                  "closing boundary\n");
    fake_done(&f);
}

/* After a refusal the rest of the body is dropped until the handler answers. */
static void test_refused_and_answered_late(void **state)
{
    struct log log = {0};
    struct fake f;
    weir_form_options options = {.size = sizeof options, .fields = 1};

    fake_init(&f, URLENCODED, WEIR_STR("a=1&b=2&c=3"), 1);
    assert_int_equal(weir_on_form(&f.x, &options, &callbacks, &log), 0);
    fake_turn(&f);
    assert_int_equal(log.state, WEIR_ERROR_LIMIT);
    assert_int_equal(f.body.len, 0);
    assert_string_equal(log.text, "\nfield a=1 (1)\nend");
    weir_form_refuse(&f.x, log.state);
    assert_int_equal(f.x.status, 413);
    assert_string_equal(f.answer, "there are more than 1 fields (weir_form_options.fields)\n");
    fake_done(&f);
}

/* ---- What is no form ------------------------------------------------------------------------- */

static void gathered(weir_exchange *x, weir_form *form, int state, void *arg);

static void check_no_form(const char *type, int64_t length, int want, int want_status)
{
    struct log log = {0};
    struct fake f;

    fake_init(&f, type, WEIR_STR("x"), 1);
    f.x.content_length = length;
    assert_int_equal(weir_gather_form(&f.x, NULL, gathered, NULL), want);
    assert_int_equal(weir_on_form(&f.x, NULL, &callbacks, &log), want);
    assert_null(f.x.body.fn);
    weir_form_refuse(&f.x, want);
    assert_int_equal(f.x.status, want_status);
    assert_true(strlen(f.answer) > 10);
    fake_done(&f);
}

static void test_no_form(void **state)
{
    check_no_form(NULL, 1, WEIR_ERROR_MEDIA_TYPE, 415);
    check_no_form("application/json", 1, WEIR_ERROR_MEDIA_TYPE, 415);
    check_no_form("multipart/form-data", 1, WEIR_ERROR_FORM, 400);
    check_no_form(URLENCODED, (64 << 20) + 1, WEIR_ERROR_TOO_BIG, 413);
}

static void test_misuse(void **state)
{
    struct log log = {0};
    struct fake f;
    weir_form *form;

    fake_init(&f, URLENCODED, WEIR_STR(""), 1);
    assert_string_equal(weir_form_error(&f.x), "");
    assert_int_equal(weir_on_form(&f.x, NULL, NULL, NULL), WEIR_ERROR_INVALID);
    assert_int_equal(weir_gather_form(&f.x, NULL, NULL, NULL), WEIR_ERROR_INVALID);
    assert_int_equal(weir_read_form(&f.x, NULL, &form), WEIR_ERROR_STATE);
    weir_form_options bad[] = {{0},
                               {.size = sizeof *bad, .header_size = (1 << 20) + 1},
                               {.size = sizeof *bad, .keep = (weir_form_files)3}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(weir_on_form(&f.x, &bad[i], &callbacks, &log), WEIR_ERROR_INVALID);
    assert_int_equal(weir_on_form(&f.x, NULL, &callbacks, &log), 0);
    assert_int_equal(weir_on_form(&f.x, NULL, &callbacks, &log), WEIR_ERROR_STATE);
    assert_int_equal(weir_gather_form(&f.x, NULL, gathered, NULL), WEIR_ERROR_STATE);
    fake_turn(&f);
    assert_string_equal(log.text, "\nend");
    weir_finish(&f.x);
    fake_done(&f);
}

/* ---- Read as a whole ------------------------------------------------------------------------- */

struct result {
    weir_form *form;
    int state, calls;
};

static void gathered(weir_exchange *x, weir_form *form, int state, void *arg)
{
    struct result *result = arg;

    *result = (struct result){form, state, result->calls + 1};
}

static struct result gather(struct fake *f, const char *type, weir_str body, size_t step,
                            const weir_form_options *options)
{
    struct result result = {0};

    fake_init(f, type, body, step);
    assert_int_equal(weir_gather_form(&f->x, options, gathered, &result), 0);
    fake_turn(f);
    assert_int_equal(result.calls, 1);
    assert_true((result.form != NULL) == (result.state == 1));
    return result;
}

static void end(struct fake *f)
{
    weir_finish(&f->x);
    fake_done(f);
}

static void test_fields(void **state)
{
    for (size_t step = 1; step < sizeof pairs; step++) {
        struct fake f;
        weir_form *form = gather(&f, URLENCODED, WEIR_STR(pairs), step, NULL).form;
        assert_string_equal(weir_form_get(form, "title"), "My trip");
        assert_string_equal(weir_form_get(form, "tags"), "a");
        assert_string_equal(weir_form_get(form, "empty"), "");
        assert_string_equal(weir_form_get(form, "last"), "");
        assert_null(weir_form_get(form, "nul"));
        assert_null(weir_form_get(form, "Title"));
        assert_null(weir_form_file(form, "title"));
        weir_form_part *part = weir_form_at(form, 2);
        assert_true(str_eq(weir_form_part_name(part), WEIR_STR("tags")));
        assert_true(str_eq(weir_form_part_data(part), WEIR_STR("b&c")));
        assert_int_equal(weir_form_part_size(part), 3);
        assert_null(weir_form_part_filename(part).ptr);
        assert_null(weir_form_part_type(part).ptr);
        assert_int_equal(weir_form_part_fd(part), WEIR_ERROR_STATE);
        weir_str name, value;
        assert_false(weir_form_part_header_at(part, 0, &name, &value));
        assert_int_equal(weir_form_part_data(weir_form_at(form, 5)).len, 3);
        assert_null(weir_form_at(form, 7));
        end(&f);
    }
}

static void check_file(weir_form *form, bool in_memory)
{
    weir_form_part *part = weir_form_file(form, "photo");
    weir_str name, value;
    char bytes[8];

    assert_ptr_equal(part, weir_form_at(form, 1));
    assert_true(str_eq(weir_form_part_filename(part), WEIR_STR("/tmp/a.jpg")));
    assert_string_equal(weir_form_part_type(part).ptr, "image/jpeg");
    assert_int_equal(weir_form_part_size(part), 5);
    assert_true(str_eq(weir_form_part_data(part), WEIR_STR("\xff\xd8\r\n\0")));
    assert_true(weir_form_part_header_at(part, 0, &name, &value));
    assert_true(str_eq(name, WEIR_STR("Content-Disposition")));
    assert_true(weir_form_part_header_at(part, 1, &name, &value));
    assert_true(str_eq(value, WEIR_STR("image/jpeg")));
    assert_false(weir_form_part_header_at(part, 2, &name, &value));
    assert_int_equal(weir_form_part_read(part, 2, bytes, sizeof bytes), 3);
    assert_memory_equal(bytes, "\r\n\0", 3);
    assert_int_equal(weir_form_part_read(part, 5, bytes, sizeof bytes), 0);
    assert_int_equal(weir_form_part_read(part, UINT64_MAX, bytes, sizeof bytes), 0);

    int fd = weir_form_part_fd(part);
    if (in_memory) {
        assert_int_equal(fd, WEIR_ERROR_STATE);
        return;
    }
    assert_true(fd >= 0);
    assert_int_equal(weir_form_part_fd(part), fd);
    assert_int_equal(pread(fd, bytes, sizeof bytes, 0), 5);
    assert_memory_equal(bytes, "\xff\xd8\r\n\0", 5);
    assert_null(weir_form_part_data(part).ptr);
    assert_int_equal(weir_form_part_read(part, 1, bytes, sizeof bytes), 4);
}

static void test_files(void **state)
{
    weir_form_options options = {.size = sizeof options};

    for (size_t step = 1; step < sizeof parts; step++)
        for (int keep = WEIR_FORM_FILES_SPOOL; keep <= WEIR_FORM_FILES_MEMORY; keep++) {
            struct fake f;
            options.keep = (weir_form_files)keep;
            weir_form *form = gather(&f, MULTIPART, WEIR_STR(parts), step, &options).form;
            check_file(form, keep == WEIR_FORM_FILES_MEMORY);
            weir_form_part *empty = weir_form_at(form, 2);
            assert_true(weir_form_part_is_file(empty));
            assert_int_equal(weir_form_part_data(empty).len, 0);
            assert_non_null(weir_form_part_data(empty).ptr);
            assert_null(weir_form_file(form, "none"));
            assert_string_equal(weir_form_get(form, "none"), "");
            assert_int_equal(weir_form_part_filename(weir_form_at(form, 3)).len, 0);
            end(&f);
        }
}

static void test_files_refused(void **state)
{
    static const char none_chosen[] =
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n\r\n--b--";
    weir_form_options options = {.size = sizeof options, .keep = WEIR_FORM_FILES_REFUSE};
    struct fake f;

    assert_int_equal(gather(&f, MULTIPART, WEIR_STR(parts), 9, &options).state, WEIR_ERROR_LIMIT);
    assert_string_equal(weir_form_error(&f.x), "no files are taken (weir_form_options.keep)");
    end(&f);
    assert_int_equal(gather(&f, MULTIPART, WEIR_STR(none_chosen), 9, &options).state, 1);
    end(&f);
}

/* A file that is larger than what may be in memory goes to disk, all the way or from some point. */
static void test_large_file(void **state)
{
    static char body[200000];
    size_t head = (size_t)snprintf(
        body, sizeof body, "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n");
    size_t len = sizeof body - head - 7;
    const uint64_t memory[] = {0, 1000, 600};

    for (size_t i = head; i < sizeof body; i++)
        body[i] = (char)(i * 7);
    memcpy(body + sizeof body - 7, "\r\n--b--", 7);
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        struct fake f;
        weir_form_options options = {.size = sizeof options, .memory = memory[i]};
        weir_form *form = gather(&f, MULTIPART, str(body, sizeof body), 5000, &options).form;
        weir_form_part *part = weir_form_file(form, "f");
        assert_int_equal(weir_form_part_size(part), len);
        assert_null(weir_form_part_data(part).ptr);
        char *bytes = malloc(len + 1);
        assert_int_equal(weir_form_part_read(part, 0, bytes, len + 1), len);
        assert_memory_equal(bytes, body + head, len);
        free(bytes);
        end(&f);
    }
    struct fake f;
    weir_form_options options = {.size = sizeof options, .keep = WEIR_FORM_FILES_MEMORY};
    options.memory = 100000;
    assert_int_equal(gather(&f, MULTIPART, str(body, sizeof body), 5000, &options).state,
                     WEIR_ERROR_LIMIT);
    assert_string_equal(weir_form_error(&f.x), "the form takes more than 100000 bytes of memory "
                                               "(weir_form_options.memory)");
    end(&f);
}

/* Whatever the form is made of, what it takes stays near the limit: that much again for blocks that
 * are not full, and the reader itself. */
static void test_memory_is_bounded(void **state)
{
    static char body[200000];
    static const char *const repeated[] = {"a&", "a=123456789&", "&a=%41",
                                           "long_name_and_value=long_value_of_long_name&"};
    weir_form_options options = {.size = sizeof options, .memory = 50000, .fields = UINT32_MAX};

    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        struct fake f;
        for (size_t k = 0; k < sizeof body; k++)
            body[k] = repeated[i][k % strlen(repeated[i])];
        size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
        assert_int_equal(gather(&f, URLENCODED, str(body, sizeof body), 1000, &options).state,
                         WEIR_ERROR_LIMIT);
        size_t taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
        assert_in_range(taken, 0, 2 * options.memory + 20000);
        assert_string_equal(weir_form_error(&f.x), "the form takes more than 50000 bytes of memory "
                                                   "(weir_form_options.memory)");
        end(&f);
    }
}

static int gather_all(void *arg)
{
    const struct sample *sample = arg;
    struct result result = {0};
    struct fake f;

    fake_init(&f, sample->type, sample->body, 20);
    int rc = weir_gather_form(&f.x, NULL, gathered, &result);
    if (rc == 0) {
        fake_turn(&f);
        rc = result.state == 1 ? 0 : result.state;
    }
    f.x.finished = true;
    fake_done(&f);
    return rc;
}

static void test_out_of_memory(void **state)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        failmalloc_each(gather_all, (void *)(uintptr_t)&samples[i], WEIR_ERROR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streamed),
        cmocka_unit_test(test_paused_at_every_call),
        cmocka_unit_test(test_paused_with_much_to_come),
        cmocka_unit_test(test_ended_at_every_call),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_no_closing_boundary),
        cmocka_unit_test(test_refused_and_answered_late),
        cmocka_unit_test(test_no_form),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_refused),
        cmocka_unit_test(test_large_file),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
