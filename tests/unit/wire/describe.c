/* SPDX-License-Identifier: MIT
 *
 * wire/describe.c: from records to text, with checks of all that a side may send; see support.h.
 * Read without the engine's codec, so that a mistake in that does not cancel out. */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

void text_add_content(struct text *text, const char *bytes, size_t n)
{
    if (n > 100) {
        uint64_t hash = 0xcbf29ce484222325u;
        for (size_t i = 0; i < n; i++)
            hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
        text_add(text, "[%zu %08x]", n, (unsigned)hash);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        text_add(text, c > 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
    }
}

/* The same without the engine's decoder, of pairs with lengths of one or four bytes. */
static size_t take_length(const uint8_t *bytes, size_t n, size_t *pos)
{
    assert_true(*pos < n);
    if (bytes[*pos] < 128)
        return bytes[(*pos)++];
    assert_true(n - *pos >= 4);
    size_t len = (size_t)(bytes[*pos] & 0x7f) << 24 | (size_t)bytes[*pos + 1] << 16 |
                 (size_t)bytes[*pos + 2] << 8 | bytes[*pos + 3];
    assert_true(len > 127); /* REQ(55): shorter ones take one byte when we write them */
    *pos += 4;
    return len;
}

/* Pairs are whole in each record. */
static void add_pairs(struct text *text, const char *content, size_t n)
{
    for (size_t pos = 0; pos < n;) {
        size_t name = take_length((const uint8_t *)content, n, &pos);
        size_t value = take_length((const uint8_t *)content, n, &pos);
        assert_true(name <= n - pos && value <= n - pos - name);
        text_add(text, " ");
        text_add_content(text, content + pos, name);
        text_add(text, "=");
        text_add_content(text, content + pos + name, value);
        pos += name + value;
    }
}

/* What was sent for each id so far. */
struct seen {
    bool begun, aborted, streams_ended[16];
    bool stderr_used;
};

static void check_stream(struct seen *seen, unsigned type, size_t length, enum side side)
{
    if (type < WEIR_PARAMS || type > WEIR_DATA)
        return;
    assert_false(seen->streams_ended[type]);
    if (length == 0)
        seen->streams_ended[type] = true;
    else if (type == WEIR_STDERR)
        seen->stderr_used = true;
    if (side == FROM_WEB && type == WEIR_STDIN) /* REQ(51) */
        assert_true(seen->streams_ended[WEIR_PARAMS]);
    if (side == FROM_WEB && type == WEIR_DATA)
        assert_true(seen->streams_ended[WEIR_STDIN]);
}

static void check_life(struct seen *seen, unsigned type, enum side side)
{
    if (type == WEIR_END_REQUEST) {
        assert_true(!seen->stderr_used || seen->streams_ended[WEIR_STDERR]);
        memset(seen, 0, sizeof *seen);
    }
    if (type == WEIR_BEGIN_REQUEST) {
        memset(seen, 0, sizeof *seen);
        seen->begun = true;
    } else if (side == FROM_WEB) {
        assert_true(seen->begun && !seen->aborted);
        seen->aborted = type == WEIR_ABORT_REQUEST;
    }
}

static void describe_record(struct text *text, const uint8_t *header, struct seen *seen,
                            enum side side)
{
    unsigned type = header[1], id = (unsigned)header[2] << 8 | header[3];
    size_t length = (size_t)header[4] << 8 | header[5], padding = header[6];
    const char *content = (const char *)header + 8;
    const uint8_t *body = header + 8;

    assert_int_equal(header[0], 1);
    assert_int_equal(header[7], 0);
    assert_int_equal((length + padding) % 8, 0);
    assert_true(length + padding <= 65535 && padding < 8);
    for (size_t i = 0; i < padding; i++)
        assert_int_equal(content[length + i], 0);
    assert_true(type >= WEIR_BEGIN_REQUEST && type <= WEIR_UNKNOWN_TYPE);
    assert_int_equal(type >= WEIR_GET_VALUES, id == 0);
    assert_int_equal(side == FROM_APP, type == WEIR_END_REQUEST || type == WEIR_STDOUT ||
                                           type == WEIR_STDERR || type > WEIR_GET_VALUES);
    text_add(text, "> %s %u", record_names[type], id);
    if (id != 0) {
        check_stream(&seen[id], type, length, side);
        check_life(&seen[id], type, side);
    }
    if (type == WEIR_END_REQUEST) {
        assert_int_equal(length, 8);
        assert_memory_equal(body + 5, "\0\0\0", 3);
        text_add(text, " app=%u status=%u",
                 (unsigned)body[0] << 24 | (unsigned)body[1] << 16 | (unsigned)body[2] << 8 |
                     body[3],
                 body[4]);
    } else if (type == WEIR_BEGIN_REQUEST) {
        assert_int_equal(length, 8);
        assert_memory_equal(body + 3, "\0\0\0\0\0", 5);
        text_add(text, " role=%u flags=%u", (unsigned)body[0] << 8 | body[1], body[2]);
    } else if (type == WEIR_UNKNOWN_TYPE) {
        assert_int_equal(length, 8);
        assert_memory_equal(body + 1, "\0\0\0\0\0\0\0", 7);
        text_add(text, " kind=%u", body[0]);
    } else if (type == WEIR_PARAMS || type > WEIR_DATA) {
        add_pairs(text, content, length);
    } else if (length > 0) {
        text_add(text, " ");
        text_add_content(text, content, length);
    }
    text_add(text, "\n");
}

void describe_records(struct text *text, weir_str bytes, enum side side)
{
    struct seen *seen = calloc(65536, sizeof *seen);

    assert_non_null(seen);
    while (bytes.len > 0) {
        const uint8_t *header = (const uint8_t *)bytes.ptr;
        assert_true(bytes.len >= 8);
        size_t size = 8 + ((size_t)header[4] << 8 | header[5]) + header[6];
        assert_true(bytes.len >= size);
        describe_record(text, header, seen, side);
        bytes = str(bytes.ptr + size, bytes.len - size);
    }
    free(seen);
}

void expect_text(const char *name, const struct text *text, const char *expect)
{
    char *want = malloc(strlen(expect) + 2);
    size_t len = 0;

    assert_non_null(want);
    for (const char *p = expect; *p; p++) {
        if (p[0] == ';' && p[1] == ' ') {
            want[len++] = '\n';
            p++;
        } else {
            want[len++] = *p;
        }
    }
    want[len++] = '\n';
    if (text->len != len || memcmp(text->bytes, want, len) != 0)
        fail_msg("%s\n---- outcome:\n%.*s---- expected:\n%.*s", name, (int)text->len, text->bytes,
                 (int)len, want);
    free(want);
}

/* Joins data to a line of the same label if that is the last one. */
void text_add_data(struct text *text, const char *label, unsigned id, weir_str data)
{
    char start[32];
    size_t line = text->len;

    assert_true(data.len > 0);
    snprintf(start, sizeof start, "%s %u ", label, id);
    while (line > 1 && text->bytes[line - 2] != '\n')
        line--;
    line = line > 0 ? line - 1 : 0;
    if (text->len > line + strlen(start) && memcmp(text->bytes + line, start, strlen(start)) == 0)
        text->len--; /* the line feed */
    else
        text_add(text, "%s", start);
    for (size_t i = 0; i < data.len; i++) {
        unsigned char c = (unsigned char)data.ptr[i];
        text_add(text, c > 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
    }
    text_add(text, "\n");
}

/* ---- Output ---------------------------------------------------------------------------------- */

static size_t take(struct bytes *bytes, const struct iovec *iov, int pieces, size_t n)
{
    size_t taken = 0;

    for (int i = 0; i < pieces; i++) {
        size_t part = iov[i].iov_len;
        if (n > 0 && part > n - taken)
            part = n - taken;
        bytes_add(bytes, iov[i].iov_base, part);
        taken += part;
    }
    return taken;
}

void take_app_output(weir_app_session *session, struct bytes *bytes, size_t n)
{
    struct iovec iov[8];

    while (weir_app_session_pending(session) > 0) {
        size_t before = weir_app_session_pending(session);
        size_t taken = take(bytes, iov, weir_app_session_output(session, iov, 8), n);
        assert_true(taken > 0);
        weir_app_session_sent(session, taken);
        assert_int_equal(weir_app_session_pending(session), before - taken);
    }
}

void take_web_output(weir_web_session *session, struct bytes *bytes, size_t n)
{
    struct iovec iov[8];

    while (weir_web_session_pending(session) > 0) {
        size_t before = weir_web_session_pending(session);
        size_t taken = take(bytes, iov, weir_web_session_output(session, iov, 8), n);
        assert_true(taken > 0);
        weir_web_session_sent(session, taken);
        assert_int_equal(weir_web_session_pending(session), before - taken);
    }
}
