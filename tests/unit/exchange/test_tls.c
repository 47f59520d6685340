/* SPDX-License-Identifier: MIT
 *
 * weir_tls, from the parameters of different proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <weir/tls.h>

#include "exchange/exchange.h"

enum { ROOM = 16 };

struct fixture {
    weir_exchange x; /* first */
    struct pool pool;
    struct arena arena;
    weir_pair pairs[ROOM];
};

static int load_params(weir_exchange *x)
{
    struct fixture *f = (struct fixture *)x;

    x->params = f->pairs;
    while (x->params[x->param_count].name.ptr)
        x->param_count++;
    return 0;
}

static int load_headers(weir_exchange *x)
{
    static struct header headers[] = {{{"https", 5}, {"on", 2}, 0},
                                      {{"tls-protocol", 12}, {"TLSv1.3", 7}, 0}};

    x->headers = headers;
    x->header_count = 2;
    return 0;
}

static const struct carrier carrier = {.load_params = load_params, .load_headers = load_headers};

/* What weir_tls makes of name and value, name and value, ... */
static const weir_tls_info *tls_of(struct fixture *f, const char *const *pairs)
{
    memset(f, 0, sizeof *f);
    pool_init(&f->pool);
    arena_init(&f->arena, &f->pool);
    f->x.carrier = &carrier;
    f->x.arena = &f->arena;
    for (size_t i = 0; pairs[2 * i]; i++)
        f->pairs[i] = (weir_pair){str_of(pairs[2 * i]), str_of(pairs[2 * i + 1])};
    return weir_tls(&f->x);
}

static void done(struct fixture *f)
{
    arena_done(&f->arena);
    pool_done(&f->pool);
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL, NULL})

static void plain_http(void **state)
{
    const char *const *const cases[] = {
        PAIRS("REMOTE_ADDR", "192.0.2.1"),
        PAIRS("HTTPS", "off"),
        PAIRS("HTTPS", "OFF"),
        PAIRS("HTTPS", ""),
        PAIRS("REQUEST_SCHEME", "http"),
        PAIRS("SSL_PROTOCOL", ""),
    };
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(tls_of(&f, cases[i]));
        done(&f);
    }
}

static void says_little(void **state)
{
    const char *const *const cases[] = {PAIRS("HTTPS", "on"), PAIRS("HTTPS", "1"),
                                        PAIRS("REQUEST_SCHEME", "https")};
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const weir_tls_info *tls = tls_of(&f, cases[i]);
        assert_non_null(tls);
        assert_null(weir_tls_protocol(tls));
        assert_null(weir_tls_sni(tls));
        assert_int_equal(weir_tls_client_verify(tls), WEIR_TLS_CLIENT_NONE);
        assert_null(weir_tls_client_subject(tls));
        assert_int_equal(weir_tls_client_not_after(tls), -1);
        done(&f);
    }
}

static void apache(void **state)
{
    struct fixture f;
    const weir_tls_info *tls = tls_of(
        &f, PAIRS("HTTPS", "on", "SSL_PROTOCOL", "TLSv1.2", "SSL_CIPHER", "ECDHE-RSA-AES128-GCM",
                  "SSL_TLS_SNI", "example.com", "SSL_CLIENT_VERIFY", "SUCCESS", "SSL_CLIENT_S_DN",
                  "CN=Ann", "SSL_CLIENT_I_DN", "CN=CA", "SSL_CLIENT_M_SERIAL", "0A",
                  "SSL_CLIENT_V_END", "Feb  3 04:05:06 2031 GMT"));

    (void)state;
    assert_string_equal(weir_tls_protocol(tls), "TLSv1.2");
    assert_string_equal(weir_tls_cipher(tls), "ECDHE-RSA-AES128-GCM");
    assert_string_equal(weir_tls_sni(tls), "example.com");
    assert_null(weir_tls_alpn(tls));
    assert_int_equal(weir_tls_client_verify(tls), WEIR_TLS_CLIENT_SUCCESS);
    assert_string_equal(weir_tls_client_subject(tls), "CN=Ann");
    assert_string_equal(weir_tls_client_issuer(tls), "CN=CA");
    assert_string_equal(weir_tls_client_serial(tls), "0A");
    assert_null(weir_tls_client_fingerprint(tls));
    assert_null(weir_tls_client_cert(tls));
    assert_int_equal(weir_tls_client_not_after(tls), 1927857906);
    assert_ptr_equal(weir_tls(&f.x), tls);
    done(&f);
}

static void weir_itself(void **state)
{
    struct fixture f;
    const weir_tls_info *tls =
        tls_of(&f, PAIRS("HTTPS", "on", "TLS_PROTOCOL", "TLSv1.3", "TLS_ALPN", "h2",
                         "TLS_CLIENT_VERIFY", "SUCCESS", "TLS_CLIENT_FINGERPRINT", "ab",
                         "TLS_CLIENT_NOT_AFTER", "2031-02-03T04:05:06Z"));

    (void)state;
    assert_string_equal(weir_tls_protocol(tls), "TLSv1.3");
    assert_string_equal(weir_tls_alpn(tls), "h2");
    assert_string_equal(weir_tls_client_fingerprint(tls), "ab");
    assert_int_equal(weir_tls_client_not_after(tls), 1927857906);
    done(&f);
}

/* Nothing is told of a certificate that was not accepted, even if the proxy tells. */
static void not_accepted(void **state)
{
    static const char *const verdicts[] = {"FAILED:certificate has expired", "GENEROUS", "success"};
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        const weir_tls_info *tls = tls_of(&f, PAIRS("HTTPS", "on", "SSL_CLIENT_VERIFY", verdicts[i],
                                                    "SSL_CLIENT_S_DN", "CN=Mallory"));
        assert_int_equal(weir_tls_client_verify(tls), WEIR_TLS_CLIENT_FAILED);
        assert_null(weir_tls_client_subject(tls));
        done(&f);
    }
    const weir_tls_info *tls = tls_of(&f, PAIRS("HTTPS", "on", "SSL_CLIENT_S_DN", "CN=Mallory"));
    assert_int_equal(weir_tls_client_verify(tls), WEIR_TLS_CLIENT_NONE);
    assert_null(weir_tls_client_subject(tls));
    done(&f);
}

static void bad_times(void **state)
{
    static const char *const times[] = {
        "never",
        "2031-02-03T04:05:06",
        "2031-13-03T04:05:06Z",
        "2031-00-03T04:05:06Z",
        "2031-02-00T04:05:06Z",
        "2031-02-03T04:05:0xZ",
        "2031-02-03T04:05:06Z.",
        "Xxx  3 04:05:06 2031 GMT",
        "Feb  3 04:05:06 2031 UTC",
        "Feb   3 4:05:06 2031 GMT",
        "",
    };
    struct fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        const weir_tls_info *tls = tls_of(
            &f, PAIRS("HTTPS", "on", "SSL_CLIENT_VERIFY", "SUCCESS", "SSL_CLIENT_V_END", times[i]));
        assert_int_equal(weir_tls_client_not_after(tls), -1);
        done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_http),  cmocka_unit_test(says_little),  cmocka_unit_test(apache),
        cmocka_unit_test(weir_itself), cmocka_unit_test(not_accepted), cmocka_unit_test(bad_times),
    };
    return cmocka_run_group_tests_name("exchange/tls", tests, NULL, NULL);
}
