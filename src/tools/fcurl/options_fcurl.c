/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_fcurl.c: the tool itself, and the options of curl that make no sense here. */
#include <brotli/decode.h>
#include <stdio.h>
#include <uv.h>
#include <weir/version.h>
#include <zlib.h>

#include "net/tls.h"
#include "tools/fcurl/exit.h"
#include "tools/fcurl/table.h"

static bool set_config(struct option_call *call)
{
    return args_read_file(call->global, call->value, &call->error);
}

static bool set_url(struct option_call *call)
{
    struct target *t = config_target_without_url(call->config);

    t->url = must_copy(call->value);
    t->has_url = true;
    return true;
}

static bool set_next(struct option_call *call)
{
    if (!call->config->targets || !call->config->targets->has_url)
        return refuse_option(call, "there is no URL before it");
    (void)config_add(call->global);
    return true;
}

static bool set_help(struct option_call *call)
{
    exit(help_print(call->value) ? EXIT_OK : EXIT_USAGE);
}

static bool set_manual(struct option_call *call)
{
    (void)call;
    help_manual();
    exit(EXIT_OK);
}

static bool set_man_page(struct option_call *call)
{
    (void)call;
    help_man_page();
    exit(EXIT_OK);
}

static bool set_completion(struct option_call *call)
{
    if (help_completion(call->value))
        exit(EXIT_OK);
    return refuse_option(call, "expected bash or zsh");
}

static bool set_version(struct option_call *call)
{
    (void)call;
    const char *tls = tls_library();
    uint32_t brotli = BrotliDecoderVersion();
    printf("fcurl %s libweir/%s libuv/%s%s%s zlib/%s brotli/%u.%u.%u\n", WEIR_VERSION,
           weir_version(), uv_version_string(), tls ? " OpenSSL/" : "", tls ? tls : "",
           zlibVersion(), brotli >> 24, brotli >> 12 & 0xfff, brotli & 0xfff);
    exit(EXIT_OK);
}

static const struct option table[] = {
    {.name = "config",
     .letter = 'K',
     .kind = OPTION_CALL,
     .set = set_config,
     .value = "file",
     .categories = CATEGORY_FCURL,
     .help = "Read config from a file",
     .man = "Reads options from the file (`-`: standard input), one a line: `option value`, "
            "`option = value` or `option: value`, with or without the dashes. A value with spaces "
            "goes in double quotes, in which `\\\\`, `\\\"`, `\\t`, `\\n`, `\\r` and `\\v` are "
            "known. `#` begins a comment."},
    {.name = "disable",
     .letter = 'q',
     .kind = OPTION_FLAG,
     OF_GLOBAL(disable_config),
     .categories = CATEGORY_FCURL,
     .help = "Disable .fcurlrc",
     .man = "As the first option: the default config file is not read. That is the first of "
            "`$FCURL_HOME/.fcurlrc`, `$XDG_CONFIG_HOME/fcurlrc`, `~/.config/fcurlrc` and "
            "`~/.fcurlrc` that exists."},
    {.name = "url",
     .kind = OPTION_CALL,
     .set = set_url,
     .value = "url",
     .categories = CATEGORY_FCURL,
     .help = "URL to work with",
     .man = "For config files; on the command line every argument that is no option is an URL."},
    {.name = "next",
     .letter = ':',
     .kind = OPTION_CALL,
     .set = set_next,
     .categories = CATEGORY_FCURL,
     .help = "Make next URL use its separate set of options",
     .man = "Begins a new group: what comes after it holds for the URLs that come after it. "
            "Options about messages and parallel transfers hold for all groups."},
    {.name = "fail-early",
     .kind = OPTION_FLAG,
     OF_GLOBAL(fail_early),
     .categories = CATEGORY_FCURL,
     .help = "Fail on first transfer error, do not continue",
     .man = "Ends at the first transfer that fails. Without it the exit code is that of the last "
            "one."},
    {.name = "help",
     .letter = 'h',
     .kind = OPTION_CALL,
     .set = set_help,
     .value = "category",
     .optional = true,
     .categories = CATEGORY_IMPORTANT | CATEGORY_FCURL,
     .help = "Get help for commands",
     .man = "The most important options; with a category the options in it, `category` lists the "
            "categories, `all` shows all options."},
    {.name = "manual",
     .letter = 'M',
     .kind = OPTION_CALL,
     .set = set_manual,
     .categories = CATEGORY_FCURL,
     .help = "Display the full manual",
     .man = "This manual, as plain text."},
    {.name = "man-page",
     .kind = OPTION_CALL,
     .set = set_man_page,
     .categories = CATEGORY_FCURL,
     .help = "Write the manual page (troff) to stdout",
     .man = "What `man fcurl` shows."},
    {.name = "completion",
     .kind = OPTION_CALL,
     .set = set_completion,
     .value = "shell",
     .categories = CATEGORY_FCURL,
     .help = "Write completions for bash or zsh to stdout",
     .man = "For instance `source <(fcurl --completion bash)`."},
    {.name = "version",
     .letter = 'V',
     .kind = OPTION_CALL,
     .set = set_version,
     .categories = CATEGORY_IMPORTANT | CATEGORY_FCURL,
     .help = "Show version number and quit",
     .man = "Shows the versions of fcurl and of what it is built with."},
};

