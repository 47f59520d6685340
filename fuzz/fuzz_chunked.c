/* SPDX-License-Identifier: MIT
 *
 * The chunked decoder; see fuzz_chunked in common.c. Small limits, so that they are reached. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_chunked(str((const char *)data, size), (struct http_limits){512, 512, 8});
    return 0;
}
