/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/form.c: -F and --form-string: multipart/form-data (RFC 7578), with curl's syntax:
 *
 *     NAME=TEXT   NAME=@FILE[,FILE]   NAME=<FILE   each with ;type= ;filename= ;headers= ;encoder=
 *
 * Files are only opened here and read when they are sent, unless they are to be encoded. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "tools/fcurl/body_internal.h"

/* One part, taken apart. */
struct part {
    char *name, *content, *type, *filename, *encoder;
    struct strings headers;
    char kind; /* '=' text, '@' file upload, '<' text from a file */
};

static void part_done(struct part *part)
{
    free(part->name);
    free(part->content);
    free(part->type);
    free(part->filename);
    free(part->encoder);
    strings_done(&part->headers);
    *part = (struct part){.kind = 0};
}

static bool fail(char **ret_error, const char *spec, const char *why)
{
    struct text text = {NULL, 0, 0};

    text_printf(&text, "--form %s: %s", spec, why);
    *ret_error = text_take(&text);
    return false;
}

/* ---- Reading what was typed ------------------------------------------------------------------ */

/* A word up to one of the ends, or in double quotes with \" and \\ in it. */
static char *take_word(const char **p, const char *ends)
{
    struct text word = {NULL, 0, 0};

    while (isspace((unsigned char)**p))
        ++*p;
    if (**p == '"') {
        const char *q = *p + 1;
        while (*q && *q != '"') {
            if (*q == '\\' && (q[1] == '"' || q[1] == '\\'))
                q++;
            text_putc(&word, *q++);
        }
        if (*q == '"') {
            q++;
            while (isspace((unsigned char)*q))
                q++;
            if (*q == '\0' || strchr(ends, *q)) {
                *p = q;
                return text_take(&word);
            }
        }
        text_done(&word); /* not a quoted word after all */
    }
    size_t len = strcspn(*p, ends);
    char *plain = must_copy_n(*p, len);
    *p += len;
    while (len > 0 && isspace((unsigned char)plain[len - 1]))
        plain[--len] = '\0';
    return plain;
}

static bool take_headers(struct part *part, char *value)
{
    struct text file = {NULL, 0, 0};
    bool good = true;

    if (value[0] != '@' && value[0] != '<') {
        strings_take(&part->headers, value);
        return true;
    }
    good = text_read_file(&file, value + 1);
    for (char *line = file.ptr; good && line && *line;) {
        size_t len = strcspn(line, "\n");
        char *next = line + len + (line[len] != '\0');
        while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
            len--;
        if (len > 0 && line[0] != '#')
            strings_take(&part->headers, must_copy_n(line, len));
        line = next;
    }
    text_done(&file);
    free(value);
    return good;
}

/* ;type=TEXT/PLAIN; charset=x;filename=...: a word that is no attribute of ours belongs to the type
 * before it. ends: what ends a word; a comma only where files are listed. */
