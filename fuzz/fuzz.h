/* SPDX-License-Identifier: MIT
 *
 * fuzz/fuzz.h: what the fuzz targets share. Each target is one file, fuzz_NAME.c, that defines
 * LLVMFuzzerTestOneInput; it is linked with libFuzzer, or with replay.c to run a corpus. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts, so that the input counts as a finding. */
#define FUZZ_CHECK(condition)                          \
    do {                                               \
        if (!(condition))                              \
            fuzz_fail(__FILE__, __LINE__, #condition); \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* A copy in memory of just that size, to be freed with fuzz_free: reading past the end is found. */
weir_str fuzz_copy(weir_str bytes);
void fuzz_free(weir_str copy);

/* A place to cut the bytes, 0..len, that depends on all of them: seeds stay plain text, and the
 * fuzzer can still move the cut. */
size_t fuzz_cut(weir_str bytes);

/* FNV-1a of more bytes, starting from 0. */
uint64_t fuzz_hash(uint64_t hash, weir_str bytes);

/* Whether the span lies within the first len bytes. */
bool fuzz_within(struct http_span span, size_t len);

/* Checks fields that a parser let pass. */
void fuzz_check_fields(const char *head, size_t len, const struct http_field *fields, size_t count);

/* Decodes the bytes whole, byte by byte and in two parts, and checks that all agree. */
void fuzz_chunked(weir_str bytes, struct http_limits limits);

/* The same for a form of this Content-Type, with small limits. */
void fuzz_form(weir_str bytes, const char *content_type);

#endif
