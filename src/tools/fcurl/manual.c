/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/manual.c: the manual, as a man page (troff) and as plain text, from the option table
 * and the sections below. In both, paragraphs are separated by an empty line, `...` is literal, a
 * paragraph that begins with two spaces is an example, and one that begins with "= " is a term,
 * with its explanation on the next line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/version.h>

#include "tools/fcurl/exit.h"
#include "tools/fcurl/option.h"

struct section {
    const char *title, *text;
};

static const struct section before[] = {
    {"DESCRIPTION",
     "fcurl sends requests to a FastCGI application and shows its answers, as curl does with HTTP "
     "servers. It knows curl's options by their names and letters, and a few that only FastCGI "
     "has. "
     "No web server is needed in between.\n\n"
     "The URL is the one that the application shall believe it was asked for; --to says where the "
     "FastCGI server is:\n\n"
     "  fcurl --to fcgi+unix:/run/php/php8.2-fpm.sock --root /srv/www "
     "https://shop.example/cart.php?id=7\n\n"
     "`HTTP_HOST`, `HTTPS`, `SERVER_NAME`, `SERVER_PORT`, `REQUEST_URI`, `SCRIPT_NAME`, "
     "`PATH_INFO`, `QUERY_STRING` and `SCRIPT_FILENAME` follow from the URL and --root; --param "
     "sets or removes any of them, and --dry-run shows what would be sent. Short forms:\n\n"
     "  fcurl fcgi://127.0.0.1:9000/status\n\n"
     "  fcurl --unix-socket /run/app.sock http://app.example/\n\n"
     "Braces and brackets in an URL make many of it: `http://a/{one,two}`, `http://a/[1-10]`, "
     "`http://a/[01-20:2]`, `http://a/[a-z]`. See --globoff."},
    {NULL, NULL},
};

static const struct section after[] = {
    {"WRITE-OUT",
     "--write-out knows these variables, as `%{name}`; `%%` is a percent sign, `\\n`, `\\r` and "
     "`\\t` are what they are in C.\n\n"
     "= curl's\n"
     "content_type, errormsg, exitcode, filename_effective, http_code, local_ip, local_port, "
     "method, num_connects, num_headers, num_redirects, onerror, redirect_url, referer, remote_ip, "
     "remote_port, response_code, scheme, size_download, size_header, size_request, size_upload, "
     "speed_download, speed_upload, stderr, stdout, time_appconnect, time_connect, "
     "time_namelookup, time_pretransfer, time_redirect, time_starttransfer, time_total, url, "
     "url_effective, urlnum; `%{json}` is all of them, `%{header_json}` the response's header, "
     "`%header{name}` one field of it.\n\n"
     "= FastCGI's\n"
     "fcgi_app_status, fcgi_protocol_status (0 to 3), fcgi_role, fcgi_request_id, "
     "fcgi_records_sent, fcgi_records_received, fcgi_params_count, size_params, size_stderr, "
     "time_params (all parameters were sent), time_first_stdout, time_end_request, "
     "fcgi_mpxs_conns, fcgi_max_conns, fcgi_max_reqs (asked for only if the format names one of "
     "them; -1 if the server does not say)."},
    {"HEALTH CHECKS",
     "= Docker\n"
     "`HEALTHCHECK CMD fcurl --ping -s -m 2 fcgi://127.0.0.1:9000/ping`\n\n"
     "= Kubernetes\n"
     "an `exec` probe with the command `fcurl --ping -s -m 2 fcgi://127.0.0.1:9000/ping`; for "
     "readiness `fcurl --status -s --fail-if 'listen queue>10' fcgi://127.0.0.1:9000/status`.\n\n"
     "= systemd\n"
     "`ExecStartPost=fcurl --ping --retry 10 --retry-connrefused --retry-delay 0.2 --unix-socket "
     "/run/php/php-fpm.sock http://localhost/ping`\n\n"
     "= Nagios and its kin\n"
     "0 is OK; 28 (accepted, but no answer in time) and 124 (a condition of --fail-if holds) are "
     "best shown as WARNING, everything else as CRITICAL."},
    {NULL, NULL},
};

static const struct section files[] = {
    {"FILES", "= ~/.fcurlrc\nOptions that are read first; see --config and --disable."},
    {"SEE ALSO", "curl(1), weir(1), cgi-fcgi(1)"},
    {NULL, NULL},
};

/* ---- troff ----------------------------------------------------------------------------------- */

/* Text of one paragraph with `...` in bold. */
static void troff_text(const char *text, size_t len)
{
    bool bold = false;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '`') {
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", stdout);
        } else if (text[i] == '\\') {
            fputs("\\e", stdout);
        } else if (text[i] == '-') {
            fputs("\\-", stdout);
        } else if (text[i] == '\'' || text[i] == '.') {
            printf("\\&%c", text[i]);
        } else {
            putchar(text[i]);
        }
    }
    putchar('\n');
}

static void troff_paragraph(const char *text, size_t len, bool first, const char *break_macro)
{
    const char *end_of_term = memchr(text, '\n', len);

    if (len > 2 && memcmp(text, "  ", 2) == 0) {
        puts(".PP\n.nf\n.RS 4");
        troff_text(text + 2, len - 2);
        puts(".RE\n.fi");
    } else if (len > 2 && memcmp(text, "= ", 2) == 0 && end_of_term) {
        puts(".TP");
        troff_text(text + 2, (size_t)(end_of_term - text) - 2);
        troff_text(end_of_term + 1, (size_t)(text + len - end_of_term) - 1);
    } else {
        if (!first)
            puts(break_macro);
        troff_text(text, len);
    }
}