static bool take_attributes(struct part *part, const char **p, const char *ends)
{
    bool in_type = false;

    while (**p == ';') {
        const char *start = ++*p;
        while (isspace((unsigned char)*start))
            start++;
        if (strncasecmp(start, "type=", 5) == 0) {
            *p = start + 5;
            free(part->type);
            part->type = take_word(p, ends);
            in_type = true;
        } else if (strncasecmp(start, "filename=", 9) == 0) {
            *p = start + 9;
            free(part->filename);
            part->filename = take_word(p, ends);
            in_type = false;
        } else if (strncasecmp(start, "encoder=", 8) == 0) {
            *p = start + 8;
            free(part->encoder);
            part->encoder = take_word(p, ends);
            in_type = false;
        } else if (strncasecmp(start, "headers=", 8) == 0) {
            *p = start + 8;
            if (!take_headers(part, take_word(p, ends)))
                return false;
            in_type = false;
        } else {
            char *more = take_word(p, ends);
            struct text type = {NULL, 0, 0};
            if (in_type) {
                text_printf(&type, "%s; %s", part->type, more);
                free(part->type);
                part->type = text_take(&type);
            }
            free(more);
        }
    }
    return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Names in double quotes: those of browsers (%22), or of curl before (backslash). */
static void put_quoted(struct text *out, const char *value, bool escape)
{
    text_putc(out, '"');
    for (; *value; value++) {
        if (escape && (*value == '"' || *value == '\\'))
            text_printf(out, "\\%c", *value);
        else if (!escape && *value == '"')
            text_puts(out, "%22");
        else if (!escape && *value == '\r')
            text_puts(out, "%0D");
        else if (!escape && *value == '\n')
            text_puts(out, "%0A");
        else
            text_putc(out, *value);
    }
    text_putc(out, '"');
}

static const char *type_of_name(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".gif", "image/gif"},       {".jpg", "image/jpeg"},    {".jpeg", "image/jpeg"},
        {".png", "image/png"},       {".svg", "image/svg+xml"}, {".txt", "text/plain"},
        {".htm", "text/html"},       {".html", "text/html"},    {".pdf", "application/pdf"},
        {".xml", "application/xml"},
    };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t suffix = strlen(types[i].suffix);
        if (len >= suffix && strcasecmp(name + len - suffix, types[i].suffix) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static const char *last_segment(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool has_header(const struct part *part, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < part->headers.count; i++)
        if (strncasecmp(part->headers.at[i], name, len) == 0 && part->headers.at[i][len] == ':')
            return true;
    return false;
}

struct writer {
    struct body *body;
    struct text head; /* gathered up to the next file */
    const char *boundary;
    bool escape;
};

static void put_part_head(struct writer *w, const struct part *part, const char *path)
{
    const char *filename = part->filename;
    const char *type = part->type;

    if (!filename && part->kind == '@')
        filename = strcmp(path, "-") == 0 ? "-" : last_segment(path);
    if (!type && filename && (part->filename || strcmp(path, "-") != 0))
        type = type_of_name(filename);
    text_printf(&w->head, "--%s\r\nContent-Disposition: form-data; name=", w->boundary);
    put_quoted(&w->head, part->name, w->escape);
    if (filename) {
        text_puts(&w->head, "; filename=");
        put_quoted(&w->head, filename, w->escape);
    }
    text_puts(&w->head, "\r\n");
    if (type && !has_header(part, "Content-Type"))
        text_printf(&w->head, "Content-Type: %s\r\n", type);
    if (part->encoder)
        text_printf(&w->head, "Content-Transfer-Encoding: %s\r\n", part->encoder);
    for (size_t i = 0; i < part->headers.count; i++)
        text_printf(&w->head, "%s\r\n", part->headers.at[i]);
    text_puts(&w->head, "\r\n");
}

static void put_base64(struct text *out, const unsigned char *in, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned column = 0;

    for (size_t i = 0; i < len; i += 3) {
        unsigned left = len - i < 3 ? (unsigned)(len - i) : 3;
        unsigned bits = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) |
                        (left > 2 ? in[i + 2] : 0u);
        if (column == 76) {
            text_puts(out, "\r\n");
            column = 0;
        }
        for (unsigned k = 0; k < 4; k++)
            text_putc(out, k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=');
        column += 4;
    }
}

/* RFC 2045 6.7. */
static void put_quoted_printable(struct text *out, const char *in, size_t len)
{
    unsigned column = 0;

    for (size_t i = 0; i < len; i++) {
        bool crlf = in[i] == '\r' && i + 1 < len && in[i + 1] == '\n';
        bool at_end = i + 1 == len || in[i + 1] == '\r' || in[i + 1] == '\n';
        bool plain = (in[i] > ' ' && in[i] < 127 && in[i] != '=') ||
                     ((in[i] == ' ' || in[i] == '\t') && !at_end);
        if (crlf) {
            text_puts(out, "\r\n");
            column = 0;
            i++;
            continue;
        }
        if (column + (plain ? 1 : 3) > 75) {
            text_puts(out, "=\r\n");
            column = 0;
        }
        if (plain)
            text_putc(out, in[i]);
        else
            text_printf(out, "=%02X", (unsigned char)in[i]);
        column += plain ? 1 : 3;
    }
}

static const char *put_encoded(struct writer *w, const struct part *part, const char *bytes,
                               size_t len)
{
    const char *encoder = part->encoder ? part->encoder : "binary";

    if (strcasecmp(encoder, "base64") == 0) {
        put_base64(&w->head, (const unsigned char *)bytes, len);
    } else if (strcasecmp(encoder, "quoted-printable") == 0) {
        put_quoted_printable(&w->head, bytes, len);
    } else if (strcasecmp(encoder, "binary") == 0 || strcasecmp(encoder, "8bit") == 0) {
        text_add(&w->head, bytes, len);
    } else if (strcasecmp(encoder, "7bit") == 0) {
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)bytes[i] > 127)
                return "the data is not 7bit";
        text_add(&w->head, bytes, len);
    } else {
        return "the encoder is none of binary, 8bit, 7bit, base64, quoted-printable";
    }
    return NULL;
}

