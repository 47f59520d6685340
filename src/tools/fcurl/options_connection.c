/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_connection.c: reaching the server, and how long it may take. */
#include "tools/fcurl/table.h"

static bool set_ipv4(struct option_call *call)
{
    call->config->ipv4 = true;
    call->config->ipv6 = false;
    return true;
}

static bool set_ipv6(struct option_call *call)
{
    call->config->ipv6 = true;
    call->config->ipv4 = false;
    return true;
}

/* Requests in a time: 2/s, 30/m, 100/h, 5/d; without a unit an hour (curl's). */
static bool set_rate(struct option_call *call)
{
    static const char units[] = "smhd";
    static const double seconds[] = {1, 60, 3600, 86400};
    char *end;
    double count = strtod(call->value, &end);
    double unit = 3600;

    if (*end == '/') {
        const char *found = end[1] ? strchr(units, end[1]) : NULL;
        unit = found && end[2] == '\0' ? seconds[found - units] : 0;
    } else if (*end != '\0') {
        unit = 0;
    }
    if (end == call->value || !(count > 0) || unit <= 0 || !(unit / count < 1e9) ||
        !(unit / count > 0))
        return refuse_option(call, "expected a number of requests and a unit, like 2/s or 30/m");
    call->global->rate_interval = unit / count;
    return true;
}

static bool set_resolve(struct option_call *call)
{
    const char *value = call->value + (call->value[0] == '+');
    const char *colon = strchr(value, ':');

    if (value[0] != '-' && (!colon || !strchr(colon + 1, ':')))
        return refuse_option(call, "expected HOST:PORT:ADDRESS[,ADDRESS]");
    strings_add(&call->config->resolve, call->value);
    return true;
}

static const struct option table[] = {
    {.name = "unix-socket",
     .kind = OPTION_STRING,
     OF_CONFIG(unix_socket),
     .value = "path",
     .categories = CATEGORY_CONNECTION | CATEGORY_IMPORTANT,
     .help = "Connect through this Unix domain socket",
     .man = "Short for `--to fcgi+unix:PATH`."},
    {.name = "abstract-unix-socket",
     .kind = OPTION_STRING,
     OF_CONFIG(abstract_socket),
     .value = "path",
     .categories = CATEGORY_CONNECTION,
     .help = "Connect via abstract Unix domain socket",
     .man = "Short for `--to fcgi+unix:@PATH`."},
    {.name = "connect-timeout",
     .kind = OPTION_SECONDS,
     OF_CONFIG(connect_timeout),
     .value = "seconds",
     .categories = CATEGORY_CONNECTION,
     .help = "Maximum time allowed for connection",
     .man = "How long connecting (with the TLS handshake) may take; fractions are allowed. Exit "
            "code 28."},
    {.name = "max-time",
     .letter = 'm',
     .kind = OPTION_SECONDS,
     OF_CONFIG(max_time),
     .value = "seconds",
     .categories = CATEGORY_CONNECTION,
     .help = "Maximum time allowed for transfer",
     .man = "How long everything may take for one URL; fractions are allowed. Exit code 28."},
    {.name = "speed-limit",
     .letter = 'Y',
     .kind = OPTION_BYTES,
     OF_CONFIG(speed_limit),
     .value = "speed",
     .categories = CATEGORY_CONNECTION,
     .help = "Stop transfers slower than this",
     .man = "Bytes a second; a transfer that is slower for --speed-time is ended with exit code "
            "28."},
    {.name = "speed-time",
     .letter = 'y',
     .kind = OPTION_NUMBER,
     OF_CONFIG(speed_time),
     .value = "seconds",
     .categories = CATEGORY_CONNECTION,
     .help = "Trigger 'speed-limit' abort after this time",
     .man = "Default 30, with a --speed-limit of 1 if that is not given."},
    {.name = "limit-rate",
     .kind = OPTION_BYTES,
     OF_CONFIG(limit_rate),
     .value = "speed",
     .categories = CATEGORY_CONNECTION,
     .help = "Limit transfer speed to RATE",
     .man = "Bytes a second, in each direction; `k`, `M`, `G` may follow."},
    {.name = "rate",
     .kind = OPTION_CALL,
     .set = set_rate,
     .value = "max request rate",
     .categories = CATEGORY_CONNECTION,
     .help = "Request rate for serial transfers",
     .man = "How many transfers may be started in a time: `2/s`, `30/m`, `100/h`, `5/d`. Not with "
            "--parallel."},
    {.name = "ipv4",
     .letter = '4',
     .kind = OPTION_CALL,
     .set = set_ipv4,
     .categories = CATEGORY_CONNECTION,
     .help = "Resolve names to IPv4 addresses",
     .man = "Connects to IPv4 addresses only."},
    {.name = "ipv6",
     .letter = '6',
     .kind = OPTION_CALL,
     .set = set_ipv6,
     .categories = CATEGORY_CONNECTION,
     .help = "Resolve names to IPv6 addresses",
     .man = "Connects to IPv6 addresses only."},
    {.name = "resolve",
     .kind = OPTION_CALL,
     .set = set_resolve,
     .value = "[+]host:port:addr[,addr]...",
     .categories = CATEGORY_CONNECTION,
     .help = "Resolve the host+port to this address",
     .man = "The FastCGI server with this host name and port is at this address; `*` as host "
            "means every one. It has no effect on the URL's host, which is never resolved."},
    {.name = "connect-to",
     .kind = OPTION_LIST,
     OF_CONFIG(connect_to),
     .value = "HOST1:PORT1:HOST2:PORT2",
     .categories = CATEGORY_CONNECTION,
     .help = "Connect to host",
     .man = "Where HOST1:PORT1 would be connected to, HOST2:PORT2 is instead; an empty host or "
            "port matches any, or changes nothing."},
    {.name = "parallel",
     .letter = 'Z',
     .kind = OPTION_FLAG,
     OF_GLOBAL(parallel),
     .categories = CATEGORY_CONNECTION | CATEGORY_FCURL,
     .help = "Perform transfers in parallel",
     .man = "Runs the transfers at the same time, each on a connection of its own."},
    {.name = "parallel-immediate",
     .kind = OPTION_FLAG,
     OF_GLOBAL(parallel_immediate),
     .categories = CATEGORY_CONNECTION | CATEGORY_FCURL,
     .help = "Do not wait for multiplexing (with --parallel)",
     .man = "Accepted for curl's sake: transfers never wait for each other."},
    {.name = "parallel-max",
     .kind = OPTION_NUMBER,
     OF_GLOBAL(parallel_max),
     .value = "num",
     .categories = CATEGORY_CONNECTION | CATEGORY_FCURL,
     .help = "Maximum concurrency for parallel transfers",
     .man = "How many transfers run at the same time with --parallel, 1 to 300; default 50."},
};

const struct option_group options_connection = GROUP("Connection", table);
