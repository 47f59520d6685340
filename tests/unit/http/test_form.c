/* SPDX-License-Identifier: MIT
 *
 * Forms in both codings, in every way they may be cut, at their limits, and when memory is out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <weir/error.h>

#include "http/form.h"
#include "support/cuts.h"
#include "support/failmalloc.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART  "multipart/form-data; boundary=b"

static struct pool pool;

static const struct http_form_limits plenty = {
    .body_size = 1 << 20,
    .field_size = 1 << 16,
    .file_size = 1 << 16,
    .fields = 100,
    .files = 100,
    .header_size = 1000,
    .header_fields = 10,
};

struct kind {
    const char *type;
    struct http_form_limits limits;
};

static int setup(void **state)
{
    pool_init(&pool);
    return 0;
}

static int teardown(void **state)
{
    pool_done(&pool);
    return 0;
}

/* ---- Writing down what comes ----------------------------------------------------------------- */

static void add_optional(struct text *out, const char *label, weir_str value)
{
    if (!value.ptr)
        return;
    assert_int_equal(value.ptr[value.len], 0);
    text_add_bytes(out, label, value);
}

static void add_part(struct text *out, const struct http_form *form)
{
    weir_str header = form->part.header, name, value;

    add_optional(out, form->is_file ? "file" : "field", form->part.name);
    add_optional(out, "filename", form->part.filename);
    add_optional(out, "type", form->part.type);
    while (http_part_field_next(&header, &name, &value))
        text_add(out, "header=%.*s:%.*s\n", (int)name.len, name.ptr, (int)value.len, value.ptr);
    text_add(out, "data=");
}

