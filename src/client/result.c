/* SPDX-License-Identifier: MIT
 *
 * client/result.c: what can be asked about a request and its answer. */
#include "client/client.h"

const char *weir_client_request_error(const weir_client_request *r)
{
    return r->error;
}

int weir_client_result(const weir_client_request *r)
{
    return r->result;
}

static const struct cgi_response *block(const weir_client_request *r)
{
    return r->answer.block_done ? &r->answer.parser.response : NULL;
}

int weir_client_status(const weir_client_request *r)
{
    return block(r) ? block(r)->status : 0;
}

const char *weir_client_reason(const weir_client_request *r)
{
    return block(r) && block(r)->reason.len > 0 ? r->answer.text.ptr + block(r)->reason.off : "";
}

bool weir_client_field_at(const weir_client_request *r, size_t index, weir_str *ret_name,
                          weir_str *ret_value)
{
    if (!block(r) || index >= block(r)->field_count)
        return false;
    *ret_name = http_field_name(r->answer.text.ptr, &r->answer.fields[index]);
    *ret_value = http_field_value(r->answer.text.ptr, &r->answer.fields[index]);
    return true;
}

const char *weir_client_field(const weir_client_request *r, const char *name)
{
    weir_str found, value;

    for (size_t i = 0; weir_client_field_at(r, i, &found, &value); i++)
        if (str_eq_nocase(found, str_of(name)))
            return value.ptr;
    return NULL;
}

bool weir_client_is_local_redirect(const weir_client_request *r)
{
    return block(r) && block(r)->local_redirect;
}

weir_str weir_client_head(const weir_client_request *r)
{
    return block(r) ? str(r->answer.head.ptr, r->answer.head.len) : WEIR_STR("");
}

weir_str weir_client_errors(const weir_client_request *r)
{
    return r->errors.len > 0 ? str(r->errors.ptr, r->errors.len) : WEIR_STR("");
}

uint32_t weir_client_app_status(const weir_client_request *r)
{
    return r->state == REQUEST_OVER ? r->call.app_status : 0;
}

int weir_client_protocol_status(const weir_client_request *r)
{
    return r->protocol_status;
}

void weir_client_stats_get(const weir_client_request *r, weir_client_stats *ret_stats,
                           size_t stats_size)
{
    weir_client_stats stats = r->stats;

    stats.params = r->params.count;
    stats.params_bytes = r->params.size;
    stats.bytes_sent = r->counts.bytes_sent;
    stats.bytes_received = r->counts.bytes_received;
    for (int i = 0; i < TAP_TYPES; i++) {
        stats.records_sent[i] = r->counts.sent[i];
        stats.records_received[i] = r->counts.received[i];
    }
    memset(ret_stats, 0, stats_size);
    memcpy(ret_stats, &stats, stats_size < sizeof stats ? stats_size : sizeof stats);
}
