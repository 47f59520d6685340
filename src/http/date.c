/* SPDX-License-Identifier: MIT
 *
 * http/date.c: see date.h. No gmtime, timegm or strptime: they take locks and look at locales. */
#include "http/date.h"

#include <string.h>

static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days since 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that
 * the leap day is the last of its year; 146097 days make 400 years. */
static void civil_date(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    days += 719468; /* from 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int of_era = (int)(days - era * 146097);
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (5 * of_year + 2) / 153; /* 0 is March */

    *ret_day = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = (int)(year + era * 400) + (*ret_month <= 2);
}

/* The way back, for years from 0 on. */
static int64_t days_of(int year, int month, int day)
{
    int from_march = month > 2 ? month - 3 : month + 9;
    int y = month > 2 ? year : year - 1;
    int era = (y >= 0 ? y : y - 399) / 400;
    int of_era = y - era * 400;
    int of_year = (153 * from_march + 2) / 5 + day - 1;

    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static char *put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

static char *put_text(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

void http_date(int64_t seconds, char out[static HTTP_DATE_SIZE])
{
    const int64_t first = -62167219200, last = 253402300799; /* the years 0000 to 9999 */
    int year, month, day;

    seconds = seconds < first ? first : seconds > last ? last : seconds;
    int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    int of_day = (int)(seconds - days * 86400);
    civil_date(days, &year, &month, &day);

    out = put_text(out, day_names + 3 * ((days % 7 + 7) % 7), 3);
    out = put_text(out, ", ", 2);
    out = put_digits(out, day, 2);
    *out++ = ' ';
    out = put_text(out, month_names + 3 * (month - 1), 3);
    *out++ = ' ';
    out = put_digits(out, year, 4);
    *out++ = ' ';
    out = put_digits(out, of_day / 3600, 2);
    *out++ = ':';
    out = put_digits(out, of_day / 60 % 60, 2);
    *out++ = ':';
    out = put_digits(out, of_day % 60, 2);
    put_text(out, " GMT", 5);
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct date {
    int year, month, day, hour, minute, second;
};

/* Takes exactly this many digits. */
static bool take_digits(weir_str *text, int digits, int *ret_value)
{
    int value = 0;

    if (text->len < (size_t)digits)
        return false;
    for (int i = 0; i < digits; i++) {
        char ch = text->ptr[i];
        if (ch < '0' || ch > '9')
            return false;
        value = 10 * value + (ch - '0');
    }
    *text = (weir_str){text->ptr + digits, text->len - (size_t)digits};
    *ret_value = value;
    return true;
}

static bool take_text(weir_str *text, const char *wanted)
{
    size_t len = strlen(wanted);

    if (text->len < len || memcmp(text->ptr, wanted, len) != 0)
        return false;
    *text = (weir_str){text->ptr + len, text->len - len};
    return true;
}

/* Takes one of the names of three letters: its index, or -1. */
static int take_name(weir_str *text, const char *names)
{
    for (int i = 0; text->len >= 3 && names[3 * i]; i++)
        if (memcmp(text->ptr, names + 3 * i, 3) == 0) {
            *text = (weir_str){text->ptr + 3, text->len - 3};
            return i;
        }
    return -1;
}

static bool take_month(weir_str *text, struct date *d)
{
    d->month = take_name(text, month_names) + 1;
    return d->month > 0;
}

static bool take_time(weir_str *text, struct date *d)
{
    return take_digits(text, 2, &d->hour) && take_text(text, ":") &&
           take_digits(text, 2, &d->minute) && take_text(text, ":") &&
           take_digits(text, 2, &d->second);
}

/* ", 06 Nov 1994 08:49:37 GMT", what follows the day in an IMF-fixdate. */
static bool take_fixdate(weir_str *text, struct date *d)
{
    return take_text(text, ", ") && take_digits(text, 2, &d->day) && take_text(text, " ") &&
           take_month(text, d) && take_text(text, " ") && take_digits(text, 4, &d->year) &&
           take_text(text, " ") && take_time(text, d) && take_text(text, " GMT");
}

/* " Nov  6 08:49:37 1994" */
static bool take_asctime(weir_str *text, struct date *d)
{
    return take_text(text, " ") && take_month(text, d) && take_text(text, " ") &&
           (take_text(text, " ") ? take_digits(text, 1, &d->day) : take_digits(text, 2, &d->day)) &&
           take_text(text, " ") && take_time(text, d) && take_text(text, " ") &&
           take_digits(text, 4, &d->year);
}

/* "day, 06-Nov-94 08:49:37 GMT", without the first three letters of the day. */
static bool take_rfc850(weir_str *text, int day, int64_t now, struct date *d)
{
    static const char *const endings[] = {"rsday", "day", "urday", "day", "day", "sday", "nesday"};
    int this_year, month, month_day;

    if (!take_text(text, endings[day]) || !take_text(text, ", ") ||
        !take_digits(text, 2, &d->day) || !take_text(text, "-") || !take_month(text, d) ||
        !take_text(text, "-") || !take_digits(text, 2, &d->year) || !take_text(text, " ") ||
        !take_time(text, d) || !take_text(text, " GMT"))
        return false;
    civil_date(now / 86400, &this_year, &month, &month_day);
    d->year += this_year - this_year % 100;
    if (d->year > this_year + 50)
        d->year -= 100;
    return true;
}

static bool is_date(const struct date *d)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;

    return d->day >= 1 && d->day <= days[d->month - 1] + (leap && d->month == 2) && d->hour < 24 &&
           d->minute < 60 && d->second <= 60; /* a leap second */
}

bool http_date_parse(weir_str text, int64_t now, int64_t *ret_seconds)
{
    int day = take_name(&text, day_names);
    struct date d = {0};
    bool taken;

    if (day < 0 || text.len == 0)
        return false;
    if (text.ptr[0] == ',')
        taken = take_fixdate(&text, &d);
    else if (text.ptr[0] == ' ')
        taken = take_asctime(&text, &d);
    else
        taken = take_rfc850(&text, day, now, &d);
    if (!taken || text.len > 0 || !is_date(&d))
        return false;
    *ret_seconds =
        days_of(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + d.second;
    return true;
}
