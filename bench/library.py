#!/usr/bin/python3
"""What a request costs a backend: CPU time of libweir beside Go's net/http and libfcgi.

    bench/library.py [--connections N] [--seconds S] [--rounds N] [--only CASE] [--check]

Five backends with the same handler (bench/backends), on UNIX sockets:

    weir-fcgi   libweir over FastCGI         weir-http   libweir over HTTP/1.1
    go-fcgi     Go's net/http/fcgi           go-http     Go's net/http
    libfcgi     libfcgi, a thread a connection

bench-load asks each over kept connections (64), with what a web server would send: 23 parameters, or
the same facts as headers. Five things are asked for: 13 bytes, 1 KiB, 16 KiB, 1 MiB, and a POST of
1 KiB. CPU time is user and system time of the backend, from /proc/PID/stat, for S seconds (1.5); the
load's own is not in it. Everything is interleaved, backend by backend, for N rounds (5), and medians
are printed. The backends have one thread for their work (GOMAXPROCS=1), but for libfcgi.

--check: exit status 1 if libweir over FastCGI is not below Go's net/http and libfcgi, or above
libweir over HTTP by more than 3 % (what repeated runs differ by), in any of the five.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from hop import accepts, cpu_seconds

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get('WEIR_BUILD', 'build')
SOURCES = pathlib.Path(__file__).resolve().parent / 'backends'
START_LIMIT = 20
NOISE = 1.03
CASES = {'hello': ('GET', '/', b''), '1 KiB': ('GET', '/1024', b''),
         '16 KiB': ('GET', '/16384', b''), '1 MiB': ('GET', '/1048576', b''),
         'POST 1 KiB': ('POST', '/', bytes(1024))}
SUBJECT = 'weir-fcgi'
BACKENDS = [SUBJECT, 'weir-http', 'go-http', 'go-fcgi', 'libfcgi']
HEADERS = {'Host': 'www.example.org', 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0)',
           'Accept': 'text/html,application/xhtml+xml,*/*;q=0.8', 'Accept-Language': 'en',
           'Accept-Encoding': 'gzip, deflate, br', 'Cookie': 'session=0123456789abcdef'}


def record(kind, content):
    padding = -len(content) % 8
    return struct.pack('>BBHHBB', 1, kind, 1, len(content), padding, 0) + content + bytes(padding)


def pair(name, value):
    def length(n):
        return bytes([n]) if n < 128 else struct.pack('>I', n | 1 << 31)
    return length(len(name)) + length(len(value)) + name.encode() + value.encode()


def fcgi_request(method, target, body):
    """As nginx's fastcgi_params make it."""
    values = {'QUERY_STRING': '', 'REQUEST_METHOD': method, 'CONTENT_TYPE': '',
              'CONTENT_LENGTH': str(len(body)) if body else '', 'SCRIPT_NAME': target,
              'REQUEST_URI': target, 'DOCUMENT_URI': target, 'DOCUMENT_ROOT': '/srv/www',
              'SERVER_PROTOCOL': 'HTTP/1.1', 'REQUEST_SCHEME': 'http', 'GATEWAY_INTERFACE': 'CGI/1.1',
              'SERVER_SOFTWARE': 'nginx/1.22.1', 'REMOTE_ADDR': '192.0.2.7', 'REMOTE_PORT': '47110',
              'SERVER_ADDR': '192.0.2.1', 'SERVER_PORT': '80', 'SERVER_NAME': 'www.example.org'}
    values |= {'HTTP_' + name.upper().replace('-', '_'): value for name, value in HEADERS.items()}
    stream = b''.join(pair(name, value) for name, value in values.items())
    stdin = record(5, body) if body else b''
    return record(1, struct.pack('>HB5x', 1, 1)) + record(4, stream) + record(4, b'') + stdin + \
        record(5, b'')


def http_request(method, target, body):
    """The same facts, as a proxy would add them to the client's headers."""
    values = {**HEADERS, 'X-Real-IP': '192.0.2.7', 'X-Forwarded-For': '192.0.2.7',
              'X-Forwarded-Proto': 'http', 'X-Forwarded-Port': '80'}
    if body:
        values['Content-Length'] = str(len(body))
    return (f'{method} {target} HTTP/1.1\r\n' +
            ''.join(f'{name}: {value}\r\n' for name, value in values.items()) +
            '\r\n').encode() + body


