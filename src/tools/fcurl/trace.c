/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/trace.c: --verbose, --trace, --trace-ascii and --records. What is sent and what comes
 * is seen as records, by an observer of the client; parameters are put together again there, since
 * they may be cut over records anywhere. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/fcurl/transfer.h"

struct tracer {
    struct run *run;
    bool records;
    struct pcap *pcap;
    uint64_t pcap_base;
    struct text params; /* of the request being sent, until they are complete */
    uint64_t started_ns;
};

/* ---- Lines ----------------------------------------------------------------------------------- */

static void put_time(struct run *run, FILE *out)
{
    struct timespec now;
    struct tm tm;

    if (!run->global->trace_time)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    fprintf(out, "%02d:%02d:%02d.%06ld ", tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000);
}

void trace_info(struct transfer *t, const char *format, ...)
{
    struct run *run = t->run;
    FILE *out = run->trace ? run->trace : run->err;
    va_list args;

    if (!run->trace && !run->global->verbose)
        return;
    put_time(run, out);
    fputs(run->trace ? "== Info: " : "* ", out);
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputc('\n', out);
}

void trace_params(struct transfer *t)
{
    struct run *run = t->run;

    if (!run->global->verbose || run->trace)
        return;
    for (size_t i = 0; i < t->sent.count; i++) {
        put_time(run, run->err);
        fprintf(run->err, "> %s\n", t->sent.at[i]);
    }
    fputs("> \n", run->err);
}

void trace_head_line(struct transfer *t, const char *line, size_t len)
{
    struct run *run = t->run;

    if (!run->global->verbose || run->trace)
        return;
    put_time(run, run->err);
    fprintf(run->err, "< %.*s\n", (int)len - 2, line);
}

/* ---- Dumps, as curl's ------------------------------------------------------------------------ */

enum { HEX_WIDTH = 16, ASCII_WIDTH = 64 };

static void dump(FILE *out, bool hex, const unsigned char *bytes, size_t len)
{
    size_t width = hex ? HEX_WIDTH : ASCII_WIDTH;

    for (size_t i = 0; i < len; i += width) {
        fprintf(out, "%04zx: ", i);
        for (size_t k = 0; hex && k < width; k++) {
            if (i + k < len)
                fprintf(out, "%02x ", bytes[i + k]);
            else
                fputs("   ", out);
        }
        for (size_t k = 0; k < width && i + k < len; k++) {
            unsigned char ch = bytes[i + k];
            if (!hex && ch == '\r' && i + k + 1 < len && bytes[i + k + 1] == '\n') {
                i += k + 2 - width; /* a line of the text is a line of the dump */
                break;
            }
            fputc(ch >= 0x20 && ch < 0x7f ? ch : '.', out);
        }
        fputc('\n', out);
    }
}

static const char *const type_names[] = {
    "unknown",
    "BEGIN_REQUEST",
    "ABORT_REQUEST",
    "END_REQUEST",
    "PARAMS",
    "STDIN",
    "STDOUT",
    "STDERR",
    "DATA",
    "GET_VALUES",
    "GET_VALUES_RESULT",
    "UNKNOWN_TYPE",
};

static const char *type_name(uint8_t type)
{
    return type_names[type < sizeof type_names / sizeof *type_names ? type : 0];
}

static void trace_record(struct tracer *tracer, const weir_client_record *record)
{
    FILE *out = tracer->run->trace;

    put_time(tracer->run, out);
    fprintf(out, "%s %s %s, id %u, %u bytes (0x%x)\n", record->is_sent ? "=> Send" : "<= Recv",
            "record", type_name(record->header.type), record->header.id,
            record->header.content_length, record->header.content_length);
    dump(out, tracer->run->trace_hex, (const unsigned char *)record->content.ptr,
         record->content.len);
}

/* ---- --records ------------------------------------------------------------------------------- */

static void show_pairs(FILE *out, weir_str bytes)
{
    weir_pair pair;

    while (weir_pair_decode(&bytes, &pair) == 1)
        fprintf(out, "      %.*s=%.*s\n", (int)pair.name.len, pair.name.ptr, (int)pair.value.len,
                pair.value.ptr);
    if (bytes.len > 0)
        fprintf(out, "      (%zu bytes that are no pair)\n", bytes.len);
}

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void show_content(struct tracer *tracer, FILE *out, const weir_client_record *r)
{
    static const char *const roles[] = {"?", "responder", "authorizer", "filter"};
    static const char *const statuses[] = {"REQUEST_COMPLETE", "CANT_MPX_CONN", "OVERLOADED",
                                           "UNKNOWN_ROLE"};
    weir_str c = r->content;

    switch (r->header.type) {
    case WEIR_BEGIN_REQUEST:
        if (c.len >= 3)
            fprintf(out, " %s%s", roles[(unsigned char)c.ptr[1] & 3],
                    c.ptr[2] & WEIR_FLAG_KEEP_CONN ? " KEEP_CONN" : "");
        break;
    case WEIR_END_REQUEST:
        if (c.len >= 5)
            fprintf(out, " appStatus %u %s", read_u32(c.ptr),
                    statuses[(unsigned char)c.ptr[4] & 3]);
        break;
    case WEIR_UNKNOWN_TYPE:
        if (c.len >= 1)
            fprintf(out, " type %u", (unsigned char)c.ptr[0]);
        break;
    default:
        break;
    }
    fputc('\n', out);
    if (r->header.type == WEIR_GET_VALUES || r->header.type == WEIR_GET_VALUES_RESULT)
        show_pairs(out, c);
    if (r->header.type != WEIR_PARAMS)
        return;
    text_add(&tracer->params, c.ptr, c.len);
    if (c.len == 0) {
        show_pairs(out, (weir_str){tracer->params.ptr, tracer->params.len});
        text_done(&tracer->params);
    }
}

static void show_record(struct tracer *tracer, const weir_client_record *r)
{
    FILE *out = tracer->run->err;
    double ms = (double)(uv_hrtime() - tracer->started_ns) / 1e6;

    put_time(tracer->run, out);
    fprintf(out, "%9.3f ms %s %-17s id %-5u %5u bytes", ms, r->is_sent ? "->" : "<-",
            type_name(r->header.type), r->header.id, r->header.content_length);
    if (r->header.padding_length)
        fprintf(out, " +%u", r->header.padding_length);
    show_content(tracer, out, r);
}

/* ---- The observer ---------------------------------------------------------------------------- */

struct tracer *tracer_new(struct run *run, const struct config *config)
{
    struct tracer *tracer;

    if (!run->trace && !config->records && !config->pcap)
        return NULL;
    tracer = must_alloc(sizeof *tracer);
    tracer->run = run;
    tracer->records = config->records;
    tracer->started_ns = uv_hrtime();
    if (config->pcap) {
        tracer->pcap = pcap_open(run, config->pcap, &tracer->pcap_base);
        if (!tracer->pcap)
            run_warn(run, "Failed to write %s: %s", config->pcap, strerror(errno));
    }
    return tracer;
}

void tracer_free(struct tracer *tracer)
{
    if (!tracer)
        return;
    text_done(&tracer->params);
    free(tracer);
}

void tracer_record(const weir_client_record *record, void *arg)
{
    struct tracer *tracer = arg;

    if (tracer->run->trace)
        trace_record(tracer, record);
    if (tracer->records)
        show_record(tracer, record);
    if (tracer->pcap)
        pcap_record(tracer->pcap, tracer->pcap_base, record);
}
