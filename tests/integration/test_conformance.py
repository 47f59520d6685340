"""The application's side of FastCGI 1.0 on real programs: a scripted web server that keeps to the
specification, or does not. tests/unit/wire has the same for the engine alone, cut at every byte.
Citations name the rows of docs/fastcgi.md."""
import os
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

import fcgi_peer as fcgi
from fcgi_peer import (ABORT, BEGIN, COMPLETE, DATA, END, GET_VALUES, KEEP_CONN, PARAMS, STDERR,
                       STDIN, STDOUT, Application, Connection, begin, pair, pairs, params, record,
                       records, request)
from server import BUILD

PROBE = BUILD / 'tests' / 'integration' / 'programs' / 'probe'
HELLO = BUILD / 'examples' / 'hello'
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
SERVED = b'Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n'


def start(servers, workers='0'):
    return servers.start('probe', [PROBE, f'fcgi+unix:{servers.folder}/probe.sock', workers],
                         clean=True, ready=r'^probe: listening on (\S+)$')


@pytest.fixture(scope='module')
def shared(module_servers):
    return start(module_servers)


@pytest.fixture(scope='module')
def authorizer(module_servers):
    return module_servers.start(
        'authorizer', [BUILD / 'examples' / 'authorizer', f'fcgi+unix:{module_servers.folder}/a.sock',
                       'sesame'], clean=True, ready=r'^authorizer: listening on (\S+)$')


@pytest.fixture
def app(shared):
    with Application(shared.address) as app:
        yield app


def still_serves(app, number=4000):
    app.send(request(number))
    reply = app.reply(number)
    assert reply.stdout == SERVED and reply.protocol_status == COMPLETE


# 2 starting

def run_on_fd_0(stdin, **more):
    return subprocess.Popen([HELLO, 'fcgi+fd:0'], stdin=stdin, **more)


def end_of(program):
    program.terminate()
    assert program.wait(20) == 0


@pytest.mark.parametrize('family', [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6])
def test_listening_descriptor_0(tmp_path, family):
    """REQ(4, 5, 8, 127, 128): descriptor 0 is a listening socket of whatever kind, and connections
    on it are accepted; SIGTERM ends the program with status 0."""
    listener = socket.socket(family)
    listener.bind(str(tmp_path / 's') if family == socket.AF_UNIX else
                  ('127.0.0.1' if family == socket.AF_INET else '::1', 0))
    listener.listen()
    program = run_on_fd_0(listener, stderr=subprocess.DEVNULL)
    try:
        client = socket.socket(family)
        client.settimeout(20)
        client.connect(listener.getsockname())
        app = Connection(client)
        app.send(request())
        assert b'Hello, world' in app.read()[2]
        app.close()
    finally:
        end_of(program)
        listener.close()


@pytest.mark.parametrize('kind', ['pipe', 'file', 'connected socket', 'socket'])
def test_descriptor_0_that_does_not_listen(kind, tmp_path):
    """REQ(4, 127): what is no listening socket is not FastCGI: the program says so and ends with
    another status than 0."""
    ours, theirs = socket.socketpair()
    readable, writable = os.pipe()
    unbound = socket.socket()
    with open(tmp_path / 'f', 'w+b') as file:
        stdin = {'pipe': readable, 'file': file, 'connected socket': theirs, 'socket': unbound}[kind]
        done = subprocess.run([HELLO, 'fcgi+fd:0'], stdin=stdin, capture_output=True, text=True,
                              timeout=20)
    for descriptor in (ours, theirs, unbound):
        descriptor.close()
    os.close(readable)
    os.close(writable)
    assert done.returncode > 0 and 'listening' in done.stderr


