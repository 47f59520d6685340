/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/progress.c: curl's progress meter, and its bar. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/fcurl/transfer.h"

/* A number of bytes in five columns: 99999, 9999k, 99.9M, 9999M, 99.9G ... */
static const char *five(uint64_t bytes, char out[static 8])
{
    const uint64_t k = 1024, m = k * k, g = m * k, tera = g * k;

    if (bytes < 100000)
        snprintf(out, 8, "%5u", (unsigned)bytes);
    else if (bytes < 10000 * k)
        snprintf(out, 8, "%4uk", (unsigned)(bytes / k));
    else if (bytes < 100 * m)
        snprintf(out, 8, "%2u.%uM", (unsigned)(bytes / m), (unsigned)(bytes % m / (m / 10)) % 10);
    else if (bytes < 10000 * m)
        snprintf(out, 8, "%4uM", (unsigned)(bytes / m));
    else if (bytes < 100 * g)
        snprintf(out, 8, "%2u.%uG", (unsigned)(bytes / g), (unsigned)(bytes % g / (g / 10)) % 10);
    else if (bytes < 10000 * g)
        snprintf(out, 8, "%4uG", (unsigned)(bytes / g));
    else
        snprintf(out, 8, "%4uT", (unsigned)(bytes / tera % 10000));
    return out;
}

static const char *clock_of(double seconds, char out[static 12])
{
    unsigned long s = seconds > 0 && seconds < 1e9 ? (unsigned long)seconds : 0;

    if (s == 0)
        return "--:--:--";
    if (s < 100 * 3600)
        snprintf(out, 12, "%2lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 12, "%3lud %02luh", s / 86400 % 1000, s / 3600 % 24);
    return out;
}

static unsigned percent(uint64_t part, int64_t whole)
{
    return whole > 0 ? (unsigned)((double)part * 100 / (double)whole) : 0;
}

static void show_meter(struct run *run, const struct transfer *t, double seconds)
{
    char total[8], in[8], out[8], in_rate[8], out_rate[8], now_rate[8];
    char whole[12], spent[12], left[12];
    int64_t in_size = t->content_length > 0 ? t->content_length : -1;
    int64_t out_size = t->body ? body_length(t->body) : -1;
    uint64_t done = t->received + t->uploaded;
    int64_t all = (in_size > 0 ? in_size : (int64_t)t->received) +
                  (out_size > 0 ? out_size : (int64_t)t->uploaded);
    double rate = seconds > 0 ? (double)done / seconds : 0;
    double expected = rate > 0 && all > 0 ? (double)all / rate : 0;

    fprintf(run->err, "\r%3u %s  %3u %s  %3u %s  %s  %s %s %s %s %s", percent(done, all),
            five((uint64_t)all, total), in_size > 0 ? percent(t->received, in_size) : 0,
            five(t->received, in), out_size > 0 ? percent(t->uploaded, out_size) : 0,
            five(t->uploaded, out),
            five(seconds > 0 ? (uint64_t)((double)t->received / seconds) : 0, in_rate),
            five(seconds > 0 ? (uint64_t)((double)t->uploaded / seconds) : 0, out_rate),
            clock_of(expected, whole), clock_of(seconds, spent), clock_of(expected - seconds, left),
            five((uint64_t)rate, now_rate));
}

static void show_bar(struct run *run, const struct transfer *t)
{
    struct winsize size;
    int width =
        ioctl(fileno(run->err), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 79;
    int64_t all = t->content_length > 0 ? t->content_length : t->body ? body_length(t->body) : 0;
    uint64_t done = t->content_length > 0 ? t->received : t->uploaded;
    double share = all > 0 ? (double)done / (double)all : 0;
    int marks = (int)(share * (width - 8));

    if (all <= 0)
        return;
    fputc('\r', run->err);
    for (int i = 0; i < width - 8; i++)
        fputc(i < marks ? '#' : ' ', run->err);
    fprintf(run->err, " %5.1f%%", share * 100);
}

static void show_parallel(struct run *run)
{
    char in[8], out[8], rate[8], spent[12];
    uint64_t received = run->done_in, sent = run->done_out;
    double seconds = (double)(uv_hrtime() - run->meter_begun_ns) / 1e9;

    for (const struct transfer *t = run->transfers; t; t = t->next) {
        received += t->received;
        sent += t->uploaded;
    }
    if (!run->meter_headed)
        fputs("  Dled  Uled   Xfers  Live     Time  Speed\n", run->err);
    run->meter_headed = true;
    fprintf(run->err, "\r %s %s %7u %5u %s  %s", five(received, in), five(sent, out), run->started,
            run->running, clock_of(seconds, spent),
            five(seconds > 0 ? (uint64_t)((double)(received + sent) / seconds) : 0, rate));
}

/* Not where it would mix with the output: that goes to a terminal. */
static bool is_wanted(const struct run *run, const struct transfer *t)
{
    const struct global *g = run->global;

    return !g->silent && !g->no_progress_meter && !g->verbose && !run->trace &&
           !(t && t->output.is_stdout && isatty(STDOUT_FILENO));
}

void progress_show(struct run *run, bool end)
{
    struct transfer *t = run->transfers;
    uint64_t now = uv_hrtime();

    if (!is_wanted(run, t) || (!t && !run->global->parallel) ||
        (!end && now - run->meter_shown_ns < 1000000000u / (run->global->progress_bar ? 10 : 1)))
        return;
    run->meter_shown_ns = now;
    if (run->global->parallel) {
        show_parallel(run);
    } else if (run->global->progress_bar) {
        show_bar(run, t);
    } else {
        if (!run->meter_headed)
            fputs(
                "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
                "                                 Dload  Upload   Total   Spent    Left  Speed\n",
                run->err);
        run->meter_headed = true;
        show_meter(run, t, transfer_seconds(t));
    }
    if (end)
        fputc('\n', run->err);
    fflush(run->err);
}
