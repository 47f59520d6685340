/* SPDX-License-Identifier: MIT
 *
 * The application session: from BEGIN_REQUEST to the end of PARAMS. */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#define BEGIN    "BEGIN 1 responder keep; "
#define REST     "PARAMS 1; STDIN 1"
#define ANSWER   "> STDOUT 1 done; > STDOUT 1; > END 1 app=0 status=0; "
#define ANSWERED "stdin-end 1; " ANSWER "active=0"

static const struct app_case records[] = {
    CASE(REQ(19, 35, 79, 80, 88, 100, 108, 111) " a request and its answer",
         BEGIN "PARAMS 1 A=b C=d; PARAMS 1; STDIN 1",
         "begin 1 responder keep length=-1 A=b C=d; " ANSWERED),
    CASE(REQ(24, 25, 26, 28) " padding after every record, also empty ones, looks like records",
         "BEGIN 1 responder keep pad=255; PARAMS 1 A=b pad=1; PARAMS 1 pad=8; STDIN 1 hi pad=16;"
         "STDIN 1 pad=32; VALUES 0 pad=7; 99 0 pad=9; ABORT 1 pad=3; END 1 app=1 pad=8",
         "begin 1 responder keep length=-1 A=b; stdin 1 hi; stdin-end 1; "
         "> STDOUT 1 hi; > STDOUT 1; > END 1 app=0 status=0; > RESULT 0; > UNKNOWN 0 kind=99; "
         "active=0"),
    CASE(REQ(23, 24) " a content of 65535 bytes with 255 of padding",
         BEGIN "PARAMS 1; STDIN 1 fill=65535 pad=255; STDIN 1; ABORT 1", NULL),
    CASE(REQ(29, 81) " reserved fields and flag bits are ignored",
         "BEGIN 1 hex=0001ffaabbccddee reserved=7; PARAMS 1 reserved=255; STDIN 1",
         "begin 1 responder keep length=-1; " ANSWERED),
    CASE(REQ(22, f) " another version closes", BEGIN "PARAMS 1 version=2; STDIN 1",
         "error VERSION_FIELD; active=1"),
    CASE(REQ(22, f) " version 0 closes", "BEGIN 1 responder version=0",
         "error VERSION_FIELD; active=0"),
    CASE(REQ(20, 30, 36, 41) " ids are 16 bits, the high byte first",
         "BEGIN 258 responder keep; BEGIN 513 responder keep; PARAMS 513; PARAMS 258; STDIN 258;"
         "STDIN 2; STDIN 1; STDIN 513",
         "begin 513 responder keep length=-1; begin 258 responder keep length=-1; stdin-end 258; "
         "stdin-end 513; "
         "> STDOUT 258 done; > STDOUT 258; > END 258 app=0 status=0; "
         "> STDOUT 513 done; > STDOUT 513; > END 513 app=0 status=0; active=0"),
    CASE(REQ(30, 36) " id 65535", "BEGIN 65535 responder keep; PARAMS 65535; STDIN 65535",
         "begin 65535 responder keep length=-1; stdin-end 65535; "
         "> STDOUT 65535 done; > STDOUT 65535; > END 65535 app=0 status=0; active=0"),
    CASE(REQ(37) " everything for an inactive id is ignored, every type",
         "PARAMS 7 A=b; PARAMS 7; STDIN 7 x; STDIN 7; DATA 7 x; DATA 7; ABORT 7; END 7 app=1; "
         "STDOUT 7 x;"
         "STDERR 7 x; VALUES 7 FCGI_MAX_REQS=; RESULT 7; UNKNOWN 7 kind=1; 77 7 x; 0 7; 255 "
         "7; " BEGIN REST,
         "begin 1 responder keep length=-1; " ANSWERED),
    CASE(REQ(38, 36) " an id serves many requests in turn",
         BEGIN "PARAMS 1 N=1; PARAMS 1; STDIN 1; " BEGIN "PARAMS 1 N=2; PARAMS 1; STDIN 1",
         "begin 1 responder keep length=-1 N=1; stdin-end 1; begin 1 responder keep length=-1 N=2; "
         "stdin-end 1; " ANSWER ANSWER "active=0"),
    CASE(REQ(52, 41, 63) " requests interleave, record by record",
         "BEGIN 1 responder keep; BEGIN 2 authorizer keep; PARAMS 1 A=1; BEGIN 3 filter keep;"
         "PARAMS 2 A=2; PARAMS 3 A=3; PARAMS 3; PARAMS 1 B=1; STDIN 3 x; PARAMS 2; PARAMS 1; STDIN "
         "1 y;"
         "STDIN 3; DATA 3 z; STDIN 1; DATA 3",
         "begin 3 filter keep length=-1 A=3; stdin 3 x; begin 2 authorizer keep length=-1 A=2; "
         "begin 1 responder keep length=-1 A=1 B=1; stdin 1 y; stdin-end 3; data 3 z; stdin-end 1; "
         "data-end 3; "
         "> STDOUT 2 done; > STDOUT 2; > END 2 app=0 status=0; "
         "> STDOUT 1 y; > STDOUT 1; > END 1 app=0 status=0; "
         "> STDOUT 3 xz; > STDOUT 3; > END 3 app=0 status=0; active=0"),
    CASE(REQ(a) " unknown application types are skipped, without an answer",
         BEGIN
         "12 1 hello; PARAMS 1 A=b; 200 1; PARAMS 1; 12 9 x; STDIN 1 a; 255 1 zzz pad=5; STDIN 1 b;"
         "STDIN 1",
         "begin 1 responder keep length=-1 A=b; stdin 1 ab; stdin-end 1; "
         "> STDOUT 1 ab; > STDOUT 1; > END 1 app=0 status=0; active=0"),
    CASE(REQ(33, 31) " what only an application sends is skipped",
         BEGIN
         "END 1 app=1; STDOUT 1 x; STDERR 1 x; RESULT 1 A=b; UNKNOWN 1 kind=1; VALUES 1 A=; " REST,
         "begin 1 responder keep length=-1; " ANSWERED),
    CASE(REQ(b, 39) " BEGIN for an active id closes", BEGIN BEGIN, "error ID_IN_USE; active=1"),
    CASE_WITH(REQ(b, 39) " BEGIN for an id whose application still works closes",
              BEGIN REST "; BEGIN 1 responder",
              "begin 1 responder keep length=-1; stdin-end 1; "
              "error ID_IN_USE; active=1",
              .conduct = APP_NEVER_ANSWERS),
    CASE(REQ(e, 31) " BEGIN with id 0 closes", "BEGIN 0 responder; " BEGIN,
         "error RECORD_ID; active=0"),
    CASE(REQ(e, 79) " a BEGIN of 7 bytes closes", "BEGIN 1 hex=00010100000000; PARAMS 1",
         "error RECORD_LENGTH; active=0"),
    CASE(REQ(e, 79) " an empty BEGIN closes", "BEGIN 1; PARAMS 1", "error RECORD_LENGTH; active=0"),
    CASE(REQ(e) " what a BEGIN has beyond 8 bytes is ignored",
         "BEGIN 1 responder keep fill=500 pad=4; " REST,
         "begin 1 responder keep length=-1; " ANSWERED),
    CASE(REQ(83, 82) " unknown roles are refused, and the connection closed as asked",
         "BEGIN 1 role=4; " REST, "refused UNKNOWN_ROLE; > END 1 app=0 status=3; active=0 close"),
    CASE(REQ(83, 86) " what follows a refused BEGIN is ignored",
         "BEGIN 1 role=0 keep fill=20; PARAMS 1 A=b; PARAMS 1; STDIN 1 x; STDIN 1; ABORT 1; BEGIN "
         "1 role=257 "
         "keep;" BEGIN REST,
         "refused UNKNOWN_ROLE; refused UNKNOWN_ROLE; begin 1 responder keep length=-1; stdin-end "
         "1; "
         "> END 1 app=0 status=3; > END 1 app=0 status=3; " ANSWER "active=0"),
};

