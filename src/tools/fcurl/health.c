/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/health.c: --ping, --status and --get-values: one question, one answer, an exit code
 * that a health check can use. Here fcurl blocks: a probe has nothing else to do. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "tools/fcurl/transfer.h"

enum { ANSWER_MAX = 1 << 20, VALUES_MS = 1000 };

/* One probe being made. */
struct probe_state {
    struct run *run;
    struct config *config;
    struct transfer *t; /* carries URL, parameters and what went wrong; never started */
    weir_client *client;
    struct tracer *tracer;
    double limit; /* seconds */
    struct text answer;
};

static void say(const struct probe_state *p, int code, const char *line)
{
    const struct global *g = p->run->global;

    if (!g->silent || g->show_error)
        fprintf(p->run->err, "fcurl: (%d) %s\n", code, line);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static bool open_client(struct probe_state *p, uint32_t ms)
{
    char *url = request_server(p->t);
    weir_client_options options = run_client_options(p->run, p->config);

    options.uv = NULL;
    options.keepalive = WEIR_KEEPALIVE_NONE;
    options.connect_timeout = ms;
    options.first_byte_timeout = ms;
    options.idle_timeout = ms;
    options.total_timeout = ms;
    if (!url)
        return false;
    p->tracer = tracer_new(p->run, p->config);
    if (p->tracer) {
        options.observe = tracer_record;
        options.observe_arg = p->tracer;
    }
    p->client = weir_client_new(url, &options);
    if (!p->client)
        transfer_note(p->t, EXIT_NO_MEMORY, "Out of memory");
    else if (*weir_client_error(p->client))
        transfer_note(p->t, run_client_fault(url, options), "%s", weir_client_error(p->client));
    free(url);
    return p->client && p->t->exit_code == 0;
}

/* Nobody there, there but busy, or no FastCGI: the three cases that a probe is made for. */
static void note_failure(struct probe_state *p, int rc, double seconds)
{
    struct transfer *t = p->t;
    const char *why = weir_client_request_error(t->request);

    switch (rc) {
    case WEIR_ERROR_CONNECT:
        if (transfer_is_late(seconds, p->limit))
            transfer_note(t, EXIT_TIMEOUT, "%s: busy: no place in its queue within %g s",
                          weir_client_url(p->client), p->limit);
        else
            transfer_note(t, EXIT_CONNECT, "%s", why);
        break;
    case WEIR_ERROR_TIMEOUT:
        transfer_note(t, EXIT_TIMEOUT, "%s: busy: accepted, but no answer within %g s",
                      weir_client_url(p->client), p->limit);
        break;
    default:
        transfer_note(t, transfer_exit_code(rc), "%s", why);
    }
}

static bool read_answer(struct probe_state *p)
{
    char piece[16384];
    int n;

    while ((n = weir_client_read(p->t->request, piece, sizeof piece)) > 0)
        if (p->answer.len + (size_t)n <= ANSWER_MAX)
            text_add(&p->answer, piece, (size_t)n);
    return n == 0;
}

/* One request and its whole answer. */
static bool ask(struct probe_state *p)
{
    struct transfer *t = p->t;
    uint64_t start = uv_hrtime();
    int rc;

    t->request = weir_client_request_new(p->client, (weir_role)p->config->role);
    if (!t->request) {
        transfer_note(t, EXIT_NO_MEMORY, "Out of memory");
        return false;
    }
    if (!request_params(t))
        return false;
    rc = weir_client_start(t->request, NULL, NULL);
    if (rc == 0)
        rc = weir_client_wait_head(t->request);
    if (rc == 0 && !read_answer(p))
        rc = weir_client_result(t->request);
    t->status = weir_client_status(t->request);
    weir_client_stats_get(t->request, &t->stats, sizeof t->stats);
    if (rc != 0)
        note_failure(p, rc, (double)(uv_hrtime() - start) / 1e9);
    return rc == 0;
}

/* ---- --ping ---------------------------------------------------------------------------------- */

static void show_ping(struct probe_state *p)
{
    const weir_client_stats *s = &p->t->stats;

    if (!p->run->global->silent)
        printf("%s answered in %.1f ms (connected in %.1f ms): %d\n", weir_client_url(p->client),
               (double)s->end_ns / 1e6, (double)(s->connect_end_ns - s->connect_start_ns) / 1e6,
               p->t->status);
    if ((p->config->fail || p->config->fail_with_body) && p->t->status >= 400)
        transfer_note(p->t, EXIT_HTTP_ERROR, "The requested URL returned error: %d", p->t->status);
}

/* ---- --status -------------------------------------------------------------------------------- */

/* "name:   value" of the status page; p is moved behind the line. False at the end of the pool's
 * part: what follows in a full one is about single processes. */
static bool next_figure(const char **p, char **ret_name, char **ret_value)
{
    size_t len = strcspn(*p, "\n");
    const char *colon = memchr(*p, ':', len);

    if (!colon)
        return false;
    *ret_name = must_copy_n(*p, (size_t)(colon - *p));
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t value_len = (size_t)(*p + len - value);
    while (value_len > 0 && strchr(" \r", value[value_len - 1]))
        value_len--;
    *ret_value = must_copy_n(value, value_len);
    *p += len + ((*p)[len] == '\n');
    return true;
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static void show_status_json(struct probe_state *p)
{
    const char *at = p->answer.ptr, *before = "{";
    char *name, *value;

    while (next_figure(&at, &name, &value)) {
        struct text json = {NULL, 0, 0};
        text_printf(&json, "%s\"", before);
        text_add_json(&json, name, strlen(name));
        text_puts(&json, "\":");
        text_puts(&json, is_number(value) ? "" : "\"");
        text_add_json(&json, value, strlen(value));
        text_puts(&json, is_number(value) ? "" : "\"");
        fputs(json.ptr, stdout);
        text_done(&json);
        free(name);
        free(value);
        before = ",";
    }
    puts("}");
}

static void show_status_table(struct probe_state *p)
{
    const char *at = p->answer.ptr;
    char *name, *value;
    int width = 0;

    while (next_figure(&at, &name, &value)) {
        width = (int)strlen(name) > width ? (int)strlen(name) : width;
        free(name);
        free(value);
    }
    at = p->answer.ptr;
    while (next_figure(&at, &name, &value)) {
        printf("%-*s  %s\n", width, name, value);
        free(name);
        free(value);
    }
    fputs(at, stdout);
}

static bool compares(double figure, const char *sign, double limit)
{
    if (sign[0] == '<')
        return sign[1] == '=' ? figure <= limit : figure < limit;
    if (sign[0] == '>')
        return sign[1] == '=' ? figure >= limit : figure > limit;
    return (sign[0] == '!') != (fabs(figure - limit) < 1e-9);
}

/* "listen queue>10" against the figures. */
static void check_condition(struct probe_state *p, const char *condition)
{
    size_t len = strcspn(condition, "<>=!");
    const char *sign = condition + len, *at = p->answer.ptr;
    double limit = strtod(sign + strspn(sign, "<>=!"), NULL);
    char *name, *value;
    bool found = false;

    while (len > 0 && condition[len - 1] == ' ')
        len--;
    while (next_figure(&at, &name, &value)) {
        bool same = strlen(name) == len && strncasecmp(name, condition, len) == 0;
        if (same && is_number(value)) {
            found = true;
            if (compares(strtod(value, NULL), sign, limit))
                transfer_note(p->t, EXIT_HEALTH, "%s is %s: %s", name, value, condition);
        }
        free(name);
        free(value);
    }
    if (!found)
        transfer_note(p->t, EXIT_USAGE, "--fail-if %s: the status page has no such figure",
                      condition);
}

static void show_status(struct probe_state *p)
{
    bool is_page = p->t->status == 200 && p->answer.ptr && strstr(p->answer.ptr, "pool:") &&
                   strstr(p->answer.ptr, "listen queue:");

    if (!is_page) {
        transfer_note(p->t, p->t->status >= 400 ? EXIT_HTTP_ERROR : EXIT_WEIRD,
                      "%s: status %d, and no status page of php-fpm at %s: is pm.status_path set?",
                      weir_client_url(p->client), p->t->status, p->t->url.path);
        return;
    }
    if (p->config->json_output)
        show_status_json(p);
    else if (!p->run->global->silent || p->config->fail_if.count == 0)
        show_status_table(p);
    for (size_t i = 0; i < p->config->fail_if.count; i++)
        check_condition(p, p->config->fail_if.at[i]);
}

/* ---- --get-values ---------------------------------------------------------------------------- */

static void add_value(weir_str name, weir_str value, void *arg)
{
    struct probe_state *p = arg;

    if (!p->config->json_output) {
        printf("%.*s=%.*s\n", (int)name.len, name.ptr, (int)value.len, value.ptr);
        return;
    }
    text_puts(&p->answer, p->answer.len ? ",\"" : "\"");
    text_add_json(&p->answer, name.ptr, name.len);
    text_puts(&p->answer, "\":\"");
    text_add_json(&p->answer, value.ptr, value.len);
    text_puts(&p->answer, "\"");
}

static void ignore_value(weir_str name, weir_str value, void *arg)
{
    (void)name;
    (void)value;
    (void)arg;
}

static bool ask_values(struct probe_state *p, uint32_t ms)
{
    int rc = weir_client_get_values(p->client, NULL, 0, ms, add_value, p);

    if (p->config->json_output && rc == 0)
        printf("{%s}\n", p->answer.ptr ? p->answer.ptr : "");
    if (rc == WEIR_ERROR_TIMEOUT)
        transfer_note(p->t, EXIT_TIMEOUT, "%s: busy: accepted, but no answer within %g s",
                      weir_client_url(p->client), p->limit);
    else if (rc != 0)
        transfer_note(p->t, transfer_exit_code(rc), "%s", weir_client_error(p->client));
    return rc == 0;
}

weir_web_values health_values(struct transfer *t)
{
    weir_web_values values = {-1, -1, -1};
    weir_client_options options = run_client_options(t->run, t->config);
    weir_client *client;

    options.uv = NULL;
    client = weir_client_new(t->server, &options);
    if (client && weir_client_get_values(client, NULL, 0, VALUES_MS, ignore_value, NULL) == 0)
        values = weir_client_values(client);
    (void)weir_client_free(client);
    return values;
}

/* ---- All ------------------------------------------------------------------------------------- */

static void probe_once(struct probe_state *p)
{
    uint32_t ms = run_milliseconds(p->limit);
    bool good = open_client(p, ms);

    if (good && p->config->probe == PROBE_VALUES)
        good = ask_values(p, ms);
    else if (good)
        good = ask(p);
    if (good && p->config->probe == PROBE_PING)
        show_ping(p);
    if (good && p->config->probe == PROBE_STATUS)
        show_status(p);
    p->t->request = weir_client_request_free(p->t->request);
    p->client = weir_client_free(p->client);
    tracer_free(p->tracer);
}

static bool may_retry(const struct config *c, int code, unsigned tries)
{
    return tries < c->retry &&
           (code == EXIT_TIMEOUT || code == EXIT_OVERLOADED ||
            (code == EXIT_CONNECT && c->retry_connrefused) || (code && c->retry_all_errors));
}

static void pause_for(const struct config *c)
{
    double pause = c->retry_delay > 0 ? c->retry_delay : 1;
    struct timespec left = {(time_t)pause, (long)(fmod(pause, 1) * 1e9)};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

int health_run(struct run *run, struct config *config, const char *url)
{
    const char *fallback = config->probe == PROBE_PING ? "/ping" : "/status";

    for (unsigned tries = 0;; tries++) {
        struct probe_state p = {.run = run, .config = config};
        const char *why;
        p.limit = config->max_time > 0 ? config->max_time : 1;
        p.t = transfer_new(run, config, must_copy(url), NULL, NULL, false);
        why = url_parse(&p.t->url, url, config->path_as_is);
        if (why) {
            transfer_note(p.t, EXIT_URL, "%s", why);
        } else {
            if (strcmp(p.t->url.path, "/") == 0) {
                free(p.t->url.path);
                p.t->url.path = must_copy(fallback);
            }
            p.t->is_first_site = true;
            if (request_prepare(p.t))
                probe_once(&p);
        }
        int code = p.t->exit_code;
        bool again = may_retry(config, code, tries);
        if (code && !again)
            say(&p, code, p.t->error);
        transfer_free(p.t);
        text_done(&p.answer);
        if (!again)
            return code;
        pause_for(config);
    }
}
