/* SPDX-License-Identifier: MIT
 *
 * Two TLS sessions talk to each other in memory: a client asks, a server answers, and both say
 * goodbye. The outcome is the same however the bytes between them are cut, and running out of
 * memory anywhere is an error like others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <weir/error.h>

#include "net/loop.h"
#include "net/tls_internal.h"
#include "support/certificate.h"
#include "support/failmalloc.h"

/* ---- A conversation -------------------------------------------------------------------------- */

enum { CLIENT, SERVER, ROOM = 1 << 21 };

struct talk {
    struct pool pool;
    struct tls_context *context[2];
    struct tls_session *session[2];
    struct outq plain[2]; /* to be said by each */
    char *heard[2];       /* by each */
    size_t heard_len[2];
    size_t sent[2]; /* bytes between them so far, by sender */
    size_t piece;   /* bytes delivered at once, or 0: all */
    size_t cut[2];  /* except that no delivery of the sender crosses this offset */
    int verdict[2];
    char *scratch;
};

static int new_sessions(struct talk *t, const char *name)
{
    int rc = tls_session_new(t->context[CLIENT], &t->pool, WEIR_STR("\1x\10http/1.1"), name,
                             &t->session[CLIENT]);

    return rc ? rc
              : tls_session_new(t->context[SERVER], &t->pool, WEIR_STR("\10http/1.1"), NULL,
                                &t->session[SERVER]);
}

static int prepare(struct talk *t, struct tls_settings server, const char *name)
{
    char error[TLS_ERROR];
    struct tls_settings client = {.ca_file = certificate_file};
    int rc;

    pool_init(&t->pool);
    outq_init(&t->plain[0], &t->pool);
    outq_init(&t->plain[1], &t->pool);
    rc = tls_context_new(false, &client, &t->context[CLIENT], error);
    if (rc == 0)
        rc = tls_context_add_certificate(t->context[CLIENT], certificate_file, certificate_key,
                                         error);
    if (rc == 0)
        rc = tls_context_new(true, &server, &t->context[SERVER], error);
    if (rc == 0)
        rc = tls_context_add_certificate(t->context[SERVER], certificate_file, certificate_key,
                                         error);
    return rc ? rc : new_sessions(t, name);
}

/* Another connection between the same two. */
static void restart(struct talk *t)
{
    for (int i = 0; i < 2; i++) {
        tls_session_free(t->session[i]);
        t->session[i] = NULL;
    }
    assert_int_equal(new_sessions(t, "localhost"), 0);
}

static void finish(struct talk *t)
{
    for (int i = 0; i < 2; i++) {
        tls_session_free(t->session[i]);
        tls_context_unref(t->context[i]);
        outq_done(&t->plain[i]);
    }
    pool_done(&t->pool);
}

static void give(struct talk *t, int to, size_t len)
{
    size_t plain;

    t->verdict[to] = tls_session_open(t->session[to], t->scratch, len, &plain);
    assert_true(t->heard_len[to] + plain <= ROOM);
    memcpy(t->heard[to] + t->heard_len[to], t->scratch, plain);
    t->heard_len[to] += plain;
}

/* Moves one piece of what from has to send. False when there is nothing. */
static bool deliver(struct talk *t, int from)
{
    struct outq *sealed = tls_session_sealed(t->session[from]);
    struct iovec iov;
    size_t n;

    if (outq_iovec(sealed, &iov, 1) == 0 || t->verdict[!from] != 0)
        return false;
    n = t->piece && t->piece < iov.iov_len ? t->piece : iov.iov_len;
    if (t->sent[from] < t->cut[from] && t->sent[from] + n > t->cut[from])
        n = t->cut[from] - t->sent[from];
    memcpy(t->scratch + TLS_GAP, iov.iov_base, n);
    outq_consume(sealed, n);
    t->sent[from] += n;
    give(t, !from, n);
    return true;
}

