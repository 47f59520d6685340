/* SPDX-License-Identifier: MIT
 *
 * fuzz/fuzz_records.c: the codecs: what can be decoded is encoded again and must decode to the
 * same. */
#include <stdlib.h>

#include "fuzz.h"
#include "weir/wire.h"

static void header(const uint8_t *data)
{
    weir_record record, again;
    uint8_t out[8];

    if (weir_record_decode(data, &record) != 0)
        return;
    weir_record_encode(&record, out);
    FUZZ_CHECK(weir_record_decode(out, &again) == 0);
    FUZZ_CHECK(again.type == record.type && again.id == record.id);
    FUZZ_CHECK(again.content_length == record.content_length);
    FUZZ_CHECK(again.padding_length == record.padding_length);
}

static void pairs(weir_str bytes)
{
    weir_pair pair, again;
    int rc;

    while ((rc = weir_pair_decode(&bytes, &pair)) > 0) {
        size_t size = weir_pair_size(pair.name.len, pair.value.len);
        uint8_t *out = malloc(size);
        FUZZ_CHECK(out);
        FUZZ_CHECK(weir_pair_encode(out, size - 1, pair.name, pair.value) == 0);
        FUZZ_CHECK(weir_pair_encode(out, size, pair.name, pair.value) == size);
        weir_str encoded = {(const char *)out, size};
        FUZZ_CHECK(weir_pair_decode(&encoded, &again) == 1 && encoded.len == 0);
        FUZZ_CHECK(str_eq(again.name, pair.name) && str_eq(again.value, pair.value));
        free(out);
    }
    FUZZ_CHECK(rc < 0 || bytes.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str copy = fuzz_copy(str((const char *)data, size));

    if (size >= 8)
        header((const uint8_t *)copy.ptr);
    pairs(copy);
    fuzz_free(copy);
    return 0;
}
