/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_http.c: the request: method, headers, redirects, ranges. */
#include <errno.h>

#include "tools/fcurl/table.h"

static bool set_header(struct option_call *call)
{
    struct text file = {NULL, 0, 0};

    if (call->value[0] != '@') {
        strings_add(&call->config->headers, call->value);
        return true;
    }
    if (!text_read_file(&file, call->value + 1)) {
        text_done(&file);
        return refuse_unreadable(call);
    }
    for (char *line = file.ptr; line && *line;) {
        size_t len = strcspn(line, "\n");
        char *next = line[len] ? line + len + 1 : line + len;
        line[len] = '\0';
        if (len > 0 && line[len - 1] == '\r')
            line[len - 1] = '\0';
        if (line[0] != '\0')
            strings_add(&call->config->headers, line);
        line = next;
    }
    text_done(&file);
    return true;
}

/* "URL;auto" sets Referer on redirects too; ";auto" does only that. */
static bool set_referer(struct option_call *call)
{
    struct config *config = call->config;
    size_t len = strlen(call->value);

    config->auto_referer = len >= 5 && strcmp(call->value + len - 5, ";auto") == 0;
    if (config->auto_referer)
        len -= 5;
    free(config->referer);
    config->referer = len ? must_copy_n(call->value, len) : NULL;
    return true;
}

static bool set_max_redirs(struct option_call *call)
{
    char *end;

    errno = 0;
    long long number = strtoll(call->value, &end, 10);
    if (*call->value == '\0' || *end != '\0' || number < -1 || errno != 0)
        return refuse_option(call, "expected a whole number, -1 for no limit");
    call->config->max_redirs = number;
    return true;
}

static bool set_continue_at(struct option_call *call)
{
    uint64_t offset;

    if (strcmp(call->value, "-") != 0 && !option_parse_bytes(call->value, &offset))
        return refuse_option(call, "expected an offset in bytes, or - to find it out");
    free(call->config->continue_at);
    call->config->continue_at = must_copy(call->value);
    return true;
}

static bool set_location_trusted(struct option_call *call)
{
    call->config->location = call->config->location_trusted = call->on;
    return true;
}

