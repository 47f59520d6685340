/* SPDX-License-Identifier: MIT
 *
 * wire/script.c: from text to records; see support.h. Written without the engine's codec, so that a
 * mistake in that does not cancel out. */
#include <stdlib.h>

#include "support.h"

/* ---- Bytes ----------------------------------------------------------------------------------- */

void bytes_add(struct bytes *bytes, const void *more, size_t n)
{
    if (n > bytes->room - bytes->len) {
        bytes->room = 2 * (bytes->len + n);
        bytes->ptr = realloc(bytes->ptr, bytes->room);
        assert_non_null(bytes->ptr);
    }
    if (n)
        memcpy(bytes->ptr + bytes->len, more, n);
    bytes->len += n;
}

weir_str bytes_str(const struct bytes *bytes)
{
    return str(bytes->ptr ? bytes->ptr : "", bytes->len);
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->ptr);
    *bytes = (struct bytes){NULL, 0, 0};
}

/* ---- Scripts --------------------------------------------------------------------------------- */

const char *const record_names[RECORD_NAMES] = {"",       "BEGIN",  "ABORT",  "END",
                                                "PARAMS", "STDIN",  "STDOUT", "STDERR",
                                                "DATA",   "VALUES", "RESULT", "UNKNOWN"};

struct script_record {
    unsigned type, id, version, reserved, padding, split;
    struct bytes content;
};

static unsigned type_of(const char *word)
{
    for (unsigned type = 1; type < RECORD_NAMES; type++)
        if (strcmp(word, record_names[type]) == 0)
            return type;
    return (unsigned)strtoul(word, NULL, 10);
}

/* The number in NAME=NUMBER, if the word is one of that name. */
static bool number(const char *word, const char *name, unsigned *ret_number)
{
    size_t len = strlen(name);

    if (strncmp(word, name, len) != 0 || word[len] != '=')
        return false;
    *ret_number = (unsigned)strtoul(word + len + 1, NULL, 0);
    return true;
}

static void add_length(struct bytes *bytes, size_t len, bool four)
{
    if (four)
        bytes_add(bytes,
                  (const uint8_t[]){(uint8_t)(len >> 24 | 0x80), (uint8_t)(len >> 16),
                                    (uint8_t)(len >> 8), (uint8_t)len},
                  4);
    else
        bytes_add(bytes, (const uint8_t[]){(uint8_t)len}, 1);
}

static void add_pair(struct bytes *bytes, const char *word)
{
    bool colon = word[0] && word[1] && word[2] == ':';
    const char *name = colon ? word + 3 : word;
    const char *value = strchr(name, '=') + 1;
    size_t name_len = (size_t)(value - 1 - name), value_len = strlen(value);

    add_length(bytes, name_len, colon ? word[0] == '4' : name_len > 127);
    add_length(bytes, value_len, colon ? word[1] == '4' : value_len > 127);
    bytes_add(bytes, name, name_len);
    bytes_add(bytes, value, value_len);
}

static void add_hex(struct bytes *bytes, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
        bytes_add(bytes, &byte, 1);
    }
}

static void begin_word(struct script_record *r, const char *word)
{
    static const char *const roles[] = {"responder", "authorizer", "filter"};
    uint8_t *body = (uint8_t *)r->content.ptr;
    unsigned n;

    for (unsigned i = 0; i < COUNT(roles); i++)
        if (strcmp(word, roles[i]) == 0)
            body[1] = (uint8_t)(i + 1);
    if (number(word, "role", &n)) {
        body[0] = (uint8_t)(n >> 8);
        body[1] = (uint8_t)n;
    } else if (number(word, "flags", &n)) {
        body[2] = (uint8_t)n;
    } else if (strcmp(word, "keep") == 0) {
        body[2] = 1;
    }
}

static void end_word(struct script_record *r, const char *word)
{
    uint8_t *body = (uint8_t *)r->content.ptr;
    unsigned n;

    if (number(word, "app", &n)) {
        for (int i = 0; i < 4; i++)
            body[i] = (uint8_t)(n >> (24 - 8 * i));
    } else if (number(word, "status", &n)) {
        body[4] = (uint8_t)n;
    }
}

static void content_word(struct script_record *r, const char *word)
{
    static const uint8_t nothing[8];
    bool has_pairs =
        r->type == WEIR_PARAMS || r->type == WEIR_GET_VALUES || r->type == WEIR_GET_VALUES_RESULT;
    bool fixed = r->type == WEIR_BEGIN_REQUEST || r->type == WEIR_END_REQUEST;
    unsigned n;

    if (number(word, "fill", &n)) {
        while (n-- > 0)
            bytes_add(&r->content, "x", 1);
    } else if (strncmp(word, "hex=", 4) == 0) {
        add_hex(&r->content, word + 4);
    } else if (fixed) {
        if (r->content.len == 0)
            bytes_add(&r->content, nothing, sizeof nothing);
        if (r->type == WEIR_BEGIN_REQUEST)
            begin_word(r, word);
        else
            end_word(r, word);
    } else if (number(word, "kind", &n)) {
        bytes_add(&r->content, (const uint8_t[8]){(uint8_t)n}, 8);
    } else if (has_pairs && strchr(word, '=')) {
        add_pair(&r->content, word);
    } else {
        bytes_add(&r->content, word, strlen(word));
    }
}

static void put_record(struct bytes *bytes, const struct script_record *r, const char *content,
                       size_t n)
{
    const uint8_t header[8] = {(uint8_t)r->version, (uint8_t)r->type,    (uint8_t)(r->id >> 8),
                               (uint8_t)r->id,      (uint8_t)(n >> 8),   (uint8_t)n,
                               (uint8_t)r->padding, (uint8_t)r->reserved};

    bytes_add(bytes, header, sizeof header);
    bytes_add(bytes, content, n);
    for (unsigned i = 0; i < r->padding; i++) /* looks like the start of a record */
        bytes_add(bytes, &"\1\3\0\1\0\10\0\0"[i % 8], 1);
}

static void add_record(struct bytes *bytes, char *words)
{
    struct script_record r = {.version = 1};
    char *rest = words, *word = strtok_r(rest, " ", &rest);
    unsigned part = 0;

    assert_non_null(word);
    r.type = type_of(word);
    word = strtok_r(NULL, " ", &rest);
    assert_non_null(word);
    r.id = (unsigned)strtoul(word, NULL, 10);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL)
        if (!number(word, "pad", &r.padding) && !number(word, "split", &r.split) &&
            !number(word, "version", &r.version) && !number(word, "reserved", &r.reserved))
            content_word(&r, word);
    do {
        size_t n = r.content.len - part;
        if (r.split && n > r.split)
            n = r.split;
        put_record(bytes, &r, bytes_str(&r.content).ptr + part, n);
        part += (unsigned)n;
    } while (part < r.content.len);
    bytes_free(&r.content);
}

void script_add(struct bytes *bytes, const char *script)
{
    char *copy = strdup(script), *rest = copy, *record;

    assert_non_null(copy);
    while ((record = strtok_r(rest, ";", &rest)) != NULL)
        if (record[strspn(record, " ")])
            add_record(bytes, record);
    free(copy);
}
