/* SPDX-License-Identifier: MIT
 *
 * exchange/tls.c: weir/tls.h, read from the trusted parameters, which every carrier fills: one that
 * ends TLS itself from the session, FastCGI from what the proxy sent. */
#include <stdio.h>
#include <time.h>
#include <weir/tls.h>

#include "exchange/exchange.h"

struct weir_tls_info {
    const char *protocol, *cipher, *sni, *alpn;
    weir_tls_client_state client;
    const char *subject, *issuer, *serial, *fingerprint, *cert;
    int64_t not_after;
};

/* The first of two names that says something. */
static const char *either(weir_exchange *x, const char *name, const char *other)
{
    const char *value = weir_param(x, name);

    if (!value || !*value)
        value = other ? weir_param(x, other) : NULL;
    return value && *value ? value : NULL;
}

static bool is_tls(weir_exchange *x)
{
    const char *https = either(x, "HTTPS", NULL);
    const char *scheme = either(x, "REQUEST_SCHEME", NULL);

    if (https)
        return !str_eq_nocase(str_of(https), WEIR_STR("off"));
    return (scheme && str_eq(str_of(scheme), WEIR_STR("https"))) ||
           either(x, "TLS_PROTOCOL", "SSL_PROTOCOL");
}

static weir_tls_client_state client_state(weir_exchange *x)
{
    weir_str verify = str_of(either(x, "TLS_CLIENT_VERIFY", "SSL_CLIENT_VERIFY"));

    if (!verify.ptr || str_eq(verify, WEIR_STR("NONE")))
        return WEIR_TLS_CLIENT_NONE;
    return str_eq(verify, WEIR_STR("SUCCESS")) ? WEIR_TLS_CLIENT_SUCCESS : WEIR_TLS_CLIENT_FAILED;
}

static const char *take_int(const char *p, int digits, int *ret_value)
{
    int value = 0;

    for (; p && digits > 0; digits--, p++) {
        if (*p < '0' || *p > '9')
            return NULL;
        value = value * 10 + (*p - '0');
    }
    *ret_value = value;
    return p;
}

static const char *take_char(const char *p, char c)
{
    return p && *p == c ? p + 1 : NULL;
}

/* "2031-02-03T04:05:06Z" */
static bool parse_iso(const char *text, struct tm *tm)
{
    const char *p = take_int(text, 4, &tm->tm_year);

    p = take_int(take_char(p, '-'), 2, &tm->tm_mon);
    p = take_int(take_char(p, '-'), 2, &tm->tm_mday);
    p = take_int(take_char(p, 'T'), 2, &tm->tm_hour);
    p = take_int(take_char(p, ':'), 2, &tm->tm_min);
    p = take_int(take_char(p, ':'), 2, &tm->tm_sec);
    p = take_char(p, 'Z');
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return p && *p == '\0';
}

/* "Feb  3 04:05:06 2031 GMT", as Apache and nginx have it. */
static bool parse_asn1(const char *text, struct tm *tm)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    if (strlen(text) != 24 || strcmp(text + 20, " GMT") != 0 || text[3] != ' ')
        return false;
    for (tm->tm_mon = 0; tm->tm_mon < 12; tm->tm_mon++)
        if (memcmp(text, months + 3 * (size_t)tm->tm_mon, 3) == 0)
            break;
    const char *p = text + 4;
    p = *p == ' ' ? take_int(p + 1, 1, &tm->tm_mday) : take_int(p, 2, &tm->tm_mday);
    p = take_int(take_char(p, ' '), 2, &tm->tm_hour);
    p = take_int(take_char(p, ':'), 2, &tm->tm_min);
    p = take_int(take_char(p, ':'), 2, &tm->tm_sec);
    p = take_int(take_char(p, ' '), 4, &tm->tm_year);
    tm->tm_year -= 1900;
    return p != NULL;
}

static int64_t parse_time(const char *text)
{
    struct tm tm = {0};

    if (!text || !(parse_iso(text, &tm) || parse_asn1(text, &tm)) || tm.tm_mon < 0 ||
        tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31)
        return -1;
    return (int64_t)timegm(&tm);
}

/* Of a certificate that was not accepted nothing is told: whoever forgets to ask for the verdict
 * is not led to believe it. */
static void read_client(weir_exchange *x, struct weir_tls_info *tls)
{
    tls->client = client_state(x);
    if (tls->client != WEIR_TLS_CLIENT_SUCCESS)
        return;
    tls->subject = either(x, "TLS_CLIENT_SUBJECT", "SSL_CLIENT_S_DN");
    tls->issuer = either(x, "TLS_CLIENT_ISSUER", "SSL_CLIENT_I_DN");
    tls->serial = either(x, "TLS_CLIENT_SERIAL", "SSL_CLIENT_M_SERIAL");
    tls->fingerprint = either(x, "TLS_CLIENT_FINGERPRINT", NULL);
    tls->cert = either(x, "TLS_CLIENT_CERT", "SSL_CLIENT_CERT");
    tls->not_after = parse_time(either(x, "TLS_CLIENT_NOT_AFTER", "SSL_CLIENT_V_END"));
}

const weir_tls_info *weir_tls(weir_exchange *x)
{
    struct weir_tls_info *tls;

    if (x->tls || !is_tls(x))
        return x->tls;
    tls = arena_zalloc(x->arena, sizeof *tls);
    if (!tls)
        return NULL;
    tls->protocol = either(x, "TLS_PROTOCOL", "SSL_PROTOCOL");
    tls->cipher = either(x, "TLS_CIPHER", "SSL_CIPHER");
    tls->sni = either(x, "TLS_SNI", "SSL_TLS_SNI");
    tls->alpn = either(x, "TLS_ALPN", NULL);
    tls->not_after = -1;
    read_client(x, tls);
    x->tls = tls;
    return tls;
}

const char *weir_tls_protocol(const weir_tls_info *tls)
{
    return tls->protocol;
}

const char *weir_tls_cipher(const weir_tls_info *tls)
{
    return tls->cipher;
}

const char *weir_tls_sni(const weir_tls_info *tls)
{
    return tls->sni;
}

const char *weir_tls_alpn(const weir_tls_info *tls)
{
    return tls->alpn;
}

weir_tls_client_state weir_tls_client_verify(const weir_tls_info *tls)
{
    return tls->client;
}

const char *weir_tls_client_subject(const weir_tls_info *tls)
{
    return tls->subject;
}

const char *weir_tls_client_issuer(const weir_tls_info *tls)
{
    return tls->issuer;
}

const char *weir_tls_client_serial(const weir_tls_info *tls)
{
    return tls->serial;
}

const char *weir_tls_client_fingerprint(const weir_tls_info *tls)
{
    return tls->fingerprint;
}

int64_t weir_tls_client_not_after(const weir_tls_info *tls)
{
    return tls->not_after;
}

const char *weir_tls_client_cert(const weir_tls_info *tls)
{
    return tls->cert;
}
