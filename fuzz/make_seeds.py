#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the inputs of tests/cases/http1 as fuzz seeds: fuzz/make_seeds.py FOLDER.

Makes FOLDER/http_request, FOLDER/chunked and FOLDER/cgi_header with a file for each case, named by
its document and heading. To renew a corpus, let libFuzzer pick what adds coverage:

    fuzz/make_seeds.py /tmp/seeds
    build-fuzz/fuzz/fuzz-chunked -merge=1 fuzz/corpus/chunked /tmp/seeds/chunked
"""
import pathlib
import re
import sys

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


def main():
    folder = pathlib.Path(sys.argv[1])
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
