#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the inputs of tests/cases/http1 as fuzz seeds: fuzz/make_seeds.py FOLDER.

Makes FOLDER/http_request, FOLDER/chunked and FOLDER/cgi_header with a file for each case, named by
its document and heading; and FOLDER/http2 with frames that a client may send. To renew a corpus, let libFuzzer pick what adds coverage:

    fuzz/make_seeds.py /tmp/seeds
    build-fuzz/fuzz/fuzz-chunked -merge=1 fuzz/corpus/chunked /tmp/seeds/chunked
"""
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tests/integration'))

import http2_peer as h2  # noqa: E402

TARGETS = {'request': 'http_request', 'chunked': 'chunked', 'cgi': 'cgi_header'}
ESCAPES = {'r': '\r', 'n': '\n', 't': '\t', 'v': '\v', '0': '\0', 's': ' ', '\\': '\\'}


def unescape(match):
    text = match.group(1)
    if text[0] == 'x':
        return chr(int(text[1:], 16))
    if text[0] == '{':
        times, what = text[1:-1].split(':', 1)
        return what * min(int(times), 300)
    return ESCAPES[text]


def input_bytes(block):
    """The bytes of an input block; the format is described in tests/cases/README.md."""
    out = ''
    for line in block.splitlines():
        joined = re.search(r'(?<!\\)(?:\\\\)*\\$', line)
        line = line[:-1] if joined else line
        line = re.sub(r'\\(x[0-9a-fA-F]{2}|\{\d+:[^}]*\}|.)', unescape, line)
        out += line if joined else line + '\r\n'
    return out.encode('latin-1')


def http2_seeds():
    """Name and frames, each stream's path saying what its handler does (fuzz_http2.c)."""
    def fields(path, method='GET', *more):
        return h2.block([(':method', method), (':scheme', 'http'), (':authority', 'a.example'),
                         (':path', path), *more])

    def get(number, path='/', *more):
        return h2.frame(h2.HEADERS, 5, number, fields(path, 'GET', *more))

    def post(number, path='/b', *more):
        return h2.frame(h2.HEADERS, 4, number, fields(path, 'POST', *more))

    end, headers = h2.END_STREAM, h2.frame(h2.HEADERS, 1, 1, fields('/')[:20])
    window = h2.frame(h2.SETTINGS, 0, 0, h2.settings_payload([(h2.INITIAL_WINDOW_SIZE, 10)]))
    yield 'get', get(1) + get(3, '/a?b', ('cookie', 'a'), ('cookie', 'b'), ('x_y', 'z'))
    yield 'post', post(1) + h2.frame(h2.DATA, 0, 1, b'some') + h2.frame(h2.DATA, end, 1, b'body')
    yield 'length', post(1, '/b', ('content-length', '4')) + h2.frame(h2.DATA, end, 1, b'body')
    yield 'length-short', post(1, '/b', ('content-length', '5')) + h2.frame(h2.DATA, end, 1, b'b')
    yield 'length-long', post(1, '/b', ('content-length', '1')) + h2.frame(h2.DATA, end, 1, b'bo')
    yield 'expect', post(1, '/b', ('expect', '100-continue')) + h2.frame(h2.DATA, end, 1, b'b')
    yield 'padded', post(1) + h2.frame(h2.DATA, 9, 1, b'\x04body' + bytes(4))
    yield 'trailers', post(1) + h2.frame(h2.HEADERS, 5, 1, h2.literal('x', 'y'))
    yield 'trailers-bad', post(1) + h2.frame(h2.HEADERS, 4, 1, h2.literal(':path', '/'))
    yield 'early', post(1, '/') + h2.frame(h2.DATA, 0, 1, b'more')
    yield 'fail', get(1, '/f') + get(3)
    yield 'stream', window + get(1, '/s') + get(3, '/s') + h2.window_update(1, 30000) + \
        h2.window_update(0, 100000) + h2.window_update(3, 15000)
    yield 'hold-and-reset', get(1, '/h') + get(3, '/h') + h2.rst_stream(1) + get(5)
    yield 'too-many', b''.join(get(n, '/h') for n in range(1, 21, 2))
    yield 'rapid-reset', b''.join(get(n) + h2.rst_stream(n) for n in range(1, 81, 2))
    yield 'continuation', headers + h2.frame(h2.CONTINUATION, 4, 1, fields('/')[20:])
    yield 'continuations', headers + h2.frame(h2.CONTINUATION, 0, 1) * 12
    yield 'interrupted', headers + h2.frame(h2.PING, 0, 0, bytes(8))
    yield 'malformed', get(1, '/', ('X', 'y')) + get(3, '/', ('connection', 'close')) + get(5, '')
    yield 'table', h2.frame(h2.HEADERS, 5, 1, fields('/') + h2.indexing('x', 'y' * 99)) + \
        h2.frame(h2.HEADERS, 5, 3, fields('/') + h2.indexed(62))
    yield 'bomb', h2.frame(h2.HEADERS, 5, 1, fields('/') + h2.indexing('x', 'y' * 999) +
                           h2.indexed(62) * 200)
    yield 'pings', h2.frame(h2.PING, 0, 0, bytes(8)) * 60
    yield 'settings', h2.frame(h2.SETTINGS) * 60
    yield 'empty-data', post(1) + h2.frame(h2.DATA, 0, 1) * 60
    yield 'window-overflow', get(1, '/s') + h2.window_update(1, 0x7fffffff) + get(3)
    yield 'priority', get(1, '/s', ('priority', 'u=1, i')) + h2.frame(
        h2.PRIORITY_UPDATE, 0, 0, struct.pack('>I', 1) + b'u=0') + h2.frame(2, 0, 1, bytes(5))
    yield 'goaway', get(1, '/s') + h2.frame(h2.GOAWAY, 0, 0, bytes(8)) + get(3)
    yield 'last-number', get(0x7fffffff) + get(1)
    yield 'more-than-window', post(1, '/h') + h2.frame(h2.DATA, 0, 1, bytes(4096)) + \
        h2.frame(h2.DATA, 0, 1, b'x') + get(3)


def main():
    folder = pathlib.Path(sys.argv[1])
    (folder / 'http2').mkdir(parents=True, exist_ok=True)
    for name, data in http2_seeds():
        (folder / 'http2' / name).write_bytes(data)
    documents = pathlib.Path(__file__).resolve().parent.parent / 'tests/cases/http1'
    for document in sorted(documents.glob('*.md')):
        heading, count = '', {}
        pattern = r'^#+ ([^\n]*)$|^```(\w+)[^\n]*\n(.*?)^```$'
        for match in re.finditer(pattern, document.read_text(), re.M | re.S):
            if match.group(1):
                heading = re.sub(r'[^a-z0-9]+', '-', match.group(1).lower()).strip('-')[:40]
            elif match.group(2) in TARGETS:
                count[heading] = count.get(heading, 0) + 1
                target = folder / TARGETS[match.group(2)]
                target.mkdir(parents=True, exist_ok=True)
                name = f'{document.stem}-{heading}-{count[heading]}'
                (target / name).write_bytes(input_bytes(match.group(3)))


main()