const struct option_group options_fcurl = GROUP("fcurl", table);

#define NO_PROXIES  "FastCGI has no proxies in between; --to says where the server is"
#define NO_VERSIONS "FastCGI has no HTTP versions; SERVER_PROTOCOL can be set with --param"
#define NO_AUTH     "only Basic authentication makes sense without a connection to the client"
#define NO_OTHER    "belongs to a protocol that fcurl does not speak"

const struct refused_option refused_options[] = {
    {"proxy", 'x', NO_PROXIES},
    {"proxy-user", 'U', NO_PROXIES},
    {"proxytunnel", 'p', NO_PROXIES},
    {"proxy-header", 0, NO_PROXIES},
    {"preproxy", 0, NO_PROXIES},
    {"noproxy", 0, NO_PROXIES},
    {"socks4", 0, NO_PROXIES},
    {"socks4a", 0, NO_PROXIES},
    {"socks5", 0, NO_PROXIES},
    {"socks5-hostname", 0, NO_PROXIES},
    {"haproxy-protocol", 0, NO_PROXIES},
    {"http0.9", 0, NO_VERSIONS},
    {"http1.0", '0', NO_VERSIONS},
    {"http1.1", 0, NO_VERSIONS},
    {"http2", 0, NO_VERSIONS},
    {"http2-prior-knowledge", 0, NO_VERSIONS},
    {"http3", 0, NO_VERSIONS},
    {"http3-only", 0, NO_VERSIONS},
    {"tr-encoding", 0, "FastCGI has no transfer coding; --compressed asks for a content coding"},
    {"raw", 0, "FastCGI has no transfer coding"},
    {"ignore-content-length", 0, "a FastCGI response ends at END_REQUEST, not at Content-Length"},
    {"expect100-timeout", 0, "FastCGI sends the body without asking"},
    {"alt-svc", 0, NO_OTHER},
    {"hsts", 0, "the URL's scheme is never connected to, so there is nothing to upgrade"},
    {"anyauth", 0, NO_AUTH},
    {"digest", 0, NO_AUTH},
    {"negotiate", 0, NO_AUTH},
    {"ntlm", 0, NO_AUTH},
    {"ntlm-wb", 0, NO_AUTH},
    {"aws-sigv4", 0, NO_AUTH},
    {"krb", 0, NO_AUTH},
    {"delegation", 0, NO_AUTH},
    {"ftp-port", 'P', NO_OTHER},
    {"ftp-pasv", 0, NO_OTHER},
    {"quote", 'Q', NO_OTHER},
    {"list-only", 'l', NO_OTHER},
    {"append", 'a', NO_OTHER},
    {"use-ascii", 'B', NO_OTHER},
    {"telnet-option", 't', NO_OTHER},
    {"mail-from", 0, NO_OTHER},
    {"mail-rcpt", 0, NO_OTHER},
    {"doh-url", 0, "the URL's host is never resolved; --resolve sets the server's address"},
    {"libcurl", 0, "fcurl is not built on libcurl; libweir's client is in weir/client.h"},
    {NULL, 0, NULL},
};