def compile_others(folder):
    """The backends that are not built with weir."""
    subprocess.run(['gcc', '-O2', SOURCES / 'libfcgi.c', '-o', folder / 'libfcgi', '-lfcgi',
                    '-lpthread'], check=True)
    subprocess.run(['go', 'build', '-o', folder / 'go', SOURCES / 'main.go'], check=True,
                   env={**os.environ, 'GO111MODULE': 'off', 'GOFLAGS': '', 'HOME': str(folder)})


class Backend:
    def __init__(self, name, folder, connections):
        self.name = name
        self.carrier = 'http' if name.endswith('http') else 'fcgi'
        self.socket = folder / f'{name}.sock'
        argv = {'weir': [BUILD / 'bench' / 'bench-backend', f'{self.carrier}+unix:{self.socket}'],
                'go': [folder / 'go', self.carrier, self.socket],
                'libfcgi': [folder / 'libfcgi', self.socket, connections]}[name.split('-')[0]]
        with open(folder / f'{name}.log', 'wb') as log:
            self.process = subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log,
                                            env={**os.environ, 'GOMAXPROCS': '1'})
        limit = time.monotonic() + START_LIMIT
        while not accepts(self.socket):
            if self.process.poll() is not None or time.monotonic() > limit:
                sys.exit(f'{name} did not start:\n{(folder / f"{name}.log").read_text()}')
            time.sleep(0.01)

    def measure(self, request, connections, seconds):
        """CPU microseconds a request."""
        before = cpu_seconds(self.process.pid)
        done = subprocess.run([BUILD / 'bench' / 'bench-load', self.carrier, self.socket, request,
                               str(connections), str(seconds)], capture_output=True, text=True)
        spent = cpu_seconds(self.process.pid) - before
        fields = done.stdout.split()
        if done.returncode != 0 or len(fields) != 4 or int(fields[1]) or not int(fields[0]):
            sys.exit(f'{self.name}: bench-load: {done.stdout}{done.stderr}')
        return spent / int(fields[0]) * 1e6

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def report(results):
    print(f'CPU us a request{"":4}' + ''.join(f'{name:>12}' for name in BACKENDS) +
          ''.join(f'{"/ " + name:>12}' for name in BACKENDS[1:]))
    for case, row in results.items():
        mine = row[SUBJECT]
        print(f'{case:20}' + ''.join(f'{row[name]:12.2f}' for name in BACKENDS) +
              ''.join(f'{mine / row[name]:12.2f}' for name in BACKENDS[1:]))


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument('--connections', type=int, default=64)
    arguments.add_argument('--seconds', type=float, default=1.5)
    arguments.add_argument('--rounds', type=int, default=5)
    arguments.add_argument('--only', help='one of: ' + ', '.join(CASES))
    arguments.add_argument('--check', action='store_true')
    args = arguments.parse_args()

    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-bench-'))
    backends = []
    cases = {args.only: CASES[args.only]} if args.only else CASES
    taken = {case: {name: [] for name in BACKENDS} for case in cases}
    try:
        compile_others(folder)
        for name in BACKENDS:
            backends.append(Backend(name, folder, args.connections))
        for case, (method, target, body) in cases.items():
            (folder / f'{case}.fcgi').write_bytes(fcgi_request(method, target, body))
            (folder / f'{case}.http').write_bytes(http_request(method, target, body))
        for number in range(args.rounds):
            for case in cases:
                for backend in backends:
                    taken[case][backend.name].append(backend.measure(
                        folder / f'{case}.{backend.carrier}', args.connections, args.seconds))
            print(f'round {number + 1} of {args.rounds} is done', file=sys.stderr)
    finally:
        for backend in backends:
            backend.stop()
        shutil.rmtree(folder, ignore_errors=True)

    results = {case: {name: statistics.median(values) for name, values in row.items()}
               for case, row in taken.items()}
    report(results)
    worse = [f'{case}: {SUBJECT} {row[SUBJECT]:.2f}, {name} {row[name]:.2f}'
             for case, row in results.items() for name in ('weir-http', 'go-http', 'libfcgi')
             if row[SUBJECT] > row[name] * (NOISE if name == 'weir-http' else 1)]
    if args.check:
        for line in worse:
            print(f'library.py: not as it must be: {line}', file=sys.stderr)
        sys.exit(1 if worse else 0)


if __name__ == '__main__':
    main()
