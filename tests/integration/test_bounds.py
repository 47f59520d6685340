"""What must not grow: memory for clients that ask and do not read, and for many requests on one
connection."""
import re
import socket
import threading

import pytest

import fcgi_peer as fcgi
from fcgi_peer import KEEP_CONN, STDOUT, Backend, record
from http_peer import MIB, Client
from server import BUILD, LEAN, connect


def memory(server):
    """Resident memory in bytes."""
    with open(f'/proc/{server.pid}/status') as status:
        return int(re.search(r'VmRSS:\s+(\d+) kB', status.read()).group(1)) << 10


def send_until_blocked(sock, data, most):
    """Sends data again and again while somebody takes it; how many bytes were taken."""
    sock.settimeout(0.5)
    taken = 0
    try:
        while taken < most:
            at = taken % len(data)
            taken += sock.send(data[at:])
    except TimeoutError:
        pass
    return taken


def fcgi_get(number=1):
    return fcgi.request(number, {'REQUEST_METHOD': 'GET', 'REQUEST_URI': '/'}, flags=KEEP_CONN)


REQUESTS = {
    'http': (b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', b'Hello, world\n'),
    'fcgi': (fcgi_get(), b'Hello, world\n'),
}


@pytest.mark.parametrize('scheme', REQUESTS)
def test_requests_without_reading_the_answers(servers, scheme):
    """Who does not read is not read any more; what was asked is answered when it does."""
    one, answer = REQUESTS[scheme]
    server = servers.example('hello', f'{scheme}+unix:{servers.folder}/socket')
    before = memory(server)
    sock = connect(server.address)
    taken = send_until_blocked(sock, one * 1000, 64 * MIB)
    assert taken < 32 * MIB, 'the server reads on although nobody takes its answers'
    assert memory(server) - before < 32 * MIB
    sock.shutdown(socket.SHUT_WR)
    sock.settimeout(20)
    got = 0
    tail = b''
    while data := sock.recv(1 << 18):
        tail += data
        got += tail.count(answer)
        tail = tail[tail.rfind(b'\n') + 1:] if b'\n' in tail else tail
    assert got == taken // len(one)
    sock.close()


def test_interim_answers_without_end(servers):
    """An application may send any number of 1xx; one that floods a client waits for it."""
    sent = [0]
    blocked = threading.Event()

    def answer(request):
        request.connection.sock.settimeout(0.5)
        request.body()
        hint = record(STDOUT, request.id, b'Status: 103 Early Hints\r\nLink: </a>\r\n\r\n' * 1000)
        try:
            while sent[0] < 64 * MIB:
                request.send(hint)
                sent[0] += len(hint)
        except TimeoutError:
            pass
        blocked.set()
        request.connection.close()
        request._ended = True

    with Backend(servers.folder, answer) as backend:
        weir = servers.weir([backend.url])
        with Client(weir.address) as client:
            client.send_head('GET', '/')
            assert blocked.wait(60)
            assert sent[0] < 32 * MIB, f'weir took {sent[0]} bytes for a client that reads nothing'


@pytest.mark.parametrize('scheme', ['http', 'fcgi'])
def test_many_requests_on_one_connection(servers, scheme):
    """Memory after 20 000 requests is what it was after 2000."""
    one, answer = REQUESTS[scheme]
    server = servers.start('hello', [BUILD / 'examples' / 'hello',
                                     f'{scheme}+unix:{servers.folder}/socket'],
                           clean=True, ready=r'^hello: listening on (\S+)$',
                           env={'ASAN_OPTIONS': LEAN})
    sock = connect(server.address)

    def ask(count):
        for _ in range(count // 100):
            sock.sendall(one * 100)
            got = b''
            while got.count(answer) < 100:
                got += sock.recv(1 << 16)

    ask(2000)
    before = memory(server)
    ask(18000)
    assert memory(server) - before < MIB
    sock.close()
