/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/glob.c: see glob.h. A pattern is a row of parts, each with a number of values:
 *
 *     http://h/{a,b}/[08-10]    literal "http://h/" | set a, b | literal "/" | range 08 to 10
 */
#include "tools/fcurl/glob.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum part_kind { PART_LITERAL, PART_SET, PART_NUMBERS, PART_LETTERS };

struct glob_part {
    enum part_kind kind;
    struct strings set; /* of a literal: one */
    uint64_t first, step, count;
    int width; /* of numbers with leading zeros */
    uint64_t now;
};

static bool fail(const char *pattern, const char *at, const char *what, char **ret_error)
{
    struct text text = {NULL, 0, 0};

    text_printf(&text, "%s in URL position %zu:\n%s\n%*s^", what, (size_t)(at - pattern) + 1,
                pattern, (int)(at - pattern), "");
    *ret_error = text_take(&text);
    return false;
}

static struct glob_part *add_part(struct glob *glob, enum part_kind kind)
{
    glob->parts = must_resize(glob->parts, (glob->count + 1) * sizeof *glob->parts);
    struct glob_part *part = &glob->parts[glob->count++];
    *part = (struct glob_part){.kind = kind, .count = 1, .step = 1};
    return part;
}

/* ---- Reading a pattern ----------------------------------------------------------------------- */

/* {one,two}: p stands behind the brace. */
static const char *parse_set(struct glob *glob, const char *pattern, const char *p,
                             char **ret_error)
{
    struct glob_part *part = add_part(glob, PART_SET);
    struct text item = {NULL, 0, 0};
    const char *start = p - 1;

    for (;; p++) {
        if (*p == '\0' || *p == '{' || *p == '[' || *p == ']') {
            fail(pattern, *p ? p : start, *p ? "nested brace" : "unmatched brace", ret_error);
            break;
        }
        if (*p == ',' || *p == '}') {
            strings_take(&part->set, text_take(&item));
            if (*p == '}') {
                part->count = part->set.count;
                return p + 1;
            }
            continue;
        }
        if (*p == '\\' && p[1])
            p++;
        text_putc(&item, *p);
    }
    text_done(&item);
    return NULL;
}

static bool parse_step(const char **p, uint64_t *ret_step)
{
    char *end;

    *ret_step = 1;
    if (**p != ':')
        return true;
    if (!isdigit((unsigned char)(*p)[1]))
        return false;
    *ret_step = strtoull(*p + 1, &end, 10);
    *p = end;
    return *ret_step > 0;
}

static bool parse_letters(struct glob_part *part, const char **p)
{
    char from = (*p)[0], to = (*p)[1] == '-' ? (*p)[2] : '\0';
    bool both = (islower((unsigned char)from) && islower((unsigned char)to)) ||
                (isupper((unsigned char)from) && isupper((unsigned char)to));

    *p += 3;
    if (!both || to < from || !parse_step(p, &part->step))
        return false;
    part->kind = PART_LETTERS;
    part->first = (uint64_t)from;
    part->count = (uint64_t)(to - from) / part->step + 1;
    return true;
}

static bool parse_numbers(struct glob_part *part, const char **p)
{
    const char *digits = *p;
    char *end;

    errno = 0;
    part->first = strtoull(digits, &end, 10);
    if (digits[0] == '0' && end - digits > 1)
        part->width = (int)(end - digits);
    if (*end != '-' || !isdigit((unsigned char)end[1]) || part->width > 40)
        return false;
    uint64_t last = strtoull(end + 1, &end, 10);
    *p = end;
    if (errno != 0 || last < part->first || !parse_step(p, &part->step))
        return false;
    part->kind = PART_NUMBERS;
    part->count = (last - part->first) / part->step + 1;
    return part->count > 0; /* 0: all of 2^64 */
}

/* [1-10]: p stands behind the bracket. */
static const char *parse_range(struct glob *glob, const char *pattern, const char *p,
                               char **ret_error)
{
    struct glob_part *part = add_part(glob, PART_NUMBERS);
    const char *start = p;
    bool good = isalpha((unsigned char)*p)   ? p[1] == '-' && p[2] && parse_letters(part, &p)
                : isdigit((unsigned char)*p) ? parse_numbers(part, &p)
                                             : false;

    if (good && *p == ']')
        return p + 1;
    fail(pattern, start, "bad range", ret_error);
    return NULL;
}

