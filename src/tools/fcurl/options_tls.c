/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_tls.c: TLS to the FastCGI server (fcgis://). */
#include "tools/fcurl/table.h"

static const struct option table[] = {
    {.name = "insecure",
     .letter = 'k',
     .kind = OPTION_FLAG,
     OF_CONFIG(insecure),
     .categories = CATEGORY_TLS,
     .help = "Allow insecure server connections",
     .man = "Accepts any certificate of a `fcgis://` server."},
    {.name = "cacert",
     .kind = OPTION_STRING,
     OF_CONFIG(cacert),
     .value = "file",
     .categories = CATEGORY_TLS,
     .help = "CA certificate to verify peer against",
     .man = "Certificates (PEM) that a `fcgis://` server's must lead to, instead of the "
            "system's."},
    {.name = "cert",
     .letter = 'E',
     .kind = OPTION_STRING,
     OF_CONFIG(cert),
     .value = "certificate",
     .categories = CATEGORY_TLS,
     .help = "Client certificate file",
     .man = "The certificate (PEM) that fcurl shows to a `fcgis://` server, and its key if --key "
            "is not given."},
    {.name = "key",
     .kind = OPTION_STRING,
     OF_CONFIG(key),
     .value = "key",
     .categories = CATEGORY_TLS,
     .help = "Private key file name",
     .man = "The private key (PEM) of --cert."},
};

const struct option_group options_tls = GROUP("TLS", table);
