/* SPDX-License-Identifier: MIT
 *
 * Conditional requests: dates, entity tags, and the order in which conditions count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "http/conditional.h"
#include "http/date.h"

#define NOW     1700000000 /* November 2023 */
#define DATE    "Sun, 06 Nov 1994 08:49:37 GMT"
#define SECONDS 784111777
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER   "Sun, 06 Nov 1994 08:49:38 GMT"

/* The text in memory of just its size: reading past it is found. */
static weir_str exactly(const char *text, size_t len)
{
    char *memory = malloc(len ? len : 1);

    assert_non_null(memory);
    memcpy(memory, text, len);
    return str(memory, len);
}

/* ---- Dates ----------------------------------------------------------------------------------- */

static void dates_in_every_form(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {DATE, SECONDS},
        {"Sunday, 06-Nov-94 08:49:37 GMT", SECONDS},
        {"Sun Nov  6 08:49:37 1994", SECONDS},
        {"Sun Nov 16 08:49:37 1994", SECONDS + 10 * 86400},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
        {"Friday, 01-Jan-73 00:00:00 GMT", 3250454400},  /* 50 years from now is the future */
        {"Saturday, 01-Jan-74 00:00:00 GMT", 126230400}, /* and 51 years the past */
        {"Wed, 30 Jun 1999 23:59:60 GMT", 930787200},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -7;
        assert_true(http_date_parse(str_of(cases[i].text), NOW, &seconds));
        assert_true(seconds == cases[i].seconds);
        /* Cut anywhere, or with one byte more, it is no date. */
        size_t len = strlen(cases[i].text);
        for (size_t cut = 0; cut < len; cut++) {
            weir_str part = exactly(cases[i].text, cut);
            seconds = -7;
            assert_false(http_date_parse(part, NOW, &seconds));
            assert_true(seconds == -7);
            free((char *)(uintptr_t)part.ptr);
        }
        char longer[64];
        memcpy(longer, cases[i].text, len);
        longer[len] = ' ';
        assert_false(http_date_parse(str(longer, len + 1), NOW, &seconds));
    }
}

static void dates_written_are_read(void **state)
{
    (void)state;
    for (int64_t t = -62167219200; t < 253402300799; t += 86400 * 13 + 7919) {
        char text[HTTP_DATE_SIZE];
        int64_t seconds;
        http_date(t, text);
        assert_true(http_date_parse(str_of(text), NOW, &seconds));
        assert_true(seconds == t);
    }
}

static void what_is_no_date(void **state)
{
    static const char *const texts[] = {
        "yesterday",
        "784111777",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Thu, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        ("Sun, 06 Nov 1994 08:49:37 GMT, " DATE),
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Monsday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 06 08:49:37 1994 GMT",
        "Sun Nov 6 08:49:37 1994",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t seconds;
        if (http_date_parse(str_of(texts[i]), NOW, &seconds))
            fail_msg("taken for a date: %s", texts[i]);
    }
}

/* ---- Entity tags ----------------------------------------------------------------------------- */

