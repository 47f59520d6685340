#!/usr/bin/python3
"""What one hop costs: CPU time per request of a reverse proxy together with its backend.

    bench/hop.py [--requests N] [--connections N,N] [--rounds N] [--json FILE]

Three pairs answer the same small GET (200, text/plain, 13 bytes), each program on one thread and
its backend on a UNIX socket with kept connections:

    weir+hello     weir, FastCGI, examples/hello
    nginx+nginx    nginx, HTTP/1.1, nginx (return 200)
    nginx+hello    nginx, FastCGI, examples/hello

wrk asks with 1, 64 and 256 connections. The CPU time is user and system time of all processes of
the pair, from /proc/PID/stat, over at least N requests (200000); wrk's own is not in it. The pairs
take turns (A B C A B C ...), and the medians of the rounds are printed. WEIR_BUILD chooses the
build folder; the default one is compiled with -O2.
"""
import argparse
import json
import math
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get('WEIR_BUILD', 'build')
TICK = os.sysconf('SC_CLK_TCK')
START_LIMIT = 20
BASE = 'nginx+nginx'
BODY = 'Hello, world\\n'  # as nginx's configuration spells it

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log {folder}/{name}.error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/{name}-1;
    fastcgi_temp_path {folder}/{name}-2;
    proxy_temp_path {folder}/{name}-3;
    uwsgi_temp_path {folder}/{name}-4;
    scgi_temp_path {folder}/{name}-5;
    upstream app {{
        server unix:{folder}/{backend}.sock;
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {listen};
        location / {{ {location} }}
    }}
}}
"""
PROXY = 'proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";'
FASTCGI = 'include /etc/nginx/fastcgi_params; fastcgi_pass app; fastcgi_keep_conn on;'


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def accepts(address):
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as probe:
        try:
            probe.connect(address if isinstance(address, tuple) else str(address))
            return True
        except OSError:
            return False


def descendants(pid):
    """The process and all below it."""
    found = [pid]
    children = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    for child in children:
        found += descendants(int(child))
    return found


def cpu_seconds(pid):
    """User and system time of one process, with all its threads."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Pair:
    """A proxy and its backend, running."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.processes = []
        self.port = free_port()

    def run(self, argv, address):
        with open(self.folder / 'log', 'ab') as log:
            process = subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        self.processes.append(process)
        limit = time.monotonic() + START_LIMIT
        while not accepts(address):
            if process.poll() is not None or time.monotonic() > limit:
                sys.exit(f'{self.name}: {pathlib.Path(argv[0]).name} did not start:\n'
                         f'{(self.folder / "log").read_text()}')
            time.sleep(0.01)

    def nginx(self, name, listen, location, backend='none'):
        conf = self.folder / f'{name}.conf'
        conf.write_text(NGINX.format(folder=self.folder, name=name, listen=listen, backend=backend,
                                     location=location,
                                     user='user root;' if os.geteuid() == 0 else ''))
        address = listen.removeprefix('unix:') if listen.startswith('unix:') else \
            ('127.0.0.1', self.port)
        self.run(['nginx', '-p', self.folder, '-c', conf], address)

    def hello(self):
        path = self.folder / 'hello.sock'
        self.run([BUILD / 'examples' / 'hello', f'fcgi+unix:{path}'], path)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def pids(self):
        return [pid for process in self.processes for pid in descendants(process.pid)]

    def cpu(self):
        return sum(cpu_seconds(pid) for pid in self.pids())

    def check(self):
        """The answer that is measured is the right one."""
        with socket.create_connection(('127.0.0.1', self.port), timeout=10) as sock:
            sock.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
            answer = b''
            while data := sock.recv(65536):
                answer += data
        if not answer.startswith(b'HTTP/1.1 200') or b'Hello, world\n' not in answer:
            sys.exit(f'{self.name} answers {answer[:200]!r}')


def start_weir(pair):
    pair.hello()
    pair.run([BUILD / 'weir', '--listen', f'http://127.0.0.1:{pair.port}', '--to',
              f'fcgi+unix:{pair.folder}/hello.sock', '--threads', '1', '--keepalive', '512'],
             ('127.0.0.1', pair.port))


def start_nginx_http(pair):
    pair.nginx('back', f'unix:{pair.folder}/back.sock', f'return 200 "{BODY}";')
    pair.nginx('front', f'127.0.0.1:{pair.port}', PROXY, 'back')


def start_nginx_fastcgi(pair):
    pair.hello()
    pair.nginx('front', f'127.0.0.1:{pair.port}', FASTCGI, 'hello')


PAIRS = {'weir+hello': start_weir, BASE: start_nginx_http, 'nginx+hello': start_nginx_fastcgi}
UNITS = {'us': 1, 'ms': 1e3, 's': 1e6}


def wrk(port, connections, seconds):
    """One run of wrk: requests, seconds, p99 in microseconds."""
    done = subprocess.run(['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--latency',
                           f'http://127.0.0.1:{port}/'], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=seconds + 60)
    total = re.search(r'(\d+) requests in ([\d.]+)(\w+)', done.stdout)
    p99 = re.search(r'99%\s+([\d.]+)(us|ms|s)\b', done.stdout)
    if done.returncode != 0 or not total or not p99:
        sys.exit(f'wrk failed:\n{done.stdout}{done.stderr}')
    if 'Non-2xx' in done.stdout or 'Socket errors' in done.stdout:
        sys.exit(f'not all requests were answered well:\n{done.stdout}')
    minutes = 60 if total.group(3) == 'm' else 1
    return int(total.group(1)), float(total.group(2)) * minutes, \
        float(p99.group(1)) * UNITS[p99.group(2)]


def measure(pair, connections, requests):
    """One round of one pair: a second to warm up, which also tells how long to measure."""
    warm, took, _ = wrk(pair.port, connections, 1)
    seconds = max(1, math.ceil(requests * 1.1 / (warm / took)))
    done = cpu = 0
    while done < requests:
        before = pair.cpu()
        count, took, p99 = wrk(pair.port, connections, seconds)
        cpu = pair.cpu() - before
        done = count
        seconds *= 2
    return {'requests': done, 'per_second': done / took, 'cpu_us': cpu / done * 1e6, 'p99_us': p99}


def report(results, connections):
    print(f'{"":14}{"connections":>12}{"requests/s":>12}{"CPU us/req":>12}{"p99 us":>10}'
          f'{"CPU vs " + BASE:>20}{"rate vs " + BASE:>20}')
    for count in connections:
        base = results[BASE][count]
        for name in PAIRS:
            mine = results[name][count]
            print(f'{name:14}{count:12}{mine["per_second"]:12.0f}{mine["cpu_us"]:12.2f}'
                  f'{mine["p99_us"]:10.0f}{mine["cpu_us"] / base["cpu_us"]:20.2f}'
                  f'{mine["per_second"] / base["per_second"]:20.2f}')


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument('--requests', type=int, default=200000)
    arguments.add_argument('--connections', default='1,64,256')
    arguments.add_argument('--rounds', type=int, default=3)
    arguments.add_argument('--json')
    args = arguments.parse_args()
    connections = [int(count) for count in args.connections.split(',')]

    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-bench-'))
    pairs = []
    rounds = {name: {count: [] for count in connections} for name in PAIRS}
    try:
        for number, (name, start) in enumerate(PAIRS.items()):
            (folder / str(number)).mkdir()
            pairs.append(Pair(name, folder / str(number)))
            start(pairs[-1])
            pairs[-1].check()
        for number in range(args.rounds):
            for count in connections:
                for pair in pairs:
                    result = measure(pair, count, args.requests)
                    rounds[pair.name][count].append(result)
                    print(f'round {number + 1}: {pair.name}, {count} connections: '
                          f'{result["cpu_us"]:.2f} us', file=sys.stderr)
    finally:
        for pair in pairs:
            pair.stop()
        shutil.rmtree(folder, ignore_errors=True)

    results = {name: {count: {key: statistics.median(one[key] for one in done)
                              for key in done[0]} for count, done in counts.items()}
               for name, counts in rounds.items()}
    print(f'medians of {args.rounds} rounds, at least {args.requests} requests each; CPU: proxy and '
          f'backend together')
    report(results, connections)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({'medians': results, 'rounds': rounds},
                                                      indent=2) + '\n')


if __name__ == '__main__':
    main()
