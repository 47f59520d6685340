/* SPDX-License-Identifier: MIT
 *
 * http/chunked.c: RFC 9112 7.1, by its grammar and nothing more.
 *
 *     1*HEXDIG *( BWS ; BWS token [ BWS = BWS ( token | "quoted" ) ] ) CR LF   data CR LF   ...
 *     1*"0"    extensions                                              CR LF   trailers CR LF
 *
 * Line ends are CR LF only (erratum 7633): a bare LF in an extension is how chunked smuggling is
 * done. All but the data goes through the machine byte by byte. */
#include "http/chunked.h"

#include "http/chars.h"

enum state {
    SIZE,
    EXT_BWS,        /* after the size: BWS that a ';' must end */
    EXT_NAME_BWS,   /* after ';' */
    EXT_NAME,       /* in the name */
    EXT_EQUALS_BWS, /* after the name and BWS: '=' or ';' */
    EXT_VALUE_BWS,  /* after '=' */
    EXT_TOKEN,      /* in a token value */
    EXT_QUOTED,
    EXT_QUOTED_PAIR, /* after '\' */
    EXT_VALUE_END,   /* after the closing quote */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
    REFUSED,
};

void http_chunked_init(struct http_chunked *chunked, struct http_limits limits)
{
    *chunked = (struct http_chunked){.limits = limits};
}

static void refuse(struct http_chunked *k, uint16_t status, const char *reason)
{
    k->state = REFUSED;
    k->status = status;
    k->reason = reason;
}

/* The states of a size line that CR or ';' may follow. */
static void end_of_element(struct http_chunked *k, char c, const char *reason)
{
    if (c == '\r')
        k->state = SIZE_LF;
    else if (c == ';')
        k->state = EXT_NAME_BWS;
    else
        refuse(k, 400, c == '\n' ? "bare-lf" : reason);
}

static void on_size(struct http_chunked *k, char c)
{
    int digit = http_hex_value(c);

    if (digit < 0) {
        if (k->digits > 0 && http_char_is_ows(c))
            k->state = EXT_BWS;
        else
            end_of_element(k, k->digits > 0 || c == '\n' ? c : 0, "chunk-size-invalid");
    } else if (k->digits == HTTP_CHUNK_DIGITS_MAX) {
        refuse(k, 400, "chunk-size-too-long");
    } else {
        k->digits++;
        k->left = k->left << 4 | (unsigned)digit;
        if (k->left > INT64_MAX)
            refuse(k, 413, "chunk-too-large");
    }
}

static void on_quoted(struct http_chunked *k, char c)
{
    if (c == '\n')
        refuse(k, 400, "bare-lf");
    else if (!http_char_is(c, HTTP_CHAR_VALUE))
        refuse(k, 400, "chunk-ext-invalid");
    else if (k->state == EXT_QUOTED_PAIR)
        k->state = EXT_QUOTED;
    else if (c == '"')
        k->state = EXT_VALUE_END;
    else if (c == '\\')
        k->state = EXT_QUOTED_PAIR;
}

static void on_extension(struct http_chunked *k, char c)
{
    static const char invalid[] = "chunk-ext-invalid";
    bool token = http_char_is(c, HTTP_CHAR_TOKEN), space = http_char_is_ows(c);

    switch ((enum state)k->state) {
    case EXT_BWS:
        if (!space)
            end_of_element(k, c == '\r' ? 0 : c, invalid);
        break;
    case EXT_NAME_BWS:
        if (token)
            k->state = EXT_NAME;
        else if (!space)
            refuse(k, 400, c == '\n' ? "bare-lf" : invalid);
        break;
    case EXT_NAME:
        if (space)
            k->state = EXT_EQUALS_BWS;
        else if (c == '=')
            k->state = EXT_VALUE_BWS;
        else if (!token)
            end_of_element(k, c, invalid);
        break;
    case EXT_EQUALS_BWS:
        if (c == '=')
            k->state = EXT_VALUE_BWS;
        else if (!space) /* BWS may not stand before CR */
            end_of_element(k, c == '\r' ? 0 : c, invalid);
        break;
    case EXT_VALUE_BWS:
        if (token || c == '"')
            k->state = token ? EXT_TOKEN : EXT_QUOTED;
        else if (!space)
            refuse(k, 400, c == '\n' ? "bare-lf" : invalid);
        break;
    case EXT_TOKEN:
        if (!token && !space)
            end_of_element(k, c, invalid);
        else if (space)
            k->state = EXT_BWS;
        break;
    case EXT_VALUE_END:
        if (space)
            k->state = EXT_BWS;
        else
            end_of_element(k, c, invalid);
        break;
    default: /* EXT_QUOTED, EXT_QUOTED_PAIR */
        on_quoted(k, c);
        break;
    }
}