def test_descriptors_1_and_2_are_closed(tmp_path):
    """REQ(3, 131): a web server may start the program without stdout and stderr. What it logs must
    then not end up in a connection that happened to get one of these numbers."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / 's'))
    listener.listen()
    program = run_on_fd_0(listener, close_fds=True,
                          preexec_fn=lambda: (os.close(1), os.close(2)))
    try:
        apps = [Application(str(tmp_path / 's')) for _ in range(6)]
        for app in apps:
            app.send(request(1, values=params(REQUEST_METHOD='GET')))
            assert app.reply().status == 200
        with Application(str(tmp_path / 's')) as bad:
            bad.send(b'GET / HTTP/1.1\r\n\r\n')  # a line for the log
            assert bad.at_end()
        for app in apps:  # anything that is no record would be found here
            app.send(request(2))
            assert app.reply(2).status == 200
            app.close()
    finally:
        end_of(program)
        listener.close()


# 3 records

def test_only_records_of_requests_and_their_kinds(app, authorizer):
    """REQ(19, 20, 21, 22, 24, 27, 29, 30, 31, 32, 33, 34, 44, 46, 47, 104): every byte that the
    application sends for each role is a well-formed record of that request."""
    values = params('POST', '/filter', CONTENT_LENGTH='2', FCGI_DATA_LENGTH='3')
    app.send(request(1), begin(300, FILTER, KEEP_CONN), records(PARAMS, 300, pairs(values)),
             record(PARAMS, 300), record(STDIN, 300, b'hi'), record(STDIN, 300),
             record(DATA, 300, b'abc'), record(DATA, 300),
             request(65535, values=params(target='/error')))
    with Application(authorizer.address) as other:
        other.send(request(7, role=AUTHORIZER))
        raw = {app: {1, 300, 65535}, other: {7}}
        for connection, open_ids in raw.items():
            streams = {}
            while open_ids:
                header = connection._take(8)
                version, kind, number, length, padding, reserved = struct.unpack('>BBHHBB', header)
                assert version == 1 and reserved == 0 and number in open_ids
                assert kind in (END, STDOUT, STDERR) and (length + padding) % 8 == 0
                content = connection._take(length)
                assert connection._take(padding) == bytes(padding)
                if kind == END:
                    assert length == 8 and content[5:] == bytes(3)
                    assert streams.get((number, STDOUT)) == 'ended'
                    assert streams.get((number, STDERR), 'ended') == 'ended'
                    open_ids.remove(number)
                else:
                    assert streams.get((number, kind)) != 'ended'
                    streams[number, kind] = 'runs' if length else 'ended'


@pytest.mark.parametrize('kind', [0, 12, 13, 127, 255, STDOUT, STDERR, END, GET_VALUES,
                                  fcgi.GET_VALUES_RESULT, fcgi.UNKNOWN])
def test_types_that_do_not_belong_to_a_request(app, kind):
    """REQ(32, 33, a, q): with the id of a request or of none they are skipped, without an answer."""
    app.send(record(kind, 1, b'xyz', padding=5), begin(1, flags=KEEP_CONN),
             record(kind, 1, b'xyz', padding=5), records(PARAMS, 1, pairs(params())),
             record(kind, 1), record(PARAMS, 1), record(kind, 2, bytes(65535), padding=255),
             record(STDIN, 1), record(kind, 1, b'late'))
    assert app.reply().stdout == SERVED
    still_serves(app)


def test_padding_that_looks_like_records(app):
    """REQ(24, 25, 26, 28): padding of any length and content behind every type, empty ones too."""
    for padding in (1, 8, 9, 255):
        fill = (fcgi.end(1) * 16)[:padding]
        stream = b''
        for kind, content in ((BEGIN, struct.pack('>HB5x', 1, 1)), (PARAMS, pairs(params())),
                              (PARAMS, b''), (STDIN, b''), (ABORT, b'')):
            head = struct.pack('>BBHHBB', 1, kind, 1, len(content), padding, 0)
            stream += head + content + fill
        app.send(record(GET_VALUES, 0, b'', padding=padding, fill=b'\1'), stream)
        assert app.read() == (fcgi.GET_VALUES_RESULT, 0, b'')
        assert app.reply().stdout == SERVED
        still_serves(app)


def test_reserved_bytes(app):
    """REQ(29, 79, 81): in headers, in BEGIN_REQUEST, and flags without a meaning."""
    content = struct.pack('>HB5s', RESPONDER, 0xff, b'\xff' * 5)
    stream = b''.join(struct.pack('>BBHHBB', 1, kind, 9, len(data), 0, 0xff) + data for kind, data in
                      ((BEGIN, content), (PARAMS, pairs(params())), (PARAMS, b''), (STDIN, b'')))
    app.send(stream)
    assert app.reply(9).stdout == SERVED
    still_serves(app)  # KEEP_CONN was among the flags


@pytest.mark.parametrize('data', [
    record(PARAMS, 1, b'', version=0), record(PARAMS, 1, b'', version=2),
    record(BEGIN, 0, struct.pack('>HB5x', 1, 1)), record(BEGIN, 2, b'1234567'),
    begin(1, flags=KEEP_CONN), record(STDIN, 1, b'x'), record(STDIN, 1),
], ids=['version 0', 'version 2', 'BEGIN with id 0', 'short BEGIN', 'BEGIN of an active id',
        'STDIN before PARAMS have ended', 'end of STDIN before PARAMS have ended'])
def test_what_ends_a_connection(shared, data):
    """REQ(22, 31, 79, 131, b, c, e, f): after these nothing on the connection can be trusted: it is
    closed without an answer to anything, a line is logged, and others are served."""
    before = len(shared.log().splitlines())
    with Application(shared.address) as app:
        app.send(begin(1, flags=KEEP_CONN), records(PARAMS, 1, pairs(params())), data)
        assert app.at_end()
    with Application(shared.address) as app:
        still_serves(app)
    lines = shared.log().splitlines()[before:]
    assert len(lines) == 1 and re.fullmatch(r'probe: warning: reason=[A-Z_]+ listener=\S+', lines[0])


@pytest.mark.parametrize('kind, content', [(PARAMS, b''), (PARAMS, pair('A', 'b')), (STDIN, b'x')])
def test_streams_after_their_end(shared, kind, content):
    """REQ(44, 51, c)"""
    with Application(shared.address) as app:
        app.send(request(1, values=params(target='/wait?id=9')), record(kind, 1, content))
        assert app.at_end()


def test_begin_that_is_too_long(app):
    """REQ(79, e, 91): what is beyond eight bytes is ignored, and so is content of ABORT_REQUEST."""
    app.send(record(BEGIN, 1, struct.pack('>HB5x', 1, 1) + b'more'),
             records(PARAMS, 1, pairs(params(target='/wait?id=8'))), record(PARAMS, 1),
             record(STDIN, 1), record(ABORT, 1, b'why'))
    assert app.reply().app_status == 7
    still_serves(app)


# 3.3 ids and streams

@pytest.mark.parametrize('kind', [ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, 12])
@pytest.mark.parametrize('content', [b'', b'some'])
def test_inactive_ids(app, kind, content):
    """REQ(36, 37, 43, 96): before BEGIN_REQUEST and after END_REQUEST records are ignored."""
    app.send(record(kind, 5, content, padding=3))
    app.send(request(5), record(kind, 5, content))
    assert app.reply(5).stdout == SERVED
    app.send(record(kind, 5, content, padding=3), record(kind, 65535, content))
    still_serves(app)


def test_same_id_on_two_connections(shared):
    """REQ(13, 41): they are two requests."""
    with Application(shared.address) as one, Application(shared.address) as two:
        for app in (one, two):
            app.send(begin(1, flags=KEEP_CONN), records(PARAMS, 1, pairs(
                params('POST', '/read?id=1', CONTENT_LENGTH='4'))), record(PARAMS, 1))
        one.send(record(ABORT, 1))
        assert one.reply().app_status == 7
        two.send(record(STDIN, 1, b'four'), record(STDIN, 1))
        assert two.reply().body == b'whole\n'


def test_management_records_inside_everything(app):
    """REQ(52, 53, 66, 72, 75, 76, 78): between any two records of two requests, and while their
    handlers wait."""
    values = params('POST', '/read?id=1', CONTENT_LENGTH='2')
    ask = record(GET_VALUES, 0, pair('FCGI_MPXS_CONNS', ''), padding=7)
    pieces = [begin(1, flags=KEEP_CONN), begin(2, flags=KEEP_CONN)]
    for byte in pairs(values):
        pieces += [record(PARAMS, 1, bytes([byte])), record(PARAMS, 2, bytes([byte]))]
    pieces += [record(PARAMS, 1), record(PARAMS, 2), record(STDIN, 2, b'b'), record(STDIN, 1, b'a'),
               record(STDIN, 1, b'a'), record(STDIN, 2, b'b')]
    for piece in pieces:
        app.send(piece, ask, record(99, 0, b'?'))
    for _ in pieces:
        assert app.read() == (fcgi.GET_VALUES_RESULT, 0, pair('FCGI_MPXS_CONNS', '1'))
        assert app.read() == (fcgi.UNKNOWN, 0, bytes([99]) + bytes(7))
    app.send(record(STDIN, 1), record(STDIN, 2))
    assert all(reply.body == b'whole\n' for reply in app.replies(1, 2).values())


@pytest.mark.parametrize('asked, answer', [
    ([], []),
    (['FCGI_MAX_CONNS', 'FCGI_MAX_REQS', 'FCGI_MPXS_CONNS'],
     [('FCGI_MAX_CONNS', '10000'), ('FCGI_MAX_REQS', '100'), ('FCGI_MPXS_CONNS', '1')]),
    (['fcgi_max_conns', 'FCGI_MAX', 'FCGI_MAX_CONNSX', ''], []),
    (['FCGI_MAX_REQS'] * 3, [('FCGI_MAX_REQS', '100')]),
])
def test_values(app, asked, answer):
    """REQ(54, 62, 66, 67, 68, 69, 70, 71, g): known names are answered, each once, in decimal, and
    the numbers are those that hold (the next test)."""
    app.send(record(GET_VALUES, 0, pairs([(name, '') for name in asked])))
    kind, number, content = app.read()
    assert (kind, number) == (fcgi.GET_VALUES_RESULT, 0)
    assert sorted(fcgi.parse_pairs(content)) == answer


def test_more_requests_than_announced(app):
    """REQ(70, 82, 85, 86): FCGI_MAX_REQS of a connection is the truth: one more is OVERLOADED, was
    never active, and the others go on."""
    for number in range(1, 101):
        app.send(request(number, values=params(target=f'/wait?id={number}')))
    app.send(request(101), record(ABORT, 101), request(102, flags=0))
    replies = app.replies(101, 102)
    assert all(reply.protocol_status == fcgi.OVERLOADED and not reply.stdout
               for reply in replies.values())
    app.send(*[record(ABORT, number) for number in range(1, 101)])
    assert all(reply.app_status == 7 for reply in app.replies(*range(1, 101)).values())
    assert app.at_end()  # since 102 did not want it kept


@pytest.mark.parametrize('role', [0, 4, 255, 256, 65535])
def test_unknown_roles(shared, role):
    """REQ(80, 82, 83, 86)"""
    with Application(shared.address) as app:
        app.send(request(3, role=role))
        reply = app.reply(3)
        assert reply.protocol_status == fcgi.UNKNOWN_ROLE and not reply.stdout
        still_serves(app)
        app.send(request(3, role=role, flags=0))
        assert app.reply(3).protocol_status == fcgi.UNKNOWN_ROLE and app.at_end()


def test_keep_conn_of_multiplexed_requests(shared):
    """REQ(15, 82, h, s): once one without KEEP_CONN has ended nothing new is begun; the connection
    ends with the last request that runs."""
    with Application(shared.address) as app:
        app.send(request(1, values=params(target='/wait?id=1')), request(2, flags=0))
        assert app.reply(2).stdout == SERVED
        app.send(request(3), b'', record(ABORT, 1), b'no record at all')
        assert app.reply(1).app_status == 7
        assert app.at_end()


def test_connections_one_after_the_other_and_at_once(shared):
    """REQ(8, 13, 15, 16, 41): with KEEP_CONN and without, closed by either side, cut off in the
    middle of a record."""
    for number in range(1, 20):
        with Application(shared.address) as app:
            app.send(request(number, flags=number & 1))
            assert app.reply(number).stdout == SERVED
            if not number & 1:
                assert app.at_end()
        with Application(shared.address) as app:
            app.send(request(number)[:20 + number])
    apps = [Application(shared.address) for _ in range(50)]
    for app in apps:
        app.send(request(1))
    for app in reversed(apps):
        assert app.reply().stdout == SERVED
        app.close()


# 3.4 pairs

@pytest.mark.parametrize('form', ['short', 'long', 'long name', 'long value'])
def test_forms_of_lengths(module_servers, echo, form):
    """REQ(45, 54, 55, 56, 57, 58, 61): four bytes for any length, in records of one byte each."""
    def one(name, value):
        long = [struct.pack('>I', len(text) | 1 << 31) for text in (name, value)]
        short = [bytes([len(text)]) for text in (name, value)]
        pick = {'short': short, 'long': long, 'long name': [long[0], short[1]],
                'long value': [short[0], long[1]]}[form]
        return b''.join(pick) + name.encode() + value.encode()
    stream = b''.join(one(name, value) for name, value in params(REMOTE_USER='ann').items())
    with Application(echo.address) as app:
        app.send(begin(1, flags=KEEP_CONN), records(PARAMS, 1, stream, size=1), record(PARAMS, 1),
                 record(STDIN, 1))
        assert b'"REMOTE_USER": "ann"' in app.reply().body


@pytest.fixture(scope='module')
def echo(module_servers):
    return module_servers.example('echo', f'fcgi+unix:{module_servers.folder}/echo.sock')


def test_binary_and_empty_values(echo):
    """REQ(59, 63, 65): values of any bytes but NUL come through; empty names and values are legal;
    the order does not matter."""
    every = bytes(range(1, 256)).decode('latin-1')
    items = [('', ''), ('EMPTY', ''), ('X' * 200, every * 2), *reversed(params().items()),
             ('EVERY', every)]
    with Application(echo.address) as app:
        app.send(begin(1, flags=KEEP_CONN), records(PARAMS, 1, pairs(items), size=7),
                 record(PARAMS, 1), record(STDIN, 1))
        body = app.reply().body
    assert b'"EMPTY": ""' in body and b'\\u00ff' in body and b'"REMOTE_ADDR": "192.0.2.7"' in body


@pytest.mark.parametrize('stream, status', [
    (pairs(params()) + b'\x01', 400), (pairs(params()) + b'\x84\x00', 400),
    (pairs(params()) + pair('A', 'b')[:-1], 400), (pairs(params()) + pair('A', 'b\0c'), 400),
    (pairs(params()) + pair('A\0', 'b'), 400), (pairs(params()) + pair('A', '\0'), 400),
    (pair('A\0', '') + pairs(params()), 400), (pair('', '\0') + pairs(params()), 400),
    (pairs(params(E='', F='')) + pair('', '') + pair('A', 'b\0'), 400),
    (pairs(params(L='x' * 300)) + pair('E', '') + pair('L', 'x' * 299 + '\0'), 400), (pairs(params()) + pair('REMOTE_ADDR', 'x'), 400),
    (pairs(params(CONTENT_LENGTH='ten')), 400),
    (pairs(params()) + b'\xff\xff\xff\xff\xff\xff\xff\xff' + b'x' * 1000, 400),
    (pairs(params(X='x' * 70000)), 431), (pairs(params()) + pair('A', 'b') * 600, 431),
])
def test_parameters_that_mean_nothing_certain(shared, stream, status):
    """REQ(60, 64, d, r): malformed, beyond a limit, with a NUL, a fact twice: the handler does not
    run, the answer is 400 or 431, the connection goes on."""
    with Application(shared.address) as app:
        app.send(begin(1, flags=KEEP_CONN), records(PARAMS, 1, stream), record(PARAMS, 1),
                 record(STDIN, 1, b'body'), record(STDIN, 1))
        reply = app.reply()
        assert reply.status == status and reply.protocol_status == COMPLETE
        still_serves(app)


# 5.2 bodies

@pytest.mark.parametrize('workers', ['0', '2'])
@pytest.mark.parametrize('declared, sent, outcome', [
    ('5', b'hello', b'whole\n'), ('5', b'hello, world', b'whole\n'), (None, b'hello', b'whole\n'),
    ('', b'hello', b'whole\n'), ('-1', b'', b'whole\n'), ('0', b'', b'whole\n')])
def test_body_and_content_length(servers, workers, declared, sent, outcome):
    """REQ(44, 109, 112, m, n): the body is cut at its declared length, and ends with STDIN where
    none was declared."""
    server = start(servers, workers)
    with Application(server.address) as app:
        app.send(request(1, values=params('POST', '/read?id=1', CONTENT_LENGTH=declared), body=sent))
        assert app.reply().body == outcome
        still_serves(app)
    assert ('stdin-beyond-content-length' in server.log()) == (len(sent) > 5)


def test_short_body(app):
    """REQ(112, m): fewer bytes than declared are told apart from a whole body."""
    app.send(request(1, values=params('POST', '/read', CONTENT_LENGTH='6'), body=b'hello'))
    assert app.reply().body == b'short\n'
    still_serves(app)


def test_answer_before_the_body(app):
    """REQ(94, 106, 110): a Responder may answer while its body comes; what is left is skipped."""
    app.send(begin(1, flags=KEEP_CONN),
             records(PARAMS, 1, pairs(params('POST', '/', CONTENT_LENGTH='100000'))))
    app.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):  # nothing before PARAMS are complete
        app.sock.recv(1)
    app.sock.settimeout(20)
    app.send(record(PARAMS, 1))
    assert app.reply().stdout == SERVED
    app.send(records(STDIN, 1, bytes(100000)), record(STDIN, 1))
    still_serves(app)


# 5.4 aborts

def test_abort_and_end_cross(app):
    """REQ(96, 97): ABORT_REQUEST for what has just ended is no request of its own."""
    for number in range(1, 50):
        app.send(request(number), record(ABORT, number))
        assert app.reply(number).protocol_status == COMPLETE
    still_serves(app)


@pytest.mark.parametrize('sent', [0, 1, 2])
def test_abort_before_the_handler_runs(app, sent):
    """REQ(92, 98, j): the session answers, with the end of STDOUT."""
    stream = [record(PARAMS, 1, pairs(params())[:20]), record(PARAMS, 1, pairs(params())[20:])]
    app.send(begin(1, flags=KEEP_CONN), *stream[:sent], record(ABORT, 1), *stream[sent:],
             record(PARAMS, 1), record(STDIN, 1))
    assert app.read() == (STDOUT, 1, b'')
    assert app.read() == (END, 1, bytes(8))
    still_serves(app)


# 6 roles

def test_status_and_location(app):
    """REQ(105): every answer starts with a CGI header whose Status says what it is."""
    app.send(request(1, values=params(target='/redirect')))
    assert app.reply().head.split('\r\n')[:2] == ['Status: 302 Found', 'Location: /there']
    app.send(request(2, values=params('HEAD')))
    reply = app.reply(2)
    assert reply.status == 200 and 'Content-Length: 3' in reply.head and not reply.body


@pytest.mark.parametrize('stdin', [b'', record(STDIN, 1), record(STDIN, 1, b'body') +
                                   record(STDIN, 1)], ids=['none', 'empty', 'some'])
def test_authorizer(authorizer, stdin):
    """REQ(80, 114, 115, 120, l): no body is waited for, one that comes is skipped; 200 allows, with
    the names of variables as they are."""
    with Application(authorizer.address) as app:
        for token, status in (('sesame', 200), ('open', 401)):
            values = params(SCRIPT_NAME=None, PATH_INFO=None, CONTENT_LENGTH=None,
                            HTTP_AUTHORIZATION=f'Bearer {token}')
            app.send(begin(1, AUTHORIZER, KEEP_CONN), records(PARAMS, 1, pairs(values)),
                     record(PARAMS, 1), stdin)
            reply = app.reply()
            assert reply.status == status and reply.protocol_status == COMPLETE
            assert ('Variable-API_CLIENT: key-holder' in reply.head) == (status == 200)


def filtered(number, path, body, data, **more):
    """The records of a Filter's request up to the end of its parameters, of STDIN, of DATA."""
    values = {'CONTENT_LENGTH': str(len(body)), 'FCGI_DATA_LENGTH': str(len(data)),
              'FCGI_DATA_LAST_MOD': '1000000000', **more}
    return (begin(number, FILTER, KEEP_CONN) +
            records(PARAMS, number, pairs(params('POST', path, **values))) + record(PARAMS, number),
            records(STDIN, number, body, size=1000) + record(STDIN, number),
            records(DATA, number, data) + record(DATA, number))


