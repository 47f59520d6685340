/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/pcap.c: --pcap: records as a capture file (the classic pcap format), each record
 * wrapped in IPv4 and TCP as if it had crossed a network, so that Wireshark dissects it whatever
 * carried it. Connection N is 10.0.0.1:(40000+N) to 10.0.0.2:9000.
 *
 *     file header | packet header | IPv4 (20) | TCP (20) | part of a record | packet header | ...
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/fcurl/transfer.h"

enum {
    LINKTYPE_RAW = 101, /* packets begin with the IP header */
    SEGMENT = 65535 - 40,
    CONNECTIONS = 1024, /* whose sequence numbers are remembered: more than run at a time */
    CLIENT_PORT = 40000,
    SERVER_PORT = 9000,
    TCP_SYN = 2,
    TCP_PUSH = 8,
    TCP_ACK = 16,
};

struct flow {
    uint64_t connection;
    uint32_t next[2]; /* sequence numbers: of the server's side, of ours */
};

struct pcap {
    struct pcap *next;
    char *path;
    FILE *file;
    uint64_t clients;
    struct flow flows[CONNECTIONS];
};

static void put16(unsigned char *p, unsigned value)
{
    p[0] = (unsigned char)(value >> 8);
    p[1] = (unsigned char)value;
}

static void put32(unsigned char *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value & 0xffff);
}

static struct pcap *pcap_begin(struct run *run, const char *path)
{
    /* In our byte order; readers tell by the magic number. */
    const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, LINKTYPE_RAW};
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    struct pcap *pcap;

    if (!file)
        return NULL;
    pcap = must_alloc(sizeof *pcap);
    pcap->file = file;
    pcap->path = must_copy(path);
    pcap->next = run->pcaps;
    run->pcaps = pcap;
    fwrite(header, sizeof header, 1, file);
    return pcap;
}

struct pcap *pcap_open(struct run *run, const char *path, uint64_t *ret_base)
{
    struct pcap *pcap = run->pcaps;

    while (pcap && strcmp(pcap->path, path) != 0)
        pcap = pcap->next;
    if (!pcap)
        pcap = pcap_begin(run, path);
    if (pcap)
        *ret_base = 997 * pcap->clients++;
    return pcap;
}

void pcap_close_all(struct run *run)
{
    while (run->pcaps) {
        struct pcap *pcap = run->pcaps;
        run->pcaps = pcap->next;
        bool bad = ferror(pcap->file) != 0;
        bad = (pcap->file == stdout ? fflush(stdout) : fclose(pcap->file)) != 0 || bad;
        if (bad)
            run_warn(run, "Failed to write %s", pcap->path);
        free(pcap->path);
        free(pcap);
    }
}

static unsigned checksum(const unsigned char *bytes, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i += 2)
        sum += (unsigned)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0u);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void put_packet(struct pcap *pcap, struct flow *flow, bool is_sent, unsigned flags,
                       const char *bytes, size_t len)
{
    unsigned char packet[40] = {0x45};
    unsigned char *tcp = packet + 20;
    unsigned client = CLIENT_PORT + (unsigned)(flow->connection % 20000);
    struct timespec now;

    put16(packet + 2, (unsigned)(40 + len));
    packet[6] = 0x40; /* do not fragment */
    packet[8] = 64;
    packet[9] = 6; /* TCP */
    put32(packet + 12, is_sent ? 0x0a000001 : 0x0a000002);
    put32(packet + 16, is_sent ? 0x0a000002 : 0x0a000001);
    put16(packet + 10, checksum(packet, 20, 0));
    put16(tcp, is_sent ? client : SERVER_PORT);
    put16(tcp + 2, is_sent ? SERVER_PORT : client);
    put32(tcp + 4, flow->next[is_sent]);
    put32(tcp + 8, flags == TCP_SYN ? 0 : flow->next[!is_sent]);
    tcp[12] = 5 << 4;
    tcp[13] = (unsigned char)flags;
    put16(tcp + 14, 65535);
    flow->next[is_sent] += (uint32_t)len + (flags & TCP_SYN ? 1 : 0);

    clock_gettime(CLOCK_REALTIME, &now);
    const uint32_t header[4] = {(uint32_t)now.tv_sec, (uint32_t)(now.tv_nsec / 1000),
                                (uint32_t)(40 + len), (uint32_t)(40 + len)};
    fwrite(header, sizeof header, 1, pcap->file);
    fwrite(packet, sizeof packet, 1, pcap->file);
    if (len)
        fwrite(bytes, len, 1, pcap->file);
}

static struct flow *find_flow(struct pcap *pcap, uint64_t connection)
{
    struct flow *flow = &pcap->flows[connection % CONNECTIONS];

    if (flow->connection != connection) {
        *flow = (struct flow){connection, {1000, 1000}};
        put_packet(pcap, flow, true, TCP_SYN, NULL, 0);
        put_packet(pcap, flow, false, TCP_SYN | TCP_ACK, NULL, 0);
        put_packet(pcap, flow, true, TCP_ACK, NULL, 0);
    }
    return flow;
}

void pcap_record(struct pcap *pcap, uint64_t base, const weir_client_record *record)
{
    struct flow *flow = find_flow(pcap, base + record->connection);
    struct text bytes = {NULL, 0, 0};
    static const char zeros[256];
    uint8_t header[8];

    weir_record_encode(&record->header, header);
    text_add(&bytes, (const char *)header, sizeof header);
    text_add(&bytes, record->content.ptr, record->content.len);
    text_add(&bytes, zeros, record->header.padding_length);
    for (size_t done = 0; done < bytes.len;) {
        size_t part = bytes.len - done < SEGMENT ? bytes.len - done : SEGMENT;
        put_packet(pcap, flow, record->is_sent, TCP_PUSH | TCP_ACK, bytes.ptr + done, part);
        done += part;
    }
    text_done(&bytes);
}
