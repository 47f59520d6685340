"""HTTP/2 by prior knowledge: the same on weir and on libweir's own http: listener."""
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

import http2_peer as h2
import http_peer
from fcgi_peer import OK, Backend
from http2_peer import Client
from http_peer import BIG, KIB, MIB, body_of, sha256
from server import BUILD, LEAN, connect
from streams import stream_sha256

SERVER = BUILD / 'tests' / 'integration' / 'programs' / 'http2'


def start(servers, *options, **more):
    return servers.start('http2', [SERVER, 'http://127.0.0.1:0', *options], clean=True,
                         ready=r'^http2: listening on (\S+)$', **more)


def start_lean(servers, *options):
    """One whose memory can be looked at."""
    return start(servers, *options, env={'ASAN_OPTIONS': LEAN})


@pytest.fixture(scope='module')
def addresses(module_servers):
    backend = module_servers.example('echo', f'fcgi+unix:{module_servers.folder}/echo.sock')
    return {'weir': module_servers.weir([backend]).address,
            'libweir': module_servers.example('echo', 'http://127.0.0.1:0').address}


@pytest.fixture(params=['weir', 'libweir'])
def address(request, addresses):
    return addresses[request.param]


@pytest.fixture(scope='module')
def plain(module_servers):
    """The scripted server with its defaults."""
    return start(module_servers)


@pytest.fixture(scope='module')
def lean(module_servers):
    return start_lean(module_servers)


@pytest.fixture
def client(address):
    with Client(address) as client:
        yield client


def works(client):
    """The connection is still good for another request."""
    return client.ping() and client.request('/?after').status == 200


# ---- How it begins

FIRST = h2.frame(h2.SETTINGS) + h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, h2.block(
    [(':method', 'GET'), (':scheme', 'http'), (':authority', 'a.example'), (':path', '/')]))


def test_preface_in_every_cut(address):
    data = h2.PREFACE + FIRST
    for cut in [*range(1, len(h2.PREFACE) + 10), len(data)]:
        with Client(address, preface=False, wait=False) as client:
            client.streams[1] = h2.Stream(0)
            client.send(data[:cut])
            client.send(data[cut:])
            assert client.response(1).status == 200


def test_everything_bytewise(address):
    with Client(address, preface=False, wait=False) as client:
        client.streams[1] = h2.Stream(0)
        for at in range(len(h2.PREFACE + FIRST)):
            client.send((h2.PREFACE + FIRST)[at:at + 1])
        assert client.response(1).status == 200


