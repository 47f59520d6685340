/* SPDX-License-Identifier: MIT
 *
 * weir/role.h: what a web server may ask an application to be (FastCGI 6). */
#ifndef WEIR_ROLE_H
#define WEIR_ROLE_H

typedef enum weir_role {
    WEIR_RESPONDER = 1,  /* answers a request */
    WEIR_AUTHORIZER = 2, /* decides about a request */
    WEIR_FILTER = 3,     /* answers a request from a file that is sent along */
} weir_role;

#endif