@pytest.mark.parametrize('workers', ['0', '2'])
def test_filter(servers, workers):
    """REQ(80, 111, 123, 124, 125, 126, m): STDIN, then DATA; their lengths are compared; DATA need
    not be read by a Filter that knows the file by its date."""
    with Application(start(servers, workers).address) as app:
        app.send(*filtered(1, '/filter', b'b' * 70000, b'd' * 200000))
        reply = app.reply(1)
        assert reply.body == b'body 70000 1 data 200000 of 200000 1 changed 1000000000\n'
        assert reply.app_status == 0
        app.send(*filtered(2, '/filter', b'body', b'data', CONTENT_LENGTH='3', FCGI_DATA_LENGTH='5'))
        assert app.reply(2).body == b'body 3 1 data 4 of 5 -8 changed 1000000000\n'
        head, stdin, data = filtered(3, '/filter-cached', b'body', b'd' * 5000)
        app.send(head, stdin)
        assert app.reply(3).body == b'body 4 1 data 0 of 5000 0 changed 1000000000\n'
        app.send(data)
        still_serves(app)


@pytest.mark.parametrize('workers, path', [('0', '/'), ('2', '/'), ('2', '/too-early'),
                                           ('0', '/error'), ('2', '/error')])
@pytest.mark.parametrize('end', ['stdin', 'abort', 'close', 'half-close'])
def test_filter_that_answers_at_once(servers, workers, path, end):
    """REQ(106, 123): nothing is sent before STDIN has ended; then the answer is, whatever the
    handler did meanwhile, and others on the connection never notice."""
    server = start(servers, workers)
    app = Application(server.address)
    head, stdin, data = filtered(1, path, b'b' * 100000, b'data')
    app.send(head, stdin[:1008])
    still_serves(app)  # anything for the other id would fail in it
    if end == 'stdin':
        app.send(stdin[1008:], data)
        reply = app.reply(1)
        assert reply.status == (500 if path == '/error' else 200)
        assert len(reply.body) == {'/': 3, '/too-early': 2000, '/error': 26}[path]
    elif end == 'abort':
        app.send(stdin[1008:50400], record(ABORT, 1))
        assert app.reply(1).body == b''
    elif end == 'half-close':
        app.sock.shutdown(socket.SHUT_WR)
        while (kind_of := app.read())[0] != END:
            assert kind_of == (STDOUT, 1, b'')
        assert app.at_end()
    if end in ('stdin', 'abort'):
        still_serves(app)
    app.close()
    with Application(server.address) as app:
        still_serves(app)


