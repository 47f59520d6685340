"""weir in front of applications that misbehave. What the client must never get: a truncated answer
that looks whole, a byte of somebody else's answer, or none at all."""
import socket
import threading

import pytest

import fcgi_peer as fcgi
from fcgi_peer import OK, STDERR, STDOUT, Backend, end, record, records
from http_peer import KIB, MIB, Client, body_of, get, sha256
from server import free_port

HEAD = b'Content-Type: text/plain\r\n\r\n'


class Bench:
    """weir in front of one scripted application; an answer function for each request."""

    def __init__(self, servers, folder):
        self.servers = servers
        self.folder = folder
        self.backends = []

    def start(self, answer, *options, values=None):
        backend = Backend(self.folder, answer, values, name=f'backend{len(self.backends)}')
        self.backends.append(backend)
        return self.servers.weir([backend.url], *options), backend

    def ask(self, answer, *options, **more):
        weir, _ = self.start(answer, *options)
        return get(weir.address, **more)


@pytest.fixture
def bench(servers):
    bench = Bench(servers, servers.folder)
    yield bench
    for backend in bench.backends:
        backend.close()
        assert not backend.errors


def after_body(send):
    """An answer function: reads the body, then sends these bytes for the request's id."""
    def answer(request):
        request.body()
        request.send(send(request.id))
    return answer


def then_close(send):
    def answer(request):
        request.body()
        request.send(send(request.id))
        request.connection.close()
    return answer


def whole(data, number):
    return records(STDOUT, number, data) + record(STDOUT, number) + end(number)


# no answer, or none that makes sense: 502