/* Until nobody has anything to say. 0, or what went wrong first. */
static int run(struct talk *t)
{
    bool busy = true;

    give(t, CLIENT, 0);
    while (busy) {
        busy = false;
        for (int i = 0; i < 2; i++) {
            int rc = tls_session_seal(t->session[i], &t->plain[i]);
            if (rc != 0)
                return rc;
            while (t->verdict[i] >= 0 && deliver(t, i))
                busy = true;
            if (t->verdict[!i] < 0)
                return t->verdict[!i];
        }
    }
    return t->verdict[CLIENT] < 0 ? t->verdict[CLIENT] : 0;
}

static void say(struct talk *t, int who, const char *words)
{
    assert_int_equal(outq_append(&t->plain[who], words, strlen(words)), 0);
}

static void check_heard(const struct talk *t, int who, const char *words)
{
    assert_int_equal(t->heard_len[who], strlen(words));
    assert_memory_equal(t->heard[who], words, strlen(words));
}

static char heard_room[2][ROOM], scratch_room[LOOP_SCRATCH];

#define NEW_TALK                                                         \
    {                                                                    \
        .heard = {heard_room[0], heard_room[1]}, .scratch = scratch_room \
    }

/* The whole conversation; returns how much each sent. */
static void converse(size_t piece, const size_t cut[2], size_t ret_sent[2])
{
    struct talk t = NEW_TALK;

    t.piece = piece;
    if (cut)
        memcpy(t.cut, cut, sizeof t.cut);
    assert_int_equal(prepare(&t, (struct tls_settings){0}, "localhost"), 0);
    say(&t, CLIENT, "question");
    assert_int_equal(run(&t), 0);
    say(&t, SERVER, "answer");
    assert_int_equal(run(&t), 0);
    check_heard(&t, SERVER, "question");
    check_heard(&t, CLIENT, "answer");
    for (int i = 0; i < 2; i++) {
        assert_true(tls_session_is_ready(t.session[i]));
        assert_string_equal(tls_session_protocol(t.session[i]), "TLSv1.3");
        weir_str alpn = tls_session_alpn(t.session[i]);
        assert_int_equal(alpn.len, 8);
        assert_memory_equal(alpn.ptr, "http/1.1", 8);
        tls_session_end(t.session[i]);
    }
    assert_string_equal(tls_session_sni(t.session[SERVER]), "localhost");
    while (deliver(&t, CLIENT) || deliver(&t, SERVER))
        ;
    assert_int_equal(t.verdict[CLIENT], 1);
    assert_int_equal(t.verdict[SERVER], 1);
    if (ret_sent)
        memcpy(ret_sent, t.sent, sizeof t.sent);
    finish(&t);
}

static void however_it_is_cut(void **state)
{
    size_t sent[2];

    (void)state;
    converse(0, NULL, sent);
    converse(1, NULL, NULL);
    converse(7, NULL, NULL);
    assert_true(sent[CLIENT] > 300 && sent[SERVER] > 800);
    for (size_t i = 1; i < sent[CLIENT] || i < sent[SERVER]; i++)
        converse(0, (size_t[2]){i < sent[CLIENT] ? i : 0, i < sent[SERVER] ? i : 0}, NULL);
}

/* More than a record, a queue and a scratch buffer hold, from pieces of all sizes; what comes out
 * overtakes nothing of what it comes from. */
static void much(void **state)
{
    enum { TOTAL = 1500000 };
    static char bytes[TOTAL];
    static const size_t pieces[] = {0, 1000, 16384 + 22, 100000, LOOP_SCRATCH - TLS_GAP};

    (void)state;
    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        struct talk t = NEW_TALK;
        t.piece = pieces[p];
        assert_int_equal(prepare(&t, (struct tls_settings){0}, "localhost"), 0);
        for (size_t at = 0, n = 1; at < TOTAL; at += n, n = n * 3 % 70001) {
            n = n < TOTAL - at ? n : TOTAL - at;
            assert_int_equal(outq_borrow(&t.plain[SERVER], bytes + at, n), 0);
        }
        assert_int_equal(run(&t), 0);
        assert_int_equal(t.heard_len[CLIENT], TOTAL);
        assert_memory_equal(t.heard[CLIENT], bytes, TOTAL);
        /* Hardly more than the bytes themselves: small pieces share records. */
        assert_true(t.sent[SERVER] < TOTAL + TOTAL / 100);
        finish(&t);
    }
}

