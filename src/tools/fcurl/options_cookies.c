/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_cookies.c */
#include "tools/fcurl/table.h"

static bool set_cookie(struct option_call *call)
{
    strings_add(&call->config->cookies, call->value);
    call->config->cookies_on = true;
    return true;
}

static bool set_cookie_jar(struct option_call *call)
{
    free(call->config->cookie_jar);
    call->config->cookie_jar = must_copy(call->value);
    call->config->cookies_on = true;
    return true;
}

static const struct option table[] = {
    {.name = "cookie",
     .letter = 'b',
     .kind = OPTION_CALL,
     .set = set_cookie,
     .value = "data|filename",
     .categories = CATEGORY_HTTP,
     .help = "Send cookies from string/file",
     .man = "`NAME=VALUE; NAME2=VALUE2` is sent as it is. Without a `=` it is the name of a file "
            "with cookies (Netscape format) that are sent where they match the URL, and cookies of "
            "responses are remembered for the following requests. The "
            "file is not written: see --cookie-jar. Can be given several times."},
    {.name = "cookie-jar",
     .letter = 'c',
     .kind = OPTION_CALL,
     .set = set_cookie_jar,
     .value = "filename",
     .categories = CATEGORY_HTTP,
     .help = "Write cookies to <filename> after operation",
     .man = "Writes all cookies that are known at the end to the file, in Netscape format; `-` is "
            "stdout."},
    {.name = "junk-session-cookies",
     .letter = 'j',
     .kind = OPTION_FLAG,
     OF_CONFIG(junk_session_cookies),
     .categories = CATEGORY_HTTP,
     .help = "Ignore session cookies read from file",
     .man = "Forgets the cookies without an expiry date that --cookie reads from a file."},
};

const struct option_group options_cookies = GROUP("Cookies", table);