@pytest.mark.parametrize('data, status', [
    (b'PRI * HTTP/2.0\r\n\r\nSM\r\n\rX', 505),
    (b'PRI * HTTP/2.0\r\nHost: a\r\n\r\n', 505),
    (b'PRI / HTTP/1.1\r\nHost: a\r\n\r\n', 200),
    (b'pRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505),
    (b'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', 200),
])
@pytest.mark.parametrize('slowly', [False, True])
def test_no_preface_is_http1(address, data, status, slowly):
    with http_peer.Client(address) as client:
        try:
            client.send_slowly(data) if slowly else client.send(data)
        except OSError:
            pass  # refused already
        assert client.response().status == status


def test_only_as_the_first_bytes(address):
    with http_peer.Client(address) as client:
        assert client.request('GET', '/').status == 200
        client.send(h2.PREFACE + FIRST)
        assert client.response().status in (400, 505)
        assert client.at_end()


def test_off(servers):
    server = start(servers, 'http2=1')
    with http_peer.Client(server.address) as client:
        client.send(h2.PREFACE + FIRST)
        assert client.response().status == 505


def test_weir_off(servers):
    weir = servers.weir(['fcgi://127.0.0.1:1'], '--http2', 'off')
    with http_peer.Client(weir.address) as client:
        client.send(h2.PREFACE + FIRST)
        assert client.response().status == 505


def test_no_settings(plain):
    """What follows the preface must be SETTINGS (RFC 9113 3.4)."""
    with Client(plain.address, preface=False, wait=False) as client:
        client.send(h2.PREFACE + h2.frame(h2.PING, 0, 0, bytes(8)))
        assert client.at_end()
        assert client.goaways[-1][1] == h2.PROTOCOL_ERROR


def test_settings(plain):
    with Client(plain.address) as client:
        assert client.settings == {
            h2.MAX_CONCURRENT_STREAMS: 100, h2.INITIAL_WINDOW_SIZE: 65536, 9: 1,
            h2.MAX_HEADER_LIST_SIZE: 32768, h2.HEADER_TABLE_SIZE: 4096}
        client.until(lambda: client.settings_acked == 1 and client.window == 8 << 20)


def test_unix_socket(servers):
    server = servers.example('echo', f'http+unix:{servers.folder}/echo.sock')
    with Client(server.address) as client:
        assert client.request('/x').json()['params'] == {'REQUEST_SCHEME': 'http'}


# ---- What a handler sees

def test_same_as_over_http1(address):
    headers = [('user-agent', 'test'), ('x-some', 'a'), ('accept', '*/*'), ('x-some', 'b'),
               ('x_dropped', 'c'), ('content-type', 'text/x'), ('cookie', 'a=b'), ('cookie', 'c=d')]
    with Client(address) as two, http_peer.Client(address) as one:
        got = two.request('/a%20b/../c//d?x=%41', 'POST', headers, b'body').json()
        want = one.request('POST', '/a%20b/../c//d?x=%41', headers, b'body').json()
        port = got['params'].pop('REMOTE_PORT')
        assert port == str(two.port)
        for params in (got['params'], want['params']):
            params.pop('REMOTE_PORT', None)
            params.pop('REQUEST_ID', None)
        assert got == want
        assert got['headers']['cookie'] == 'a=b; c=d'
        assert got['headers']['x-some'] == 'a, b'
        assert got['request']['host'] == '127.0.0.1'
        assert 'te' not in got['headers']


def test_parameters_of_weir(servers):
    def answer(request):
        request.body()
        request.finish(OK)
    with Backend(servers.folder, answer) as backend:
        weir = servers.weir([backend.url])
        with Client(weir.address) as client:
            headers = [('te', 'trailers'), ('proxy', 'x'), ('remote-addr', 'forged'),
                       ('cookie', 'a=1'), ('cookie', 'b=2'), ('expect', '100-continue')]
            client.authority = 'Site.example:81'
            stream = client.request('/p?q', 'POST', headers, b'12345')
            assert (stream.status, bytes(stream.body)) == (200, b'ok\n')
            port = client.port
        params = dict(backend.requests[0].params)
        assert len(params) == len(backend.requests[0].params)
    assert params['SERVER_PROTOCOL'] == 'HTTP/2.0'
    assert params['HTTP_HOST'] == 'Site.example:81'
    assert params['SERVER_NAME'] == 'site.example'
    assert params['REQUEST_URI'] == '/p?q' and params['QUERY_STRING'] == 'q'
    assert params['CONTENT_LENGTH'] == '5' and params['REMOTE_PORT'] == str(port)
    assert params['REMOTE_ADDR'] == '127.0.0.1' and params['HTTP_REMOTE_ADDR'] == 'forged'
    assert params['HTTP_COOKIE'] == 'a=1; b=2'
    assert not {'HTTP_TE', 'HTTP_PROXY', 'HTTP_EXPECT', 'HTTP_METHOD', 'HTTP_PATH', 'HTTP_SCHEME',
                'HTTP_AUTHORITY'} & set(params)
    assert not [name for name in params if ':' in name]


def test_options_asterisk(client):
    assert client.request('*', 'OPTIONS').json()['request']['path'] == '*'


# ---- What is malformed

GOOD = {':method': 'GET', ':scheme': 'http', ':authority': 'a.example', ':path': '/'}


def with_pseudo(**changes):
    """The pseudo fields with changes; None leaves one out."""
    fields = {**GOOD, **{':' + name: value for name, value in changes.items()}}
    return [(name, value) for name, value in fields.items() if value is not None]


def plus(*fields):
    return [*GOOD.items(), *fields]


MALFORMED = {
    'upper-case name': plus(('X-Y', 'z')),
    'space in a name': plus(('x y', 'z')),
    'empty name': plus(('', 'z')),
    'colon in a name': plus(('x:y', 'z')),
    'CR LF in a name': plus(('x\r\ny', 'z')),
    'byte over 7F in a name': plus(('x\xe9', 'z')),
    'no token': plus(('x"', 'z')),
    'CR LF in a value': plus(('x', 'y\r\nevil: 1')),
    'LF in a value': plus(('x', 'y\nz')),
    'NUL in a value': plus(('x', 'y\0z')),
    'control byte in a value': plus(('x', 'y\x02z')),
    'DEL in a value': plus(('x', 'y\x7fz')),
    'leading space': plus(('x', ' y')),
    'trailing tab': plus(('x', 'y\t')),
    'connection': plus(('connection', 'keep-alive')),
    'proxy-connection': plus(('proxy-connection', 'keep-alive')),
    'keep-alive': plus(('keep-alive', '1')),
    'transfer-encoding': plus(('transfer-encoding', 'chunked')),
    'upgrade': plus(('upgrade', 'websocket')),
    'te but trailers': plus(('te', 'gzip')),
    'pseudo field after others': [*plus(('x', 'y'))[1:], (':method', 'GET')],
    'pseudo field twice': plus((':path', '/')),
    'unknown pseudo field': plus((':x', 'y')),
    'pseudo field of a response': plus((':status', '200')),
    'protocol without extended CONNECT': plus((':protocol', 'websocket')),
    'no method': with_pseudo(method=None),
    'no scheme': with_pseudo(scheme=None),
    'no path': with_pseudo(path=None),
    'neither authority nor host': with_pseudo(authority=None),
    'empty path': with_pseudo(path=''),
    'relative path': with_pseudo(path='x'),
    'absolute form': with_pseudo(path='http://a.example/'),
    'asterisk for GET': with_pseudo(path='*'),
    'space in the path': with_pseudo(path='/a b'),
    'fragment': with_pseudo(path='/a#b'),
    'CR LF in the path': with_pseudo(path='/a\r\nb'),
    'encoded NUL': with_pseudo(path='/%00'),
    'above the root': with_pseudo(path='/../x'),
    'no scheme characters': with_pseudo(scheme='ht:tp'),
    'unknown scheme': with_pseudo(scheme='gopher'),
    'method no token': with_pseudo(method='G ET'),
    'request line in the method': with_pseudo(method='GET / HTTP/1.1\r\nHost: b\r\n\r\nGET'),
    'userinfo': with_pseudo(authority='u@a.example'),
    'path in the authority': with_pseudo(authority='a.example/x'),
    'empty authority': with_pseudo(authority=''),
    'port out of range': with_pseudo(authority='a.example:99999'),
    'host is another': plus(('host', 'b.example')),
    'host is no host': plus(('host', 'a b')),
    'host twice': plus(('host', 'a.example'), ('host', 'a.example')),
    'length twice': plus(('content-length', '0'), ('content-length', '0')),
    'length no number': plus(('content-length', 'x')),
    'length with a sign': plus(('content-length', '+0')),
    'list of lengths': plus(('content-length', '0, 0')),
    'two types': plus(('content-type', 'a'), ('content-type', 'b')),
}


@pytest.mark.parametrize('name', MALFORMED)
def test_malformed(client, name):
    """A 400 with its end, RST_STREAM, and the connection goes on with its tables in step."""
    payload = h2.indexing('x-kept', 'before') + h2.block([])
    number = client.open(payload=h2.block(MALFORMED[name]) + payload)
    stream = client.response(number)
    client.until(lambda: stream.reset is not None)
    assert stream.status == 400 and stream.ended
    assert stream.reset == h2.PROTOCOL_ERROR
    assert stream.frames[-1] == h2.RST_STREAM
    after = client.response(client.open(payload=h2.block(client.fields()) + h2.indexed(62)))
    assert after.json()['headers']['x-kept'] == 'before'
    assert not client.goaways


REFUSED = {
    'CONNECT': (501, [(':method', 'CONNECT'), (':authority', 'a.example:80')]),
    'TRACE': (501, with_pseudo(method='TRACE')),
    'long method': (501, with_pseudo(method='X' * 40)),
    'https': (421, with_pseudo(scheme='https')),
    'unknown expectation': (417, plus(('expect', 'the-worst'))),
    'long target': (414, with_pseudo(path='/' + 'x' * 9000)),
    'many fields': (431, plus(*[('x', 'y')] * 101)),
    'large head': (431, plus(('x', 'y' * 30000), ('z', 'y' * 3000))),
    'long name': (431, plus(('x' * 300, 'y'))),
    'huge length': (413, plus(('content-length', '9' * 30))),
}


@pytest.mark.parametrize('name', REFUSED)
@pytest.mark.parametrize('end', [True, False])
def test_refused(client, name, end):
    status, headers = REFUSED[name]
    stream = client.response(client.open(headers, end=end))
    assert stream.status == status and stream.ended
    if not end:
        client.until(lambda: stream.reset == h2.NO_ERROR)
    assert works(client) and (end or stream.reset == h2.NO_ERROR)
    assert stream.reset in (None, h2.NO_ERROR)


def test_body_too_large(servers):
    server = start(servers, 'body_max=1000')
    with Client(server.address) as client:
        number = client.open(target='/post', end=False, method='POST',
                             more=[('content-length', '1001')])
        assert client.response(number).status == 413
        number = client.open(target='/post', end=False, method='POST')
        client.data(number, bytes(1000))
        client.data(number, bytes(1))
        assert client.response(number).status == 413
        assert client.request('/post', 'POST', body=bytes(1000)).body == b'1000'


# ---- Content-Length

@pytest.mark.parametrize('length, pieces, end', [
    (1, [], 'headers'), (5, [2, 2], 'data'), (5, [2, 2, 2], 'data'),
    (5, [2, 2], 'empty'), (5, [2, 2], 'trailers'), (5, [6], None),
], ids=str)
def test_length_that_is_not_true(client, length, pieces, end):
    number = client.open(end=end == 'headers', method='POST',
                         more=[('content-length', str(length))])
    for i, size in enumerate(pieces):
        client.data(number, bytes(size), end=end == 'data' and i == len(pieces) - 1)
    if end == 'empty':
        client.data(number, end=True)
    if end == 'trailers':
        client.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, number, h2.literal('x', 'y'))
    stream = client.response(number)
    client.until(lambda: stream.reset is not None)
    assert stream.status == 400 and stream.ended and stream.reset == h2.PROTOCOL_ERROR
    assert works(client)


