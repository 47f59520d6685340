/* SPDX-License-Identifier: MIT
 *
 * multipart/form-data whose boundary is "b"; see fuzz_form in form.c. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_form(str((const char *)data, size), "multipart/form-data; boundary=b");
    return 0;
}
