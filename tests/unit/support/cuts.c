/* SPDX-License-Identifier: MIT
 *
 * support/cuts.c: see cuts.h. */
#include "support/cuts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void text_add(struct text *text, const char *format, ...)
{
    size_t room = sizeof text->bytes - text->len;
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text->bytes + text->len, room, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < room);
    text->len += (size_t)n;
}

void text_add_bytes(struct text *text, const char *label, weir_str bytes)
{
    text_add(text, "%s=", label);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c >= 0x20 && c < 0x7f && c != '\\')
            text_add(text, "%c", c);
        else
            text_add(text, "\\x%02x", c);
    }
    text_add(text, "\n");
}

bool text_has_line(const struct text *text, weir_str line)
{
    const char *end = text->bytes + text->len;

    for (const char *p = text->bytes; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop)
            stop = end;
        if (str_eq(str(p, (size_t)(stop - p)), line))
            return true;
        p = stop + 1;
    }
    return false;
}

void delivery_done(struct delivery *d)
{
    free(d->memory);
    d->memory = NULL;
}

bool delivery_next(struct delivery *d, bool accumulating, weir_str *ret)
{
    size_t left = d->input.len - d->given;
    size_t n = d->given == 0 && d->first > 0 ? d->first : d->step;

    delivery_done(d);
    if (left == 0)
        return false;
    d->start = accumulating ? 0 : d->given;
    d->given += n < left ? n : left;
    d->memory = malloc(d->given - d->start);
    assert_non_null(d->memory);
    memcpy(d->memory, d->input.ptr + d->start, d->given - d->start);
    *ret = str(d->memory, d->given - d->start);
    return true;
}

static void check(const char *name, weir_str input, size_t first, size_t step,
                  delivery_driver *driver, const void *arg, const struct text *whole)
{
    static struct text outcome;
    struct delivery delivery = {.input = input, .first = first, .step = step};

    outcome.len = 0;
    driver(&delivery, arg, &outcome);
    delivery_done(&delivery);
    if (outcome.len != whole->len || memcmp(outcome.bytes, whole->bytes, whole->len) != 0)
        fail_msg("%s: first %zu bytes, then %zu at a time:\n%.*s\nbut whole:\n%.*s", name, first,
                 step, (int)outcome.len, outcome.bytes, (int)whole->len, whole->bytes);
}

void deliver_in_every_way(const char *name, weir_str input, delivery_driver *driver,
                          const void *arg, struct text *outcome)
{
    struct delivery whole = {.input = input, .step = input.len};

    outcome->len = 0;
    driver(&whole, arg, outcome);
    delivery_done(&whole);
    check(name, input, 1, 1, driver, arg, outcome);
    for (size_t cut = 1; cut < input.len;) {
        check(name, input, cut, input.len, driver, arg, outcome);
        cut += cut > 2048 && cut + 2048 < input.len ? 97 : 1;
    }
}