def test_length_zero_and_a_body(plain):
    with Client(plain.address) as client:
        number = client.open(target='/post', end=False, method='POST',
                             more=[('content-length', '0')])
        client.data(number, b'x', end=True)
        stream = client.response(number)
        client.until(lambda: stream.reset is not None)
        assert (stream.status, stream.reset) == (400, h2.PROTOCOL_ERROR)


@pytest.mark.parametrize('end', ['headers', 'data', 'empty', 'trailers', 'padded'])
def test_length_that_is_true(client, end):
    size = 0 if end == 'headers' else 5
    number = client.open(end=end == 'headers', method='POST', more=[('content-length', str(size))])
    if end == 'padded':
        client.frame(h2.DATA, h2.PADDED | h2.END_STREAM, number, b'\x09hello' + bytes(9))
    elif size:
        client.data(number, b'hello', end=end == 'data')
    if end == 'empty':
        client.data(number, end=True)
    if end == 'trailers':
        client.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, number, h2.literal('x', 'y'))
    body = client.response(number).json()['body']
    assert body['complete'] and body['length'] == size


BAD_TRAILERS = {
    'pseudo field': [(':path', '/')],
    'upper case': [('X', 'y')],
    'CR LF': [('x', 'y\r\nz')],
    'forbidden': [('content-length', '4')],
    'connection': [('connection', 'close')],
}


@pytest.mark.parametrize('name', BAD_TRAILERS)
def test_bad_trailers(client, name):
    number = client.open(end=False, method='POST')
    client.data(number, b'body')
    client.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, number, h2.block(BAD_TRAILERS[name]))
    stream = client.response(number)
    client.until(lambda: stream.reset is not None)
    assert (stream.status, stream.reset) == (400, h2.PROTOCOL_ERROR)
    assert works(client)


def test_trailers_that_are_not_the_last(client):
    number = client.open(end=False, method='POST')
    client.data(number, b'body')
    client.frame(h2.HEADERS, h2.END_HEADERS, number, h2.literal('x', 'y'))
    stream = client.response(number)
    client.until(lambda: stream.reset is not None)
    assert (stream.status, stream.reset) == (400, h2.PROTOCOL_ERROR)
    assert works(client)


def test_trailers_are_dropped(client):
    number = client.open(end=False, method='POST')
    client.data(number, b'body')
    client.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, number, h2.literal('x-t', 'y'))
    answer = client.response(number).json()
    assert answer['body']['length'] == 4 and 'x-t' not in answer['headers']


# ---- Responses