static const struct app_case params[] = {
    CASE(REQ(45, 61) " one byte a record", BEGIN "PARAMS 1 split=1 NAME=value 44:X=y EMPTY=; " REST,
         "begin 1 responder keep length=-1 NAME=value X=y EMPTY=; " ANSWERED),
    CASE(REQ(45, 61) " a length cut between records",
         BEGIN "PARAMS 1 split=3 44:NAME=value A=b; " REST,
         "begin 1 responder keep length=-1 NAME=value A=b; " ANSWERED),
    CASE(REQ(45, 61) " a value split so that its rest looks like a pair",
         BEGIN
         "PARAMS 1 hex=0622 HTTP_X aaaaaaaaaaaaa; PARAMS 1 hex=0b07 REMOTE_ADDR 6.6.6.6 z;" REST,
         "begin 1 responder keep length=-1 "
         "HTTP_X=aaaaaaaaaaaaa\\x0b\\x07REMOTE_ADDR6.6.6.6z; " ANSWERED),
    CASE(REQ(53, 66) " management records between the halves of a pair",
         BEGIN "PARAMS 1 hex=0205 AB; VALUES 0 FCGI_MAX_REQS=; PARAMS 1 hello; 50 0;" REST,
         "begin 1 responder keep length=-1 AB=hello; stdin-end 1; "
         "> RESULT 0 FCGI_MAX_REQS=100; > UNKNOWN 0 kind=50; " ANSWER "active=0"),
    CASE(REQ(44, 47) " no parameters at all", BEGIN "PARAMS 1; STDIN 1",
         "begin 1 responder keep length=-1; " ANSWERED),
    CASE(REQ(54, 55, 56, 57, 58) " all four forms of lengths",
         BEGIN "PARAMS 1 11:A=1 14:B=2 41:C=3 44:D=4; " REST,
         "begin 1 responder keep length=-1 A=1 B=2 C=3 D=4; " ANSWERED),
    CASE(REQ(59, 65) " empty names and values, any bytes",
         BEGIN "PARAMS 1 =v N= = hex=0203ff00fe000a; PARAMS 1; STDIN 1",
         "begin 1 responder keep length=-1 =v N= = \\xff\\x00=\\xfe\\x00\\x0a; " ANSWERED),
    CASE(REQ(63, r) " the order is kept, also of names that come twice",
         BEGIN "PARAMS 1 Z=1 A=2 Z=3 HTTP_A=x HTTP_A=y; " REST,
         "begin 1 responder keep length=-1 Z=1 A=2 Z=3 HTTP_A=x HTTP_A=y; " ANSWERED),
};

