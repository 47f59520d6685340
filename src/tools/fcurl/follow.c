/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/follow.c: what comes after an attempt: a redirect that is followed, another try, or
 * nothing. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/fcurl/transfer.h"

/* ---- Redirects ------------------------------------------------------------------------------- */

static bool is_redirect(const struct transfer *t)
{
    return t->redirect_to &&
           ((t->status >= 301 && t->status <= 303) || t->status == 307 || t->status == 308);
}

bool follow_wanted(const struct transfer *t)
{
    return t->config->location && is_redirect(t);
}

/* RFC 9110 15.4: POST turns into GET after 301 and 302 by custom, everything but HEAD after 303. */
static void change_method(struct transfer *t)
{
    const struct config *c = t->config;
    bool is_post = t->body && !t->upload;
    bool keeps = (t->status == 301 && (c->post301 || !is_post)) ||
                 (t->status == 302 && (c->post302 || !is_post)) ||
                 (t->status == 303 && c->post303 && is_post) || t->status >= 307;

    if (keeps)
        return;
    body_free(t->body);
    t->body = NULL;
    if (t->keeps_method)
        return;
    free(t->method);
    t->method = must_copy(t->head ? "HEAD" : "GET");
}

static bool next_url(struct transfer *t)
{
    struct url url;
    const char *why = url_parse(&url, t->redirect_to, t->config->path_as_is);

    if (why) {
        transfer_fail(t, strcmp(why, "Unsupported URL scheme") == 0 ? EXIT_PROTOCOL : EXIT_URL,
                      "The redirect to %s cannot be followed: %s", t->redirect_to, why);
        return false;
    }
    if (t->config->auto_referer) {
        free(t->referer);
        t->referer = url_format(&t->url);
    }
    char *site = url_site(&url);
    t->is_first_site = strcmp(site, t->first_site) == 0;
    free(site);
    url_done(&t->url);
    t->url = url;
    return true;
}

static bool follow_redirect(struct transfer *t)
{
    if (t->config->max_redirs >= 0 && (int64_t)t->redirects >= t->config->max_redirs) {
        transfer_fail(t, EXIT_REDIRECTS, "Maximum (%lld) redirects followed",
                      (long long)t->config->max_redirs);
        return false;
    }
    t->redirects++;
    trace_info(t, "Issue another request to this URL: '%s'", t->redirect_to);
    change_method(t);
    if (!next_url(t))
        return false;
    if (t->body && !body_rewind(t->body)) {
        transfer_fail(t, EXIT_REWIND, "necessary data rewind was not possible");
        return false;
    }
    t->times.redirect = transfer_seconds(t);
    return true;
}

/* ---- Retries --------------------------------------------------------------------------------- */

/* Why another try might help; NULL: it would not. */
static const char *retry_reason(const struct transfer *t)
{
    const struct config *c = t->config;

    switch (t->exit_code) {
    case EXIT_TIMEOUT:
        return "timeout";
    case EXIT_RESOLVE:
        return "name lookup failed";
    case EXIT_OVERLOADED:
        return "the server is overloaded";
    case EXIT_CONNECT:
        if (c->retry_connrefused)
            return "connection refused";
        break;
    case EXIT_OK:
    case EXIT_HTTP_ERROR:
        switch (t->status) {
        case 408:
        case 429:
        case 500:
        case 502:
        case 503:
        case 504:
            return "HTTP error";
        default:
            break;
        }
        break;
    default:
        break;
    }
    return t->exit_code && c->retry_all_errors ? "(retrying all errors)" : NULL;
}

static double retry_pause(const struct transfer *t)
{
    double pause = t->config->retry_delay;

    if (t->retry_after > 0)
        return t->retry_after;
    if (pause <= 0) {
        pause = 1;
        for (unsigned i = 0; i < t->retries && pause < 600; i++)
            pause *= 2;
        if (pause > 600)
            pause = 600;
    }
    return pause;
}

static bool follow_retry(struct transfer *t, double *ret_delay)
{
    const struct config *c = t->config;
    const char *reason = retry_reason(t);
    double passed = (double)(uv_hrtime() - t->first_ns) / 1e9;
    double pause = retry_pause(t);

    if (!reason || !t->is_prepared || t->retries >= c->retry || (t->body && !body_rewind(t->body)))
        return false;
    if (c->retry_max_time > 0 && passed + pause > c->retry_max_time)
        return false;
    uint64_t left = c->retry - t->retries++;
    run_warn(t->run, "Problem: %s. Will retry in %g second%s. %llu retr%s left.", reason, pause,
             pause == 1 ? "" : "s", (unsigned long long)left, left == 1 ? "y" : "ies");
    output_restart(t);
    *ret_delay = pause;
    return true;
}

bool follow_next(struct transfer *t, double *ret_delay)
{
    *ret_delay = 0;
    if (t->exit_code == 0 && t->config->location && is_redirect(t))
        return follow_redirect(t);
    return follow_retry(t, ret_delay);
}