BAD_ANSWERS = {
    'closes at once': then_close(lambda n: b''),
    'closes within a record header': then_close(lambda n: record(STDOUT, n, OK)[:5]),
    'closes within the response header': then_close(lambda n: record(STDOUT, n, b'Content-Ty')),
    'closes after stderr': then_close(lambda n: record(STDERR, n, b'oops\n')),
    'ends without output': after_body(lambda n: record(STDOUT, n) + end(n)),
    'ends at once': after_body(lambda n: end(n)),
    'ends within the header': after_body(lambda n: whole(b'Content-Type: text/pl', n)),
    'speaks HTTP': then_close(lambda n: b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' * 4),
    'zeros': then_close(lambda n: bytes(4096)),
    'version 2': then_close(lambda n: record(STDOUT, n, OK, version=2) + end(n)),
    'version 0': then_close(lambda n: record(STDOUT, n, OK, version=0) + end(n)),
    'no header': after_body(lambda n: whole(b'just text\n\nand more\n', n)),
    'header without colon': after_body(lambda n: whole(b'Content-Type\r\n\r\nx', n)),
    'space before colon': after_body(lambda n: whole(b'Content-Type : text/plain\r\n\r\nx', n)),
    'name that is no token': after_body(lambda n: whole(b'X\xe9: 1\r\n\r\nx', n)),
    'NUL in a value': after_body(lambda n: whole(b'X-A: a\0b\r\n\r\nx', n)),
    'bare CR in a value': after_body(lambda n: whole(b'X-A: a\rX-B: b\r\n\r\nx', n)),
    'status 99': after_body(lambda n: whole(b'Status: 99 Low\r\n\r\nx', n)),
    'status 600': after_body(lambda n: whole(b'Status: 600 High\r\n\r\nx', n)),
    'status that is a word': after_body(lambda n: whole(b'Status: OK\r\n\r\nx', n)),
    'two different lengths': after_body(
        lambda n: whole(b'Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx', n)),
    'length that is no number': after_body(lambda n: whole(b'Content-Length: -1\r\n\r\nx', n)),
    'id that nobody used': after_body(
        lambda n: whole(HEAD + b'evil', n + 1) + whole(OK, n)),
    'id 0': after_body(lambda n: whole(HEAD + b'evil', 0) + whole(OK, n)),
    'unknown role': after_body(lambda n: end(n, 0, fcgi.UNKNOWN_ROLE)),
    'unexpected 101': after_body(
        lambda n: whole(b'Status: 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nx', n)),
    'huge header': after_body(lambda n: whole(b'X-Big: ' + b'x' * MIB + b'\r\n\r\nx', n)),
    'endless header': after_body(lambda n: whole(b'X-A: 1\r\n' * 20000 + b'\r\nx', n)),
}


@pytest.mark.parametrize('name', BAD_ANSWERS)
def test_no_proper_answer_is_502(bench, name):
    weir, backend = bench.start(BAD_ANSWERS[name])
    with Client(weir.address) as client:
        response = client.request('GET', '/')
        assert response.status == 502 and not response.broken
        assert len(backend.requests) == 1, 'asked again what may have been processed'
        assert 'reason=' in weir.log()
    assert get(weir.address).status == 502  # weir goes on


def test_connection_refused_is_502(servers):
    weir = servers.weir([f'fcgi://127.0.0.1:{free_port()}'])
    assert get(weir.address).status == 502
    assert get(weir.address, method='POST', body=body_of(MIB)).status == 502


def test_missing_socket_is_502(servers):
    assert get(servers.weir([f'fcgi+unix:{servers.folder}/none.sock']).address).status == 502


def test_another_server_takes_over_after_a_refused_connection(servers, bench):
    backend = Backend(bench.folder, after_body(lambda n: whole(OK, n)))
    bench.backends.append(backend)
    weir = servers.weir([f'fcgi+unix:{servers.folder}/none.sock', backend.url])
    for _ in range(6):
        assert get(weir.address, method='POST', body=b'abc').body == b'ok\n'


def test_slow_answer_is_504(bench):
    gone = threading.Event()

    def answer(request):
        for _ in request.pieces():
            pass
        try:
            while True:  # until weir has had enough
                request.connection.read()
        except fcgi.Closed:
            gone.set()

    weir, _ = bench.start(answer, '--response-timeout', '200')
    assert get(weir.address).status == 504
    # ABORT_REQUEST is not answered either, so in the end the connection goes
    assert gone.wait(20)


# an answer that breaks off: the client must see it

BROKEN_ANSWERS = {
    'closes in the body': then_close(lambda n: record(STDOUT, n, HEAD + b'part')),
    'closes after the output ended': then_close(lambda n: record(STDOUT, n, HEAD + b'part') +
                                                record(STDOUT, n)),
    'closes within END_REQUEST': then_close(lambda n: record(STDOUT, n, HEAD + b'part') +
                                            record(STDOUT, n) + end(n)[:12]),
    'closes within a record': then_close(lambda n: record(STDOUT, n, HEAD + b'part')[:-2]),
    'closes within padding': then_close(lambda n: record(STDOUT, n, HEAD + b'part', 9)[:-3]),
    'wrong version in the body': then_close(lambda n: record(STDOUT, n, HEAD + b'part') +
                                            record(STDOUT, n, b'more', version=3) + end(n)),
    'shorter than Content-Length': after_body(
        lambda n: whole(b'Content-Length: 10\r\n\r\nonly', n)),
    'closes before Content-Length': then_close(
        lambda n: record(STDOUT, n, b'Content-Length: 10\r\n\r\nonly')),
}


@pytest.mark.parametrize('name', BROKEN_ANSWERS)
def test_broken_answer_looks_broken(bench, name):
    weir, _ = bench.start(BROKEN_ANSWERS[name])
    with Client(weir.address) as client:
        client.send_head('GET', '/')
        try:
            response = client.response()
            # when nothing had been sent yet, weir may also say it with a status
            assert response.broken or response.status == 502
        except EOFError:
            pass  # closed before a response
        assert client.at_end()


def test_broken_after_the_client_has_seen_the_beginning(bench):
    go = threading.Event()

    def answer(request):
        request.body()
        request.send(record(STDOUT, request.id, HEAD + b'part'))
        assert go.wait(20)
        request.connection.close()

    weir, _ = bench.start(answer)
    with Client(weir.address) as client:
        client.send_head('GET', '/')
        while b'part' not in client.buffer:
            assert client._fill()
        go.set()
        response = client.response()
        assert response.status == 200 and response.body == b'part' and response.broken
        assert client.at_end()


def test_longer_than_content_length(bench):
    """The excess would be the next response to whoever uses the connection next."""
    weir, _ = bench.start(after_body(
        lambda n: whole(b'Content-Length: 4\r\n\r\nonlyHTTP/1.1 200 OK\r\n\r\n', n)))
    with Client(weir.address) as client:
        for _ in range(2):
            response = client.request('GET', '/')
            assert response.status == 502 and not response.broken


def test_longer_than_content_length_when_it_is_too_late(bench):
    def answer(request):
        request.body()
        request.send(record(STDOUT, request.id, b'Content-Length: 4\r\n\r\non'))
        assert go.wait(20)
        request.finish(b'lyHTTP/1.1 200 OK\r\n\r\n')

    go = threading.Event()
    weir, _ = bench.start(answer)
    with Client(weir.address) as client:
        client.send_head('GET', '/')
        while not client.buffer.endswith(b'on'):
            assert client._fill()
        go.set()
        assert client.response().head_of_body in (b'on', b'only')
        assert client.at_end()


# answers that are unusual and right

def in_single_bytes(data):
    def answer(request):
        request.body()
        request.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        stream = whole(data, request.id)
        for at in range(len(stream)):
            request.send(stream[at:at + 1])
    return answer


GOOD_ANSWERS = {
    'one record a byte': after_body(lambda n: records(STDOUT, n, OK, 1) + record(STDOUT, n) + end(n)),
    'one byte at a time': in_single_bytes(OK),
    'bare LF in the header': after_body(lambda n: whole(b'Content-Type: text/plain\n\nok\n', n)),
    'no end of output': after_body(lambda n: records(STDOUT, n, OK) + end(n)),
    'end in one write': after_body(lambda n: whole(OK, n)),
    'stderr around and between': after_body(
        lambda n: record(STDERR, n, b'one') + record(STDOUT, n, OK[:9]) + record(STDERR, n, b'two') +
        record(STDOUT, n, OK[9:]) + record(STDERR, n) + record(STDOUT, n) + end(n)),
    'unknown record type': after_body(
        lambda n: record(77, n, b'evil') + record(STDOUT, n, OK) + record(STDOUT, n) + end(n)),
    'application status': after_body(lambda n: records(STDOUT, n, OK) + record(STDOUT, n) +
                                     end(n, 3)),
    'status 200 said': after_body(lambda n: whole(b'Status: 200 Fine\r\n' + OK, n)),
    'status without words': after_body(lambda n: whole(b'Status: 200\r\n' + OK, n)),
    'reserved bits in END_REQUEST': after_body(
        lambda n: records(STDOUT, n, OK) + record(STDOUT, n) +
        record(fcgi.END, n, b'\0\0\0\0\0abc')),
}


@pytest.mark.parametrize('keepalive', ['off', '4'])
@pytest.mark.parametrize('name', GOOD_ANSWERS)
def test_unusual_answer(bench, name, keepalive):
    weir, _ = bench.start(GOOD_ANSWERS[name], '--keepalive', keepalive)
    with Client(weir.address) as client:
        for _ in range(3):
            response = client.request('GET', '/')
            assert response.status == 200 and response.body == b'ok\n' and not response.broken


def test_all_padding_lengths(bench):
    """0 to 255 bytes of padding on every record of an answer."""
    def answer(request):
        request.body()
        n, padding = request.id, int(request.param('QUERY_STRING'))
        request.send(record(STDERR, n, b'x', padding), records(STDOUT, n, OK, 7, padding),
                     record(STDOUT, n, b'', padding), end(n, padding=padding))

    weir, _ = bench.start(answer, '--keepalive', '4')
    with Client(weir.address) as client:
        for padding in range(256):
            assert client.request('GET', f'/?{padding}').body == b'ok\n'


def test_interim_answers(bench):
    """103 reaches the client, other 1xx do not, and the final answer is the last block."""
    weir, _ = bench.start(after_body(lambda n: whole(
        b'Status: 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'
        b'Status: 199 Unheard Of\r\nX-A: 1\r\n\r\n'
        b'Status: 103 Early Hints\r\nLink: </b.css>; rel=preload\r\n\r\n' + OK, n)))
    response = get(weir.address)
    assert response.status == 200 and response.body == b'ok\n'
    hints = [dict(headers)['link'] for status, headers in response.informational if status == 103]
    assert hints == ['</a.css>; rel=preload', '</b.css>; rel=preload']
    assert {status for status, _ in response.informational} <= {103}


def test_hop_by_hop_headers_of_the_application_stay_here(bench):
    weir, _ = bench.start(after_body(lambda n: whole(
        b'Transfer-Encoding: chunked\r\nConnection: close, X-Mine\r\nUpgrade: h2c\r\n'
        b'Keep-Alive: 5\r\nX-Ours: 1\r\n' + OK, n)))
    with Client(weir.address) as client:
        for _ in range(2):
            response = client.request('GET', '/')
            assert response.body == b'ok\n' and response.header('x-ours') == '1'
            assert not {'upgrade', 'keep-alive'} & {name for name, _ in response.headers}


@pytest.mark.parametrize('status', [204, 304])
def test_body_where_none_may_be(bench, status):
    weir, _ = bench.start(after_body(lambda n: whole(b'Status: %d X\r\n\r\nbody' % status, n)))
    with Client(weir.address) as client:
        for _ in range(2):
            assert client.request('GET', '/').status == status


def test_body_of_a_head_answer_is_dropped(bench):
    weir, _ = bench.start(after_body(lambda n: whole(b'Content-Length: 3\r\n' + OK, n)))
    with Client(weir.address) as client:
        for _ in range(2):
            response = client.request('HEAD', '/')
            assert response.status == 200 and response.header('content-length') == '3'
        assert client.request('GET', '/').body == b'ok\n'


def test_redirect_for_the_client(bench):
    weir, _ = bench.start(after_body(lambda n: whole(b'Location: http://h.example/x\r\n\r\n', n)))
    response = get(weir.address)
    assert response.status == 302 and response.header('location') == 'http://h.example/x'


def test_local_redirect(bench):
    def answer(request):
        request.body()
        if request.param('REQUEST_URI') == '/first':
            request.finish(b'Location: /second?a=b\r\n\r\n')
        else:
            request.finish(OK)

    weir, backend = bench.start(answer)
    with Client(weir.address) as client:
        assert client.request('POST', '/first', body=b'abc').body == b'ok\n'
    second = backend.requests[1]
    assert second.param('PATH_INFO') == '/second' and second.param('QUERY_STRING') == 'a=b'
    assert second.param('REQUEST_METHOD') == 'GET'
    assert second.param('CONTENT_LENGTH') is None


def test_local_redirect_loop_is_502(bench):
    weir, backend = bench.start(after_body(lambda n: whole(b'Location: /again\r\n\r\n', n)))
    assert get(weir.address).status == 502
    assert len(backend.requests) in (10, 11)


# protocol status

def test_overloaded_is_503(bench):
    weir, _ = bench.start(after_body(lambda n: end(n, 0, fcgi.OVERLOADED)))
    response = get(weir.address)
    assert response.status == 503 and response.header('retry-after')


def test_overloaded_goes_to_another_server(servers, bench):
    busy = Backend(bench.folder, after_body(lambda n: end(n, 0, fcgi.OVERLOADED)), name='busy')
    free = Backend(bench.folder, after_body(lambda n: whole(OK, n)), name='free')
    bench.backends += [busy, free]
    weir = servers.weir([busy.url, free.url])
    for _ in range(6):
        assert get(weir.address).body == b'ok\n'
    assert len(free.requests) == 6


def test_cannot_multiplex(bench):
    """An application that says so on a fresh connection has nothing to serve with."""
    weir, _ = bench.start(after_body(lambda n: end(n, 0, fcgi.CANT_MPX_CONN)))
    assert get(weir.address).status in (502, 503)


def test_cannot_multiplex_on_a_kept_connection(bench):
    """Such an answer is never taken for a response."""
    def answer(request):
        request.body()
        if request.serial:
            request.send(end(request.id, 0, fcgi.CANT_MPX_CONN))
        else:
            request.finish(OK)

    weir, _ = bench.start(answer, '--keepalive', '4')
    for _ in range(6):
        response = get(weir.address)
        assert response.status == 503 or response.body == b'ok\n'


# kept connections

@pytest.mark.parametrize('more', [
    lambda n: record(STDOUT, n, HEAD + b'evil'),
    lambda n: record(STDOUT, n + 1, HEAD + b'evil') + record(STDOUT, n + 1) + end(n + 1),
    lambda n: whole(HEAD + b'evil', 1) + whole(HEAD + b'evil', 2) + whole(HEAD + b'evil', 3),
    lambda n: b'evil',
    lambda n: record(STDERR, n, b'evil'),
], ids=['same id', 'next id', 'several ids', 'garbage', 'stderr'])
def test_bytes_after_the_end_reach_nobody(bench, more):
    weir, backend = bench.start(after_body(lambda n: whole(OK, n) + more(n)), '--keepalive', '4')
    with Client(weir.address) as client:
        for _ in range(20):
            response = client.request('GET', '/')
            assert response.status == 200 and response.body == b'ok\n' and not response.broken
    assert len(backend.requests) == 20


def test_kept_connections_are_used_again(bench):
    weir, backend = bench.start(after_body(lambda n: whole(OK, n)), '--keepalive', '4')
    with Client(weir.address) as client:
        for number in range(50):
            body = body_of(number * 99)
            assert client.request('POST', '/', body=body).body == b'ok\n'
    assert backend.connections == 1 and len(backend.requests) == 50


def test_no_keepalive_unless_told(bench):
    """An application that does not answer GET_VALUES gets a connection for each request."""
    weir, backend = bench.start(after_body(lambda n: whole(OK, n)))
    with Client(weir.address) as client:
        for _ in range(10):
            assert client.request('GET', '/').body == b'ok\n'
    assert backend.connections == 10
    assert not any(request.flags & fcgi.KEEP_CONN for request in backend.requests)


def test_ids_are_not_used_twice_in_a_row(bench):
    weir, backend = bench.start(after_body(lambda n: whole(OK, n)), '--keepalive', '1')
    with Client(weir.address) as client:
        for _ in range(30):
            assert client.request('GET', '/').body == b'ok\n'
    assert len({request.id for request in backend.requests}) == 30


def test_kept_connection_that_died_is_replaced(bench):
    """The application closes after each answer although it was asked to keep the connection."""
    weir, backend = bench.start(then_close(lambda n: whole(OK, n)), '--keepalive', '4')
    with Client(weir.address) as client:
        for _ in range(30):
            assert client.request('GET', '/').body == b'ok\n'


def test_kept_connection_that_dies_with_the_next_request(bench):
    """It is asked again only if asking twice does no harm."""
    def answer(request):
        if request.serial == 1:
            request.connection.close()
            return
        request.body()
        request.finish(OK)

    weir, backend = bench.start(answer, '--keepalive', '4')
    with Client(weir.address) as client:
        assert client.request('GET', '/').body == b'ok\n'
        assert client.request('GET', '/').body == b'ok\n'
    with Client(weir.address) as client:
        assert client.request('GET', '/').status == 200
    before = len(backend.requests)
    with Client(weir.address) as client:
        assert client.request('POST', '/', body=b'pay').status in (200, 502)
    posts = [r for r in backend.requests[before:] if r.param('REQUEST_METHOD') == 'POST']
    assert len(posts) == 1


# both directions at once

def test_early_answer_reaches_the_client_during_the_upload(bench):
    """The answer comes after the first piece, and the client reads it before sending the rest."""
    def answer(request):
        pieces = request.pieces()
        first = next(pieces)
        request.send(record(STDOUT, request.id, HEAD + b'early '))
        rest = sum(len(piece) for piece in pieces)
        request.finish(b'%d' % (len(first) + rest))

    weir, _ = bench.start(answer)
    with Client(weir.address) as client:
        client.send_head('POST', '/', [('Content-Length', '200000')])
        client.send(b'x' * 100000)
        while b'early ' not in client.buffer:
            assert client._fill()
        client.send(b'x' * 100000)
        assert client.response().body == b'early 200000'


def test_answer_without_reading_the_upload(bench):
    """Both sides send 8 MiB before they read: no dead lock."""
    answer_body = body_of(8 * MIB)

    def answer(request):
        request.stdout(HEAD + answer_body)
        request.body()
        request.finish()

    weir, _ = bench.start(answer)
    with Client(weir.address) as client:
        response = client.request('POST', '/', body=body_of(8 * MIB))
    assert response.status == 200 and response.sha256 == sha256(answer_body)


def test_final_answer_before_the_upload_is_complete(bench):
    def answer(request):
        next(request.pieces())
        request.finish(b'Status: 403 No\r\nContent-Length: 2\r\n\r\nno')
        request.connection.close()

    weir, _ = bench.start(answer)
    with Client(weir.address) as client:
        response = client.request('POST', '/', body=body_of(4 * MIB))
        assert response.status == 403 and response.body == b'no'


@pytest.mark.parametrize('how', ['close', 'reset'])
@pytest.mark.parametrize('when', ['during the upload', 'before the answer', 'during the answer'])
def test_client_gone_is_told_to_the_application(bench, how, when):
    started, told = threading.Event(), threading.Event()

    def answer(request):
        pieces = request.pieces()
        if when == 'during the upload':
            next(pieces)
        else:
            for _ in pieces:
                pass
        started.set()
        if when == 'during the answer':
            request.send(record(STDOUT, request.id, HEAD + b'x' * 100))
        try:
            while True:
                kind, number, _ = request.connection.read()
                if kind == fcgi.ABORT:
                    assert number == request.id
                    break
                assert kind == fcgi.STDIN
        except fcgi.Closed:
            pass
        told.set()
        request._ended = True
        try:
            request.finish()
        except OSError:
            pass

    weir, _ = bench.start(answer)
    client = Client(weir.address)
    if when == 'during the upload':
        client.send_head('POST', '/', [('Content-Length', '100000')])
        client.send(b'x' * 1000)
    else:
        client.send_head('GET', '/')
    assert started.wait(20)
    if when == 'during the answer':
        while b'xxx' not in client.buffer:
            assert client._fill()
    client.reset() if how == 'reset' else client.close()
    assert told.wait(20)


def test_incomplete_upload_never_looks_complete(bench):
    """No empty STDIN record after half a body."""
    result = []

    def answer(request):
        try:
            for _ in request.pieces():
                pass
            result.append('aborted' if request.aborted else 'complete')
        except fcgi.Closed:
            result.append('closed')
        seen.set()

    for chunked in (False, True):
        seen = threading.Event()
        weir, backend = bench.start(answer)
        client = Client(weir.address)
        if chunked:
            client.send_head('POST', '/', [('Transfer-Encoding', 'chunked')])
            client.send(b'1000\r\n' + b'x' * 4096 + b'\r\n1000\r\nxxx')
        else:
            client.send_head('POST', '/', [('Content-Length', '100000')])
            client.send(b'x' * 4096)
            while not backend.requests:
                pass
        client.close()
        if not chunked:
            assert seen.wait(20)
        assert get(weir.address, method='HEAD').status in (200, 502)  # weir has seen it all by now
    assert 'aborted' in result or 'closed' in result


def test_chunked_upload_is_counted_first(bench):
    """CONTENT_LENGTH is true although the client did not know it."""
    def answer(request):
        request.finish(HEAD + f'{request.param("CONTENT_LENGTH")} {len(request.body())}'.encode())

    weir, _ = bench.start(answer)
    with Client(weir.address) as client:
        for size in (1, 5000, 3 * MIB):
            response = client.request('POST', '/', body=body_of(size), chunk=4 * KIB)
            assert response.body == f'{size} {size}'.encode()


def test_slow_client_does_not_fill_memory(bench):
    """An application that sends 64 MiB is stopped while the client does not read."""
    sent = [0]
    blocked = threading.Event()

    def answer(request):
        request.connection.sock.settimeout(1.0)
        request.body()
        request.stdout(HEAD)
        piece = record(STDOUT, request.id, b'x' * 32768)
        try:
            for _ in range(2048):
                request.send(piece)
                sent[0] += 32768
        except TimeoutError:
            pass
        blocked.set()
        request.connection.close()
        request._ended = True

    weir, _ = bench.start(answer)
    with Client(weir.address) as client:
        client.send_head('GET', '/')
        assert blocked.wait(60)
        assert sent[0] < 32 * MIB, f'weir took {sent[0]} bytes for a client that reads nothing'