typedef void paragraph_fn(const char *text, size_t len, bool first, const char *break_macro);

static void each_paragraph(const char *text, paragraph_fn *fn, const char *break_macro)
{
    bool first = true;

    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        fn(text, len, first, break_macro);
        first = false;
        text += len + (end ? 2 : 0);
    }
}

static void troff_sections(const struct section *sections)
{
    for (; sections->title; sections++) {
        printf(".SH %s\n", sections->title);
        each_paragraph(sections->text, troff_paragraph, ".PP");
    }
}

static void troff_option(const struct option *o)
{
    puts(".TP");
    if (o->letter)
        printf("\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB", stdout);
    for (const char *p = "--"; *p; p++)
        printf("\\%c", *p);
    for (const char *p = o->name; *p; p++)
        printf(*p == '-' ? "\\-" : "%c", *p);
    printf("\\fR%s%s%s\n", o->value ? " <" : "", o->value ? o->value : "", o->value ? ">" : "");
    each_paragraph(o->man, troff_paragraph, ".IP");
}

void help_man_page(void)
{
    printf(".TH FCURL 1 \"\" \"weir %s\" \"User Commands\"\n"
           ".SH NAME\nfcurl \\- send requests to FastCGI applications\n"
           ".SH SYNOPSIS\n\\fBfcurl\\fR [\\fIoptions\\fR] \\fIURL\\fR...\n",
           WEIR_VERSION);
    troff_sections(before);
    puts(".SH OPTIONS\nThose that are flags can be switched off with \\fB\\-\\-no\\-\\fR before "
         "the name.");
    for (size_t g = 0; option_groups[g]; g++) {
        printf(".SS %s\n", option_groups[g]->title);
        for (size_t i = 0; i < option_groups[g]->count; i++)
            troff_option(&option_groups[g]->options[i]);
    }
    troff_sections(after);
    puts(".SH EXIT CODES");
#define TROFF_EXIT(number, name, text) printf(".TP\n\\fB%d\\fR\n%s.\n", number, text);
    EXIT_MAP(TROFF_EXIT)
#undef TROFF_EXIT
    troff_sections(files);
}

/* ---- Plain text ------------------------------------------------------------------------------ */

enum { WIDTH = 78 };

/* Fills lines up to WIDTH, each indented. */
static void fill(const char *text, size_t len, int indent)
{
    int column = 0;

    for (size_t i = 0; i < len;) {
        size_t word = 0, shown = 0;
        while (i < len && (text[i] == ' ' || text[i] == '\n'))
            i++;
        while (i + word < len && text[i + word] != ' ' && text[i + word] != '\n')
            shown += text[i + word++] != '`';
        if (word == 0)
            break;
        if (column > 0 && column + 1 + (int)shown > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += column == 0 ? printf("%*s", indent, "") : printf(" ");
        for (size_t k = 0; k < word; k++)
            if (text[i + k] != '`')
                putchar(text[i + k]);
        column += (int)shown;
        i += word;
    }
    putchar('\n');
}

static void plain_paragraph(const char *text, size_t len, bool first, const char *indent)
{
    int columns = (int)strlen(indent);
    const char *end_of_term = memchr(text, '\n', len);

    if (!first)
        putchar('\n');
    if (len > 2 && memcmp(text, "  ", 2) == 0) {
        printf("%s    %.*s\n", indent, (int)len - 2, text + 2);
    } else if (len > 2 && memcmp(text, "= ", 2) == 0 && end_of_term) {
        fill(text + 2, (size_t)(end_of_term - text) - 2, columns);
        fill(end_of_term + 1, (size_t)(text + len - end_of_term) - 1, columns + 4);
    } else {
        fill(text, len, columns);
    }
}

static void plain_sections(const struct section *sections)
{
    for (; sections->title; sections++) {
        printf("\n%s\n", sections->title);
        each_paragraph(sections->text, plain_paragraph, "    ");
    }
}

void help_manual(void)
{
    puts("NAME\n    fcurl - send requests to FastCGI applications\n\n"
         "SYNOPSIS\n    fcurl [options] URL...");
    plain_sections(before);
    puts("\nOPTIONS\n    Those that are flags can be switched off with --no- before the name.");
    for (size_t g = 0; option_groups[g]; g++) {
        printf("\n  %s\n", option_groups[g]->title);
        for (size_t i = 0; i < option_groups[g]->count; i++) {
            const struct option *o = &option_groups[g]->options[i];
            printf("\n    ");
            if (o->letter)
                printf("-%c, ", o->letter);
            printf("--%s%s%s%s\n", o->name, o->value ? " <" : "", o->value ? o->value : "",
                   o->value ? ">" : "");
            each_paragraph(o->man, plain_paragraph, "        ");
        }
    }
    plain_sections(after);
    puts("\nEXIT CODES");
#define PLAIN_EXIT(number, name, text) printf("    %3d  %s.\n", number, text);
    EXIT_MAP(PLAIN_EXIT)
#undef PLAIN_EXIT
    plain_sections(files);
}