@pytest.mark.parametrize('target', ['/', '/?status=404', '/?status=304', '/?stream=3&size=1000'])
def test_head(client, target):
    get, head = client.request(target), client.request(target, 'HEAD')
    assert (head.status, head.body, head.ended) == (get.status, b'', True)
    names = [name for name, _ in get.headers]
    assert [name for name, _ in head.headers] == names and 'date' in names
    if target == '/':  # GET and HEAD tell of another method, of another length
        assert int(head.header('content-length')) == int(get.header('content-length')) + 1


@pytest.mark.parametrize('status', [204, 304])
def test_no_body(client, status):
    stream = client.request(f'/?status={status}')
    assert (stream.status, stream.body, stream.ended) == (status, b'', True)
    assert h2.DATA not in stream.frames
    assert stream.header('content-length') is None or status == 304
    assert works(client)


def test_100_continue(address):
    with Client(address) as client:
        number = client.open(end=False, method='POST',
                             more=[('expect', '100-continue'), ('content-length', '4')])
        stream = client.streams[number]
        client.until(lambda: stream.informational)
        assert stream.informational == [(100, [])] and stream.status is None
        client.data(number, b'body', end=True)
        assert client.response(number).json()['body']['length'] == 4


def test_100_continue_is_not_for_who_has_sent(client):
    number = client.open(end=False, method='POST', more=[('expect', '100-continue')])
    client.data(number, b'body', end=True)
    stream = client.response(number)
    assert stream.status == 200 and len(stream.informational) <= 1


def test_early_hints(servers):
    head = b'Status: 103\r\nLink: </x>; rel=preload\r\n\r\n'

    def answer(request):
        request.body()
        request.finish(head + head + OK)
    with Backend(servers.folder, answer) as backend:
        with Client(servers.weir([backend.url]).address) as client:
            stream = client.request('/')
    assert stream.informational == [(103, [('link', '</x>; rel=preload')])] * 2
    assert (stream.status, bytes(stream.body)) == (200, b'ok\n')


def test_early_response(plain):
    """The answer is whole, then the client is told that it need not send the rest."""
    with Client(plain.address) as client:
        number = client.open(target='/hello', end=False, method='POST')
        client.data(number, bytes(1000))
        stream = client.response(number)
        client.until(lambda: stream.reset is not None)
        assert (stream.status, stream.ended, stream.reset) == (200, True, h2.NO_ERROR)
        assert bytes(stream.body) == b'Hello, world\n'
        client.data(number, bytes(100))  # still on its way
        assert works(client)


@pytest.mark.parametrize('target, status', [
    ('/fail?after=0', 500), ('/fail?after=5', 200), ('/short', 200), ('/huge-head', None)])
def test_broken(plain, target, status):
    """Never END_STREAM after a response that is not complete."""
    with Client(plain.address) as client:
        stream = client.request(target)
        assert stream.status == status
        if status == 500:
            assert stream.ended and stream.reset is None
        else:
            assert not stream.ended and stream.reset == h2.INTERNAL_ERROR
        assert works(client)


def test_backend_dies(servers):
    """A response that the backend broke off is seen to be broken by the client of weir."""
    def answer(request):
        request.stdout(b'Content-Type: text/plain\r\n\r\nsome')
        request.connection.reset()
    with Backend(servers.folder, answer) as backend:
        with Client(servers.weir([backend.url]).address) as client:
            stream = client.request('/')
            assert (stream.status, stream.ended, stream.reset) == (200, False, h2.INTERNAL_ERROR)
            assert client.ping()


# ---- Cancellation and limits of streams

def stats(client):
    held, cancelled = re.findall(r'\d+', client.request('/stats').body.decode())
    return int(held), int(cancelled)


def eventually(condition, limit=5):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_reset_cancels_at_once(servers):
    """The handler has heard of it before the next request is looked at."""
    with Client(start(servers).address) as client:
        number = client.open(target='/hold')
        assert stats(client) == (1, 0)
        client.send(h2.rst_stream(number))
        assert stats(client) == (0, 1)


def test_reset_ends_a_stream_of_output(servers):
    with Client(start(servers).address, windows=False) as client:
        number = client.open(target='/stream?size=100000000')
        client.until(lambda: len(client.streams[number].body) == 65535)
        client.send(h2.rst_stream(number) + h2.window_update(0, 1 << 20))
        assert stats(client) == (0, 1)


def test_endless_answer_to_somebody_who_has_gone(servers):
    """A handler that writes as fast as it may hears that nobody is there."""
    server = start(servers)
    with Client(server.address, windows=False, settings=[(h2.INITIAL_WINDOW_SIZE, 0x7fffffff)]) \
            as client:
        client.send(h2.window_update(0, 0x7fff0000 - 65535))
        number = client.open(target='/stream?size=1000000000000')
        client.until(lambda: client.streams[number].body)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    with Client(server.address) as client:
        assert eventually(lambda: stats(client) == (0, 1))


def test_connection_lost_cancels_all(servers):
    server = start(servers)
    with Client(server.address) as client:
        for _ in range(10):
            client.open(target='/hold')
        assert stats(client) == (10, 0)
    with Client(server.address) as client:
        assert eventually(lambda: stats(client) == (0, 10))


def test_streams_count_until_the_handler_has_let_go(servers):
    server = start(servers, 'h2_max_streams=5')
    with Client(server.address) as client:
        held = [client.open(target='/hold?linger=300') for _ in range(5)]
        client.ping()
        client.send(b''.join(h2.rst_stream(number) for number in held))
        stream = client.request('/hello')
        assert (stream.status, stream.reset) == (None, h2.REFUSED_STREAM)
        assert eventually(lambda: client.request('/hello').status == 200)
        assert stats(client) == (0, 5)


def test_too_many_streams(servers):
    """nghttp2 ends a connection that has acknowledged the limit and breaks it (RFC 9113 5.1.2)."""
    with Client(start(servers, 'h2_max_streams=5').address) as client:
        client.ping()
        for _ in range(6):
            client.open(target='/hold')
        assert client.at_end()
        assert client.goaways[-1][1] == h2.PROTOCOL_ERROR


