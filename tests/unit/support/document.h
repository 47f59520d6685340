/* SPDX-License-Identifier: MIT
 *
 * support/document.h: tests written as documents, tests/cases; the format is in its README.md. */
#ifndef SUPPORT_DOCUMENT_H
#define SUPPORT_DOCUMENT_H

#include "support/cuts.h"

/* One case: an input block and the expectation after it. */
struct document_case {
    char where[512];    /* file:line: heading */
    char kind[32];      /* first word of the input block's fence */
    char options[128];  /* the rest of it */
    weir_str input;     /* with the escapes resolved */
    const char *expect; /* lines, NUL after them */
};

/* The number in option NAME=NUMBER, or otherwise when it is not there. */
unsigned long document_number(const struct document_case *c, const char *name,
                              unsigned long otherwise);

/* Whether the option is there, as a word of its own. */
bool document_has(const struct document_case *c, const char *name);

/* Calls run for every case of the kind in a document and returns their number. Fails the test for a
 * file that cannot be read or that breaks the format. */
unsigned document_each(const char *path, const char *kind,
                       void (*run)(const struct document_case *c));

/* Fails the test unless every line of c->expect is a line of the outcome. */
void document_check(const struct document_case *c, const struct text *outcome);

#endif