static void add_data(struct text *out, weir_str data)
{
    for (size_t i = 0; i < data.len; i++) {
        unsigned char c = (unsigned char)data.ptr[i];
        text_add(out, c >= 0x20 && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
    }
}

/* True when there is more to come. *data_start is where the data of the part begins in out: how
 * much of it is given before a limit is found exceeded depends on the cuts. */
static bool run(struct http_form *form, weir_str input, bool last, struct text *out,
                size_t *data_start)
{
    weir_str data;

    for (;;) {
        switch (http_form_next(form, &input, last, &data)) {
        case HTTP_FORM_MORE:
            assert_false(last);
            assert_int_equal(input.len, 0);
            return true;
        case HTTP_FORM_PART:
            add_part(out, form);
            *data_start = out->len;
            break;
        case HTTP_FORM_DATA:
            assert_true(data.len > 0);
            add_data(out, data);
            break;
        case HTTP_FORM_PART_END:
            text_add(out, "\n");
            *data_start = out->len;
            break;
        case HTTP_FORM_DONE:
            text_add(out, "done\n");
            return false;
        case HTTP_FORM_REFUSED:
            out->len = *data_start;
            text_add(out, "\n%s %d %s\n", weir_error_name(form->error), form->limit,
                     form->reason ? form->reason : "");
            return false;
        }
    }
}

static void drive(struct delivery *delivery, const void *arg, struct text *out)
{
    const struct kind *kind = arg;
    struct http_form form;
    weir_str part;
    bool more = true;
    size_t data_start = 0;

    assert_int_equal(http_form_init(&form, &pool, &kind->limits, str_of(kind->type)), 0);
    while (more && delivery_next(delivery, false, &part))
        more = run(&form, part, false, out, &data_start);
    if (more)
        assert_false(run(&form, str(NULL, 0), true, out, &data_start));
    http_form_done(&form);
    http_form_done(&form);
}

static const char *outcome_of(const struct kind *kind, weir_str input)
{
    static struct text outcome;

    deliver_in_every_way(input.ptr, input, drive, kind, &outcome);
    outcome.bytes[outcome.len] = '\0';
    return outcome.bytes;
}

static void check_within(struct http_form_limits limits, const char *type, const char *input,
                         const char *want)
{
    struct kind kind = {type, limits};

    assert_string_equal(outcome_of(&kind, str_of(input)), want);
}

static void check(const char *input, const char *want)
{
    check_within(plenty, MULTIPART, input, want);
}

/* The form is refused for this reason. */
static void check_refused(const char *input, const char *reason)
{
    struct kind kind = {MULTIPART, plenty};
    const char *outcome = outcome_of(&kind, str_of(input));
    char want[200];

    snprintf(want, sizeof want, "\n%s 0 %s\n",
             strstr(reason, "ends before") ? "SHORT_BODY" : "FORM", reason);
    if (strlen(outcome) < strlen(want) ||
        strcmp(outcome + strlen(outcome) - strlen(want), want) != 0)
        fail_msg("%s\ngave:\n%s", input, outcome);
}

/* ---- Multipart ------------------------------------------------------------------------------- */

#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define PART(name)  "--b\r\n" FIELD(name) "\r\n"

static void test_parts(void **state)
{
    check(PART("a") "1\r\n" PART("b") "2\r\n--b--\r\n",
          "field=a\nheader=Content-Disposition:form-data; name=\"a\"\ndata=1\n"
          "field=b\nheader=Content-Disposition:form-data; name=\"b\"\ndata=2\ndone\n");
    check("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a b.txt\"\r\n"
          "Content-Type:  text/plain; charset=x \r\nX-Y:\r\n\r\nhello\r\nworld\r\n\r\n--b--",
          "file=f\nfilename=a b.txt\ntype=text/plain; charset=x\n"
          "header=Content-Disposition:form-data; name=\"f\"; filename=\"a b.txt\"\n"
          "header=Content-Type:text/plain; charset=x\nheader=X-Y:\n"
          "data=hello\\x0d\\x0aworld\\x0d\\x0a\ndone\n");
    check("--b--\r\n", "done\n");
    check("--b--", "done\n");
}

#define HEADER_A "header=Content-Disposition:form-data; name=\"a\"\n"

/* What stands around boundaries, and what only looks like one. */
static void test_boundaries(void **state)
{
    check(PART("a") "\r\n--b--", "field=a\n" HEADER_A "data=\ndone\n");
    check("--b\r\n" FIELD("a") "\r\n--b--", "field=a\n" HEADER_A "data=\ndone\n");
    check(PART("a") "\r\n\r\n--b--", "field=a\n" HEADER_A "data=\\x0d\\x0a\ndone\n");
    check(PART("a") "\r\r\n\r--\r\n-\r\n--\r\n--c\n--b\r\n--b--",
          "field=a\n" HEADER_A "data=\\x0d\\x0d\\x0a\\x0d--\\x0d\\x0a-\\x0d\\x0a--\\x0d\\x0a--c"
          "\\x0a--b\ndone\n");
    check(PART("a") "--\r\n--b--", "field=a\n" HEADER_A "data=--\ndone\n");
    check(PART("a") "-\r\n--b--", "field=a\n" HEADER_A "data=-\ndone\n");
    check("preamble\r\n--c\r\n" PART("a") "1\r\n--b--epilogue\r\n--b\r\n",
          "field=a\n" HEADER_A "data=1\ndone\n");
    check("\r\n" PART("a") "1\r\n--b-- \t\r\n", "field=a\n" HEADER_A "data=1\ndone\n");
    check("--b \t \r\n" FIELD("a") "\r\n1\r\n--b--", "field=a\n" HEADER_A "data=1\ndone\n");
}

static void test_disposition(void **state)
{
    static const struct {
        const char *params, *want;
    } cases[] = {
        {"name=a", "field=a\n"},
        {"NAME=a", "field=a\n"},
        {"name=\"\"", "field=\n"},
        {"name=\"a\"; filename=\"\"", "field=a\nfilename=\n"},
        {"name=\"a\"; filename=f", "file=a\nfilename=f\n"},
        {"filename=\"x\\\"y\" ; name=\"a%22b\"", "file=a%22b\nfilename=x\"y\n"},
        {"name=\"a\"; filename=\"C:\\x\\y\"", "file=a\nfilename=C:\\x5cx\\x5cy\n"},
        {"name=\"a\"; filename=\"../../etc/passwd\"", "file=a\nfilename=../../etc/passwd\n"},
        {"name=\"caf\xc3\xa9\"", "field=caf\\xc3\\xa9\n"},
        {"name=\"a\"; filename*=UTF-8''%e2%82%ac%20x", "file=a\nfilename=\\xe2\\x82\\xac x\n"},
        {"name=\"a\"; filename*=utf-8'en'x%00", NULL},
        {"name=\"a\"; filename*=utf-8'en'x%4", NULL},
        {"name=\"a\"; filename*=iso-8859-1''x", NULL},
        {"name=\"a\"; filename*=x", NULL},
        {"name=\"a\"; filename=\"p\"; filename*=UTF-8''e", "file=a\nfilename=p\n"},
        {"name=\"a\"; other=\"x;y\"", "field=a\n"},
    };
    char input[300];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kind kind = {MULTIPART, plenty};
        snprintf(input, sizeof input, "--b\r\ncontent-disposition: Form-Data; %s\r\n\r\n\r\n--b--",
                 cases[i].params);
        const char *outcome = outcome_of(&kind, str_of(input));
        const char *want = cases[i].want ? cases[i].want : "\nFORM 0 a malformed filename*\n";
        if (strncmp(outcome, want, strlen(want)) != 0)
            fail_msg("%s\ngave:\n%s", cases[i].params, outcome);
    }
}

