/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/text.c: see text.h. */
#include "tools/fcurl/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/fcurl/exit.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

static void *checked(void *memory)
{
    if (!memory) {
        fputs("fcurl: (27) Out of memory\n", stderr);
        exit(EXIT_NO_MEMORY);
    }
    return memory;
}

void *must_alloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *must_resize(void *memory, size_t size)
{
    return checked(realloc(memory, size ? size : 1));
}

char *must_copy(const char *text)
{
    return text ? must_copy_n(text, strlen(text)) : NULL;
}

char *must_copy_n(const char *text, size_t len)
{
    char *copy = must_alloc(len + 1);

    memcpy(copy, text, len);
    return copy;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static char *make_room(struct text *text, size_t more)
{
    if (more >= SIZE_MAX / 4 || text->len + more + 1 >= SIZE_MAX / 2)
        checked(NULL);
    if (text->len + more + 1 > text->room) {
        size_t room = text->room ? text->room : 64;
        while (room < text->len + more + 1)
            room *= 2;
        text->ptr = must_resize(text->ptr, room);
        text->room = room;
    }
    return text->ptr + text->len;
}

void text_add(struct text *text, const char *bytes, size_t len)
{
    char *end = make_room(text, len);

    if (len)
        memcpy(end, bytes, len);
    end[len] = '\0';
    text->len += len;
}

void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_putc(struct text *text, char ch)
{
    text_add(text, &ch, 1);
}

void text_printf(struct text *text, const char *format, ...)
{
    char *string = NULL;
    va_list args;

    va_start(args, format);
    int n = vasprintf(&string, format, args);
    va_end(args);
    if (n < 0)
        checked(NULL);
    text_add(text, string, (size_t)n);
    free(string);
}

static bool is_unreserved(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '-' || ch == '.' || ch == '_' || ch == '~';
}

void text_add_escaped(struct text *text, const char *bytes, size_t len, const char *keep)
{
    for (size_t i = 0; i < len; i++) {
        if (is_unreserved(bytes[i]) || (bytes[i] && strchr(keep, bytes[i])))
            text_putc(text, bytes[i]);
        else
            text_printf(text, "%%%02X", (unsigned char)bytes[i]);
    }
}

void text_add_form_escaped(struct text *text, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == ' ')
            text_putc(text, '+');
        else
            text_add_escaped(text, bytes + i, 1, "");
    }
}

/* The length of the well-formed UTF-8 sequence at p (RFC 3629 4), 0 if there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    unsigned first = p[0];
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (len == 0 || first > 0xf4 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && p[1] < 0xa0) || (first == 0xed && p[1] > 0x9f) ||
        (first == 0xf0 && p[1] < 0x90) || (first == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

void text_add_json(struct text *text, const char *bytes, size_t len)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    for (size_t i = 0; i < len;) {
        const char *escape = bytes[i] ? strchr(from, bytes[i]) : NULL;
        size_t n = utf8_length((const unsigned char *)bytes + i, len - i);
        if (escape)
            text_printf(text, "\\%c", to[escape - from]);
        else if ((unsigned char)bytes[i] < 0x20)
            text_printf(text, "\\u%04x", (unsigned char)bytes[i]);
        else if (n == 0)
            text_puts(text, "\\ufffd");
        else
            text_add(text, bytes + i, n);
        i += n ? n : 1;
    }
}

void text_strip_line_ends(struct text *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->len; i++)
        if (text->ptr[i] != '\r' && text->ptr[i] != '\n' && text->ptr[i] != '\0')
            text->ptr[kept++] = text->ptr[i];
    text->len = kept;
    if (text->ptr)
        text->ptr[kept] = '\0';
}

char *text_take(struct text *text)
{
    char *string = text->ptr ? text->ptr : must_copy("");

    *text = (struct text){NULL, 0, 0};
    return string;
}

void text_done(struct text *text)
{
    free(text->ptr);
    *text = (struct text){NULL, 0, 0};
}

bool text_read_file(struct text *text, const char *path)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    do {
        char *end = make_room(text, 65536);
        n = read(fd, end, 65536);
        if (n > 0)
            text->len += (size_t)n;
        text->ptr[text->len] = '\0';
    } while (n > 0 || (n < 0 && errno == EINTR));
    int error = errno;
    if (fd != STDIN_FILENO)
        close(fd);
    errno = error;
    return n == 0;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

void strings_take(struct strings *list, char *string)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 8;
        list->at = must_resize(list->at, list->room * sizeof *list->at);
    }
    list->at[list->count++] = string;
}

void strings_add(struct strings *list, const char *string)
{
    strings_take(list, must_copy(string));
}

void strings_done(struct strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i]);
    free(list->at);
    *list = (struct strings){NULL, 0, 0};
}
