/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/writeout.c: --write-out: one table of variables, used for %{name} and %{json}. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/fcurl/transfer.h"

enum kind { KIND_TEXT, KIND_NUMBER, KIND_SECONDS };

/* Where a value is left: number is also a time in nanoseconds. */
struct value {
    const char *text; /* NULL: none */
    char *owned;
    int64_t number;
    double seconds;
};

struct variable {
    const char *name;
    enum kind kind;
    void (*get)(struct transfer *t, struct value *v);
    bool needs_values; /* asked for with GET_VALUES */
};

/* ---- Values ---------------------------------------------------------------------------------- */

#define NUMBER(name, expression)                                \
    static void get_##name(struct transfer *t, struct value *v) \
    {                                                           \
        (void)t;                                                \
        v->number = (int64_t)(expression);                      \
    }
#define SECONDS(name, expression)                               \
    static void get_##name(struct transfer *t, struct value *v) \
    {                                                           \
        v->seconds = (expression);                              \
    }
#define TEXT(name, expression)                                  \
    static void get_##name(struct transfer *t, struct value *v) \
    {                                                           \
        v->text = (expression);                                 \
    }

static uint64_t sum(const uint64_t *counts, size_t n)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += counts[i];
    return total;
}

static const char *field(const struct transfer *t, const char *name)
{
    return t->request ? weir_client_field(t->request, name) : NULL;
}

static const char *role_name(const struct transfer *t)
{
    return t->config->role == ROLE_AUTHORIZER ? "authorizer"
           : t->config->role == ROLE_FILTER   ? "filter"
                                              : "responder";
}

TEXT(content_type, field(t, "Content-Type"))
TEXT(errormsg, t->error)
NUMBER(exitcode, t->exit_code)
TEXT(filename_effective, t->output.name)
NUMBER(http_code, t->status)
TEXT(local_ip, t->local.host)
NUMBER(local_port, t->local.port)
TEXT(method, t->method)
NUMBER(num_connects, t->stats.connect_end_ns > 0 && !t->stats.reused)
NUMBER(num_headers, t->field_count)
NUMBER(num_redirects, t->redirects)
TEXT(redirect_url, t->config->location ? NULL : t->redirect_to)
NUMBER(size_download, t->received)
NUMBER(size_header, t->header_size)
NUMBER(size_request, t->stats.bytes_sent)
NUMBER(size_upload, t->uploaded)
NUMBER(speed_download, t->times.total > 0 ? (double)t->received / t->times.total : 0)
NUMBER(speed_upload, t->times.total > 0 ? (double)t->uploaded / t->times.total : 0)
SECONDS(time_appconnect, t->server &&strncmp(t->server, "fcgis:", 6) == 0 ? t->times.connect : 0)
SECONDS(time_connect, t->times.connect)
SECONDS(time_namelookup, t->times.namelookup)
SECONDS(time_pretransfer, t->times.pretransfer)
SECONDS(time_redirect, t->times.redirect)
SECONDS(time_starttransfer, t->times.starttransfer)
SECONDS(time_total, t->times.total)
TEXT(url, t->url_text)
NUMBER(urlnum, t->number)
TEXT(remote_ip, t->remote.host)
NUMBER(remote_port, t->remote.port)
TEXT(scheme, t->url.scheme)
NUMBER(fcgi_app_status, t->app_status)
NUMBER(fcgi_protocol_status, t->protocol_status)
TEXT(fcgi_role, role_name(t))
NUMBER(fcgi_request_id, t->stats.request_id)
NUMBER(fcgi_records_sent, sum(t->stats.records_sent, 12))
NUMBER(fcgi_records_received, sum(t->stats.records_received, 12))
NUMBER(fcgi_params_count, t->stats.params)
NUMBER(size_params, t->stats.params_bytes)
NUMBER(size_stderr, t->stderr_size)
SECONDS(time_params, t->times.params)
SECONDS(time_first_stdout, t->times.starttransfer)
SECONDS(time_end_request, t->times.end_request)
NUMBER(fcgi_max_conns, t->values.max_conns)
NUMBER(fcgi_max_reqs, t->values.max_reqs)
NUMBER(fcgi_mpxs_conns, t->values.mpxs_conns)

static void get_url_effective(struct transfer *t, struct value *v)
{
    struct text url = {NULL, 0, 0};

    if (!t->url.host)
        return;
    char *base = url_format(&t->url);
    text_printf(&url, "%s%s%s", base, t->url.fragment ? "#" : "",
                t->url.fragment ? t->url.fragment : "");
    free(base);
    v->text = v->owned = text_take(&url);
}