static const struct option table[] = {
    {.name = "request",
     .letter = 'X',
     .kind = OPTION_STRING,
     OF_CONFIG(method),
     .value = "method",
     .categories = CATEGORY_HTTP,
     .help = "Specify request method to use",
     .man = "The `REQUEST_METHOD`, whatever else the command line suggests. It changes nothing "
            "else: use --head for a HEAD request, as its response has no body."},
    {.name = "header",
     .letter = 'H',
     .kind = OPTION_CALL,
     .set = set_header,
     .value = "header/@file",
     .categories = CATEGORY_HTTP | CATEGORY_IMPORTANT,
     .help = "Pass custom header(s) to server",
     .man = "Sends a request header, as parameter `HTTP_NAME` (`Content-Type` as `CONTENT_TYPE`). "
            "`Name:` removes a header that fcurl would send, `Name;` sends it empty. `@FILE` reads "
            "headers from a file, one a line. A name with other characters than letters, digits "
            "and `-` is sent with `_` in their place and a warning, since gateways disagree about "
            "such names. Can be given several times."},
    {.name = "user-agent",
     .letter = 'A',
     .kind = OPTION_STRING,
     OF_CONFIG(user_agent),
     .value = "name",
     .categories = CATEGORY_HTTP | CATEGORY_IMPORTANT,
     .help = "Send User-Agent <name> to server",
     .man = "The User-Agent header; an empty string removes it. Default: `fcurl/VERSION`."},
    {.name = "referer",
     .letter = 'e',
     .kind = OPTION_CALL,
     .set = set_referer,
     .value = "URL",
     .categories = CATEGORY_HTTP,
     .help = "Referrer URL",
     .man = "The Referer header. With `;auto` appended, fcurl sets it to the previous URL when it "
            "follows a redirect."},
    {.name = "get",
     .letter = 'G',
     .kind = OPTION_FLAG,
     OF_CONFIG(get),
     .categories = CATEGORY_HTTP | CATEGORY_UPLOAD,
     .help = "Put the post data in the URL and use GET",
     .man = "What --data and its kin give is appended to the URL's query, and the method is GET "
            "(HEAD with --head)."},
    {.name = "head",
     .letter = 'I',
     .kind = OPTION_FLAG,
     OF_CONFIG(head),
     .categories = CATEGORY_HTTP,
     .help = "Show document info only",
     .man = "Makes a HEAD request and prints the response's header."},
    {.name = "location",
     .letter = 'L',
     .kind = OPTION_FLAG,
     OF_CONFIG(location),
     .categories = CATEGORY_HTTP,
     .help = "Follow redirects",
     .man = "Follows Location headers of 3xx responses to the same FastCGI server, with the "
            "parameters of the new URL. A redirect to another host is only another HTTP_HOST: no "
            "other server is contacted. POST becomes GET after 301, 302 and 303. A local redirect "
            "(a CGI Location that is a path, without Status) is followed the same way."},
    {.name = "location-trusted",
     .kind = OPTION_CALL,
     .set = set_location_trusted,
     .categories = CATEGORY_HTTP,
     .help = "Like --location, and send auth to other hosts",
     .man = "Follows redirects and sends the name and password of --user to every host name."},
    {.name = "max-redirs",
     .kind = OPTION_CALL,
     .set = set_max_redirs,
     .value = "num",
     .categories = CATEGORY_HTTP,
     .help = "Maximum number of redirects allowed",
     .man = "How many redirects --location follows, default 50; -1 means no limit. One more is "
            "exit code 47."},
    {.name = "post301",
     .kind = OPTION_FLAG,
     OF_CONFIG(post301),
     .categories = CATEGORY_HTTP,
     .help = "Do not switch to GET after following a 301",
     .man = "Keeps the method POST and its body when a 301 is followed."},
    {.name = "post302",
     .kind = OPTION_FLAG,
     OF_CONFIG(post302),
     .categories = CATEGORY_HTTP,
     .help = "Do not switch to GET after following a 302",
     .man = "Keeps the method POST and its body when a 302 is followed."},
    {.name = "post303",
     .kind = OPTION_FLAG,
     OF_CONFIG(post303),
     .categories = CATEGORY_HTTP,
     .help = "Do not switch to GET after following a 303",
     .man = "Keeps the method POST and its body when a 303 is followed."},
    {.name = "range",
     .letter = 'r',
     .kind = OPTION_STRING,
     OF_CONFIG(range),
     .value = "range",
     .categories = CATEGORY_HTTP,
     .help = "Retrieve only the bytes within RANGE",
     .man = "Sends a Range header: `0-499`, `500-`, `-500`, or several with commas."},
    {.name = "continue-at",
     .letter = 'C',
     .kind = OPTION_CALL,
     .set = set_continue_at,
     .value = "offset",
     .categories = CATEGORY_HTTP | CATEGORY_OUTPUT,
     .help = "Resumed transfer offset",
     .man = "Continues a download: asks for what is behind the offset and appends it to the output "
            "file; `-` takes the size of that file. Exit code 33 if the server answers with the "
            "whole thing instead."},
    {.name = "time-cond",
     .letter = 'z',
     .kind = OPTION_STRING,
     OF_CONFIG(time_condition),
     .value = "time",
     .categories = CATEGORY_HTTP,
     .help = "Transfer based on a time condition",
     .man = "Sends If-Modified-Since with this date, or If-Unmodified-Since if it begins with `-`. "
            "If it is the name of a file, the file's modification time is meant."},
    {.name = "etag-compare",
     .kind = OPTION_STRING,
     OF_CONFIG(etag_compare),
     .value = "file",
     .categories = CATEGORY_HTTP,
     .help = "Pass an ETag from a file as a custom header",
     .man =
         "Sends If-None-Match with the ETag in the file; an empty or missing file means `\"\"`."},
    {.name = "etag-save",
     .kind = OPTION_STRING,
     OF_CONFIG(etag_save),
     .value = "file",
     .categories = CATEGORY_HTTP,
     .help = "Parse ETag from a request and save it to a file",
     .man = "Writes the ETag of the response to the file."},
    {.name = "compressed",
     .kind = OPTION_FLAG,
     OF_CONFIG(compressed),
     .categories = CATEGORY_HTTP,
     .help = "Request compressed response",
     .man = "Sends Accept-Encoding with what this fcurl can decode (deflate, gzip, br) and writes "
            "the decoded body."},
    {.name = "user",
     .letter = 'u',
     .kind = OPTION_STRING,
     OF_CONFIG(user),
     .value = "user:password",
     .categories = CATEGORY_HTTP | CATEGORY_AUTH,
     .help = "Server user and password",
     .man = "Sends an Authorization header with Basic authentication, as a browser would. To act "
            "as a proxy that has authenticated somebody, use `--param REMOTE_USER=NAME` instead. "
            "Without a password fcurl asks for it on the terminal."},
    {.name = "path-as-is",
     .kind = OPTION_FLAG,
     OF_CONFIG(path_as_is),
     .categories = CATEGORY_HTTP,
     .help = "Do not squash .. sequences in URL path",
     .man = "Sends the path of the URL as it is typed."},
    {.name = "request-target",
     .kind = OPTION_STRING,
     OF_CONFIG(request_target),
     .value = "path",
     .categories = CATEGORY_HTTP,
     .help = "Specify the target for this request",
     .man = "REQUEST_URI is this instead of the path and query of the URL."},
    {.name = "url-query",
     .kind = OPTION_LIST,
     OF_CONFIG(url_query),
     .value = "data",
     .categories = CATEGORY_HTTP | CATEGORY_POST,
     .help = "Add a URL query part",
     .man = "Appends to the URL's query, with the syntax of --data-urlencode; a leading `+` means "
            "that the rest is taken as it is."},
    {.name = "globoff",
     .letter = 'g',
     .kind = OPTION_FLAG,
     OF_CONFIG(globoff),
     .categories = CATEGORY_FCURL,
     .help = "Disable URL sequences and ranges using {} and []",
     .man = "Takes braces and brackets in URLs as they are."},
};

const struct option_group options_http = GROUP("HTTP", table);