def test_hundred_streams_and_a_stalled_one(address):
    """Nobody waits for a stream whose window is closed."""
    with Client(address, windows=False) as client:
        stalled = client.open(target='/?stream=64&size=65536')
        client.until(lambda: len(client.streams[stalled].body) == 65535)
        client.send(h2.window_update(0, 1 << 24))
        others = [client.open(target=f'/?n={n}') for n in range(99)]
        for number in others:
            assert client.response(number).status == 200
        client.windows = True
        client.send(h2.window_update(stalled, 1 << 24))
        assert sha256(client.response(stalled).body) == stream_sha256(64, 65536)


def test_handlers_that_do_not_read(lean):
    """They stall their own streams only, and what is kept for each is one window at most."""
    with Client(lean.address) as client:
        before = resident(lean)
        stalled = [client.open(target='/stall', end=False, method='POST') for _ in range(99)]
        for number in stalled:
            client.data(number, bytes(65536))
            assert client.streams[number].window == 0
        assert client.window > 0
        assert client.request('/post', 'POST', body=bytes(5 * MIB)).body == b'%d' % (5 * MIB)
        assert all(client.streams[number].window == 0 for number in stalled)
        assert resident(lean) - before < 16 * MIB
        number = client.open(target='/release')
        for stream in stalled:
            client.data(stream, b'end', end=True)
            assert client.response(stream).body == b'65539'
        assert client.response(number).body == b'99'


def test_more_than_the_window(plain):
    with Client(plain.address) as client:
        number = client.open(target='/stall', end=False, method='POST')
        client.data(number, bytes(65536))
        client.data(number, b'x', respect=False)
        stream = client.response(number)
        assert (stream.status, stream.reset) == (None, h2.FLOW_CONTROL_ERROR)
        assert works(client)


def test_window_grows_for_who_reads(plain):
    with Client(plain.address) as client:
        number = client.open(target='/post', end=False, method='POST')
        most = 0
        for _ in range(200):
            client.data(number, bytes(64 * KIB))
            client.ping()
            most = max(most, client.streams[number].window)
        assert 900 * KIB < most <= MIB
        client.data(number, end=True)
        assert client.response(number).body == b'%d' % (200 * 64 * KIB)


def resident(server):
    with open(f'/proc/{server.pid}/status') as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read())[1]) * KIB


def test_slow_reader(lean):
    """What nobody takes is not made."""
    with Client(lean.address, windows=False) as client:
        before = resident(lean)
        numbers = [client.open(target='/stream?size=100000000') for _ in range(90)]
        client.send(h2.window_update(0, 1 << 30))
        client.until(lambda: all(len(client.streams[n].body) == 65535 for n in numbers))
        client.ping()
        assert resident(lean) - before < 48 * MIB
        client.send(b''.join(h2.rst_stream(n) for n in numbers))
        assert works(client)


# ---- Much

def test_64_mib_up(address):
    body = body_of(BIG)
    with Client(address) as client:
        for more in [('content-length', str(BIG))], []:
            answer = client.request('/', 'PUT', more, body).json()['body']
            assert answer == {'length': BIG, 'sha256': sha256(body), 'complete': True}


def test_64_mib_down(address):
    with Client(address, settings=[(h2.INITIAL_WINDOW_SIZE, MIB)]) as client:
        stream = client.request('/?stream=1024&size=65536')
        assert stream.ended and sha256(stream.body) == stream_sha256(1024, 65536)


def test_both_ways_on_many_streams(address):
    body = body_of(MIB)
    with Client(address) as client:
        up = [client.open(end=False, method='POST') for _ in range(8)]
        down = [client.open(target='/?stream=16&size=65536') for _ in range(8)]
        for at in range(0, MIB, 16384):
            for number in up:
                client.data(number, body[at:at + 16384], end=at + 16384 == MIB)
        for number in up:
            assert client.response(number).json()['body']['sha256'] == sha256(body)
        for number in down:
            assert sha256(client.response(number).body) == stream_sha256(16, 65536)


def test_urgency(plain):
    """What is urgent goes first, whatever was asked for first (RFC 9218)."""
    with Client(plain.address, windows=False) as client:
        low = client.open(target='/stream?size=1000000', more=[('priority', 'u=6')])
        client.until(lambda: len(client.streams[low].body) == 65535)
        high = client.open(target='/stream?size=1000000', more=[('priority', 'u=1')])
        client.send(h2.window_update(low, 1 << 24) + h2.window_update(high, 1 << 24))
        client.ping()
        client.send(h2.window_update(0, 30000))
        client.until(lambda: len(client.streams[high].body) == 30000)
        assert len(client.streams[low].body) == 65535
        client.frame(h2.PRIORITY_UPDATE, 0, 0, struct.pack('>I', low) + b'u=0')
        client.ping()
        client.send(h2.window_update(0, 30000))
        client.until(lambda: len(client.streams[low].body) == 95535)
        assert len(client.streams[high].body) == 30000


# ---- Deadlines

def test_head_timeout(servers):
    with Client(start(servers, 'head_timeout=300').address) as client:
        payload = h2.block(client.fields())
        client.frame(h2.HEADERS, h2.END_STREAM, 1, payload[:10])
        assert client.at_end(5)
        assert client.goaways[-1][1] == h2.ENHANCE_YOUR_CALM


def test_preface_timeout(servers):
    server = start(servers, 'head_timeout=300')
    with Client(server.address, preface=False, wait=False) as client:
        client.send(h2.PREFACE)
        assert client.at_end(5)
    with http_peer.Client(server.address) as client:
        client.send(h2.PREFACE[:10])
        assert client.response().status == 408


