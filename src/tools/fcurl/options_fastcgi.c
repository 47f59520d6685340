/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_fastcgi.c: what only FastCGI has. */
#include "tools/fcurl/table.h"

static bool set_role(struct option_call *call)
{
    static const char *const names[] = {"responder", "authorizer", "filter"};

    for (int i = 0; i < 3; i++)
        if (strcmp(call->value, names[i]) == 0) {
            call->config->role = (enum role_option)(ROLE_RESPONDER + i);
            return true;
        }
    return refuse_option(call, "expected responder, authorizer or filter");
}

/* The same check for --param and the lines of --params-file. */
static bool add_param(struct config *config, const char *pair)
{
    if (!strchr(pair, '=') || pair[0] == '=')
        return false;
    strings_add(&config->params, pair);
    return true;
}

static bool set_param(struct option_call *call)
{
    return add_param(call->config, call->value) ||
           refuse_option(call, "expected NAME=VALUE, or NAME= to remove it");
}

static bool set_params_file(struct option_call *call)
{
    struct text file = {NULL, 0, 0};
    bool good = text_read_file(&file, call->value);

    if (!good)
        refuse_unreadable(call);
    for (char *line = file.ptr; good && line && *line;) {
        size_t len = strcspn(line, "\n");
        char *next = line[len] ? line + len + 1 : line + len;
        line[len] = '\0';
        if (len > 0 && line[len - 1] == '\r')
            line[len - 1] = '\0';
        if (line[0] != '\0' && line[0] != '#' && !add_param(call->config, line))
            good = refuse_option(call, "a line of the file is not NAME=VALUE");
        line = next;
    }
    text_done(&file);
    return good;
}

static bool set_env(struct option_call *call)
{
    struct text pair = {NULL, 0, 0};
    const char *value = getenv(call->value);

    if (strchr(call->value, '=') || call->value[0] == '\0')
        return refuse_option(call, "expected the name of a variable");
    if (!value)
        return refuse_option(call, "there is no such variable in the environment");
    if (*value) {
        text_printf(&pair, "%s=%s", call->value, value);
        strings_take(&call->config->params, text_take(&pair));
    }
    return true;
}

static bool set_fcgi_stderr(struct option_call *call)
{
    struct config *config = call->config;

    if (strcmp(call->value, "mark") == 0) {
        config->stderr_mark = true;
        return true;
    }
    if (strcmp(call->value, "fail") == 0) {
        config->stderr_fail = true;
        return true;
    }
    free(config->fcgi_stderr);
    config->fcgi_stderr = must_copy(call->value);
    return true;
}

static bool set_padding(struct option_call *call)
{
    uint64_t padding;

    if (!option_parse_bytes(call->value, &padding) || padding > 255)
        return refuse_option(call, "expected 0 to 255 bytes");
    call->config->padding = padding;
    call->config->has_padding = true;
    return true;
}

/* "0.5s" or "100ms" is a time, everything else an amount of bytes of the response. */
static bool set_abort_after(struct option_call *call)
{
    size_t len = strlen(call->value);
    bool ms = len > 2 && strcmp(call->value + len - 2, "ms") == 0;
    bool s = !ms && len > 1 && call->value[len - 1] == 's';
    char *number = must_copy_n(call->value, len - (ms ? 2 : s ? 1 : 0));
    bool good;

    if (ms || s) {
        good = option_parse_seconds(number, &call->config->abort_after_seconds);
        if (ms)
            call->config->abort_after_seconds /= 1000;
    } else {
        good = option_parse_bytes(number, &call->config->abort_after_bytes);
        call->config->has_abort_after_bytes = good;
    }
    free(number);
    return good || refuse_option(call, "expected a time like 0.5s or 100ms, or bytes like 64K");
}

