/* SPDX-License-Identifier: MIT
 *
 * support/certificate.c: see certificate.h. */
#include "support/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

char certificate_file[64], certificate_key[64];
static char folder[] = "/tmp/weir-test-XXXXXX";

static void add_names(X509 *cert)
{
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:192.0.2.1");

    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"localhost",
                                           -1, -1, 0));
    assert_true(X509_set_issuer_name(cert, name));
    assert_true(X509_add_ext(cert, names, -1));
    X509_EXTENSION_free(names);
}

int certificate_make(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(certificate_file, sizeof certificate_file, "%s/cert.pem", folder);
    snprintf(certificate_key, sizeof certificate_key, "%s/key.pem", folder);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x1234);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    add_names(cert);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);

    assert_non_null(file = fopen(certificate_file, "w"));
    assert_true(PEM_write_X509(file, cert));
    fclose(file);
    assert_non_null(file = fopen(certificate_key, "w"));
    assert_true(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
    return 0;
}

int certificate_remove(void **state)
{
    (void)state;
    unlink(certificate_file);
    unlink(certificate_key);
    return rmdir(folder);
}