static void flush_head(struct writer *w)
{
    size_t len = w->head.len;

    if (len > 0)
        body_add_bytes(w->body, text_take(&w->head), len, true);
}

/* Others (pipes, /dev/stdin) are read first: an application wants to know the CONTENT_LENGTH. What
 * does not exist is left to who opens it. */
static bool is_regular_file(const char *path)
{
    struct stat st;

    return strcmp(path, "-") != 0 && (stat(path, &st) != 0 || S_ISREG(st.st_mode));
}

/* One part with the file or text at path. */
static const char *put_part(struct writer *w, const struct part *part, const char *path)
{
    struct text file = {NULL, 0, 0};
    const char *why = NULL;

    put_part_head(w, part, path);
    if (part->kind == '=') {
        why = put_encoded(w, part, path, strlen(path));
    } else if (part->kind == '@' && !part->encoder && is_regular_file(path)) {
        flush_head(w);
        if (!body_add_file(w->body, path, 0))
            return strerror(errno);
    } else {
        why = text_read_file(&file, path) ? put_encoded(w, part, file.ptr ? file.ptr : "", file.len)
                                          : strerror(errno);
        text_done(&file);
    }
    text_puts(&w->head, "\r\n");
    return why;
}

static bool put_spec(struct writer *w, const struct form_part *spec, char **ret_error)
{
    struct part part = {.kind = '='};
    const char *p = strchr(spec->spec, '=');
    const char *why = NULL;
    bool good = true;

    part.name = must_copy_n(spec->spec, (size_t)(p - spec->spec));
    p++;
    if (!spec->literal && (*p == '@' || *p == '<'))
        part.kind = *p++;
    const char *ends = part.kind == '@' ? ";," : ";";
    do {
        char *content = spec->literal ? must_copy(p) : take_word(&p, ends);
        if (!spec->literal && !take_attributes(&part, &p, ends))
            why = "the file with headers cannot be read";
        if (!why)
            why = put_part(w, &part, content);
        free(content);
        free(part.type);
        free(part.filename);
        part.type = part.filename = NULL;
    } while (!why && !spec->literal && *p++ == ',');
    if (why)
        good = fail(ret_error, spec->spec, why);
    part_done(&part);
    return good;
}

struct body *body_of_form(const struct form_part *parts, bool escape, char **ret_error)
{
    struct writer w = {.body = must_alloc(sizeof *w.body), .escape = escape};
    unsigned char random[8] = {0};
    struct text boundary = {NULL, 0, 0}, type = {NULL, 0, 0};
    bool good = true;

    (void)!getrandom(random, sizeof random, 0);
    text_puts(&boundary, "------------------------");
    for (size_t i = 0; i < sizeof random; i++)
        text_printf(&boundary, "%02x", random[i]);
    text_printf(&type, "multipart/form-data; boundary=%s", boundary.ptr);
    w.body->content_type = text_take(&type);
    w.boundary = boundary.ptr;
    for (; parts && good; parts = parts->next)
        good = put_spec(&w, parts, ret_error);
    text_printf(&w.head, "--%s--\r\n", boundary.ptr);
    flush_head(&w);
    text_done(&boundary);
    if (good)
        return w.body;
    body_free(w.body);
    return NULL;
}
