/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/text.h: strings that grow, and lists of strings, for a command-line tool: when memory
 * is out the program ends with a message and curl's exit code for that (27). */
#ifndef FCURL_TEXT_H
#define FCURL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

void *must_alloc(size_t size); /* cleared */
void *must_resize(void *memory, size_t size);
char *must_copy(const char *text); /* of NULL: NULL */
char *must_copy_n(const char *text, size_t len);

/* ptr[len] is always NUL once anything was added; may hold any bytes. All zero is an empty text. */
struct text {
    char *ptr;
    size_t len, room;
};

void text_add(struct text *text, const char *bytes, size_t len);
void text_puts(struct text *text, const char *string);
void text_putc(struct text *text, char ch);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds bytes with everything but unreserved characters (RFC 3986 2.3) as %HH, and those in keep. */
void text_add_escaped(struct text *text, const char *bytes, size_t len, const char *keep);

/* The same for a form, where a space is a plus sign. */
void text_add_form_escaped(struct text *text, const char *bytes, size_t len);

/* Adds JSON string contents, without the quotes; bytes that are not UTF-8 become U+FFFD. */
void text_add_json(struct text *text, const char *bytes, size_t len);

/* Drops CR, LF and NUL: what curl does with files that are not binary. */
void text_strip_line_ends(struct text *text);

/* Hands over the memory, never NULL; the text is empty afterwards. */
char *text_take(struct text *text);
void text_done(struct text *text);

/* Reads a whole file, "-" is standard input. False when it cannot be read, errno says why. */
bool text_read_file(struct text *text, const char *path);

/* Strings in order. All zero is an empty list. */
struct strings {
    char **at;
    size_t count, room;
};

void strings_add(struct strings *list, const char *string); /* a copy */
void strings_take(struct strings *list, char *string);      /* hands it over */
void strings_done(struct strings *list);

#endif