def test_keepalive_timeout(servers):
    """PING alone does not keep a connection."""
    with Client(start(servers, 'keepalive_timeout=400').address) as client:
        assert client.request('/hello').status == 200
        started = time.monotonic()
        while not client.closed and time.monotonic() < started + 5:
            client._reply(h2.PING, 0, 0, bytes(8))
            time.sleep(0.02)
            client.read(0)
        assert client.closed and time.monotonic() - started > 0.3
        assert client.goaways[-1][1] == h2.NO_ERROR


def test_requests_keep_the_connection(servers):
    with Client(start(servers, 'keepalive_timeout=300').address) as client:
        number = client.open(target='/stream?size=100000')
        client.windows = False
        time.sleep(0.6)
        client.windows = True
        client.send(h2.window_update(number, 1 << 20) + h2.window_update(0, 1 << 20))
        assert len(client.response(number).body) == 100000


def test_body_timeout(servers):
    with Client(start(servers, 'body_timeout=1000').address) as client:
        slow = client.open(target='/post', end=False, method='POST')
        client.data(slow, b'some')
        stalled = client.open(target='/stall', end=False, method='POST')
        client.data(stalled, bytes(65536))
        assert client.response(slow).status == 408
        client.until(lambda: client.streams[slow].reset == h2.NO_ERROR)
        # It is the handler that does not read: nobody is to blame.
        client.request('/release')
        client.data(stalled, b'end', end=True)
        assert client.response(stalled).body == b'65539'


def test_zero_window(servers):
    """A stream that nobody takes is given up, alone."""
    with Client(start(servers, 'send_timeout=400').address, windows=False,
                settings=[(h2.INITIAL_WINDOW_SIZE, 0)]) as client:
        number = client.open(target='/stream?size=1000000')
        held = client.open(target='/hold')
        stream = client.response(number)
        assert (stream.status, stream.reset, stream.body) == (200, h2.CANCEL, b'')
        client.send(h2.frame(h2.SETTINGS, 0, 0,
                             h2.settings_payload([(h2.INITIAL_WINDOW_SIZE, 1000)])))
        assert stats(client) == (1, 1) and not client.streams[held].over


def test_zero_window_after_the_handler(servers):
    """The same when the handler has long finished and only its answer waits."""
    with Client(start(servers, 'send_timeout=300').address, windows=False,
                settings=[(h2.INITIAL_WINDOW_SIZE, 5)]) as client:
        stream = client.request('/hello')
        assert (stream.status, bytes(stream.body), stream.reset) == (200, b'Hello', h2.CANCEL)
        assert client.ping()


# ---- Graceful stop

def test_two_steps(servers):
    server = start(servers)
    with Client(server.address) as client:
        client.windows = False
        client.acks = False
        first = client.open(target='/stream?size=100000')
        client.send(h2.window_update(0, 1 << 20))
        client.ping()
        server.terminate()
        client.until(lambda: client.goaways)
        assert client.goaways == [(0x7fffffff, h2.NO_ERROR)]
        late = client.open(target='/hello')  # crossed the GOAWAY
        assert client.response(late).status == 200
        client.frame(h2.PING, h2.ACK, 0, bytes(8))
        client.until(lambda: len(client.goaways) == 2)
        assert client.goaways[1] == (late, h2.NO_ERROR)
        client.open(target='/hello')  # to be ignored
        client.send(h2.window_update(first, 1 << 20))
        assert len(client.response(first).body) == 100000
        assert client.at_end(5)
        assert len(client.goaways) == 2 and client.streams[late + 2].status is None
    assert server.wait(5) == 0


def test_stop_without_an_answer_to_ping(servers):
    server = start(servers)
    with Client(server.address, acks=False) as client:
        server.terminate()
        assert client.at_end(5)
        assert client.goaways == [(0x7fffffff, h2.NO_ERROR), (0, h2.NO_ERROR)]
    assert server.wait(5) == 0


def test_stop_does_not_wait_for_ever(servers):
    server = start(servers, 'drain_timeout=300')
    with Client(server.address) as client:
        client.open(target='/hold')
        client.ping()
        server.terminate()
        assert client.at_end(5)
    assert server.wait(5) == 0


# ---- Abuse

def calmed(client):
    assert client.at_end(10), 'the connection is still there'
    assert client.goaways and client.goaways[-1][1] == h2.ENHANCE_YOUR_CALM, client.goaways
    return True


def flood(client, data, times=100):
    """Sends it until the server has had enough."""
    for _ in range(times):
        try:
            client.send(data)
        except OSError:
            break
        client.read(0)
        if client.closed or client.goaways:
            break
    return calmed(client)


def fill(client, target='/hold', number=1):
    return h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, number,
                    h2.block(client.fields(target=target)))


def test_rapid_reset(servers):
    server = start(servers)
    with Client(server.address) as client:
        data = b''.join(fill(client, number=n) + h2.rst_stream(n) for n in range(1, 20001, 2))
        assert flood(client, data, 1)
    with Client(server.address) as client:
        assert stats(client)[0] == 0
    assert 'reason=h2-rapid-reset' in server.log()


def test_some_resets_are_ordinary(plain):
    """A browser that leaves a page resets a hundred streams at once, and may do so again."""
    with Client(plain.address) as client:
        for _ in range(10):
            numbers = [client.open(target='/stream?size=100000') for _ in range(15)]
            client.send(b''.join(h2.rst_stream(n) for n in numbers))
            assert works(client)
        for _ in range(300):  # work makes up for resets
            client.send(h2.rst_stream(client.open(target='/stream?size=100000')))
            assert client.request('/hello').status == 200


def paced(client, one, times=40):
    """Sends what one(number) makes for many streams, ten at a time."""
    for start_at in range(101, 101 + 20 * times, 20):
        numbers = range(start_at, start_at + 20, 2)
        client.streams.update({n: h2.Stream(0) for n in numbers})
        try:
            client.send(b''.join(one(n) for n in numbers))
            if not client.ping():
                break
        except OSError:
            break
    return calmed(client)