/* A response's head, and a small body that is borrowed: two pieces, one record. */
static void pieces_share_a_record(void **state)
{
    struct talk t = NEW_TALK;
    static const char body[2000] = "body";
    struct iovec iov;

    (void)state;
    assert_int_equal(prepare(&t, (struct tls_settings){0}, "localhost"), 0);
    assert_int_equal(run(&t), 0);
    say(&t, SERVER, "head");
    assert_int_equal(outq_borrow(&t.plain[SERVER], body, sizeof body), 0);
    assert_int_equal(tls_session_seal(t.session[SERVER], &t.plain[SERVER]), 0);
    assert_int_equal(t.plain[SERVER].bytes, 0);
    assert_int_equal(outq_iovec(tls_session_sealed(t.session[SERVER]), &iov, 1), 1);
    const uint8_t *record = iov.iov_base;
    assert_int_equal(record[3] << 8 | record[4], iov.iov_len - 5);
    finish(&t);
}

static int attempt(void *arg)
{
    struct talk t = NEW_TALK;
    int rc = prepare(
        &t, (struct tls_settings){.ca_file = certificate_file, .verify = TLS_VERIFY_REQUIRED},
        "localhost");

    (void)arg;
    if (rc == 0)
        rc = outq_append(&t.plain[CLIENT], "question", 8);
    if (rc == 0)
        rc = run(&t);
    if (rc == 0 && !tls_session_peer(t.session[SERVER]))
        rc = WEIR_ERROR_NOMEM;
    if (rc == 0)
        check_heard(&t, SERVER, "question");
    finish(&t);
    return rc;
}

static void out_of_memory(void **state)
{
    (void)state;
    assert_true(failmalloc_each(attempt, NULL, WEIR_ERROR_NOMEM) > 8);
}

/* ---- Whom to trust --------------------------------------------------------------------------- */