static void test_malformed(void **state)
{
    static const char behind[] = "a boundary with something behind it";
    static const char ends[] = "it ends before the closing boundary";
    static const char field[] = "a malformed field in a part header";

    check_refused("", ends);
    check_refused("--b", ends);
    check_refused("--b-", ends);
    check_refused("--b\r\n", ends);
    check_refused(PART("a"), ends);
    check_refused(PART("a") "1\r\n--b", ends);
    check_refused(PART("a") "1\n--b--\n", ends);
    check_refused("--b\n" FIELD("a") "\r\n", behind);
    check_refused("--bc\r\n", behind);
    check_refused("--b-c", behind);
    check_refused("--b\rx", behind);
    check_refused(PART("a") "1\r\n--bb--", behind);
    check_refused("--b\r\nContent-Disposition: form-data; name=a\n\r\n", "a line without CR");
    check_refused("--b\r\n" FIELD("a") "\n", "a line without CR");
    check_refused("--b\r\n" FIELD("a") "X: a\rb\r\n\r\n", field);
    check_refused("--b\r\n" FIELD("a") " folded\r\n\r\n", field);
    check_refused("--b\r\n" FIELD("a") "X : y\r\n\r\n", field);
    check_refused("--b\r\n" FIELD("a") "X\r\n\r\n", field);
    check_refused("--b\r\n" FIELD("a") ": x\r\n\r\n", field);
    check_refused("--b\r\n" FIELD("a\x01") "\r\n", field);
    check_refused("--b\r\n\r\n", "a part without a name");
    check_refused("--b\r\nContent-Disposition: form-data\r\n\r\n", "a part without a name");
    check_refused("--b\r\nContent-Type: text/plain\r\n\r\n", "a part without a name");
    check_refused("--b\r\n" FIELD("a") FIELD("a") "\r\n",
                  "two Content-Disposition fields in a part");
    check_refused("--b\r\n" FIELD("a") "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n",
                  "two Content-Type fields in a part");
    check_refused("--b\r\n" FIELD("a") "Content-Transfer-Encoding: base64\r\n\r\n",
                  "a part with a transfer encoding");
    check_refused("--b\r\nContent-Disposition: attachment; name=a\r\n\r\n",
                  "a malformed Content-Disposition");
    check_refused("--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n",
                  "a malformed Content-Disposition");
    check_refused("--b\r\nContent-Disposition: form-data; name=a; filename=b; filename=c\r\n\r\n",
                  "a malformed Content-Disposition");
    check_refused("--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n",
                  "a malformed Content-Disposition");
}

static void test_identity_transfer_encodings(void **state)
{
    check("--b\r\n" FIELD("a") "Content-Transfer-Encoding: Binary\r\n\r\n1\r\n--b--",
          "field=a\n" HEADER_A "header=Content-Transfer-Encoding:Binary\ndata=1\ndone\n");
}

static void test_bytes_around_are_limited(void **state)
{
    static char input[HTTP_MULTIPART_AROUND_MAX + 100];
    struct kind kind = {MULTIPART, plenty};

    for (size_t more = 0; more <= 1; more++) {
        size_t n = HTTP_MULTIPART_AROUND_MAX + more;
        memset(input, 'x', n);
        strcpy(input + n, "\r\n--b--");
        assert_string_equal(outcome_of(&kind, str_of(input)),
                            more ? "\nFORM 0 no boundary at its start\n" : "done\n");
        memcpy(input, "--b--", 5);
        memset(input + 5, '\n', n);
        assert_string_equal(outcome_of(&kind, str(input, n + 5)),
                            more ? "\nFORM 0 bytes behind the closing boundary\n" : "done\n");
    }
}

