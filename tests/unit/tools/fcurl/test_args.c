/* SPDX-License-Identifier: MIT
 *
 * The command line and config files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/fcurl/option.h"

enum { WORDS = 16 };

/* Parses "a b c"; the error to be freed, or NULL. */
static char *parse(struct global *global, const char *line)
{
    char copy[512], *argv[WORDS] = {NULL}, *save = NULL, *error = NULL;
    char disable[] = "-q", name[] = "fcurl";
    int argc = 2;

    argv[0] = name;
    argv[1] = disable;
    strcpy(copy, line);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    global_init(global);
    if (args_parse(global, argc, argv, &error))
        assert_null(error);
    else
        assert_non_null(error);
    return error;
}

static void test_forms_of_options(void **state)
{
    struct global g;

    (void)state;
    assert_null(parse(&g, "-sSXPUT -oout --max-time 1.5 -m2 a -- -b"));
    assert_true(g.silent && g.show_error);
    assert_string_equal(g.configs->method, "PUT");
    assert_true(g.configs->max_time > 1.9 && g.configs->max_time < 2.1);
    assert_string_equal(g.configs->targets->url, "a");
    assert_string_equal(g.configs->targets->output, "out");
    assert_string_equal(g.configs->targets->next->url, "-b");
    global_done(&g);
    assert_null(parse(&g, "--no-silent --silen --no-buffer -N --compressed --no-compressed -"));
    assert_true(g.silent && g.configs->no_buffer && !g.configs->compressed);
    assert_string_equal(g.configs->targets->url, "-");
    global_done(&g);
}

static void test_groups(void **state)
{
    struct global g;

    (void)state;
    assert_null(parse(&g, "-d x a -o 1 -O b --next -X PUT c"));
    assert_string_equal(g.configs->targets->output, "1");
    assert_true(g.configs->targets->next->remote_name);
    assert_string_equal(g.configs->next->targets->url, "c");
    assert_false(g.configs->next->has_data);
    assert_null(g.configs->method);
    global_done(&g);
}

static void test_refused(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"--nothing", "option --nothing: is unknown"},
        {"--re 1", "option --re: is ambiguous"},
        {"-m", "option -m: requires parameter"},
        {"--output", "option --output: requires parameter"},
        {"--no-output x", "option --no-output: is unknown"},
        {"-sx p", "option -x: FastCGI has no proxies"},
        {"--http2", "option --http2: FastCGI has no HTTP versions"},
        {"-m 1s", "option -m: expected seconds"},
        {"-m nan", "option -m: expected seconds"},
        {"-m 0x1p9", NULL},
        {"-m 1e99", "option -m: expected seconds"},
        {"--retry 1x", "option --retry: expected a whole number"},
        {"--retry 18446744073709551616", "option --retry: expected a whole number"},
        {"--limit-rate -1", "option --limit-rate: expected bytes"},
        {"--limit-rate k", "option --limit-rate: expected bytes"},
        {"--limit-rate 9000000P", "option --limit-rate: expected bytes"},
        {"--next", "option --next: there is no URL before it"},
        {"--param x", "option --param: expected NAME=VALUE"},
        {"--padding 256", "option --padding: expected 0 to 255"},
        {"-F x", "option -F: expected NAME=CONTENT"},
        {"--fail-if x", "option --fail-if: expected a condition"},
        {"-K /no/such/file", "option -K: cannot read config from '/no/such/file'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct global g;
        char *error = parse(&g, cases[i].line);
        if (cases[i].why && (!error || strncmp(error, cases[i].why, strlen(cases[i].why)) != 0))
            fail_msg("%s: %s", cases[i].line, error);
        free(error);
        global_done(&g);
    }
}

static void test_numbers(void **state)
{
    uint64_t bytes;
    double seconds;

    (void)state;
    assert_true(option_parse_bytes("10", &bytes) && bytes == 10);
    assert_true(option_parse_bytes("1.5k", &bytes) && bytes == 1536);
    assert_true(option_parse_bytes("2M", &bytes) && bytes == 2 << 20);
    assert_false(option_parse_bytes("", &bytes));
    assert_false(option_parse_bytes("1e3", &bytes));
    assert_false(option_parse_bytes("99999999999999999999", &bytes));
    assert_true(option_parse_seconds(".5", &seconds));
    assert_false(option_parse_seconds("-1", &seconds));
    assert_false(option_parse_seconds("", &seconds));
}

static char *parse_file(struct global *global, const char *content)
{
    char path[] = "/tmp/weir-args-XXXXXX", line[64];
    int fd = mkstemp(path);

    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    snprintf(line, sizeof line, "-K %s", path);
    char *error = parse(global, line);
    unlink(path);
    return error;
}

static void test_config_file(void **state)
{
    struct global g;

    (void)state;
    assert_null(parse_file(&g,
                           "# comment\n\n  silent\r\n--show-error\n-X PUT\nurl = \"http://a/\"\n"
                           "user-agent: x # why\nheader=\"A: \\\"q\\\"\\t\"\nreferer \"\"\n"
                           "next\nurl=b"));
    assert_true(g.silent && g.show_error);
    assert_string_equal(g.configs->method, "PUT");
    assert_string_equal(g.configs->user_agent, "x");
    assert_string_equal(g.configs->headers.at[0], "A: \"q\"\t");
    assert_string_equal(g.configs->next->targets->url, "b");
    global_done(&g);
}

static void test_broken_config_file(void **state)
{
    static const char *const files[] = {
        "nothing\n",
        "silent x\n",
        "output\n",
        "header = A: b c\n",
        "max-time = x\n",
        "-\n",
        "= x\n",
        ":",
        "config = \"/no/such/file\"\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct global g;
        char *error = parse_file(&g, files[i]);
        if (!error)
            fail_msg("%s was taken", files[i]);
        assert_non_null(strstr(error, ":1: ")); /* the line */
        free(error);
        global_done(&g);
    }
}

static void test_config_file_that_names_itself(void **state)
{
    char path[] = "/tmp/weir-args-XXXXXX", line[64];
    struct global g;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(dprintf(fd, "config = %s\n", path) > 0, 1);
    close(fd);
    snprintf(line, sizeof line, "-K %s", path);
    char *error = parse(&g, line);
    assert_non_null(error);
    assert_non_null(strstr(error, "nested too deep"));
    free(error);
    global_done(&g);
    unlink(path);
}

/* Every option has what help, manual and completion are made of. */
static void test_table(void **state)
{
    char letters[256] = "";

    (void)state;
    for (size_t g = 0; option_groups[g]; g++)
        for (size_t i = 0; i < option_groups[g]->count; i++) {
            const struct option *o = &option_groups[g]->options[i];
            assert_non_null(o->help);
            assert_true(strlen(o->help) <= 55 && strlen(o->man) > 0 && o->categories != 0);
            assert_ptr_equal(option_by_name(o->name, strlen(o->name)), o);
            assert_true((o->kind == OPTION_CALL) == (o->set != NULL));
            assert_true(o->kind == OPTION_CALL || (o->kind == OPTION_FLAG) == (o->value == NULL));
            if (o->letter) {
                assert_null(strchr(letters, o->letter));
                strncat(letters, &o->letter, 1);
            }
            for (const struct refused_option *r = refused_options; r->name; r++) {
                assert_string_not_equal(r->name, o->name);
                assert_true(r->letter == 0 || r->letter != o->letter);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_options),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_config_file),
        cmocka_unit_test(test_broken_config_file),
        cmocka_unit_test(test_config_file_that_names_itself),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