static void get_referer(struct transfer *t, struct value *v)
{
    v->text = t->referer ? t->referer : t->config->referer;
}

/* In the order of their names, as %{json} shows them. */
static const struct variable variables[] = {
    {"content_type", KIND_TEXT, get_content_type, false},
    {"errormsg", KIND_TEXT, get_errormsg, false},
    {"exitcode", KIND_NUMBER, get_exitcode, false},
    {"fcgi_app_status", KIND_NUMBER, get_fcgi_app_status, false},
    {"fcgi_max_conns", KIND_NUMBER, get_fcgi_max_conns, true},
    {"fcgi_max_reqs", KIND_NUMBER, get_fcgi_max_reqs, true},
    {"fcgi_mpxs_conns", KIND_NUMBER, get_fcgi_mpxs_conns, true},
    {"fcgi_params_count", KIND_NUMBER, get_fcgi_params_count, false},
    {"fcgi_protocol_status", KIND_NUMBER, get_fcgi_protocol_status, false},
    {"fcgi_records_received", KIND_NUMBER, get_fcgi_records_received, false},
    {"fcgi_records_sent", KIND_NUMBER, get_fcgi_records_sent, false},
    {"fcgi_request_id", KIND_NUMBER, get_fcgi_request_id, false},
    {"fcgi_role", KIND_TEXT, get_fcgi_role, false},
    {"filename_effective", KIND_TEXT, get_filename_effective, false},
    {"http_code", KIND_NUMBER, get_http_code, false},
    {"local_ip", KIND_TEXT, get_local_ip, false},
    {"local_port", KIND_NUMBER, get_local_port, false},
    {"method", KIND_TEXT, get_method, false},
    {"num_connects", KIND_NUMBER, get_num_connects, false},
    {"num_headers", KIND_NUMBER, get_num_headers, false},
    {"num_redirects", KIND_NUMBER, get_num_redirects, false},
    {"redirect_url", KIND_TEXT, get_redirect_url, false},
    {"referer", KIND_TEXT, get_referer, false},
    {"remote_ip", KIND_TEXT, get_remote_ip, false},
    {"remote_port", KIND_NUMBER, get_remote_port, false},
    {"response_code", KIND_NUMBER, get_http_code, false},
    {"scheme", KIND_TEXT, get_scheme, false},
    {"size_download", KIND_NUMBER, get_size_download, false},
    {"size_header", KIND_NUMBER, get_size_header, false},
    {"size_params", KIND_NUMBER, get_size_params, false},
    {"size_request", KIND_NUMBER, get_size_request, false},
    {"size_stderr", KIND_NUMBER, get_size_stderr, false},
    {"size_upload", KIND_NUMBER, get_size_upload, false},
    {"speed_download", KIND_NUMBER, get_speed_download, false},
    {"speed_upload", KIND_NUMBER, get_speed_upload, false},
    {"time_appconnect", KIND_SECONDS, get_time_appconnect, false},
    {"time_connect", KIND_SECONDS, get_time_connect, false},
    {"time_end_request", KIND_SECONDS, get_time_end_request, false},
    {"time_first_stdout", KIND_SECONDS, get_time_first_stdout, false},
    {"time_namelookup", KIND_SECONDS, get_time_namelookup, false},
    {"time_params", KIND_SECONDS, get_time_params, false},
    {"time_pretransfer", KIND_SECONDS, get_time_pretransfer, false},
    {"time_redirect", KIND_SECONDS, get_time_redirect, false},
    {"time_starttransfer", KIND_SECONDS, get_time_starttransfer, false},
    {"time_total", KIND_SECONDS, get_time_total, false},
    {"url", KIND_TEXT, get_url, false},
    {"url_effective", KIND_TEXT, get_url_effective, false},
    {"urlnum", KIND_NUMBER, get_urlnum, false},
};

enum { VARIABLE_COUNT = sizeof variables / sizeof *variables };