static void on_size_lf(struct http_chunked *k)
{
    k->line = 0;
    k->digits = 0;
    if (k->left > 0) {
        k->state = DATA;
    } else {
        k->overhead = 0;
        k->state = TRAILER;
    }
}

static void on_trailer_start(struct http_chunked *k, char c)
{
    if (c == '\r') {
        k->state = END_LF;
    } else if (!http_char_is(c, HTTP_CHAR_TOKEN)) {
        if (http_char_is_ows(c))
            refuse(k, 400, k->fields ? "obs-fold" : "space-before-fields");
        else
            refuse(k, 400, c == '\n' ? "bare-lf" : "name-invalid");
    } else if (k->fields == k->limits.fields_max) {
        refuse(k, 431, "too-many-fields");
    } else {
        k->fields++;
        k->name[0] = c;
        k->name_len = 1;
        k->state = TRAILER_NAME;
    }
}

static void on_trailer_name(struct http_chunked *k, char c)
{
    if (c == ':') {
        /* The forbidden names are shorter than name, only "content-" is a beginning. */
        size_t known = k->name_len < sizeof k->name ? k->name_len : sizeof k->name;
        if (http_field_forbidden_in_trailers(str(k->name, known)))
            refuse(k, 400, "trailer-forbidden");
        else
            k->state = TRAILER_VALUE;
    } else if (http_char_is_ows(c)) {
        refuse(k, 400, "space-before-colon");
    } else if (!http_char_is(c, HTTP_CHAR_TOKEN)) {
        refuse(k, 400, c == '\n' ? "bare-lf" : c == '\r' ? "colon-missing" : "name-invalid");
    } else if (k->name_len == HTTP_NAME_MAX) {
        refuse(k, 431, "name-too-long");
    } else {
        if (k->name_len < sizeof k->name)
            k->name[k->name_len] = c;
        k->name_len++;
    }
}

static void on_trailer_value(struct http_chunked *k, char c)
{
    if (c == '\r')
        k->state = TRAILER_LF;
    else if (!http_char_is(c, HTTP_CHAR_VALUE))
        refuse(k, 400, c == '\n' ? "bare-lf" : "value-invalid");
}

static void on_byte(struct http_chunked *k, char c)
{
    switch ((enum state)k->state) {
    case SIZE:
        on_size(k, c);
        break;
    case DATA_CR:
        if (c == '\r')
            k->state = DATA_LF;
        else
            refuse(k, 400, c == '\n' ? "bare-lf" : "chunk-end-missing");
        break;
    case SIZE_LF:
    case DATA_LF:
    case TRAILER_LF:
    case END_LF:
        if (c != '\n')
            refuse(k, 400, "bare-cr");
        else if (k->state == SIZE_LF)
            on_size_lf(k);
        else
            k->state = k->state == DATA_LF ? SIZE : k->state == TRAILER_LF ? TRAILER : DONE;
        break;
    case TRAILER:
        on_trailer_start(k, c);
        break;
    case TRAILER_NAME:
        on_trailer_name(k, c);
        break;
    case TRAILER_VALUE:
        on_trailer_value(k, c);
        break;
    default:
        on_extension(k, c);
        break;
    }
}

/* Counts the byte if it belongs to an extension or a trailer; false when that is one too many. */
static bool within_limits(struct http_chunked *k)
{
    if (k->state >= EXT_BWS && k->state <= EXT_VALUE_END) {
        if (++k->line > HTTP_CHUNK_EXTENSION_MAX || ++k->overhead > k->limits.head_max) {
            refuse(k, 400, "chunk-ext-too-long");
            return false;
        }
    } else if (k->state >= TRAILER && ++k->overhead > k->limits.head_max) {
        refuse(k, 431, "trailers-too-large");
        return false;
    }
    return true;
}

enum http_verdict http_chunked_next(struct http_chunked *k, weir_str *input, weir_str *ret_data)
{
    *ret_data = (weir_str){NULL, 0};
    while (input->len > 0 && k->state < DONE) {
        if (k->state == DATA) {
            size_t n = input->len < k->left ? input->len : (size_t)k->left;
            *ret_data = str(input->ptr, n);
            input->ptr += n;
            input->len -= n;
            k->left -= n;
            if (k->left == 0)
                k->state = DATA_CR;
            return HTTP_MORE;
        }
        if (within_limits(k))
            on_byte(k, *input->ptr);
        if (k->state != REFUSED) {
            input->ptr++;
            input->len--;
        }
    }
    return k->state == DONE ? HTTP_DONE : k->state == REFUSED ? HTTP_REFUSED : HTTP_MORE;
}
