/* SPDX-License-Identifier: MIT
 *
 * base/error.c: names and texts of weir/error.h, from its one table. */
#include <weir/error.h>

const char *weir_version(void)
{
    return WEIR_VERSION;
}

const char *weir_error_name(int error)
{
    switch (error) {
#define CASE(number, name, text) \
    case (number):               \
        return #name;
        WEIR_ERROR_MAP(CASE)
#undef CASE
    default:
        return error >= 0 ? "OK" : "UNKNOWN";
    }
}

const char *weir_error_text(int error)
{
    switch (error) {
#define CASE(number, name, text) \
    case (number):               \
        return text;
        WEIR_ERROR_MAP(CASE)
#undef CASE
    default:
        return error >= 0 ? "no error" : "unknown error";
    }
}