static void server_name(void **state)
{
    static const struct {
        const char *name;
        int rc;
    } cases[] = {
        {"localhost", 0},
        {"192.0.2.1", 0},
        {"LOCALHOST", 0},
        {"example.com", WEIR_ERROR_CERTIFICATE},
        {"192.0.2.2", WEIR_ERROR_CERTIFICATE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct talk t = NEW_TALK;
        assert_int_equal(prepare(&t, (struct tls_settings){0}, cases[i].name), 0);
        assert_int_equal(run(&t), cases[i].rc);
        assert_true(cases[i].rc == 0 || strstr(tls_session_reason(t.session[CLIENT]), "mismatch"));
        finish(&t);
    }
}

static void client_facts(void **state)
{
    struct talk t = NEW_TALK;

    (void)state;
    assert_int_equal(
        prepare(&t,
                (struct tls_settings){.ca_file = certificate_file, .verify = TLS_VERIFY_REQUIRED},
                "localhost"),
        0);
    assert_int_equal(run(&t), 0);
    const struct tls_peer *peer = tls_session_peer(t.session[SERVER]);
    assert_non_null(peer);
    assert_string_equal(peer->verify, "SUCCESS");
    assert_string_equal(peer->subject, "CN=localhost");
    assert_string_equal(peer->serial, "1234");
    assert_int_equal(strlen(peer->fingerprint), 64);
    assert_int_equal(strlen(peer->not_after), 20);
    assert_ptr_equal(tls_session_peer(t.session[SERVER]), peer);
    finish(&t);
}

/* ---- What a peer may not do ------------------------------------------------------------------ */

/* Each KeyUpdate asks for one in return; a peer that reads none may not make us hoard them. */
static void endless_key_updates(void **state)
{
    struct talk t = NEW_TALK;
    int verdict = 0;

    (void)state;
    assert_int_equal(prepare(&t, (struct tls_settings){0}, "localhost"), 0);
    assert_int_equal(run(&t), 0);
    SSL *client = t.session[CLIENT]->ssl;
    for (int i = 0; i < 20000 && verdict == 0; i++) {
        assert_int_equal(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(client), 1);
        while (deliver(&t, CLIENT))
            ;
        verdict = t.verdict[SERVER];
    }
    assert_int_equal(verdict, WEIR_ERROR_PROTOCOL);
    finish(&t);
}

/* The second handshake is a short one, also when the first connection was cut off; and a server
 * that has new keys, as after a reload, just does it in full. */
static void resumption(void **state)
{
    struct tls_ticket ticket = {NULL};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct talk t = NEW_TALK;
        assert_int_equal(prepare(&t, (struct tls_settings){0}, "localhost"), 0);
        tls_session_use_ticket(t.session[CLIENT], &ticket);
        assert_int_equal(run(&t), 0);
        assert_non_null(ticket.session);
        assert_false(SSL_session_reused(t.session[CLIENT]->ssl));
        for (int k = 0; k < 2; k++) {
            restart(&t);
            tls_session_use_ticket(t.session[CLIENT], &ticket);
            assert_int_equal(run(&t), 0);
            assert_true(SSL_session_reused(t.session[CLIENT]->ssl));
        }
        finish(&t);
    }
    tls_ticket_done(&ticket);
}

static void garbage(void **state)
{
    struct talk t = NEW_TALK;

    (void)state;
    assert_int_equal(prepare(&t, (struct tls_settings){0}, "localhost"), 0);
    memset(t.scratch + TLS_GAP, 'x', 1000);
    give(&t, SERVER, 1000);
    assert_int_equal(t.verdict[SERVER], WEIR_ERROR_HANDSHAKE);
    assert_true(tls_session_reason(t.session[SERVER])[0] != '\0');
    tls_session_end(t.session[SERVER]); /* has no effect on what has failed */
    finish(&t);
}

static void settings_that_do_not_do(void **state)
{
    static const struct tls_settings cases[] = {
        {.ca_file = "/no/such/file"},
        {.verify = TLS_VERIFY_REQUIRED},
        {.ciphers = "NO-SUCH-CIPHER"},
        {.ciphers = "TLS_NO_SUCH_CIPHER"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_context *context = NULL;
        char error[TLS_ERROR] = "";
        assert_true(tls_context_new(true, &cases[i], &context, error) < 0);
        assert_null(context);
        assert_true(error[0] != '\0');
    }
}

/* One list names ciphers of both versions. */
static void ciphers(void **state)
{
    struct talk t = NEW_TALK;

    (void)state;
    assert_int_equal(
        prepare(&t,
                (struct tls_settings){
                    .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_CHACHA20_POLY1305_SHA256"},
                "localhost"),
        0);
    assert_int_equal(run(&t), 0);
    assert_string_equal(tls_session_cipher(t.session[SERVER]), "TLS_CHACHA20_POLY1305_SHA256");
    finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_it_is_cut),
        cmocka_unit_test(much),
        cmocka_unit_test(pieces_share_a_record),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(server_name),
        cmocka_unit_test(client_facts),
        cmocka_unit_test(endless_key_updates),
        cmocka_unit_test(resumption),
        cmocka_unit_test(garbage),
        cmocka_unit_test(settings_that_do_not_do),
        cmocka_unit_test(ciphers),
    };
    return cmocka_run_group_tests_name("net/tls", tests, certificate_make, certificate_remove);
}
