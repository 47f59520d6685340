"""What a handler may do with its answer: parts of files, trailers, 1xx, headers (programs/response)."""
import os
import socket
import subprocess

import pytest

from fcgi_peer import Application, params, request
from http_peer import BIG, KIB, MIB, Client, body_of, get, sha256
from pki import Authority, TlsClient
from server import BUILD


def start_response(servers, url, *more):
    folder = servers.folder / 'files'
    if not folder.exists():
        folder.mkdir()
        for name, size in (('small', 1000), ('kib300', 300 * KIB), ('mib', MIB), ('big', BIG)):
            (folder / name).write_bytes(body_of(size))
    server = servers.start('response', [BUILD / 'tests' / 'programs' / 'response', url, folder, *more],
                           clean=True, ready=r'^response: listening on (\S+)$')
    server.files = folder
    return server


KINDS = ['http', 'http-workers', 'fcgi', 'fcgi-workers']


@pytest.fixture(scope='module', params=KINDS)
def front(request, module_servers):
    """Where HTTP is spoken to the program: by itself, or by weir in front of it."""
    carrier, _, where = request.param.partition('-')
    more = ['2'] if where else []
    if carrier == 'http':
        front = start_response(module_servers, 'http://127.0.0.1:0', *more)
    else:
        backend = start_response(
            module_servers, f'fcgi+unix:{module_servers.folder}/{request.param}.sock', *more)
        front = module_servers.weir([backend])
    front.files = module_servers.folder / 'files'
    front.carrier, front.on_worker = carrier, bool(where)
    return front


@pytest.mark.parametrize('name, size', [('small', 1000), ('kib300', 300 * KIB), ('mib', MIB)])
def test_text_and_files_in_turn(front, name, size):
    body = body_of(size)
    response = get(front.address, f'/parts/{name}')
    assert response.status == 200 and not response.broken
    # a worker's short answer is gathered, and leaves with its length
    framing = 'content-length' if front.on_worker and size < 8 * KIB else 'transfer-encoding'
    assert response.header(framing)
    assert response.sha256 == sha256(b'begin ' + body + b' middle ' + body[1:-1] + b' end')
    with Client(front.address) as client:
        assert client.request('HEAD', f'/parts/{name}').status == 200
        assert client.request('GET', f'/known/{name}').sha256 == sha256(body)


@pytest.mark.parametrize('how', ['known', 'declared', 'copied', 'unfinished'])
@pytest.mark.parametrize('name, size', [('small', 1000), ('mib', MIB), ('big', BIG)])
def test_file(front, how, name, size):
    response = get(front.address, f'/{how}/{name}')
    assert response.status == 200 and not response.broken
    assert response.sha256 == sha256(body_of(size))
    if how in ('declared', 'copied') or (how == 'known' and not front.on_worker):
        assert response.header('content-length') == str(size)


def test_files_over_tls(servers):
    """What cannot go straight to the socket is read; the rest is as ever."""
    authority = Authority(servers.folder / 'ca')
    server = start_response(servers, 'https://127.0.0.1:0', '0', *authority.issue('server'))
    with TlsClient(server.address, authority.context()) as client:
        for how in ('known', 'declared', 'unfinished', 'copied'):
            for name, size in (('small', 1000), ('mib', MIB), ('big', BIG)):
                response = client.request('GET', f'/{how}/{name}')
                assert response.status == 200 and response.sha256 == sha256(body_of(size))
        body = body_of(MIB)
        assert client.request('GET', '/parts/mib').sha256 == \
            sha256(b'begin ' + body + b' middle ' + body[1:-1] + b' end')


def test_head_of_a_file(front):
    with Client(front.address) as client:
        for how in ('known', 'declared'):
            response = client.request('HEAD', f'/{how}/mib')
            assert response.status == 200 and response.header('content-length') == str(MIB)
        assert client.request('GET', '/known/small').body == body_of(1000)


def test_http_1_0(front):
    """Where only the close ends the body, it is whole; and with a length it can be told."""
    for how in ('parts', 'declared', 'unfinished'):
        with Client(front.address) as client:
            client.send(f'GET /{how}/mib HTTP/1.0\r\nHost: x\r\n\r\n'.encode())
            while client._fill():
                pass
            head, _, body = client.buffer.partition(b'\r\n\r\n')
            assert b'Transfer-Encoding' not in head
            assert len(body) == (2 * MIB - 2 + 18 if how == 'parts' else MIB)


def test_declared_length_is_exact(front):
    response = get(front.address, '/short/mib')
    assert response.broken if front.on_worker else response.status == 500
    assert get(front.address, '/short/small').status == 500  # known before anything was sent
    assert get(front.address, '/long/mib').status == 500


def test_what_is_no_part_of_a_file(front):
    assert get(front.address, '/beyond/small').body == b'SHORT_BODY SHORT_BODY INVALID INVALID\n'


@pytest.mark.parametrize('target', ['/declared/shrinking', '/unfinished/shrinking',
                                    '/unfinished/shrinking?declared', '/parts/shrinking'])
