/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/option.c: finding an option in the table and applying it. */
#include "tools/fcurl/option.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option_group *const option_groups[] = {
    &options_fastcgi, &options_health,  &options_http,       &options_post,
    &options_cookies, &options_output,  &options_connection, &options_retry,
    &options_tls,     &options_verbose, &options_fcurl,      NULL,
};

const struct option *option_by_name(const char *name, size_t len)
{
    for (size_t g = 0; option_groups[g]; g++)
        for (size_t i = 0; i < option_groups[g]->count; i++) {
            const struct option *o = &option_groups[g]->options[i];
            if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
                return o;
        }
    return NULL;
}

const struct option *option_by_letter(char letter)
{
    for (size_t g = 0; option_groups[g]; g++)
        for (size_t i = 0; i < option_groups[g]->count; i++)
            if (option_groups[g]->options[i].letter == letter)
                return &option_groups[g]->options[i];
    return NULL;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool parse_number(const char *text, uint64_t *ret_number)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_number = number;
    return true;
}

bool option_parse_seconds(const char *text, double *ret_seconds)
{
    char *end;

    if ((text[0] < '0' || text[0] > '9') && text[0] != '.')
        return false;
    double seconds = strtod(text, &end);
    if (*end != '\0' || !isfinite(seconds) || seconds > 1e9)
        return false;
    *ret_seconds = seconds;
    return true;
}

bool option_parse_bytes(const char *text, uint64_t *ret_bytes)
{
    static const char suffixes[] = "bkmgtp";
    size_t len = strlen(text);
    char last = len ? text[len - 1] : '\0';
    unsigned shift = 0;

    if (last >= 'A' && last <= 'Z')
        last = (char)(last - 'A' + 'a');
    const char *suffix = last ? strchr(suffixes, last) : NULL;
    if (suffix) {
        shift = 10 * (unsigned)(suffix - suffixes);
        len--;
    }
    char *digits = must_copy_n(text, len);
    char *end;
    double value = strtod(digits, &end);
    bool good = len > 0 && digits[0] >= '0' && digits[0] <= '9' && *end == '\0' &&
                strpbrk(digits, "eExX") == NULL && value < 9e18 / (double)(1ull << shift);
    free(digits);
    if (good)
        *ret_bytes = (uint64_t)(value * (double)(1ull << shift));
    return good;
}

/* ---- Applying -------------------------------------------------------------------------------- */

static bool refuse(char **ret_error, const char *why)
{
    *ret_error = must_copy(why);
    return false;
}

bool option_apply(const struct option *option, struct global *global, const char *value, bool on,
                  char **ret_error)
{
    char *base = option->is_global ? (char *)global : (char *)global->current;
    void *member = base + option->offset;

    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)member = on;
        return true;
    case OPTION_STRING:
        free(*(char **)member);
        *(char **)member = must_copy(value);
        return true;
    case OPTION_LIST:
        strings_add(member, value);
        return true;
    case OPTION_NUMBER:
        return parse_number(value, member) || refuse(ret_error, "expected a whole number");
    case OPTION_SECONDS:
        return option_parse_seconds(value, member) ||
               refuse(ret_error, "expected seconds, like 2 or 0.5");
    case OPTION_BYTES:
        return option_parse_bytes(value, member) ||
               refuse(ret_error, "expected bytes, like 1000, 64K or 1.5M");
    default:
        break;
    }
    struct option_call call = {global, global->current, value, on, NULL};
    bool good = option->set(&call);
    *ret_error = call.error;
    return good;
}