def test_made_you_reset(servers):
    """Resets that the client provokes count like its own."""
    server = start(servers)
    with Client(server.address) as client:
        assert paced(client, lambda n: fill(client, number=n) + h2.window_update(n, 0x7fffffff))
    assert 'reason=h2-resets' in server.log()
    with Client(server.address) as client:
        assert stats(client)[0] == 0


def test_malformed_requests_count(servers):
    with Client(start(servers).address) as client:
        assert paced(client, lambda n: h2.frame(h2.HEADERS, 5, n, h2.literal('X', 'y')), 60)


def test_refused_streams_count(servers):
    with Client(start(servers, 'h2_max_streams=2').address) as client:
        held = [client.open(target='/hold?linger=1000') for _ in range(2)]
        client.ping()
        client.send(b''.join(h2.rst_stream(n) for n in held))
        for number in range(101, 1001, 2):
            client.streams[number] = h2.Stream(0)
            client.send(fill(client, number=number))
            if not client.ping():
                break
            assert client.streams[number].reset == h2.REFUSED_STREAM
        assert calmed(client)


@pytest.mark.parametrize('what, reason', [
    ('ping', 'h2-ping-flood'), ('settings', 'h2-settings-flood'),
    ('empty data', 'h2-empty-data'), ('padding only', 'h2-empty-data'),
    ('window updates', 'h2-window-update-flood'), ('tiny windows', 'h2-window-update-flood'),
    ('priority updates', 'h2-priority-flood')])
def test_flood(servers, what, reason):
    server = start(servers, 'h2_control_frames=500')
    with Client(server.address, windows=False) as client:
        data = {
            'ping': h2.frame(h2.PING, 0, 0, bytes(8)),
            'settings': h2.frame(h2.SETTINGS),
            'empty data': h2.frame(h2.DATA, 0, 1),
            'padding only': h2.frame(h2.DATA, h2.PADDED, 1, b'\x09' + bytes(9)),
            'window updates': h2.window_update(0, 1),
            'tiny windows': h2.window_update(1, 1) + h2.window_update(0, 1),
            'priority updates': h2.frame(h2.PRIORITY_UPDATE, 0, 0, struct.pack('>I', 1) + b'u=1'),
        }[what]
        if 'data' in what or 'padding' in what:
            client.open(target='/post', end=False, method='POST')
        else:
            client.open(target='/stream?size=10000000')
        assert flood(client, data * 50)
    assert f'reason={reason}' in server.log()


@pytest.mark.parametrize('data', [h2.frame(h2.PRIORITY, 0, 1, bytes(4) + b'\x10'),
                                  h2.frame(0xbe, 0, 1, b'x')], ids=['priority', 'unknown'])
def test_frames_without_effect(lean, data):
    """Neither the priorities of RFC 7540 nor unknown frames leave anything behind, however many."""
    with Client(lean.address) as client:
        client.request('/hello')
        before = resident(lean)
        for _ in range(20):
            client.send(data * 10000)
        assert works(client)
        assert resident(lean) - before < MIB


def test_many_window_updates_for_much_data(plain):
    """Who reads a lot has windows to update: the reader here does so for every frame."""
    with Client(plain.address) as client:
        assert len(client.request('/stream?size=60000000').body) == 60000000
        assert works(client)


def test_continuation_flood(servers):
    server = start(servers)
    with Client(server.address) as client:
        client.frame(h2.HEADERS, h2.END_STREAM, 1, h2.block(client.fields()))
        assert flood(client, h2.frame(h2.CONTINUATION, 0, 1, h2.literal('x', 'y')) * 10)
    assert 'reason=h2-continuation-flood' in server.log()


def test_empty_continuations(servers):
    with Client(start(servers).address) as client:
        client.frame(h2.HEADERS, h2.END_STREAM, 1, h2.block(client.fields()))
        assert flood(client, h2.frame(h2.CONTINUATION, 0, 1) * 10)


def test_hpack_bomb(servers):
    """One field in the table, named ten thousand times: 40 MB, of which nothing is kept."""
    server = start_lean(servers)
    with Client(server.address) as client:
        before = resident(server)
        payload = h2.block(client.fields()) + h2.indexing('x', 'y' * 4000) + h2.indexed(62) * 10000
        client.open(payload=payload)
        assert calmed(client)
        assert resident(server) - before < 2 * MIB
    assert 'reason=h2-header-list' in server.log()


def test_hpack_bomb_of_moderate_size(plain):
    with Client(plain.address) as client:
        payload = h2.block(client.fields()) + h2.indexing('x', 'y' * 4000) + h2.indexed(62) * 50
        stream = client.response(client.open(payload=payload))
        assert stream.status == 431
        assert works(client)


def test_acks_that_nobody_reads(servers):
    """PINGs from a client that does not read: a thousand answers wait for it, not more."""
    server = start_lean(servers, 'h2_control_frames=10000000')
    with connect(server.address) as sock:
        before = resident(server)
        sock.settimeout(2)
        sock.send(h2.PREFACE + h2.frame(h2.SETTINGS))
        data = h2.frame(h2.PING, 0, 0, bytes(8)) * 10000
        with pytest.raises(OSError):
            for _ in range(400):
                sock.sendall(data)
        assert resident(server) - before < 4 * MIB
    with Client(server.address) as client:
        assert works(client)
    assert 'reason=h2-flood' in server.log()


def test_full_socket(servers):
    """What the client asks is heard while its socket is full of an endless answer."""
    server = start(servers)
    with Client(server.address, windows=False, settings=[(h2.INITIAL_WINDOW_SIZE, 0x7fffffff)]) \
            as client, Client(server.address) as other:
        client.send(h2.window_update(0, 0x7fff0000 - 65535))
        number = client.open(target='/stream?size=1000000000')
        held = client.open(target='/hold')
        assert eventually(lambda: stats(other) == (1, 0))
        client.send(h2.rst_stream(held) + h2.rst_stream(number))
        assert eventually(lambda: stats(other) == (0, 2))