def test_file_that_shrinks(front, target):
    path = front.files / 'shrinking'
    path.write_bytes(body_of(BIG))
    with Client(front.address) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send_head('GET', target)
        while len(client.buffer) < 100000:
            assert client._fill()
        os.truncate(path, BIG // 8)
        response = client.response()
        assert response.broken and response.length <= BIG // 8 + len('begin ')
    assert get(front.address, '/known/small').body == body_of(1000)


# trailers

def trailers_after(client, target, headers):
    """The body and the trailers of a chunked answer."""
    client.send_head('GET', target, headers)
    status, fields = client._head()
    assert status == 200 and ('transfer-encoding', 'chunked') in fields
    while b'\r\n0\r\n' not in client.buffer or not client.buffer.endswith(b'\r\n\r\n'):
        assert client._fill()
    body, _, trailers = client.buffer.rpartition(b'\r\n0\r\n')
    client.buffer = b''
    return body, trailers, fields


def test_trailers(front):
    with Client(front.address) as client:
        for _ in range(2):
            body, trailers, fields = trailers_after(client, '/trailers', [('TE', 'trailers, deflate')])
            if front.carrier == 'http':
                assert b'OK OK HEADER HEADER HEADER\n' in body
                assert trailers == (b'X-Early: known with the head\r\n'
                                    b'X-Late: known after the body\r\n\r\n')
                assert ('trailer', 'X-Early') in fields
            else:
                assert b'UNSUPPORTED UNSUPPORTED HEADER HEADER HEADER\n' in body
                assert trailers == b'\r\n'


@pytest.mark.parametrize('workers', ['0', '2'], ids=['loop', 'workers'])
def test_over_http2(servers, workers):
    """The same answers by another carrier, as curl reads them."""
    server = start_response(servers, 'http://127.0.0.1:0', workers)

    def curl(target):
        done = subprocess.run(['curl', '-sS', '--http2-prior-knowledge', '-D', servers.folder / 'head',
                               f'http://127.0.0.1:{server.port}{target}'], capture_output=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
        return (servers.folder / 'head').read_text().lower().split('\n'), done.stdout

    for how in ('known', 'declared', 'unfinished'):
        for name, size in (('small', 1000), ('mib', MIB), ('big', BIG)):
            head, body = curl(f'/{how}/{name}')
            assert head[0].startswith('http/2 200') and sha256(body) == sha256(body_of(size))
    body = body_of(MIB)
    assert curl('/parts/mib')[1] == b'begin ' + body + b' middle ' + body[1:-1] + b' end'
    head, body = curl('/trailers')
    assert b'OK OK HEADER HEADER HEADER\n' in body
    assert [line.strip() for line in head if line.startswith('x-')] == \
        ['x-early: known with the head', 'x-late: known after the body']
    head, body = curl('/hints')
    assert [line.strip() for line in head if line.startswith('http/2')] == \
        ['http/2 103', 'http/2 103', 'http/2 102', 'http/2 200']


def test_trailers_are_for_those_who_ask(front):
    with Client(front.address) as client:
        body, trailers, fields = trailers_after(client, '/trailers', [])
        assert b'UNSUPPORTED UNSUPPORTED HEADER HEADER HEADER\n' in body
        assert trailers == b'\r\n' and 'trailer' not in dict(fields)
        assert client.request('HEAD', '/trailers', [('TE', 'trailers')]).status == 200
        assert client.request('GET', '/known/small').body == body_of(1000)


# 1xx

def test_informational(front):
    response = get(front.address, '/hints')
    assert response.body == b'OK OK OK INVALID INVALID HEADER HEADER\n'
    style = (103, [('link', '</style.css>; rel=preload; as=style')])
    two = (103, [('link', '</a.css>; rel=preload'), ('link', '</b.js>; rel=preload')])
    assert response.informational[:2] == [style, two]
    # weir passes Early Hints on, and nothing that it does not know
    assert response.informational[2:] == ([(102, [])] if front.carrier == 'http' else [])


def test_informational_is_not_for_http_1_0(front):
    with Client(front.address) as client:
        client.send(b'GET /hints HTTP/1.0\r\nHost: x\r\n\r\n')
        response = client.response()
        assert response.status == 200 and not response.informational


@pytest.mark.parametrize('software, blocks', [('weir/1', 3), ('lighttpd/1.4.69', 3), ('nginx/1.22', 0),
                                              (None, 0), ('weird', 0)])
def test_informational_over_fastcgi(servers, software, blocks):
    server = start_response(servers, f'fcgi+unix:{servers.folder}/hints.sock')
    with Application(server.address) as app:
        app.send(request(1, values=params(target='/hints', SERVER_SOFTWARE=software)))
        stdout = app.reply(1).stdout
    heads = stdout.split(b'\r\n\r\n')
    assert len(heads) == blocks + 2
    assert [head[:11] for head in heads[:-1]] == \
        [b'Status: 103', b'Status: 103', b'Status: 102'][:blocks] + [b'Status: 200']


# heads

def test_headers(front):
    with Client(front.address) as client:
        client.send_head('GET', '/headers', [('Connection', 'close')])
        while client._fill():
            pass
        head, _, body = client.buffer.partition(b'\r\n\r\n')
    assert body == b'fine\n'
    lines = head.decode().split('\r\n')
    assert lines[0] == 'HTTP/1.1 299 Quite Fine'
    fields = sorted(line.lower() for line in lines[1:])
    assert fields == ['connection: close', 'content-length: 5', 'content-type: text/plain',
                      'date: sun, 06 nov 1994 08:49:37 gmt', 'x-one: 3', 'x-two: 1']


def test_injection(front):
    response = get(front.address, '/injection')
    assert response.status == 500 and not response.header('x-evil')
