/* SPDX-License-Identifier: MIT
 *
 * support/certificate.h: a certificate of its own issuer for "localhost" and 192.0.2.1, with serial
 * number 0x1234 and valid for an hour, in two files. */
#ifndef SUPPORT_CERTIFICATE_H
#define SUPPORT_CERTIFICATE_H

extern char certificate_file[64], certificate_key[64];

/* For cmocka_run_group_tests: before and after all tests. */
int certificate_make(void **state);
int certificate_remove(void **state);

#endif