def test_last_stream_of_a_connection(plain):
    with Client(plain.address) as client:
        number = client.open(stream=0x7fffffff, target='/hello')
        assert client.response(number).status == 200
        client.until(lambda: client.goaways)
        assert client.goaways[0] == (0x7fffffff, h2.NO_ERROR)
        assert client.at_end(5)


@pytest.mark.parametrize('data, code', [
    (h2.frame(h2.DATA, 0, 0, b'x'), h2.PROTOCOL_ERROR),
    (h2.frame(h2.DATA, 0, 1, b'x'), h2.PROTOCOL_ERROR),
    (h2.frame(h2.HEADERS, 5, 2, h2.block(GOOD.items())), h2.PROTOCOL_ERROR),
    (h2.frame(h2.HEADERS, 5, 1, b'\x80'), h2.COMPRESSION_ERROR),
    (h2.frame(h2.HEADERS, 5, 1, h2.indexed(99)), h2.COMPRESSION_ERROR),
    (h2.frame(h2.HEADERS, 1, 1, h2.block(GOOD.items())) + h2.frame(h2.PING, 0, 0, bytes(8)),
     h2.PROTOCOL_ERROR),
    (h2.frame(h2.CONTINUATION, 4, 1, b''), h2.PROTOCOL_ERROR),
    (h2.frame(h2.PUSH_PROMISE, 4, 1, bytes(4)), h2.PROTOCOL_ERROR),
    (h2.frame(h2.PING, 0, 0, bytes(7)), h2.FRAME_SIZE_ERROR),
    (h2.frame(h2.PING, 0, 1, bytes(8)), h2.PROTOCOL_ERROR),
    (h2.frame(h2.SETTINGS, 0, 0, bytes(5)), h2.FRAME_SIZE_ERROR),
    (h2.frame(h2.SETTINGS, 0, 0, h2.settings_payload([(h2.MAX_FRAME_SIZE, 1)])),
     h2.PROTOCOL_ERROR),
    (h2.window_update(0, 0), h2.PROTOCOL_ERROR),
    (h2.window_update(0, 0x7fffffff), h2.FLOW_CONTROL_ERROR),
    (b'\xff\xff\xff' + bytes(6), h2.FRAME_SIZE_ERROR),
], ids=repr)
def test_errors_of_the_connection(plain, data, code):
    with Client(plain.address) as client:
        client.send(data)
        assert client.at_end(5)
        assert client.goaways[-1][1] == code


def test_unknown_frames_are_ignored(client):
    client.frame(0xbe, 0xff, 0, b'whatever')
    client.frame(0xbe, 0xff, 1, b'')
    assert works(client)


# ---- Memory, peers

def test_idle_connections_are_small(servers):
    server = start_lean(servers)
    clients = [Client(server.address) for _ in range(20)]  # what is made once is made
    for client in clients:
        assert client.request('/hello').status == 200
    before = resident(server)
    try:
        for _ in range(200):
            clients.append(Client(server.address))
            assert clients[-1].request('/hello').status == 200
        each = (resident(server) - before) / 200
        print(f'{each / KIB:.1f} KiB an idle connection')
        if 'asan' not in str(BUILD):
            assert each < 24 * KIB
    finally:
        for client in clients:
            client.close()


def test_h2load(address):
    url = f'http://{address[0]}:{address[1]}/'
    done = subprocess.run(['h2load', '-n', '5000', '-c', '10', '-m', '20', url],
                          capture_output=True, text=True, timeout=120)
    assert '5000 succeeded, 0 failed, 0 errored, 0 timeout' in done.stdout, done.stdout
    assert '5000 2xx' in done.stdout


def test_curl(address):
    done = subprocess.run(['curl', '-sS', '--http2-prior-knowledge', '-w', '%{http_version}',
                           '-T', '-', f'http://{address[0]}:{address[1]}/x'],
                          input=b'body', capture_output=True, timeout=30)
    assert done.returncode == 0 and b'"length": 4' in done.stdout and done.stdout.endswith(b'2')


def test_nghttp(address):
    """Several requests and an upload by nghttp, which checks what it gets."""
    url = f'http://{address[0]}:{address[1]}'
    done = subprocess.run(['nghttp', '-ns', '-m', '20', f'{url}/?stream=4&size=65536', f'{url}/b'],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stdout.count(' 200 ') == 40, done.stdout


def test_workers(servers):
    """Handlers that block are no different."""
    server = servers.start('workers', [BUILD / 'examples' / 'workers', 'http://127.0.0.1:0', '4'],
                           clean=True, ready=r'^workers: listening on (\S+)$')
    with Client(server.address) as client:
        numbers = [client.open(target='/?pause=20') for _ in range(4)]
        body = body_of(MIB)
        assert client.request('/', 'POST', body=body).body.startswith(b'%d bytes' % MIB)
        for number in numbers:
            lines = client.response(number).body.split()
            assert lines == [b'%d' % n for n in range(1, 11)]


def test_threads(servers):
    server = start(servers, 'threads=4')

    def work():
        with Client(server.address) as client:
            for _ in range(50):
                assert client.request('/post', 'POST', body=b'x' * 100).body == b'100'
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_half_closed(servers):
    """A client that sends no more is gone, over TCP; one on a UNIX socket that has all is too."""
    server = start(servers)
    with Client(server.address) as client:
        client.open(target='/hold')
        assert stats(client) == (1, 0)
        client.sock.shutdown(socket.SHUT_WR)
        assert client.at_end(5)
    with Client(server.address) as client:
        assert eventually(lambda: stats(client) == (0, 1))
