/* SPDX-License-Identifier: MIT
 *
 * Bodies: forms, files, and reading them twice. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/fcurl/body.h"

/* The body in pieces of at most step bytes, with B for its boundary. */
static char *read_all(struct body *body, size_t step)
{
    struct text out = {NULL, 0, 0}, shown = {NULL, 0, 0};
    const char *type = body_content_type(body);
    const char *boundary = type ? strstr(type, "boundary=") + 9 : NULL;
    char piece[64];
    ssize_t n;

    while ((n = body_read(body, piece, step)) > 0)
        text_add(&out, piece, (size_t)n);
    assert_int_equal(n, 0);
    assert_int_equal(out.len, body_length(body));
    for (size_t i = 0; i < out.len;) {
        bool is_boundary = boundary && strncmp(out.ptr + i, boundary, strlen(boundary)) == 0;
        if (is_boundary)
            text_putc(&shown, 'B');
        else if (out.ptr[i] != '\r')
            text_putc(&shown, out.ptr[i]);
        i += is_boundary ? strlen(boundary) : 1;
    }
    text_done(&out);
    return text_take(&shown);
}

static void check_form(const char *spec, bool literal, bool escape, const char *want)
{
    struct form_part part = {NULL, must_copy(spec), literal};
    char *why = NULL;
    struct body *body = body_of_form(&part, escape, &why);

    if (!want) {
        assert_null(body);
        assert_non_null(why);
        free(why);
        free(part.spec);
        return;
    }
    if (!body)
        fail_msg("%s: %s", spec, why);
    for (size_t step = 1; step <= 64; step += 21) {
        char *got = read_all(body, step);
        assert_string_equal(got, want);
        free(got);
        assert_true(body_rewind(body));
    }
    body_free(body);
    free(part.spec);
}

#define DISPOSITION "Content-Disposition: form-data; name="

static void test_forms(void **state)
{
    static const struct {
        const char *spec;
        bool literal, escape;
        const char *want;
    } cases[] = {
        {"a=b", false, false, "--B\n" DISPOSITION "\"a\"\n\nb\n--B--\n"},
        {"a=", false, false, "--B\n" DISPOSITION "\"a\"\n\n\n--B--\n"},
        {"=b", false, false, "--B\n" DISPOSITION "\"\"\n\nb\n--B--\n"},
        {"a=@x;y", true, false, "--B\n" DISPOSITION "\"a\"\n\n@x;y\n--B--\n"},
        {"a=b,c", false, false, "--B\n" DISPOSITION "\"a\"\n\nb,c\n--B--\n"},
        {"a=\"b;c\\\"\"", false, false, "--B\n" DISPOSITION "\"a\"\n\nb;c\"\n--B--\n"},
        {"a=b;type=x/y;charset=z", false, false,
         "--B\n" DISPOSITION "\"a\"\nContent-Type: x/y; charset=z\n\nb\n--B--\n"},
        {"a=b;type=x/y,z", false, false,
         "--B\n" DISPOSITION "\"a\"\nContent-Type: x/y,z\n\nb\n--B--\n"},
        {"a=b;filename=\"q\\\"\"", false, false,
         "--B\n" DISPOSITION
         "\"a\"; filename=\"q%22\"\nContent-Type: application/octet-stream\n\nb\n--B--\n"},
        {"a=b;filename=\"q\\\"\"", false, true,
         "--B\n" DISPOSITION
         "\"a\"; filename=\"q\\\"\"\nContent-Type: application/octet-stream\n\nb\n--B--\n"},
        {"a=hello;encoder=base64", false, false,
         "--B\n" DISPOSITION "\"a\"\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--B--\n"},
        {"a=\xc3=;encoder=quoted-printable", false, false,
         "--B\n" DISPOSITION
         "\"a\"\nContent-Transfer-Encoding: quoted-printable\n\n=C3=3D\n--B--\n"},
        {"a=b;headers=\"X-A: c\"", false, false, "--B\n" DISPOSITION "\"a\"\nX-A: c\n\nb\n--B--\n"},
        {"a=\xc3;encoder=7bit", false, false, NULL},
        {"a=b;encoder=none", false, false, NULL},
        {"a=@/no/such/file", false, false, NULL},
        {"a=</no/such/file", false, false, NULL},
        {"a=@/", false, false, NULL},
        {"a=b;headers=@/no/such/file", false, false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_form(cases[i].spec, cases[i].literal, cases[i].escape, cases[i].want);
}

/* A file of these bytes; the name is static. */
static const char *file_of(const char *bytes, size_t len)
{
    static char path[32];
    int fd;

    strcpy(path, "/tmp/weir-form-XXXXXX");
    fd = mkstemp(path);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
    return path;
}

static void test_files(void **state)
{
    const char *path = file_of("abc\0def", 7);
    char spec[128], want[256];

    (void)state;
    snprintf(spec, sizeof spec, "f=@%s;type=a/b,%s;filename=two.txt", path, path);
    struct form_part part = {NULL, spec, false};
    char *why = NULL;
    struct body *body = body_of_form(&part, false, &why);
    assert_non_null(body);
    char *got = read_all(body, 64);
    snprintf(want, sizeof want, "--B\n" DISPOSITION "\"f\"; filename=\"%s\"\n", path + 5);
    assert_memory_equal(got, want, strlen(want));
    free(got);
    body_free(body);

    body = body_of_file(path, 4);
    assert_int_equal(body_length(body), 3);
    got = read_all(body, 2);
    assert_string_equal(got, "def");
    free(got);
    assert_true(body_rewind(body));
    assert_int_equal(truncate(path, 5), 0);
    char piece[8];
    assert_int_equal(body_read(body, piece, 8), 1);
    assert_int_equal(body_read(body, piece, 8), -1); /* shorter than it was */
    body_free(body);
    body = body_of_file(path, 100);
    assert_int_equal(body_length(body), 0);
    body_free(body);
    unlink(path);
    assert_null(body_of_file(path, 0));
}

static void test_pipe(void **state)
{
    char path[32], piece[8];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    struct body *body = body_of_file(path, 0);
    assert_non_null(body);
    assert_int_equal(body_length(body), -1);
    assert_int_equal(body_read(body, piece, 8), BODY_WAIT);
    assert_true(body_rewind(body)); /* nothing was read */
    assert_int_equal(write(ends[1], "abc", 3), 3);
    assert_int_equal(body_read(body, piece, 2), 2);
    assert_false(body_rewind(body));
    assert_int_equal(body_read(body, piece, 8), 1);
    assert_int_equal(body_read(body, piece, 8), BODY_WAIT);
    close(ends[1]);
    assert_int_equal(body_read(body, piece, 8), 0);
    body_free(body);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