static void lists_of_tags(void **state)
{
    static const struct {
        const char *list;
        int count;  /* of tags */
        bool whole; /* and nothing else behind them */
    } cases[] = {
        {"", 0, true},
        {",, ,", 0, true},
        {"\"a\"", 1, true},
        {"\"\"", 1, true},
        {"W/\"a\"", 1, true},
        {"\"a\",\"b\"", 2, true},
        {" \"a\" , W/\"b\"\t,", 2, true},
        {"\"a,b\"", 1, true},
        {"\"a\\\"", 1, true},
        {"\"\xc3\xa4\"", 1, true},
        {"a", 0, false},
        {"\"a", 0, false},
        {"w/\"a\"", 0, false},
        {"W/ \"a\"", 0, false},
        {"W/a", 0, false},
        {"\"a b\"", 0, false},
        {"\"a\"b", 0, false},
        {"\"a\" \"b\"", 0, false},
        {"\"a\", b", 1, false},
        {"\"a\x7f\"", 0, false},
        {"\"a\", *", 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_str copy = exactly(cases[i].list, strlen(cases[i].list)), list = copy, tag;
        int count = 0;
        bool weak;
        while (http_etag_next(&list, &tag, &weak)) {
            assert_true(tag.len >= 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"');
            count++;
        }
        assert_int_equal(count, cases[i].count);
        assert_int_equal(list.len == 0, cases[i].whole);
        free((char *)(uintptr_t)copy.ptr);
    }
    assert_true(http_etag_valid(WEIR_STR("\"a\"")) && http_etag_valid(WEIR_STR("W/\"a\"")));
    assert_false(http_etag_valid(WEIR_STR("\"a\" ")) || http_etag_valid(WEIR_STR("a")) ||
                 http_etag_valid(WEIR_STR("")) || http_etag_valid(WEIR_STR("\"a\",\"b\"")));
}

/* ---- Conditions ------------------------------------------------------------------------------ */

struct condition_case {
    const char *match, *none_match, *modified_since, *unmodified_since;
    unsigned reading, writing;
};

static unsigned check(const struct condition_case *c, weir_str etag, int64_t modified, bool reads)
{
    struct http_conditions conditions = {
        .if_match = str_of(c->match),
        .if_none_match = str_of(c->none_match),
        .if_modified_since = str_of(c->modified_since),
        .if_unmodified_since = str_of(c->unmodified_since),
    };

    return http_conditions_check(&conditions, &(struct http_validators){etag, modified}, reads,
                                 NOW);
}

static void conditions_in_their_order(void **state)
{
    static const struct condition_case cases[] = {
        {NULL, NULL, NULL, NULL, 0, 0},
        {"*", NULL, NULL, NULL, 0, 0},
        {"\"v1\"", NULL, NULL, NULL, 0, 0},
        {"\"x\", \"v1\"", NULL, NULL, NULL, 0, 0},
        {"W/\"v1\"", NULL, NULL, NULL, 412, 412},
        {"\"x\"", NULL, NULL, NULL, 412, 412},
        {"", NULL, NULL, NULL, 412, 412},
        {"nonsense", NULL, NULL, NULL, 412, 412},
        {NULL, "*", NULL, NULL, 304, 412},
        {NULL, "\"v1\"", NULL, NULL, 304, 412},
        {NULL, "W/\"v1\"", NULL, NULL, 304, 412},
        {NULL, "\"x\",W/\"v1\"", NULL, NULL, 304, 412},
        {NULL, "\"x\"", NULL, NULL, 0, 0},
        {NULL, "", NULL, NULL, 0, 0},
        {NULL, "nonsense, \"v1\"", NULL, NULL, 0, 0},
        {NULL, NULL, DATE, NULL, 304, 0},
        {NULL, NULL, LATER, NULL, 304, 0},
        {NULL, NULL, EARLIER, NULL, 0, 0},
        {NULL, NULL, "nonsense", NULL, 0, 0},
        {NULL, NULL, DATE ", " DATE, NULL, 0, 0},
        {NULL, NULL, NULL, DATE, 0, 0},
        {NULL, NULL, NULL, LATER, 0, 0},
        {NULL, NULL, NULL, EARLIER, 412, 412},
        {NULL, NULL, NULL, "nonsense", 0, 0},
        /* tags count, dates beside them do not */
        {"\"v1\"", NULL, NULL, EARLIER, 0, 0},
        {"\"x\"", NULL, NULL, LATER, 412, 412},
        {NULL, "\"x\"", DATE, NULL, 0, 0},
        {NULL, "\"v1\"", EARLIER, NULL, 304, 412},
        /* the first pair comes before the second */
        {"\"x\"", "\"v1\"", NULL, NULL, 412, 412},
        {"\"v1\"", "\"v1\"", NULL, NULL, 304, 412},
        {NULL, "\"v1\"", NULL, EARLIER, 412, 412},
        {NULL, NULL, DATE, DATE, 304, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(check(&cases[i], WEIR_STR("\"v1\""), SECONDS, true), cases[i].reading);
        assert_int_equal(check(&cases[i], WEIR_STR("\"v1\""), SECONDS, false), cases[i].writing);
    }
}

static void without_validators(void **state)
{
    const struct condition_case date = {NULL, NULL, DATE, NULL, 0, 0};
    const struct condition_case before = {NULL, NULL, NULL, EARLIER, 0, 0};
    const struct condition_case tag = {"\"v1\"", NULL, NULL, NULL, 0, 0};
    const struct condition_case weak = {NULL, "\"v1\"", NULL, NULL, 0, 0};

    (void)state;
    assert_int_equal(check(&date, WEIR_STR("\"v1\""), -1, true), 0);
    assert_int_equal(check(&before, WEIR_STR("\"v1\""), -1, true), 0);
    assert_int_equal(check(&tag, str(NULL, 0), SECONDS, true), 412);
    assert_int_equal(check(&tag, WEIR_STR("W/\"v1\""), SECONDS, true), 412);
    assert_int_equal(check(&weak, WEIR_STR("W/\"v1\""), SECONDS, true), 304);
}

static void if_range(void **state)
{
    static const struct {
        const char *value;
        bool holds;
    } cases[] = {
        {NULL, true},   {"\"v1\"", true}, {"\"x\"", false},          {"W/\"v1\"", false},
        {"*", false},   {"", false},      {"\"v1\", \"v1\"", false}, {DATE, true},
        {LATER, false}, {EARLIER, false}, {"nonsense", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_conditions c = {.if_range = str_of(cases[i].value)};
        struct http_validators v = {WEIR_STR("\"v1\""), SECONDS};
        assert_int_equal(http_if_range_holds(&c, &v, NOW), cases[i].holds);
    }
    struct http_conditions weak = {.if_range = WEIR_STR("W/\"v1\"")};
    struct http_validators v = {WEIR_STR("W/\"v1\""), -1};
    assert_false(http_if_range_holds(&weak, &v, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_in_every_form),
        cmocka_unit_test(dates_written_are_read),
        cmocka_unit_test(what_is_no_date),
        cmocka_unit_test(lists_of_tags),
        cmocka_unit_test(conditions_in_their_order),
        cmocka_unit_test(without_validators),
        cmocka_unit_test(if_range),
    };
    return cmocka_run_group_tests_name("http/conditional", tests, NULL, NULL);
}