#define AFTER "; BEGIN 2 responder keep; PARAMS 2; STDIN 2"

/* The text of the answer is hashed when it is long; only its size is in the expectation. */
static const struct app_case refusals[] = {
    CASE(REQ(d) " a pair is cut off", BEGIN "PARAMS 1 A=b hex=0505 ABCDE; " REST, "PARAMS"),
    CASE(REQ(d) " a length is cut off", BEGIN "PARAMS 1 A=b hex=018000; " REST, "PARAMS"),
    CASE(REQ(d) " only a name length", BEGIN "PARAMS 1 hex=01; " REST, "PARAMS"),
    CASE(REQ(d, 60) " lengths of 2^31-1", BEGIN "PARAMS 1 hex=ffffffffffffffff AB; " REST,
         "PARAMS"),
    CASE(REQ(d) " CONTENT_LENGTH is no number", BEGIN "PARAMS 1 CONTENT_LENGTH=5x; " REST,
         "PARAMS"),
    CASE(REQ(d) " CONTENT_LENGTH has a sign", BEGIN "PARAMS 1 CONTENT_LENGTH=+5; " REST, "PARAMS"),
    CASE(REQ(d) " CONTENT_LENGTH is negative", BEGIN "PARAMS 1 CONTENT_LENGTH=-2; " REST, "PARAMS"),
    CASE(REQ(d) " CONTENT_LENGTH is too large",
         BEGIN "PARAMS 1 CONTENT_LENGTH=9223372036854775808; " REST, "PARAMS"),
    CASE(REQ(d) " FCGI_DATA_LENGTH is no number, and the role is one that has it",
         "BEGIN 1 filter keep; PARAMS 1 FCGI_DATA_LENGTH=0x10; " REST, "PARAMS"),
    CASE(REQ(d, 60) " more bytes than allowed", BEGIN "PARAMS 1 A=b fill=97; " REST, "LIMIT"),
    CASE(REQ(d, 60) " more bytes than allowed, in many records",
         BEGIN "PARAMS 1 split=7 A=b fill=97; " REST, "LIMIT"),
    CASE(REQ(d, 60) " far more bytes than allowed",
         BEGIN "PARAMS 1 fill=3000; PARAMS 1 fill=9; " REST, "LIMIT"),
    CASE(REQ(d, 60) " more pairs than allowed", BEGIN "PARAMS 1 A=1 B=2 C=3 D=4 E=5 =; " REST,
         "LIMIT"),
};