static const struct variable *find(const char *name, size_t len)
{
    for (int i = 0; i < VARIABLE_COUNT; i++)
        if (strlen(variables[i].name) == len && memcmp(variables[i].name, name, len) == 0)
            return &variables[i];
    return NULL;
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_variable(struct transfer *t, const struct variable *variable, FILE *out)
{
    struct value v = {.text = NULL};

    variable->get(t, &v);
    if (variable->kind == KIND_NUMBER && variable->get == get_http_code)
        fprintf(out, "%03lld", (long long)v.number);
    else if (variable->kind == KIND_NUMBER)
        fprintf(out, "%lld", (long long)v.number);
    else if (variable->kind == KIND_SECONDS)
        fprintf(out, "%.6f", v.seconds);
    else if (v.text)
        fputs(v.text, out);
    free(v.owned);
}

static void print_json_text(FILE *out, const char *text, size_t len)
{
    struct text json = {NULL, 0, 0};

    text_add_json(&json, text, len);
    fprintf(out, "\"%s\"", json.ptr ? json.ptr : "");
    text_done(&json);
}

static void print_json(struct transfer *t, FILE *out)
{
    const char *before = "{";

    for (int i = 0; i < VARIABLE_COUNT; i++) {
        struct value v = {.text = NULL};
        variables[i].get(t, &v);
        fprintf(out, "%s\"%s\":", before, variables[i].name);
        if (variables[i].kind == KIND_NUMBER)
            fprintf(out, "%lld", (long long)v.number);
        else if (variables[i].kind == KIND_SECONDS)
            fprintf(out, "%.6f", v.seconds);
        else if (v.text)
            print_json_text(out, v.text, strlen(v.text));
        else
            fputs("null", out);
        free(v.owned);
        before = ",";
    }
    fputc('}', out);
}

/* {"name":["value",...],...} with lower-case names, each once. */
static void print_header_json(struct transfer *t, FILE *out)
{
    weir_str name, value, other;
    const char *before = "{";

    for (size_t i = 0; t->request && weir_client_field_at(t->request, i, &name, &value); i++) {
        weir_str earlier, unused;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = weir_client_field_at(t->request, k, &earlier, &unused) &&
                   strcasecmp(earlier.ptr, name.ptr) == 0;
        if (seen)
            continue;
        char *lower = must_copy_n(name.ptr, name.len);
        for (char *p = lower; *p; p++)
            *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        fprintf(out, "%s", before);
        print_json_text(out, lower, name.len);
        free(lower);
        const char *between = ":[";
        for (size_t k = i; weir_client_field_at(t->request, k, &other, &value); k++) {
            if (strcasecmp(other.ptr, name.ptr) != 0)
                continue;
            fputs(between, out);
            print_json_text(out, value.ptr, value.len);
            between = ",";
        }
        fputc(']', out);
        before = ",\n";
    }
    fputs(*before == '{' ? "{}" : "\n}", out);
}

/* %{name}: p stands behind the brace. Returns what follows the closing one; NULL: there is none. */
static const char *print_braced(struct transfer *t, const char *p, FILE **out, bool *ret_stop)
{
    const char *end = strchr(p, '}');
    size_t len = end ? (size_t)(end - p) : 0;

    if (!end)
        return NULL;
    const struct variable *variable = find(p, len);
    if (variable)
        print_variable(t, variable, *out);
    else if (len == 4 && memcmp(p, "json", 4) == 0)
        print_json(t, *out);
    else if (len == 11 && memcmp(p, "header_json", 11) == 0)
        print_header_json(t, *out);
    else if (len == 6 && memcmp(p, "stdout", 6) == 0)
        *out = stdout;
    else if (len == 6 && memcmp(p, "stderr", 6) == 0)
        *out = t->run->err;
    else if (len == 7 && memcmp(p, "onerror", 7) == 0)
        *ret_stop = t->exit_code == 0; /* the rest is for transfers that failed */
    else
        fprintf(t->run->err, "fcurl: unknown --write-out variable: '%.*s'\n", (int)len, p);
    return end + 1;
}

static const char *print_header(struct transfer *t, const char *p, FILE *out)
{
    const char *end = strchr(p, '}');

    if (!end)
        return NULL;
    char *name = must_copy_n(p, (size_t)(end - p));
    const char *value = field(t, name);
    if (value)
        fputs(value, out);
    free(name);
    return end + 1;
}

void writeout_print(struct transfer *t, const char *format)
{
    static const char from[] = "nrt", to[] = "\n\r\t";
    FILE *out = stdout;
    bool stop = false;

    for (const char *p = format; *p && !stop;) {
        const char *after = NULL;
        if (p[0] == '%' && p[1] == '%') {
            fputc('%', out);
            after = p + 2;
        } else if (strncmp(p, "%{", 2) == 0) {
            after = print_braced(t, p + 2, &out, &stop);
        } else if (strncmp(p, "%header{", 8) == 0) {
            after = print_header(t, p + 8, out);
        } else if (p[0] == '\\' && p[1] && strchr(from, p[1])) {
            fputc(to[strchr(from, p[1]) - from], out);
            after = p + 2;
        }
        if (!after) {
            fputc(*p, out);
            after = p + 1;
        }
        p = after;
    }
    fflush(out);
}

bool writeout_needs_values(const char *format)
{
    for (int i = 0; format && i < VARIABLE_COUNT; i++)
        if (variables[i].needs_values && strstr(format, variables[i].name))
            return true;
    return false;
}
