/* SPDX-License-Identifier: MIT
 *
 * wire/support.h: what the tests of the FastCGI engine share.
 *
 * Citations. REQ(45, 61, d) names requirements (numbers) and rules (letters) of docs/fastcgi.md. It
 * does nothing but become a part of a test's or a table row's name; a tool finds what is tested by
 * searching for it, so it is written out wherever it stands.
 *
 * Scripts. Records are written as text, one record up to each ';':
 *
 *     BEGIN 1 responder keep; PARAMS 1 A=b 44:C=d; PARAMS 1; STDIN 1 hello; STDIN 1
 *
 *     TYPE ID WORD...            TYPE is BEGIN ABORT END PARAMS STDIN STDOUT STDERR DATA VALUES
 * RESULT UNKNOWN or a number responder authorizer filter role=N keep flags=N         content of
 * BEGIN app=N status=N                                          content of END kind=N content of
 * UNKNOWN NAME=value, 44:NAME=value                               pairs of PARAMS, VALUES, RESULT;
 * the digits are the bytes that the length of name and value take hex=00ff fill=N content: these
 * bytes, or N times 'x' pad=N                      padding, of bytes that are not zero split=N the
 * content in records of N bytes version=N reserved=N       of the header any other word content
 *
 * Outcomes. What a session made of a script is text as well: its events in order (consecutive
 * data of one stream joined), then the records that it sent, each marked '>', then its state. An
 * expectation is that text with "; " for line feeds. Each script is delivered whole, byte by byte
 * and cut in two at every offset (support/cuts.h), and each time the outcome must be the same. */
#ifndef WIRE_SUPPORT_H
#define WIRE_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <weir/wire.h>

#include "base/str.h"
#include "support/cuts.h"

#define REQ(...) "REQ(" #__VA_ARGS__ ")"

/* An entry of cmocka's list: the citations become a part of the test's name. */
#define TEST(citations, function)                           \
    {                                                       \
        citations " " #function, function, NULL, NULL, NULL \
    }

/* Rows of tables; CASE_WITH has more members, designated. */
#define CASE(cited, given, expected)                             \
    {                                                            \
        .name = (cited), .script = (given), .expect = (expected) \
    }
#define CASE_WITH(cited, given, expected, ...)                                \
    {                                                                         \
        .name = (cited), .script = (given), .expect = (expected), __VA_ARGS__ \
    }

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Bytes that grow; to be freed. */
struct bytes {
    char *ptr;
    size_t len, room;
};

void bytes_add(struct bytes *bytes, const void *more, size_t n);
weir_str bytes_str(const struct bytes *bytes);
void bytes_free(struct bytes *bytes);

/* The words for record types in scripts and outcomes. */
enum { RECORD_NAMES = 12 };
extern const char *const record_names[RECORD_NAMES];

/* Adds the records of a script. */
void script_add(struct bytes *bytes, const char *script);

/* Writes records down, each on a line that starts with '>', and checks what holds for all that a
 * side may send: REQ(19) nothing but whole records, REQ(20, 21, 22, 29) their header, REQ(24, 27)
 * lengths, with padding to a multiple of 8 of zero bytes, REQ(31, 33) types and ids, REQ(44, 46)
 * streams: an empty record ends one and nothing follows it, REQ(36, 43, 49, 100) END_REQUEST is the
 * last word on a request. */
enum side { FROM_APP, FROM_WEB };
void describe_records(struct text *text, weir_str bytes, enum side side);

/* Adds bytes in a readable way, of more than 100 only the number and a hash. */
void text_add_content(struct text *text, const char *bytes, size_t n);

/* Adds a line "LABEL ID data", or continues the last line if that starts the same. */
void text_add_data(struct text *text, const char *label, unsigned id, weir_str data);

/* Takes everything queued, in one go, or n bytes at a time if n is not 0. */
void take_app_output(weir_app_session *session, struct bytes *bytes, size_t n);
void take_web_output(weir_web_session *session, struct bytes *bytes, size_t n);

/* Fails the test unless the text is what is expected ("; " for line feeds). */
void expect_text(const char *name, const struct text *text, const char *expect);

/* ---- An application to be tested with -------------------------------------------------------- */

/* What it does; without any of these it answers with the body when that is complete, "done" if
 * there is none. */
enum app_conduct {
    APP_ANSWERS_EARLY = 1, /* "early", as soon as a request begins */
    APP_NEVER_ANSWERS = 2,
    APP_COMPLAINS = 4, /* on STDERR, between two pieces of its answer */
    APP_TAKES_LITTLE =
        8, /* of each portion it takes nothing at first, then one byte, then two ... */
    APP_IGNORES_ABORT = 16,
};

struct app_case {
    const char *name; /* with REQ() */
    const char *script;
    const char *expect;
    unsigned conduct;
    weir_app_options options;
};

void app_run(const struct app_case *cases, size_t count);

/* For tests that are no tables: feeds bytes and describes the events; returns 0 or the error. At
 * the end of the test, app_forget. */
int app_feed(weir_app_session *session, weir_str bytes, unsigned conduct, struct text *text);
void app_forget(void);

/* ---- A web server to be tested with ---------------------------------------------------------- */

struct web_case {
    const char *name;
    const char *script;
    const char *expect;
    const char *requests; /* one word each: responder, authorizer, filter, with '+' after it if its
                             input is sent to the end and '!' if it is aborted, '-' if the
                             connection is not to be kept */
    bool takes_little;
};

void web_run(const struct web_case *cases, size_t count);
int web_feed(weir_web_session *session, weir_str bytes, bool takes_little, struct text *text);

#endif