static void run_records(void **state)
{
    app_run(records, 2);
    app_run(records + 3, COUNT(records) - 3);
}

static void run_params(void **state)
{
    app_run(params, COUNT(params));
}

static void largest_record(void **state)
{
    static struct text text;
    weir_app_session *session = weir_app_session_new(NULL);
    struct bytes input = {NULL, 0, 0}, out = {NULL, 0, 0};

    assert_non_null(session);
    script_add(&input, records[2].script);
    for (size_t at = 0, n; at < input.len; at += n) {
        n = at < 30 ? 1 : 4099;
        n = n < input.len - at ? n : input.len - at;
        text.len = 0; /* the body would not fit */
        assert_int_equal(app_feed(session, str(input.ptr + at, n), 0, &text), 0);
    }
    take_app_output(session, &out, 1000);
    text.len = 0;
    describe_records(&text, bytes_str(&out), FROM_APP);
    /* 65535 bytes are more than the largest record we send. */
    assert_int_equal(out.len, 8 + 65528 + 8 + 8 + 8 + 16);
    assert_memory_equal(out.ptr, "\1\6\0\1\xff\xf8\0\0", 8);
    bytes_free(&input);
    bytes_free(&out);
    app_forget();
    assert_null(weir_app_session_free(session));
}

/* The handler never runs, there is an answer, and the connection serves on. */
static void run_refusals(void **state)
{
    static const char answer_400[] = "Status: 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"
                                     "400 Bad Request: malformed FastCGI parameters\n";
    static const char answer_431[] = "Status: 431 Request Header Fields Too Large\r\n"
                                     "Content-Type: text/plain\r\n\r\n"
                                     "431 Request Header Fields Too Large\n";

    for (size_t i = 0; i < COUNT(refusals); i++) {
        static struct text answer;
        char script[512], expect[512];
        struct app_case c = refusals[i];
        const char *text = strcmp(c.expect, "LIMIT") == 0 ? answer_431 : answer_400;

        answer.len = 0;
        text_add_content(&answer, text, strlen(text));
        snprintf(script, sizeof script, "%s%s", c.script, AFTER);
        snprintf(expect, sizeof expect,
                 "refused %s; begin 2 responder keep length=-1; stdin-end 2; > STDOUT 1 %.*s; "
                 "> STDOUT 1; > END 1 app=0 status=0; > STDOUT 2 done; > STDOUT 2; "
                 "> END 2 app=0 status=0; active=0",
                 c.expect, (int)answer.len, answer.bytes);
        c.script = script;
        c.expect = expect;
        c.options.params_max = 100;
        c.options.params_count_max = 5;
        app_run(&c, 1);
    }
}

