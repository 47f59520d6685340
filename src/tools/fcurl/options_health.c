/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_health.c: asking a server how it is. */
#include "tools/fcurl/table.h"

static bool set_ping(struct option_call *call)
{
    call->config->probe = call->on ? PROBE_PING : PROBE_NONE;
    return true;
}

static bool set_status(struct option_call *call)
{
    call->config->probe = call->on ? PROBE_STATUS : PROBE_NONE;
    return true;
}

static bool set_get_values(struct option_call *call)
{
    call->config->probe = call->on ? PROBE_VALUES : PROBE_NONE;
    return true;
}

static bool set_fail_if(struct option_call *call)
{
    size_t name = strcspn(call->value, "<>=!");
    size_t sign = strspn(call->value + name, "<>=!");
    double limit;

    if (name == 0 || sign == 0 || sign > 2 ||
        !option_parse_seconds(call->value + name + sign + strspn(call->value + name + sign, " "),
                              &limit))
        return refuse_option(call, "expected a condition like 'listen queue>10'");
    strings_add(&call->config->fail_if, call->value);
    return true;
}

static const struct option table[] = {
    {.name = "ping",
     .kind = OPTION_CALL,
     .set = set_ping,
     .categories = CATEGORY_HEALTH | CATEGORY_IMPORTANT,
     .help = "Is it there? Sends a request and times it",
     .man = "Tells three cases apart that look alike to many checks: nobody listens (exit code 7), "
            "the connection was accepted but not answered in time (28: alive but busy), and "
            "answered (0; prints how long it took). php-fpm with `ping.path` set answers `/ping`; "
            "the URL's path is used. Without --max-time it waits for one second."},
    {.name = "status",
     .kind = OPTION_CALL,
     .set = set_status,
     .categories = CATEGORY_HEALTH,
     .help = "Show the status page of php-fpm as a table",
     .man = "Asks php-fpm for its status page (`pm.status_path`; the path of the URL, `/status` if "
            "there is none) and prints it as a table, or as JSON with --json. Exit code 8 if what "
            "comes is no status page."},
    {.name = "fail-if",
     .kind = OPTION_CALL,
     .set = set_fail_if,
     .value = "condition",
     .categories = CATEGORY_HEALTH,
     .help = "With --status: fail if a figure is like this",
     .man = "A figure of the status page, an operator (`<`, `<=`, `>`, `>=`, `=`, `!=`) and a "
            "number, as in `--fail-if 'listen queue>10'`. Exit code 124 and one line on stderr if "
            "it holds. Can be given several times."},
    {.name = "get-values",
     .kind = OPTION_CALL,
     .set = set_get_values,
     .categories = CATEGORY_HEALTH | CATEGORY_FASTCGI,
     .help = "Ask the server for its limits",
     .man = "Sends FCGI_GET_VALUES for FCGI_MAX_CONNS, FCGI_MAX_REQS and FCGI_MPXS_CONNS and "
            "prints the answer (with --json as JSON)."},
};

const struct option_group options_health = GROUP("Health", table);
