/* SPDX-License-Identifier: MIT
 *
 * fuzz/form.c: forms of both codings, for their targets. */
#include <weir/error.h>

#include "fuzz.h"
#include "http/form.h"

static const struct http_form_limits limits = {
    .body_size = 3000,
    .field_size = 100,
    .file_size = 500,
    .fields = 10,
    .files = 3,
    .header_size = 200,
    .header_fields = 4,
};

struct outcome {
    enum http_form_event last;
    int error;
    enum http_form_limit limit;
    const char *reason;
    unsigned parts;
    uint64_t hash; /* of all parts that have ended */
};

static void check_string(weir_str s)
{
    FUZZ_CHECK(!s.ptr || s.ptr[s.len] == '\0');
}

static uint64_t hash_head(uint64_t hash, const struct http_form *form)
{
    const struct http_part *part = &form->part;
    weir_str header = part->header, name, value;
    unsigned fields = 0;
    char base[64];

    check_string(part->name);
    check_string(part->filename);
    check_string(part->type);
    FUZZ_CHECK(part->name.ptr && part->name.len <= limits.header_size);
    while (http_part_field_next(&header, &name, &value)) {
        FUZZ_CHECK(http_name_valid(name) && http_value_valid(value));
        fields++;
    }
    FUZZ_CHECK(fields <= limits.header_fields && header.len <= 2);
    size_t len = http_form_basename(part->filename, base, sizeof base);
    FUZZ_CHECK(len < sizeof base && strlen(base) == len && !strpbrk(base, "/\\\n"));
    FUZZ_CHECK(base[0] != '.');

    hash = fuzz_hash(fuzz_hash(hash, part->name), part->filename);
    return fuzz_hash(fuzz_hash(hash, part->type), part->header);
}

/* step bytes at a time, after the first ones. */
static struct outcome parse(weir_str bytes, const char *type, size_t first, size_t step)
{
    struct outcome o = {.last = HTTP_FORM_MORE};
    struct pool pool;
    struct http_form form;
    uint64_t hash = 0, size = 0;
    size_t given = 0;
    bool last = false;

    pool_init(&pool);
    FUZZ_CHECK(http_form_init(&form, &pool, &limits, str_of(type)) == 0);
    while (!last && o.last == HTTP_FORM_MORE) {
        size_t n = given == 0 && first > 0 ? first : step;
        n = n < bytes.len - given ? n : bytes.len - given;
        weir_str part = fuzz_copy(str(bytes.ptr + given, n)), input = part, data;
        last = n == 0;
        do {
            size_t before = input.len;
            o.last = http_form_next(&form, &input, last, &data);
            FUZZ_CHECK(input.len <= before && form.taken <= limits.body_size);
            if (o.last == HTTP_FORM_PART) {
                hash = hash_head(o.hash, &form);
                size = 0;
            } else if (o.last == HTTP_FORM_DATA) {
                FUZZ_CHECK(data.len > 0);
                size += data.len;
                FUZZ_CHECK(size <= (form.is_file ? limits.file_size : limits.field_size));
                hash = fuzz_hash(hash, data);
            } else if (o.last == HTTP_FORM_PART_END) {
                o.hash = hash;
                o.parts++;
            }
        } while (o.last != HTTP_FORM_MORE && o.last != HTTP_FORM_DONE &&
                 o.last != HTTP_FORM_REFUSED);
        FUZZ_CHECK(o.last != HTTP_FORM_MORE || input.len == 0);
        given += n;
        fuzz_free(part);
    }
    FUZZ_CHECK(o.last != HTTP_FORM_MORE && o.parts <= limits.fields + limits.files);
    o.error = form.error;
    o.limit = form.limit;
    o.reason = form.reason;
    http_form_done(&form);
    pool_done(&pool);
    return o;
}

static void check_same(struct outcome a, struct outcome b)
{
    FUZZ_CHECK(a.last == b.last && a.error == b.error && a.limit == b.limit);
    FUZZ_CHECK(a.reason == b.reason && a.parts == b.parts && a.hash == b.hash);
}

void fuzz_form(weir_str bytes, const char *type)
{
    struct outcome whole = parse(bytes, type, 0, bytes.len);

    check_same(whole, parse(bytes, type, 0, 1));
    check_same(whole, parse(bytes, type, fuzz_cut(bytes), bytes.len));
}