/* An IPv6 address in brackets; returns its length with them, 0 if it is none. */
static size_t ipv6_length(const char *p)
{
    unsigned char address[16];
    const char *end = strchr(p, ']');
    char text[64];
    size_t len = end ? (size_t)(end - p) - 1 : 0;

    if (!end || len >= sizeof text)
        return 0;
    memcpy(text, p + 1, len);
    text[len] = '\0';
    return inet_pton(AF_INET6, text, address) == 1 ? len + 2 : 0;
}

static void end_literal(struct glob *glob, struct text *literal)
{
    if (literal->len > 0)
        strings_take(&add_part(glob, PART_LITERAL)->set, text_take(literal));
}

static const char *parse_one(struct glob *glob, const char *pattern, const char *p,
                             struct text *literal, char **ret_error)
{
    size_t address = *p == '[' ? ipv6_length(p) : 0;

    if (address > 0 || (*p == '[' && p[1] == ']')) {
        size_t len = address ? address : 2;
        text_add(literal, p, len);
        return p + len;
    }
    if (*p == '{' || *p == '[') {
        end_literal(glob, literal);
        return *p == '{' ? parse_set(glob, pattern, p + 1, ret_error)
                         : parse_range(glob, pattern, p + 1, ret_error);
    }
    if (*p == '}' || *p == ']') {
        fail(pattern, p, "unmatched close brace/bracket", ret_error);
        return NULL;
    }
    if (*p == '\\' && p[1] && strchr("{}[]", p[1]))
        p++;
    text_putc(literal, *p);
    return p + 1;
}

bool glob_init(struct glob *glob, const char *pattern, bool off, char **ret_error)
{
    struct text literal = {NULL, 0, 0};
    const char *p = pattern;

    *glob = (struct glob){NULL, 0, 1, 0};
    if (off)
        text_puts(&literal, pattern);
    while (!off && p && *p)
        p = parse_one(glob, pattern, p, &literal, ret_error);
    end_literal(glob, &literal);
    text_done(&literal);
    for (size_t i = 0; p && i < glob->count; i++) {
        if (glob->total > UINT64_MAX / glob->parts[i].count) {
            fail(pattern, pattern, "range overflow", ret_error);
            p = NULL;
        } else {
            glob->total *= glob->parts[i].count;
        }
    }
    if (p)
        return true;
    glob_done(glob);
    return false;
}

void glob_done(struct glob *glob)
{
    for (size_t i = 0; i < glob->count; i++)
        strings_done(&glob->parts[i].set);
    free(glob->parts);
    *glob = (struct glob){NULL, 0, 0, 0};
}

/* ---- Making URLs ----------------------------------------------------------------------------- */

static void add_value(const struct glob_part *part, struct text *out)
{
    uint64_t value = part->first + part->now * part->step;

    if (part->kind == PART_LETTERS)
        text_putc(out, (char)value);
    else if (part->kind == PART_NUMBERS)
        text_printf(out, "%0*llu", part->width, (unsigned long long)value);
    else
        text_puts(out, part->set.at[part->now]);
}

char *glob_next(struct glob *glob)
{
    struct text out = {NULL, 0, 0};
    uint64_t index = glob->next;

    if (index >= glob->total)
        return NULL;
    glob->next++;
    for (size_t i = glob->count; i-- > 0;) {
        glob->parts[i].now = index % glob->parts[i].count;
        index /= glob->parts[i].count;
    }
    for (size_t i = 0; i < glob->count; i++)
        add_value(&glob->parts[i], &out);
    return text_take(&out);
}

char *glob_name(const struct glob *glob, const char *name)
{
    struct text out = {NULL, 0, 0};

    while (*name) {
        char *end;
        unsigned long number =
            name[0] == '#' && isdigit((unsigned char)name[1]) ? strtoul(name + 1, &end, 10) : 0;
        size_t i = 0;
        for (unsigned long k = number; k > 0 && i < glob->count; i++)
            if (glob->parts[i].kind != PART_LITERAL && --k == 0)
                break;
        if (number > 0 && i < glob->count) {
            add_value(&glob->parts[i], &out);
            name = end;
        } else {
            text_putc(&out, *name++);
        }
    }
    return text_take(&out);
}
