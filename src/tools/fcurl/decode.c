/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/decode.c: --compressed: gzip and deflate (zlib), br (brotli). */
#include <brotli/decode.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "tools/fcurl/transfer.h"

enum { CHUNK = 64 * 1024 };

enum coding { CODING_IDENTITY, CODING_ZLIB, CODING_BROTLI };

struct decoder {
    enum coding coding;
    z_stream zlib;
    BrotliDecoderState *brotli;
    bool started, complete, may_be_raw;
    unsigned char out[CHUNK];
};

const char decoder_codings[] = "deflate, gzip, br";

bool decoder_new(struct decoder **ret_decoder, const char *coding)
{
    struct decoder *d = must_alloc(sizeof *d);

    if (strcasecmp(coding, "gzip") == 0 || strcasecmp(coding, "x-gzip") == 0 ||
        strcasecmp(coding, "deflate") == 0) {
        d->coding = CODING_ZLIB;
        d->may_be_raw = strcasecmp(coding, "deflate") == 0;
        if (inflateInit2(&d->zlib, d->may_be_raw ? MAX_WBITS : MAX_WBITS + 16) != Z_OK)
            goto fail;
    } else if (strcasecmp(coding, "br") == 0) {
        d->coding = CODING_BROTLI;
        d->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        if (!d->brotli)
            goto fail;
    } else if (strcasecmp(coding, "identity") == 0 || *coding == '\0') {
        d->coding = CODING_IDENTITY;
    } else {
        goto fail;
    }
    *ret_decoder = d;
    return true;

fail:
    free(d);
    return false;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    if (d->coding == CODING_ZLIB)
        (void)inflateEnd(&d->zlib);
    if (d->brotli)
        BrotliDecoderDestroyInstance(d->brotli);
    free(d);
}

static bool feed_zlib(struct decoder *d, struct transfer *t, const char *bytes, size_t len,
                      decoder_sink *sink)
{
    d->zlib.next_in = (unsigned char *)(uintptr_t)bytes;
    d->zlib.avail_in = (unsigned)len;
    while (d->zlib.avail_in > 0 && !d->complete) {
        d->zlib.next_out = d->out;
        d->zlib.avail_out = CHUNK;
        int rc = inflate(&d->zlib, Z_SYNC_FLUSH);
        if (rc == Z_DATA_ERROR && !d->started && d->may_be_raw) {
            /* "deflate" without the zlib header: some servers took the name at its word. */
            if (inflateReset2(&d->zlib, -MAX_WBITS) != Z_OK)
                return false;
            d->may_be_raw = false;
            d->zlib.next_in = (unsigned char *)(uintptr_t)bytes;
            d->zlib.avail_in = (unsigned)len;
            continue;
        }
        d->started = true;
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return false;
        d->complete = rc == Z_STREAM_END;
        if (!sink(t, (char *)d->out, CHUNK - d->zlib.avail_out))
            return false;
    }
    return true;
}

static bool feed_brotli(struct decoder *d, struct transfer *t, const char *bytes, size_t len,
                        decoder_sink *sink)
{
    const uint8_t *in = (const uint8_t *)bytes;
    BrotliDecoderResult rc = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;

    while ((len > 0 || rc == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) && !d->complete) {
        size_t room = CHUNK;
        uint8_t *out = d->out;
        rc = BrotliDecoderDecompressStream(d->brotli, &len, &in, &room, &out, NULL);
        if (rc == BROTLI_DECODER_RESULT_ERROR)
            return false;
        d->complete = rc == BROTLI_DECODER_RESULT_SUCCESS;
        if (!sink(t, (char *)d->out, CHUNK - room))
            return false;
        if (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
            break;
    }
    return true;
}

bool decoder_feed(struct decoder *d, struct transfer *t, const char *bytes, size_t len,
                  decoder_sink *sink)
{
    if (d->coding == CODING_ZLIB)
        return feed_zlib(d, t, bytes, len, sink);
    if (d->coding == CODING_BROTLI)
        return feed_brotli(d, t, bytes, len, sink);
    return sink(t, bytes, len);
}

bool decoder_is_complete(const struct decoder *d)
{
    return d->coding == CODING_IDENTITY || d->complete;
}