/* A file whose bytes are all prefixes of the delimiter, with the longest boundary. */
static void test_longest_boundary(void **state)
{
    static char input[20000], want[20000], type[200];
    char boundary[HTTP_BOUNDARY_MAX + 1], delimiter[80];
    struct kind kind = {type, plenty};
    char *in = input, *out = want;

    memset(boundary, '-', HTTP_BOUNDARY_MAX);
    boundary[HTTP_BOUNDARY_MAX] = '\0';
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
    snprintf(delimiter, sizeof delimiter, "\r\n--%s", boundary);
    in += sprintf(in, "--%s\r\n" FIELD("a") "\r\n", boundary);
    out += sprintf(out, "field=a\n" HEADER_A "data=");
    for (int i = 1; i < 74; i++) {
        in += sprintf(in, "%.*sx", i, delimiter);
        out += sprintf(out, "\\x0d%s%.*sx", i > 1 ? "\\x0a" : "", i > 2 ? i - 2 : 0, delimiter + 2);
    }
    sprintf(in, "%s--", delimiter);
    sprintf(out, "\ndone\n");
    assert_string_equal(outcome_of(&kind, str_of(input)), want);
}

/* ---- Content-Type ---------------------------------------------------------------------------- */

static void test_kinds(void **state)
{
    static const struct {
        const char *type;
        int want;
    } cases[] = {
        {"application/x-www-form-urlencoded", 0},
        {"Application/X-WWW-Form-Urlencoded;charset=UTF-8", 0},
        {"multipart/form-data; boundary=abc", 0},
        {"Multipart/Form-Data;charset=x; BOUNDARY=\"a b'()+_,-./:=?c\"", 0},
        {"multipart/form-data", WEIR_ERROR_FORM},
        {"multipart/form-data; boundary=", WEIR_ERROR_FORM},
        {"multipart/form-data; boundary=\"\"", WEIR_ERROR_FORM},
        {"multipart/form-data; boundary=\"a \"", WEIR_ERROR_FORM},
        {"multipart/form-data; boundary=\"a\\b\"", WEIR_ERROR_FORM},
        {"multipart/form-data; boundary=a#", WEIR_ERROR_FORM},
        {"multipart/form-data; boundary=a=b", WEIR_ERROR_FORM},
        {"multipart/form-data; boundary=a; boundary=a", WEIR_ERROR_FORM},
        {"multipart/form-data, boundary=a", WEIR_ERROR_MEDIA_TYPE},
        {"multipart/mixed; boundary=a", WEIR_ERROR_MEDIA_TYPE},
        {"application/json", WEIR_ERROR_MEDIA_TYPE},
        {"", WEIR_ERROR_MEDIA_TYPE},
        {NULL, WEIR_ERROR_MEDIA_TYPE},
    };
    struct http_form form;
    char type[200] = "multipart/form-data; boundary=";
    size_t len = strlen(type);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(http_form_init(&form, &pool, &plenty, str_of(cases[i].type)),
                         cases[i].want);
        assert_true((form.reason != NULL) == (cases[i].want == WEIR_ERROR_FORM));
        http_form_done(&form);
    }
    memset(type + len, 'x', 71);
    assert_int_equal(http_form_init(&form, &pool, &plenty, str(type, len + 70)), 0);
    assert_int_equal(http_form_init(&form, &pool, &plenty, str(type, len + 71)), WEIR_ERROR_FORM);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

static const char *limit_reached(struct http_form_limits limits, const char *type,
                                 const char *input)
{
    struct kind kind = {type, limits};
    const char *outcome = outcome_of(&kind, str_of(input));
    const char *last = outcome + strlen(outcome) - 1;

    while (last > outcome && last[-1] != '\n')
        last--;
    return last;
}

#define CHECK_LIMIT(limit, enough, type, input, want)                      \
    do {                                                                   \
        struct http_form_limits limits = plenty;                           \
        limits.limit = (enough);                                           \
        assert_string_equal(limit_reached(limits, type, input), "done\n"); \
        limits.limit = (enough)-1;                                         \
        assert_string_equal(limit_reached(limits, type, input), want);     \
    } while (0)

