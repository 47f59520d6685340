"""What a kept-alive GET costs in system calls: one read and one write in libweir, twice that in weir."""
import pathlib
import re
import signal
import subprocess
import time

import pytest

import http2_peer
from fcgi_peer import Application, params, request
from http_peer import Client
from pki import Authority, TlsClient
from server import BUILD

CALLS = 'read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pread64,pwrite64'
COUNT = 200


def is_traced(pid):
    """Whether strace has attached to every thread."""
    return all('TracerPid:\t0\n' not in status.read_text()
               for status in pathlib.Path(f'/proc/{pid}/task').glob('*/status'))


def traced(server, folder, exchange):
    """The reads and writes that the server makes for COUNT calls of exchange."""
    exchange()  # the connection stands, and everything has been done once
    log = folder / 'trace'
    strace = subprocess.Popen(['strace', '-f', '-q', '-e', f'trace={CALLS}', '-o', log,
                               '-p', str(server.pid)])
    try:
        end = time.monotonic() + 20
        while not is_traced(server.pid):
            assert strace.poll() is None and time.monotonic() < end, 'strace did not attach'
        for _ in range(COUNT):
            exchange()
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(20)
    calls = re.findall(r'^\d+ +(\w+)\(', log.read_text(encoding='latin-1'), re.M)
    reads = sum(call.startswith(('recv', 'read', 'pread')) for call in calls)
    return reads, len(calls) - reads


@pytest.fixture
def hello(servers):
    def start(url):
        return servers.example('hello', url)
    return start


# Besides, libuv wakes itself up now and then, and the last answer may be read before it is traced.
SLACK = 6


def test_libweir_over_http(servers, hello):
    server = hello('http://127.0.0.1:0')
    with Client(server.address) as client:
        def exchange():
            assert client.request('GET', '/').status == 200
        reads, writes = traced(server, servers.folder, exchange)
    assert abs(reads - COUNT) <= SLACK and abs(writes - COUNT) <= SLACK


def test_libweir_over_http2(servers, hello):
    server = hello('http://127.0.0.1:0')
    with http2_peer.Client(server.address, windows=False) as client:
        def exchange():
            assert client.request('/').status == 200
        reads, writes = traced(server, servers.folder, exchange)
    assert abs(reads - COUNT) <= SLACK and abs(writes - COUNT) <= SLACK


def test_libweir_over_fastcgi(servers, hello):
    server = hello(f'fcgi+unix:{servers.folder}/hello.sock')
    with Application(server.address) as app:
        def exchange():
            app.send(request(values=params()))
            assert app.reply().status == 200
        reads, writes = traced(server, servers.folder, exchange)
    assert abs(reads - COUNT) <= SLACK and abs(writes - COUNT) <= SLACK


def test_worker_answer_is_one_hand_over(servers):
    """To the worker by its lock, and back by one eventfd: written by the worker, read by the loop."""
    server = servers.start('workers', [BUILD / 'examples' / 'workers',
                                       f'fcgi+unix:{servers.folder}/workers.sock', '1'], clean=True,
                           ready=r'^workers: listening on (\S+)$')
    with Application(server.address) as app:
        def exchange():
            app.send(request(values=params('POST', '/')))
            assert app.reply().status == 200
        reads, writes = traced(server, servers.folder, exchange)
    # weir_read is one hand-over more
    assert reads <= 3 * COUNT + SLACK and writes <= 3 * COUNT + SLACK


def test_small_file(servers):
    """A file is opened, looked at, read, and leaves in one write with its head and END_REQUEST."""
    (servers.folder / 'file').write_bytes(b'x' * 5000)
    server = servers.start('sendfile', [BUILD / 'examples' / 'sendfile',
                                        f'fcgi+unix:{servers.folder}/files.sock', servers.folder],
                           clean=True, ready=r'^sendfile: listening on (\S+)$')
    with Application(server.address) as app:
        def exchange():
            app.send(request(values=params(target='/file')))
            assert app.reply().status == 200
        reads, writes = traced(server, servers.folder, exchange)
    assert abs(reads - 2 * COUNT) <= SLACK and abs(writes - COUNT) <= SLACK


def test_weir(servers, hello):
    weir = servers.weir([hello(f'fcgi+unix:{servers.folder}/hello.sock')])
    with Client(weir.address) as client:
        def exchange():
            assert client.request('GET', '/').status == 200
        reads, writes = traced(weir, servers.folder, exchange)
    assert abs(reads - 2 * COUNT) <= SLACK and abs(writes - 2 * COUNT) <= SLACK


def test_libweir_over_https(servers, tmp_path):
    authority = Authority(tmp_path / 'ca')
    server = servers.start('echo', [BUILD / 'examples' / 'echo', 'https://127.0.0.1:0',
                                    *authority.issue('server')],
                           clean=True, ready=r'^echo: listening on (\S+)$')
    with TlsClient(server.address, authority.context()) as client:
        def exchange():
            assert client.request('GET', '/').status == 200
        reads, writes = traced(server, servers.folder, exchange)
    assert abs(reads - COUNT) <= SLACK and abs(writes - COUNT) <= SLACK
