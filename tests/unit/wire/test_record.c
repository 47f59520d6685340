/* SPDX-License-Identifier: MIT
 *
 * The public codec: record headers and name-value pairs. */
#include <stdlib.h>

#include "support.h"

static void headers(void **state)
{
    static const struct {
        uint8_t bytes[8];
        weir_record record;
    } cases[] = {
        {{1, 1, 0, 1, 0, 8, 0, 0}, {WEIR_BEGIN_REQUEST, 1, 8, 0}},
        {{1, 11, 0, 0, 0, 8, 0, 0}, {WEIR_UNKNOWN_TYPE, 0, 8, 0}},
        {{1, 255, 0x12, 0x34, 0x56, 0x78, 0x9a, 0}, {255, 0x1234, 0x5678, 0x9a}},
        {{1, 0, 255, 255, 255, 255, 255, 0}, {0, 65535, 65535, 255}},
        {{1, 6, 1, 0, 1, 0, 1, 0}, {WEIR_STDOUT, 256, 256, 1}},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[8];
        weir_record record;
        memset(bytes, 0xee, sizeof bytes);
        weir_record_encode(&cases[i].record, bytes);
        assert_memory_equal(bytes, cases[i].bytes, 8);
        bytes[7] = 0xff; /* reserved: ignored */
        assert_int_equal(weir_record_decode(bytes, &record), 0);
        assert_int_equal(record.type, cases[i].record.type);
        assert_int_equal(record.id, cases[i].record.id);
        assert_int_equal(record.content_length, cases[i].record.content_length);
        assert_int_equal(record.padding_length, cases[i].record.padding_length);
    }
}

static void versions(void **state)
{
    for (int version = 0; version < 256; version++) {
        uint8_t bytes[8] = {(uint8_t)version, 6, 0, 1, 0, 5};
        weir_record record = {99, 98, 97, 96};
        int rc = weir_record_decode(bytes, &record);
        assert_int_equal(rc, version == 1 ? 0 : WEIR_ERROR_VERSION_FIELD);
        assert_int_equal(record.type, rc == 0 ? 6 : 99); /* untouched by an error */
        assert_int_equal(record.id, rc == 0 ? 1 : 98);
        assert_int_equal(record.content_length, rc == 0 ? 5 : 97);
        assert_int_equal(record.padding_length, rc == 0 ? 0 : 96);
    }
}

/* Each form of a length at its edges, encoded into memory of just that size. */
static void pairs(void **state)
{
    static const size_t lens[] = {0, 1, 2, 127, 128, 255, 256, 65535, 65536, 0x123456};
    char *fill = malloc(0x123456);

    assert_non_null(fill);
    for (size_t i = 0; i < 0x123456; i++)
        fill[i] = (char)(i % 251);
    for (size_t n = 0; n < COUNT(lens); n++)
        for (size_t v = 0; v < COUNT(lens); v++) {
            weir_str name = str(fill, lens[n]), value = str(fill + 1, lens[v] ? lens[v] - 1 : 0);
            size_t head = (name.len > 127 ? 4u : 1u) + (value.len > 127 ? 4u : 1u);
            size_t size = head + name.len + value.len;
            assert_int_equal(weir_pair_size(name.len, value.len), size);
            uint8_t *out = malloc(size);
            assert_non_null(out);
            memset(out, 0xee, size);
            assert_int_equal(weir_pair_encode(out, size - 1, name, value), 0);
            assert_int_equal(weir_pair_encode(out, 0, name, value), 0);
            for (size_t i = 0; i < size; i += 97)
                assert_int_equal(out[i], 0xee); /* untouched */
            assert_int_equal(weir_pair_encode(out, size, name, value), size);

            weir_str rest = str((char *)out, size);
            weir_pair pair;
            assert_int_equal(weir_pair_decode(&rest, &pair), 1);
            assert_int_equal(rest.len, 0);
            assert_ptr_equal(rest.ptr, out + size);
            assert_ptr_equal(pair.name.ptr, out + head);
            assert_true(str_eq(pair.name, name) && str_eq(pair.value, value));
            free(out);
        }
    free(fill);
}

static void lengths_on_the_wire(void **state)
{
    uint8_t out[400];
    char fill[128] = {0};

    assert_int_equal(weir_pair_encode(out, sizeof out, str(fill, 127), str(fill, 128)), 260);
    assert_memory_equal(out, "\x7f\x80\0\0\x80", 5);
    assert_int_equal(weir_pair_encode(out, sizeof out, str(fill, 128), str(fill, 127)), 260);
    assert_memory_equal(out, "\x80\0\0\x80\x7f", 5);
    /* More than 31 bits can say. */
    assert_int_equal(weir_pair_encode(out, SIZE_MAX, str(fill, 0x80000000u), str(fill, 0)), 0);
    assert_int_equal(weir_pair_encode(out, SIZE_MAX, str(fill, 0), str(fill, SIZE_MAX)), 0);
}

/* Every prefix of a list of pairs, in memory that ends there: whole pairs, then an error that takes
 * nothing. */
static void cut_pairs(void **state)
{
    static const uint8_t list[] =
        "\1\2Abc\x80\0\0\3\2DEFgh\0\0\1\x80\0\0\4IJKLM\x80\0\0\1\x80\0\0\1XY";
    static const size_t ends[] = {0, 5, 15, 17, 27, 37};
    size_t len = sizeof list - 1;

    assert_int_equal(len, 37);
    for (size_t n = 0; n <= len; n++) {
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, list, n);
        weir_str rest = str(copy, n);
        weir_pair pair = {{NULL, 0}, {NULL, 0}};
        size_t count = 0;
        int rc;
        while ((rc = weir_pair_decode(&rest, &pair)) > 0) {
            count++;
            assert_ptr_equal(rest.ptr, copy + ends[count]);
            pair = (weir_pair){{NULL, 0}, {NULL, 0}};
        }
        bool whole = ends[count] == n;
        assert_int_equal(rc, whole ? 0 : WEIR_ERROR_PARAMS);
        assert_true(whole || (count < 5 && n < ends[count + 1]));
        assert_ptr_equal(rest.ptr, copy + ends[count]);
        assert_int_equal(rest.len, n - ends[count]);
        assert_null(pair.name.ptr);
        free(copy);
    }
}

static void huge_lengths(void **state)
{
    static const char *const lists[] = {"\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\1",
                                        "\1\xff\xff\xff\xff"
                                        "A",
                                        "\x80\0\0\2\xff\xff\xff\xff"
                                        "AB",
                                        "\xff\xff\xff\xfe\xff\xff\xff\xfe"
                                        "AAAA"};

    for (size_t i = 0; i < COUNT(lists); i++) {
        weir_str bytes = str(lists[i], i == 3 ? 10 : strlen(lists[i]));
        weir_pair pair;
        assert_int_equal(weir_pair_decode(&bytes, &pair), WEIR_ERROR_PARAMS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(20, 21, 23, 29, 32), headers),   TEST(REQ(22, f), versions),
        TEST(REQ(54, 55, 57, 58, 59, 60), pairs), TEST(REQ(55, 60), lengths_on_the_wire),
        TEST(REQ(54, 56, 57, d), cut_pairs),      TEST(REQ(60), huge_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
