/* SPDX-License-Identifier: MIT
 *
 * support/document.c: see document.h and tests/cases/README.md. */
#include "support/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/chars.h"

enum { INPUT_MAX = 1 << 17 };

struct reader {
    const char *path;
    unsigned line;
    char heading[256];
    char *input, *expect;
    size_t input_len, expect_len;
};

static void put(struct reader *r, char c)
{
    assert_true(r->input_len < INPUT_MAX);
    r->input[r->input_len++] = c;
}

/* Resolves what follows a backslash; returns where the line goes on. */
static const char *escape(struct reader *r, const char *p)
{
    static const char letters[] = "rntv0s\\";
    static const char bytes[] = "\r\n\t\v\0 \\";
    const char *found = *p ? strchr(letters, *p) : NULL;

    if (found) {
        put(r, bytes[found - letters]);
        return p + 1;
    }
    if (*p == 'x' && http_hex_value(p[1]) >= 0 && http_hex_value(p[2]) >= 0) {
        put(r, (char)(http_hex_value(p[1]) << 4 | http_hex_value(p[2])));
        return p + 3;
    }
    if (*p == '{') {
        char *colon;
        unsigned long times = strtoul(p + 1, &colon, 10);
        const char *end = strchr(p, '}');
        if (*colon == ':' && end) {
            while (times-- > 0)
                for (const char *c = colon + 1; c < end; c++)
                    put(r, *c);
            return end + 1;
        }
    }
    fail_msg("%s:%u: unknown escape \\%s", r->path, r->line, p);
    return p;
}

static void add_input_line(struct reader *r, const char *line)
{
    for (const char *p = line; *p;) {
        if (*p != '\\') {
            put(r, *p++);
        } else if (p[1] == '\0') {
            return; /* a backslash at the end takes the line end away */
        } else {
            p = escape(r, p + 1);
        }
    }
    put(r, '\r');
    put(r, '\n');
}

static bool next_line(struct reader *r, FILE *file, char *line, size_t size)
{
    if (!fgets(line, (int)size, file))
        return false;
    r->line++;
    size_t len = strlen(line);
    if (len == 0 || line[len - 1] != '\n')
        fail_msg("%s:%u: line too long or without end", r->path, r->line);
    line[len - 1] = '\0';
    return true;
}

/* The lines up to the closing fence. */
static void read_block(struct reader *r, FILE *file, bool is_input)
{
    char line[2048];

    for (;;) {
        if (!next_line(r, file, line, sizeof line))
            fail_msg("%s:%u: block without end", r->path, r->line);
        if (strcmp(line, "```") == 0)
            return;
        if (is_input) {
            add_input_line(r, line);
        } else {
            size_t len = strlen(line);
            assert_true(r->expect_len + len + 2 < INPUT_MAX);
            memcpy(r->expect + r->expect_len, line, len);
            r->expect_len += len;
            r->expect[r->expect_len++] = '\n';
        }
    }
}

static unsigned read_cases(struct reader *r, FILE *file, const char *kind,
                           void (*run)(const struct document_case *c))
{
    struct document_case c = {.kind = ""};
    unsigned cases = 0;
    char line[2048];

    while (next_line(r, file, line, sizeof line)) {
        if (line[0] == '#')
            snprintf(r->heading, sizeof r->heading, "%s", line + strspn(line, "# "));
        if (strncmp(line, "```", 3) != 0)
            continue;
        if (strcmp(line, "```expect") != 0) {
            if (c.kind[0])
                fail_msg("%s:%u: input without expectation before this", r->path, r->line);
            if (sscanf(line + 3, "%31s %127[^\n]", c.kind, c.options) < 1)
                fail_msg("%s:%u: a block needs a kind", r->path, r->line);
            snprintf(c.where, sizeof c.where, "%s:%u: %s", r->path, r->line, r->heading);
            r->input_len = 0;
            read_block(r, file, true);
            continue;
        }
        r->expect_len = 0;
        read_block(r, file, false);
        r->expect[r->expect_len] = '\0';
        if (!c.kind[0] || r->expect_len == 0)
            fail_msg("%s:%u: expectation without input, or empty", r->path, r->line);
        if (strcmp(c.kind, kind) == 0) {
            c.input = str(r->input, r->input_len);
            c.expect = r->expect;
            run(&c);
            cases++;
        }
        memset(&c, 0, sizeof c);
    }
    if (c.kind[0])
        fail_msg("%s: the last input has no expectation", r->path);
    return cases;
}

unsigned document_each(const char *path, const char *kind,
                       void (*run)(const struct document_case *c))
{
    struct reader r = {.path = path, .input = malloc(INPUT_MAX), .expect = malloc(INPUT_MAX)};
    FILE *file = fopen(path, "r");

    assert_non_null(r.input);
    assert_non_null(r.expect);
    if (!file)
        fail_msg("%s cannot be opened", path);
    unsigned cases = read_cases(&r, file, kind, run);
    fclose(file);
    free(r.input);
    free(r.expect);
    return cases;
}

static const char *find_option(const struct document_case *c, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = c->options; (p = strstr(p, name)) != NULL; p += len)
        if ((p == c->options || p[-1] == ' ') && (p[len] == '\0' || strchr(" =", p[len])))
            return p + len;
    return NULL;
}

unsigned long document_number(const struct document_case *c, const char *name,
                              unsigned long otherwise)
{
    const char *p = find_option(c, name);

    return p && *p == '=' ? strtoul(p + 1, NULL, 10) : otherwise;
}

bool document_has(const struct document_case *c, const char *name)
{
    return find_option(c, name) != NULL;
}

void document_check(const struct document_case *c, const struct text *outcome)
{
    for (const char *p = c->expect; *p;) {
        size_t len = strcspn(p, "\n");
        if (!text_has_line(outcome, str(p, len)))
            fail_msg("%s\nexpected the line: %.*s\nthe outcome is:\n%.*s", c->where, (int)len, p,
                     (int)outcome->len, outcome->bytes);
        p += len + 1;
    }
}
