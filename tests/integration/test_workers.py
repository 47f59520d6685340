"""Handlers that block on worker threads (examples/workers), and Authorizers (examples/authorizer)."""
import concurrent.futures
import socket
import time
import zlib

import pytest

import fcgi_peer as fcgi
from fcgi_peer import KEEP_CONN, Application, begin, params, request
from http_peer import Client, body_of
from server import BUILD

AUTHORIZER = 2


def start(servers, name, url, *more):
    return servers.start(name, [BUILD / 'examples' / name, url, *more], clean=True,
                         ready=rf'^{name}: listening on (\S+)$')


@pytest.fixture(params=['http', 'fcgi'])
def front(request, servers):
    """Where HTTP is spoken to four workers: by them, or by weir in front of them."""
    if request.param == 'http':
        return start(servers, 'workers', 'http://127.0.0.1:0', '4')
    return servers.weir([start(servers, 'workers', f'fcgi+unix:{servers.folder}/workers.sock', '4')])


@pytest.mark.parametrize('size', [0, 1, 1000, 70000, 20_000_000])
def test_body_is_read_whole(front, size):
    body = body_of(size)
    with Client(front.address) as client:
        response = client.request('POST', '/', body=body)
    assert response.status == 200 and not response.broken
    assert response.body == b'%d bytes, adler32 %08x\n' % (size, zlib.adler32(body))


def test_output_leaves_when_flushed(front):
    with Client(front.address) as client:
        client.send_head('GET', '/?pause=50')
        started = time.monotonic()
        data = b''
        while b'1\n' not in data:
            data += client.sock.recv(4096)
        assert time.monotonic() - started < 0.4  # the whole takes 0.5 s


def test_slow_handlers_do_not_hold_up_the_loop(front):
    """Four busy workers, and still the loop answers what needs none: here, a malformed request."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        def slow():
            with Client(front.address) as client:
                return client.request('GET', '/?pause=100').body
        busy = [pool.submit(slow) for _ in range(4)]
        with socket.create_connection(front.address, 20) as sock:
            started = time.monotonic()
            sock.sendall(b'nonsense\r\n\r\n')
            assert b' 400 ' in sock.recv(4096)
            assert time.monotonic() - started < 0.8
        assert all(task.result() == b'1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n' for task in busy)


def test_many_requests_on_one_connection(servers):
    """A slow request does not hold up others of its FastCGI connection."""
    server = start(servers, 'workers', f'fcgi+unix:{servers.folder}/workers.sock', '4')
    with Application(server.address) as app:
        app.send(request(1, values=params('GET', '/?pause=50')))
        for number in range(2, 30):
            app.send(request(number, values=params('GET', '/')))
        replies = app.replies(*range(1, 30))
        assert list(replies)[-1] == 1  # the others had ended before
        assert all(reply.status == 200 for reply in replies.values())
        assert replies[1].body == b'1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n'


def test_abort_reaches_a_blocked_handler(servers):
    """A handler that waits for its body hears of ABORT_REQUEST at once, and the worker is free."""
    server = start(servers, 'workers', f'fcgi+unix:{servers.folder}/workers.sock', '1')
    with Application(server.address) as app:
        for number in range(1, 20):
            app.send(begin(number, flags=KEEP_CONN),
                     fcgi.record(fcgi.PARAMS, number,
                                 fcgi.pairs(params('POST', '/', CONTENT_LENGTH='1000'))),
                     fcgi.record(fcgi.PARAMS, number), fcgi.record(fcgi.STDIN, number, b'some'))
            app.send(fcgi.record(fcgi.ABORT, number))
            assert app.reply(number).protocol_status == fcgi.COMPLETE
        app.send(request(30, values=params('GET', '/')))
        assert app.reply(30).status == 200


def test_clients_that_go_away(front):
    for number in range(20):
        with Client(front.address) as client:
            client.send_head('GET', f'/?pause={number}')
    with Client(front.address) as client:
        assert client.request('GET', '/').status == 200


# Authorizer

def test_authorizer(servers):
    server = start(servers, 'authorizer', f'fcgi+unix:{servers.folder}/auth.sock', 'sesame')
    with Application(server.address) as app:
        for number, header, status in ((1, 'Bearer sesame', 200), (2, 'Bearer sesam', 401),
                                       (3, 'Basic sesame', 401)):
            app.send(request(number, values=params('GET', '/', HTTP_AUTHORIZATION=header),
                             role=AUTHORIZER))
            reply = app.reply(number)
            assert reply.status == status
            assert ('Variable-API_CLIENT: key-holder' in reply.head) == (status == 200)


def test_overload_does_not_flood_the_log(servers):
    """1001 requests wait or run; hundreds more are refused, and the log says so in a line or two."""
    app = start(servers, 'workers', f'fcgi+unix:{servers.folder}/workers.sock', '1')
    crowd = [Application(app.address) for _ in range(13)]
    for conn in crowd:
        conn.send(b''.join(request(number, params(target='/?pause=100'), flags=KEEP_CONN)
                           for number in range(1, 101)))
    refused = [reply.protocol_status for reply in
               (crowd[-1].reply(number) for number in range(1, 101))]
    for conn in crowd:
        conn.close()
    assert refused == [fcgi.OVERLOADED] * 100
    assert 1 <= app.log().count('reason=worker-queue-full') <= 5