static void test_limits(void **state)
{
    static const char two_files[] =
        "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n12345\r\n"
        "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n123456\r\n--b--";
    static const char two_fields[] = PART("a") "12345\r\n" PART("a") "123456\r\n--b--";

    CHECK_LIMIT(body_size, 12, URLENCODED, "aa=1&b=%41&c", "TOO_BIG 1 \n");
    CHECK_LIMIT(body_size, sizeof two_files - 1, MULTIPART, two_files, "TOO_BIG 1 \n");
    CHECK_LIMIT(fields, 3, URLENCODED, "aa=1&b=%41&c", "LIMIT 2 \n");
    CHECK_LIMIT(fields, 2, MULTIPART, two_fields, "LIMIT 2 \n");
    CHECK_LIMIT(files, 2, MULTIPART, two_files, "LIMIT 3 \n");
    CHECK_LIMIT(field_size, 3, URLENCODED, "a=1&b=%41b+&c", "LIMIT 4 \n");
    CHECK_LIMIT(field_size, 6, MULTIPART, two_fields, "LIMIT 4 \n");
    CHECK_LIMIT(file_size, 6, MULTIPART, two_files, "LIMIT 5 \n");
    CHECK_LIMIT(header_size, 4, URLENCODED, "a%41bc=1", "LIMIT 6 \n");
    CHECK_LIMIT(header_size, sizeof(FIELD("a") "\r\n") - 1, MULTIPART, two_fields, "LIMIT 6 \n");
    CHECK_LIMIT(header_fields, 2, MULTIPART, "--b\r\nA: b\r\n" FIELD("a") "\r\n\r\n--b--",
                "LIMIT 7 \n");
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static int parse_whole(void *arg)
{
    const struct kind *kind = arg;
    static const char multipart[] = PART("a") "1\r\n" PART("b") "2\r\n--b--";
    static const char pairs[] = "name=value&other=%41";
    weir_str input = kind->limits.files ? WEIR_STR(multipart) : WEIR_STR(pairs), data;
    struct http_form form;
    struct pool own;
    enum http_form_event event;

    pool_init(&own);
    int rc = http_form_init(&form, &own, &kind->limits, str_of(kind->type));
    while (rc == 0) {
        event = http_form_next(&form, &input, true, &data);
        if (event == HTTP_FORM_DONE)
            break;
        if (event == HTTP_FORM_REFUSED)
            rc = form.error;
    }
    http_form_done(&form);
    pool_done(&own);
    return rc;
}

static void test_out_of_memory(void **state)
{
    struct kind kind = {MULTIPART, plenty};

    failmalloc_each(parse_whole, &kind, WEIR_ERROR_NOMEM);
    kind = (struct kind){URLENCODED, plenty};
    kind.limits.files = 0;
    failmalloc_each(parse_whole, &kind, WEIR_ERROR_NOMEM);
}

/* ---- File names ------------------------------------------------------------------------------ */

static void test_basename(void **state)
{
    static const struct {
        const char *filename, *want;
    } cases[] = {
        {"a.txt", "a.txt"},
        {"../../etc/passwd", "passwd"},
        {"C:\\dir\\a.txt", "a.txt"},
        {"/", ""},
        {"a/", ""},
        {"..", ""},
        {".", ""},
        {"", ""},
        {".htaccess", "htaccess"},
        {".\x01./x", "x"},
        {"\x01..", ""},
        {"a\r\nb\x7f", "ab"},
        {"caf\xc3\xa9 1", "caf\xc3\xa9 1"},
    };
    char out[400], longest[400];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(http_form_basename(str_of(cases[i].filename), out, sizeof out),
                         strlen(cases[i].want));
        assert_string_equal(out, cases[i].want);
    }
    memset(longest, 'x', sizeof longest);
    assert_int_equal(http_form_basename(str(longest, 400), out, sizeof out), 255);
    assert_int_equal(http_form_basename(str("a\0b", 3), out, sizeof out), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(http_form_basename(WEIR_STR("abc"), out, 3), 2);
    assert_int_equal(http_form_basename(WEIR_STR("ab\xc3\xa9"), out, 4), 2);
    assert_int_equal(http_form_basename(WEIR_STR("ab\xc3\xa9"), out, 5), 4);
    assert_int_equal(http_form_basename(WEIR_STR("a\xe2\x82\xac!"), out, 4), 1);
    assert_int_equal(http_form_basename(WEIR_STR("a\xe2\x82\xac!"), out, 5), 4);
    assert_int_equal(http_form_basename(WEIR_STR("a"), out, 1), 0);
    assert_int_equal(http_form_basename(WEIR_STR("a"), NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_disposition),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_identity_transfer_encodings),
        cmocka_unit_test(test_bytes_around_are_limited),
        cmocka_unit_test(test_longest_boundary),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_basename),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