# rules of weir's own

def test_half_close_on_a_unix_socket(shared):
    """REQ(p): a web server that has said all it has to say still gets its answers."""
    with Application(shared.address) as app:
        app.send(request(1), request(2, values=params('POST', '/ignore?for=50', CONTENT_LENGTH='0')))
        app.sock.shutdown(socket.SHUT_WR)
        replies = app.replies(1, 2)
        assert all(reply.stdout == SERVED for reply in replies.values())
        assert app.at_end()


def test_half_close_over_tcp(servers):
    """REQ(17, p): there it cannot be told from a close, and aborts."""
    server = servers.start('probe', [PROBE, 'fcgi://127.0.0.1:0'], clean=True,
                           ready=r'^probe: listening on (\S+)$')
    with Application(server.address) as app:
        app.send(request(1, values=params(target='/wait?id=1')))
        app.sock.shutdown(socket.SHUT_WR)
        assert app.at_end()
    limit = time.monotonic() + 20
    while 'cancel 1 ' not in server.log():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_bytes_after_the_last_request(shared):
    """REQ(15, s): without KEEP_CONN what comes behind the request is ignored for a while, so that
    the answer is not lost by a reset."""
    for behind in (b'', bytes(300_000), request(2) * 50):
        with Application(shared.address) as app:
            sender = threading.Thread(target=app.send, args=(request(1, flags=0), behind))
            sender.start()
            assert app.reply().stdout == SERVED
            assert app.at_end()
            sender.join(20)