static const struct option table[] = {
    {.name = "to",
     .kind = OPTION_STRING,
     OF_CONFIG(to),
     .value = "address",
     .categories = CATEGORY_FASTCGI | CATEGORY_IMPORTANT,
     .help = "Where the FastCGI server is",
     .man = "The FastCGI server to talk to: `fcgi://HOST:PORT`, `fcgi+unix:PATH`, "
            "`fcgi+unix:@NAME` (an abstract socket) or `fcgis://HOST:PORT` (TLS). The URL given to "
            "fcurl is the one that the application shall believe it was asked for; it is never "
            "resolved or connected to.\n\n"
            "Without this option, an URL that begins with `fcgi://` or `fcgis://` names the "
            "server too."},
    {.name = "root",
     .kind = OPTION_STRING,
     OF_CONFIG(root),
     .value = "folder",
     .categories = CATEGORY_FASTCGI | CATEGORY_IMPORTANT,
     .help = "Document root, as the application sees it",
     .man = "Sends `DOCUMENT_ROOT`, and `SCRIPT_FILENAME` made of it and the path of the URL; "
            "php-fpm and fcgiwrap need that. The folder is the application's: it need not exist "
            "where fcurl runs."},
    {.name = "script",
     .kind = OPTION_STRING,
     OF_CONFIG(script),
     .value = "file",
     .categories = CATEGORY_FASTCGI,
     .help = "SCRIPT_FILENAME, for any path",
     .man = "Names the script outright, as a front controller does: whatever the path of the URL, "
            "`SCRIPT_FILENAME` is this file (below --root unless it begins with a slash)."},
    {.name = "index",
     .kind = OPTION_STRING,
     OF_CONFIG(index),
     .value = "file",
     .categories = CATEGORY_FASTCGI,
     .help = "Script that a path ending in / means",
     .man = "What is appended to a path that ends in a slash to make `SCRIPT_FILENAME` and "
            "`SCRIPT_NAME`. Default: `index.php`. Only used with --root."},
    {.name = "split",
     .kind = OPTION_LIST,
     OF_CONFIG(split),
     .value = "suffix",
     .categories = CATEGORY_FASTCGI,
     .help = "Where the script ends and PATH_INFO begins",
     .man = "With --root, the script is the path up to the first part that ends in this; what "
            "follows is `PATH_INFO`. Can be given several times. Default: `.php`."},
    {.name = "param",
     .kind = OPTION_CALL,
     .set = set_param,
     .value = "name=value",
     .categories = CATEGORY_FASTCGI | CATEGORY_IMPORTANT,
     .help = "Set a parameter; NAME= removes it",
     .man = "Sets a FastCGI parameter, and replaces what fcurl would have sent under that name. An "
            "empty value removes the parameter. Can be given several times."},
    {.name = "params-file",
     .kind = OPTION_CALL,
     .set = set_params_file,
     .value = "file",
     .categories = CATEGORY_FASTCGI,
     .help = "Parameters from a file, one a line",
     .man = "As --param for each line of the file; `-` is standard input. Lines that are empty or "
            "begin with `#` are skipped."},
    {.name = "env",
     .kind = OPTION_CALL,
     .set = set_env,
     .value = "name",
     .categories = CATEGORY_FASTCGI,
     .help = "Send this variable of the environment",
     .man = "Sends one variable of fcurl's environment as a parameter. Nothing of the environment "
            "is sent without it."},
    {.name = "role",
     .kind = OPTION_CALL,
     .set = set_role,
     .value = "role",
     .categories = CATEGORY_FASTCGI,
     .help = "responder, authorizer or filter",
     .man = "The role that the application is asked to play (FastCGI 6). An Authorizer gets no "
            "body, and no `CONTENT_LENGTH`, `PATH_INFO`, `PATH_TRANSLATED` and `SCRIPT_NAME`; a "
            "Filter gets the file of --data-stream."},
    {.name = "data-stream",
     .kind = OPTION_STRING,
     OF_CONFIG(data_stream),
     .value = "file",
     .categories = CATEGORY_FASTCGI,
     .help = "File that a Filter shall work on",
     .man = "Sent as FCGI_DATA, with `FCGI_DATA_LENGTH` and `FCGI_DATA_LAST_MOD`. Needs --role "
            "filter."},
    {.name = "keep-conn",
     .kind = OPTION_FLAG,
     OF_CONFIG(keep_conn),
     .categories = CATEGORY_FASTCGI,
     .help = "Keep the connection for the next URL",
     .man = "Sets FCGI_KEEP_CONN, so that the application leaves the connection open; the next "
            "request to the same server uses it if all of the previous one was read and sent."},
    {.name = "records",
     .kind = OPTION_FLAG,
     OF_CONFIG(records),
     .categories = CATEGORY_FASTCGI,
     .help = "Show each record on stderr as it passes",
     .man = "One line for each FastCGI record that is sent or received: time, direction, type, "
            "request id, length and padding, and what it says; parameters one a line, put together "
            "again if they were split over records."},
    {.name = "fcgi-stderr",
     .kind = OPTION_CALL,
     .set = set_fcgi_stderr,
     .value = "file|mark|fail",
     .categories = CATEGORY_FASTCGI,
     .help = "What to do with the application's stderr",
     .man = "Without this option what the application writes to FCGI_STDERR appears on stderr. "
            "With a file name it is appended to that file (`-`: stdout). `mark` puts `[stderr] ` "
            "before each line. `fail` makes fcurl end with exit code 125 if there was any, "
            "provided that nothing else went wrong."},
    {.name = "fail-app-status",
     .kind = OPTION_FLAG,
     OF_CONFIG(fail_app_status),
     .categories = CATEGORY_FASTCGI,
     .help = "Fail if appStatus is not 0",
     .man = "Ends with exit code 123 if the appStatus of END_REQUEST, what a CGI program would "
            "have passed to exit(), is not 0."},
    {.name = "pcap",
     .kind = OPTION_STRING,
     OF_CONFIG(pcap),
     .value = "file",
     .categories = CATEGORY_FASTCGI,
     .help = "Write a capture that Wireshark can read",
     .man = "Writes what passes to a pcap file, wrapped in TCP packets so that Wireshark can take "
            "it apart, also for UNIX sockets and TLS (in clear). Tell Wireshark that port 9000 is "
            "FastCGI if it does not know."},
    {.name = "split-params",
     .kind = OPTION_FLAG,
     OF_CONFIG(split_params),
     .categories = CATEGORY_FASTCGI,
     .help = "Each byte that is sent in a record of its own",
     .man = "For testing servers: records of PARAMS, STDIN and DATA hold one byte each, so that "
            "every name-value pair straddles records, as it may (FastCGI 3.4). php-fpm "
            "does not accept it."},
    {.name = "padding",
     .kind = OPTION_CALL,
     .set = set_padding,
     .value = "bytes",
     .categories = CATEGORY_FASTCGI,
     .help = "Padding after each record sent, 0 to 255",
     .man = "For testing servers. Without it records are padded to a multiple of eight bytes."},
    {.name = "abort-after",
     .kind = OPTION_CALL,
     .set = set_abort_after,
     .value = "time|bytes",
     .categories = CATEGORY_FASTCGI,
     .help = "Send ABORT_REQUEST then",
     .man = "Sends FCGI_ABORT_REQUEST this long after the request (`0.5s`, `100ms`), or after this "
            "much of the response (`64K`), and waits for END_REQUEST."},
    {.name = "dry-run",
     .kind = OPTION_FLAG,
     OF_CONFIG(dry_run),
     .categories = CATEGORY_FASTCGI,
     .help = "Print the parameters and send nothing",
     .man = "Prints what would be sent as parameters, one NAME=VALUE a line, to stdout."},
};

const struct option_group options_fastcgi = GROUP("FastCGI", table);