/* Limits are the largest that is allowed. */
static const struct app_case at_the_limit[] = {
    CASE_WITH(REQ(d, 60) " as many bytes as allowed", BEGIN "PARAMS 1 hex=0161 A fill=97; " REST,
              "begin 1 responder keep length=-1 "
              "A="
              "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
              "xxxxxxxxxxxxx; " ANSWERED,
              .options = {.params_max = 100}),
    CASE_WITH(REQ(d, 60) " as many pairs as allowed", BEGIN "PARAMS 1 A=1 B=2 C=3 D=4 E=5; " REST,
              "begin 1 responder keep length=-1 A=1 B=2 C=3 D=4 E=5; " ANSWERED,
              .options = {.params_count_max = 5}),
};

static void run_at_the_limit(void **state)
{
    app_run(at_the_limit, COUNT(at_the_limit));
}

/* Many sizes of names and values around each edge of the encoding and of our buffers, in records of
 * many sizes: always the same parameters. */
static void sizes(void **state)
{
    static const size_t lens[] = {0, 1, 126, 127, 128, 129, 1000, 1022, 1023, 1024, 20000};
    static const size_t record_sizes[] = {1, 2, 3, 5, 127, 1023, 1024, 65535};
    static char fill[20000];
    struct bytes stream = {NULL, 0, 0};

    for (size_t n = 0; n < COUNT(lens); n++)
        for (size_t v = 0; v < COUNT(lens); v++) {
            memset(fill, 'a' + (int)(n * 7 + v) % 26, sizeof fill);
            uint8_t *pair = malloc(weir_pair_size(lens[n], lens[v]));
            assert_non_null(pair);
            size_t size = weir_pair_encode(pair, SIZE_MAX, str(fill, lens[n]), str(fill, lens[v]));
            bytes_add(&stream, pair, size);
            free(pair);
        }
    for (size_t r = 0; r < COUNT(record_sizes); r++) {
        weir_app_options options = {.size = sizeof options, .params_max = UINT32_MAX};
        weir_app_session *session = weir_app_session_new(&options);
        struct bytes input = {NULL, 0, 0};
        weir_app_event event;
        size_t used, count;

        script_add(&input, "BEGIN 1 responder keep");
        for (size_t at = 0, part; at <= stream.len; at += part) {
            part = stream.len - at < record_sizes[r] ? stream.len - at : record_sizes[r];
            weir_record record = {WEIR_PARAMS, 1, (uint16_t)part, 0};
            uint8_t header[8];
            weir_record_encode(&record, header);
            bytes_add(&input, header, 8);
            bytes_add(&input, stream.ptr + at, part);
            if (part == 0)
                break;
        }
        assert_non_null(session);
        assert_int_equal(weir_app_session_next(session, input.ptr, input.len, &used, &event), 1);
        assert_int_equal(event.type, WEIR_APP_BEGIN);
        const weir_pair *pairs = weir_app_request_params(event.request, &count);
        assert_int_equal(count, COUNT(lens) * COUNT(lens));
        for (size_t i = 0; i < count; i++) {
            size_t n = i / COUNT(lens), v = i % COUNT(lens);
            memset(fill, 'a' + (int)(n * 7 + v) % 26, sizeof fill);
            assert_int_equal(pairs[i].name.len, lens[n]);
            assert_int_equal(pairs[i].value.len, lens[v]);
            assert_memory_equal(pairs[i].name.ptr, fill, lens[n]);
            assert_memory_equal(pairs[i].value.ptr, fill, lens[v]);
            assert_int_equal(pairs[i].value.ptr[lens[v]], '\0');
        }
        bytes_free(&input);
        assert_null(weir_app_session_free(session));
    }
    bytes_free(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(19, 24, 36, 37, 38, 52, 79, a, b, e, f), run_records),
        TEST(REQ(45, 53, 54, 56, 57, 59, 61, 63, r), run_params),
        TEST(REQ(23, 24), largest_record),
        TEST(REQ(d, 60), run_refusals),
        TEST(REQ(d, 60), run_at_the_limit),
        TEST(REQ(45, 55, 57, 58, 61, 65), sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
