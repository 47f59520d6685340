"""The client of libweir (weir/client.h), by a driver, against scripted and real applications."""
import hashlib
import os
import re
import socket
import subprocess
import threading
import time

import pytest

import fcgi_peer as fcgi
from fcgi_peer import OK, STDERR, STDOUT, Backend, end, record, records
from http_peer import MIB
from pki import Authority
from server import BUILD, SANITIZER, free_port
from test_in_front import echo_site, go_site, libfcgi_site, php_site

DRIVER = BUILD / 'tests' / 'integration' / 'programs' / 'client_driver'
HEAD = b'Content-Type: text/plain\r\n\r\n'
FORMS = ['get', 'call']


def pattern(size):
    whole = bytes(range(251))
    return (whole * (size // 251 + 1))[:size]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Run:
    """What the driver told."""

    def __init__(self, lines):
        self.lines = lines

    def all(self, word):
        return [line.partition(' ')[2] for line in self.lines if line.split(' ')[0] == word]

    def one(self, word):
        found = self.all(word)
        assert len(found) == 1, '\n'.join(self.lines)
        return found[0]

    @property
    def result(self):
        return self.one('done').split()[0]

    @property
    def error(self):
        return self.one('done').partition(' ')[2]

    @property
    def body(self):
        size, digest = self.one('body').split()
        return int(size), digest

    def numbers(self, word):
        return {name: int(value) for name, value in re.findall(r'(\w+)=(-?\d+)', self.one(word))}


def drive(url, verb, /, *words, limit=10, **more):
    """Runs the driver to its end."""
    argv = [DRIVER, getattr(url, 'url', url), verb, *words,
            *(f'{name}={value}' for name, value in more.items())]
    done = subprocess.run([str(arg) for arg in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=limit)
    errors = done.stderr.decode(errors='replace')
    assert done.returncode == 0 and not SANITIZER.search(errors), errors
    return Run(done.stdout.decode(errors='replace').splitlines())


@pytest.fixture
def backend(servers):
    """Makes scripted applications."""
    made = []

    def make(answer, values=None, **more):
        made.append(Backend(servers.folder, answer, values, name=f'b{len(made)}', **more))
        return made[-1]

    yield make
    for one in made:
        one.close()
        assert not one.errors


def after_body(send):
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


def eventually(what):
    """What it says, once that is something: the other side runs in threads of its own."""
    limit = time.monotonic() + 10
    while not what() and time.monotonic() < limit:
        time.sleep(0.01)
    return what()


def until_closed(request):
    """Reads until the client has had enough; the types of what came."""
    kinds = []
    try:
        while True:
            kinds.append(request.connection.read()[0])
    except fcgi.Closed:
        return kinds


# one request

@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('port', [False, True], ids=['unix', 'tcp'])
def test_get(backend, form, port):
    app = backend(after_body(lambda n: whole(b'Status: 201 Made\r\nX-A: 1\r\nX-a: 2\r\n\r\nhello', n)),
                  port=port)
    run = drive(app, form)
    assert run.one('head') == '201 Made'
    assert run.all('field') == ['X-A: 1', 'X-a: 2']
    assert run.body == (5, sha256(b'hello')) and run.result == 'OK' and run.error == ''
    assert run.numbers('end')['ordered'] == 1
    assert len(app.requests) == 1 and app.requests[0].flags == 0


def test_cgi_parameters(backend):
    app = backend(after_body(lambda n: whole(OK, n)))
    drive(app, 'get', 'header=X-Two:a', 'header=x-two:b', 'header=Cookie:a=1', 'header=Cookie:b=2',
          'header=Content-Type:text/x', 'param=OWN:1', 'param=OWN:2',
          url='https://example.com:8443/a%20b/../c.php/d?q=%41&r')
    params = app.requests[0].params
    assert [value for name, value in params if name == 'OWN'] == ['1', '2']
    assert dict(params) == {
        'GATEWAY_INTERFACE': 'CGI/1.1', 'SERVER_SOFTWARE': 'weir/0.1.0',
        'SERVER_PROTOCOL': 'HTTP/1.1', 'SERVER_NAME': 'example.com', 'SERVER_PORT': '8443',
        'REMOTE_ADDR': '127.0.0.1', 'REQUEST_SCHEME': 'https', 'HTTPS': 'on',
        'REQUEST_METHOD': 'GET', 'REQUEST_URI': '/a%20b/../c.php/d?q=%41&r',
        'DOCUMENT_URI': '/c.php/d', 'QUERY_STRING': 'q=%41&r', 'SCRIPT_NAME': '',
        'PATH_INFO': '/c.php/d', 'HTTP_HOST': 'example.com:8443', 'HTTP_X_TWO': 'a, b',
        'HTTP_COOKIE': 'a=1; b=2', 'CONTENT_TYPE': 'text/x', 'OWN': '2'}


@pytest.mark.parametrize('words, want', [
    ({'root': '/srv/', 'url': '/a.php/x/y?z'},
     {'SCRIPT_NAME': '/a.php', 'PATH_INFO': '/x/y', 'SCRIPT_FILENAME': '/srv/a.php',
      'DOCUMENT_ROOT': '/srv/', 'PATH_TRANSLATED': '/srv//x/y', 'REDIRECT_STATUS': '200'}),
    ({'root': '/srv', 'url': '/d/'},
     {'SCRIPT_NAME': '/d/index.php', 'PATH_INFO': None, 'SCRIPT_FILENAME': '/srv/d/index.php'}),
    ({'script_name': '/app/', 'url': '/app/x'}, {'SCRIPT_NAME': '/app', 'PATH_INFO': '/x'}),
    ({'script_filename': '/ping', 'url': '/ping'},
     {'SCRIPT_NAME': '/ping', 'PATH_INFO': None, 'SCRIPT_FILENAME': '/ping'}),
    ({'url': 'http://[::1]?q'},
     {'REQUEST_URI': '/?q', 'SERVER_NAME': '[::1]', 'SERVER_PORT': '80', 'HTTPS': None,
      'HTTP_HOST': '[::1]', 'CONTENT_LENGTH': None}),
    ({'method': 'POST'}, {'CONTENT_LENGTH': '0'}),
    ({'method': 'POST', 'source': 5, 'length': -1}, {'CONTENT_LENGTH': None}),
    ({'method': 'POST', 'bytes': 5}, {'CONTENT_LENGTH': '5'}),
    ({'role': 2, 'url': '/x'}, {'SCRIPT_NAME': None, 'PATH_INFO': None, 'CONTENT_LENGTH': None}),
])
def test_script_and_body_parameters(backend, words, want):
    app = backend(lambda request: request.send(whole(OK, request.id)))
    drive(app, 'get', **words)
    params = dict(app.requests[0].params)
    assert {name: params.get(name) for name in want} == want


@pytest.mark.parametrize('words, error', [
    (['url=ftp://x/'], 'ADDRESS'), (['url=/../x'], 'ADDRESS'), (['url=/%00'], 'ADDRESS'),
    (['url=http://a b/'], 'ADDRESS'), (['method=G T'], 'INVALID'),
    (['url=/x', 'root=/srv'], 'INVALID'), (['url=/appx', 'script_name=/app'], 'INVALID'),
    (['header=X_A:1'], 'HEADER'), (['header=Proxy:1'], 'HEADER'), (['header=Expect:x'], 'HEADER'),
    (['header=Content-Length:1'], 'HEADER'), (['header=Transfer-Encoding:chunked'], 'HEADER'),
    (['header=X-A:a\nb'], 'HEADER'), (['header=Redirect-Status:200'], 'HEADER'),
    (['param=BIG:' + 'x' * 70000], 'LIMIT'),
])
def test_what_is_refused_before_it_is_sent(backend, words, error):
    app = backend(after_body(lambda n: whole(OK, n)))
    assert drive(app, 'get', *words).one('refused').split()[0] == error


def test_a_parameter_that_does_not_fit_is_named(backend):
    app = backend(after_body(lambda n: whole(OK, n)))
    assert 'HTTP_X_BIG' in drive(app, 'get', 'header=X-Big:' + 'x' * 70000).one('refused')


def test_content_length_must_be_true(backend):
    app = backend(after_body(lambda n: whole(OK, n)))
    run = drive(app, 'get', 'param=CONTENT_LENGTH:7', bytes=5)
    assert run.one('start').split()[0] == 'CONTENT_LENGTH' and not app.requests


def test_unusable_addresses():
    for url in ['http://127.0.0.1:1', 'fcgi://127.0.0.1', 'fcgi+unix:', 'nonsense', '']:
        run = drive(url, 'get')
        assert run.one('start').split()[0] == 'ADDRESS' and run.one('client')
        assert drive(url, 'ping').one('ping').split()[0] == 'FAILED'


# bodies

@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('kind', ['bytes', 'source', 'written'])
@pytest.mark.parametrize('size', [0, 1, 65528, 65529, 3 * MIB])
def test_body(backend, form, kind, size):
    bodies = []

    def answer(request):
        bodies.append(request.body())
        request.finish(OK)

    app = backend(answer)
    run = drive(app, form, method='POST', **{kind: size})
    assert run.result == 'OK' and bodies == [pattern(size)]
    assert run.numbers('stats')['stdin'] == size
    assert app.requests[0].param('CONTENT_LENGTH') == str(size)


@pytest.mark.parametrize('form', FORMS)
def test_source_that_has_nothing_now(backend, form):
    bodies = []

    def answer(request):
        bodies.append(request.body())
        request.finish(OK)

    assert drive(backend(answer), form, source=300000, source_waits=1).result == 'OK'
    assert bodies == [pattern(300000)]


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('words, error', [
    ({'source': 1000, 'length': 2000}, 'SHORT_BODY'),
    ({'written': 1000, 'length': 2000}, 'SHORT_BODY'),
    ({'source': 2000, 'length': 1000}, 'CONTENT_LENGTH'),
    ({'source': 100000, 'source_fails': 1}, 'SYSTEM'),
])
def test_a_body_that_is_not_what_it_should_be_is_aborted(backend, form, words, error):
    seen = []

    def answer(request):
        for _ in request.pieces():
            pass
        seen.append(request.aborted)
        request.send(end(request.id))

    run = drive(backend(answer), form, method='POST', keepalive=2, **words)
    assert run.result == error
    assert eventually(lambda: seen) == [True]


@pytest.mark.parametrize('form', FORMS)
def test_filter_gets_its_file(backend, form):
    seen = []

    def answer(request):
        seen.append((request.role, request.param('FCGI_DATA_LENGTH'),
                     request.param('FCGI_DATA_LAST_MOD'), request.body()))
        data = b''
        while True:
            kind, _, content = request.connection.read()
            assert kind == fcgi.DATA
            if not content:
                break
            data += content
        seen.append(data)
        request.finish(OK)

    run = drive(backend(answer), form, role=3, method='POST', bytes=10, data=200000)
    assert run.result == 'OK'
    assert seen == [(3, '200000', '1234567890', pattern(10)), pattern(200000)]


def echo_while_reading(request):
    request.stdout(HEAD)
    for piece in request.pieces():
        request.stdout(piece)
    request.finish()


@pytest.mark.parametrize('form, words', [
    ('get', {'source': 64 * MIB}), ('call', {'source': 64 * MIB}),
    ('get', {'written': 64 * MIB}), ('call', {'written': 64 * MIB}),
    ('call', {'source': 64 * MIB, 'pause': 1}),
], ids=str)
def test_64_mib_both_ways_at_once_in_flat_memory(backend, form, words):
    run = drive(backend(echo_while_reading), form, method='POST', limit=120, **words)
    assert run.result == 'OK' and run.body == (64 * MIB, sha256(pattern(64 * MIB)))
    if 'asan' not in str(BUILD):
        assert int(run.one('peak')) < 16 * 1024


@pytest.mark.parametrize('form', FORMS)
def test_an_answer_before_the_body(backend, form):
    def answer(request):
        request.finish(b'Status: 413 Too Large\r\n\r\nno')
        request.connection.close()

    run = drive(backend(answer), form, method='POST', source=64 * MIB)
    assert run.one('head') == '413 Too Large' and run.result == 'OK'


# the answer

@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('size', [1, 2, 7])
def test_everything_in_small_records(backend, form, size):
    answer = b'Status: 103 Hints\r\nLink: <a>\r\n\r\nStatus: 404 No\nContent-Length: 4\n\nnope'
    app = backend(after_body(lambda n: records(STDERR, n, b'oops', size, padding=255) + records(
        STDOUT, n, answer, size, padding=3) + record(STDOUT, n, padding=200) + end(n, 7)))
    run = drive(app, form)
    assert run.one('head') == '404 No' and run.body == (4, sha256(b'nope'))
    assert run.result == 'OK' and run.numbers('end')['app'] == 7
    if form == 'call':
        assert run.one('interim') == '103 Hints'
        assert run.all('field') == ['Link: <a>', 'Content-Length: 4']


def test_local_redirect_is_told(backend):
    app = backend(after_body(lambda n: whole(b'Location: /x?y\r\n\r\n', n)))
    run = drive(app, 'get')
    assert run.one('head') == '302 (local)' and run.result == 'OK' and len(app.requests) == 1


def test_raw_output(backend):
    app = backend(after_body(lambda n: whole(b'no header at all', n)))
    for form in FORMS:
        run = drive(app, form, raw=1)
        assert run.result == 'OK' and run.body == (16, sha256(b'no header at all'))


def test_head_answer_has_no_body_to_check(backend):
    app = backend(after_body(lambda n: whole(b'Content-Length: 100\r\n\r\n', n)))
    assert drive(app, 'get', method='HEAD').result == 'OK'
    assert drive(app, 'get').result == 'CONTENT_LENGTH'


@pytest.mark.parametrize('form', FORMS)
def test_stderr_flood(backend, form):
    app = backend(after_body(lambda n: records(STDERR, n, b'x' * (8 * MIB)) + whole(OK, n)))
    run = drive(app, form, keep_errors=1)
    assert run.result == 'OK' and run.numbers('stats')['stderr'] == 8 * MIB
    assert run.one('errors').split()[0] == '65536'
    if 'asan' not in str(BUILD):
        assert int(run.one('peak')) < 16 * 1024


BAD = {
    'CLOSED': [then_close(lambda n: b''), then_close(lambda n: record(STDOUT, n, OK)[:5])],
    'TRUNCATED': [then_close(lambda n: record(STDOUT, n, OK)),
                  then_close(lambda n: record(STDERR, n, b'x')),
                  then_close(lambda n: records(STDOUT, n, OK) + record(STDOUT, n)),
                  then_close(lambda n: records(STDOUT, n, OK) + end(n)[:15])],
    'RESPONSE': [after_body(lambda n: whole(b'no header', n)), after_body(lambda n: end(n)),
                 after_body(lambda n: whole(b'X-A: 1\r\n', n)),
                 after_body(lambda n: whole(b'X: ' + b'x' * MIB, n))],
    'CONTENT_LENGTH': [after_body(lambda n: whole(b'Content-Length: 3\r\n\r\nxx', n)),
                       after_body(lambda n: whole(b'Content-Length: 3\r\n\r\nxxxx', n))],
    'VERSION_FIELD': [then_close(lambda n: b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' * 4)],
    'RECORD_ID': [then_close(lambda n: whole(OK, n + 1)), then_close(lambda n: whole(OK, 0))],
    'RECORD_TYPE': [then_close(lambda n: record(fcgi.STDIN, n, b'x'))],
    'RECORD_LENGTH': [then_close(lambda n: record(fcgi.END, n, b'1234'))],
    'OVERLOADED': [after_body(lambda n: end(n, 0, fcgi.OVERLOADED))],
    'CANT_MPX': [after_body(lambda n: end(n, 0, fcgi.CANT_MPX_CONN))],
    'UNKNOWN_ROLE': [after_body(lambda n: end(n, 0, fcgi.UNKNOWN_ROLE))],
}


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('want, number', [(e, i) for e in BAD for i in range(len(BAD[e]))])
def test_bad_answers(backend, form, want, number):
    app = backend(BAD[want][number])
    run = drive(app, form)
    assert run.result == want and len(run.error) > len(want) + 10
    assert len(app.requests) == 1, 'asked again what may have been processed'


def test_truncated_output_is_read_before_it_is_told(backend):
    run = drive(backend(then_close(lambda n: record(STDOUT, n, HEAD + b'part'))), 'get')
    assert run.one('head') and run.body == (4, sha256(b'part'))
    assert run.one('read') == 'TRUNCATED'


# time

def hang(request):
    until_closed(request)


TIMEOUTS = [
    ('first_byte_timeout', hang, {}),
    ('total_timeout', hang, {}),
    ('idle_timeout', lambda request: (request.stdout(HEAD + b'x'), hang(request)), {}),
    ('send_timeout', lambda request: time.sleep(1.5), {'source': 4 * MIB}),
]


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('which, answer, words', TIMEOUTS, ids=[t[0] for t in TIMEOUTS])
def test_timeouts(backend, form, which, answer, words):
    started = time.monotonic()
    run = drive(backend(answer), form, method='POST', **{which: 300}, **words)
    assert run.result == 'TIMEOUT' and which in run.error
    assert 0.3 <= time.monotonic() - started < 5


def test_total_timeout_of_an_answer_that_never_ends(backend):
    def answer(request):
        request.stdout(HEAD)
        try:
            while True:
                request.stdout(b'x' * 1000)
        except OSError:
            pass

    run = drive(backend(answer), 'get', total_timeout=500)
    assert run.result == 'TIMEOUT' and run.body[0] > 0


def test_the_application_is_not_blamed_for_a_reader_that_naps(backend):
    def answer(request):
        request.stdout(HEAD + b'a' * 200000)
        request.finish(b'b' * 200000)

    assert drive(backend(answer), 'get', idle_timeout=200, nap=600).result == 'OK'


def test_full_backlog(servers):
    path = str(servers.folder / 'full.sock')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        waiting = []
        for _ in range(8):
            one = socket.socket(socket.AF_UNIX)
            one.setblocking(False)
            waiting.append(one)
            if one.connect_ex(path) != 0:
                break
        run = drive(f'fcgi+unix:{path}', 'get', connect_timeout=300)
        assert run.result == 'CONNECT' and 'backlog' in run.error
        assert drive(f'fcgi+unix:{path}', 'ping', timeout=300).one('ping').startswith('BUSY')

        def make_room():
            time.sleep(0.3)
            for _ in range(len(waiting)):  # those that wait, and the driver in place of the last
                sock, _ = listener.accept()
                accepted.append(sock)

        accepted = []
        thread = threading.Thread(target=make_room)
        thread.start()
        run = drive(f'fcgi+unix:{path}', 'get', connect_timeout=5000, first_byte_timeout=300)
        assert run.result == 'TIMEOUT' and 'first_byte_timeout' in run.error
        thread.join()
        for sock in [*waiting, *accepted]:
            sock.close()


def test_all_addresses_of_a_name_are_tried(backend):
    """localhost is ::1 and 127.0.0.1; only the second one listens."""
    app = backend(after_body(lambda n: whole(OK, n)), port=True)
    for form, words in [('get', {}), ('call', {}), ('call', {'uv': 1})]:
        run = drive(f'fcgi://localhost:{app.address[1]}', form, times=2, **words)
        assert [line.split()[0] for line in run.all('done')] == ['OK', 'OK']


def test_nobody_there(servers):
    for url in [f'fcgi://localhost:{free_port()}', f'fcgi+unix:{servers.folder}/none.sock']:
        for form in FORMS:
            run = drive(url, form)
            assert run.result == 'CONNECT' and 'cannot connect: ' in run.error
    run = drive('fcgi://no-such-host.invalid:9000', 'get')
    assert run.result == 'ADDRESS' and 'no-such-host.invalid' in run.error


# connections

def test_connections_are_kept_where_that_pins_nobody(backend):
    app = backend(after_body(lambda n: whole(OK, n)), values={'FCGI_MPXS_CONNS': '1'})
    run = drive(app, 'get', times=6, between=50)
    assert [r.flags for r in app.requests][:1] == [0]  # one request is not worth a question
    assert app.requests[-1].flags == 1 and app.connections < 6
    assert all(line.startswith('OK') for line in run.all('done'))
    plain = backend(after_body(lambda n: whole(OK, n)))
    drive(plain, 'get', times=4, between=50)
    assert plain.connections == 4 and not any(r.flags for r in plain.requests)


@pytest.mark.parametrize('form', FORMS)
def test_keepalive_by_number(backend, form):
    app = backend(after_body(lambda n: whole(OK, n)))
    run = drive(app, form, times=5, keepalive=2)
    assert app.connections == 1 and [r.id for r in app.requests] == [1, 2, 3, 4, 5]
    assert [('reused=1' in line) for line in run.all('end')] == [False] + [True] * 4
    assert drive(app, form, times=3, keepalive=2, fresh=1) and app.connections == 4
    assert drive(app, form, times=2, keepalive=-1) and app.connections == 6
    assert drive(app, form, keep=1).result == 'OK' and app.requests[-1].flags == 1


def test_a_kept_connection_that_dies(backend):
    """It is noticed before the next request, or that is sent again if nothing forbids it."""
    def answer(request):
        request.body()
        if request.serial == 1 and request.param('REQUEST_METHOD') != 'PATCH':
            request.connection.close()
            return
        request.finish(OK)
        if request.serial == 0 and request.param('QUERY_STRING') == 'close':
            request.connection.close()

    app = backend(answer)
    run = drive(app, 'get', times=2, between=100, keepalive=1, url='/?close')
    assert [line.split()[0] for line in run.all('done')] == ['OK', 'OK']
    assert 'retried=0' in run.all('end')[1]
    run = drive(app, 'get', times=2, keepalive=1)
    assert [line.split()[0] for line in run.all('done')] == ['OK', 'OK']
    assert 'retried=1' in run.all('end')[1]
    run = drive(app, 'get', times=2, keepalive=1, method='POST')
    assert [line.split()[0] for line in run.all('done')] == ['OK', 'CLOSED']


def test_abort_drains_a_connection_that_is_kept(backend):
    seen = []

    def answer(request):
        request.stdout(HEAD + b'x' * 1000)
        if request.serial == 0:
            for _ in request.pieces():
                pass
            if not request.aborted:
                kind, _, _ = request.connection.read()
                seen.append(kind)
            request.stdout(b'late output')
        else:
            request.body()
        request.finish(b'second' if request.serial else b'')

    app = backend(answer)
    run = drive(app, 'get', keepalive=1, abandon=1, times=1)
    assert run.one('drained') == 'OK' and run.result == 'CANCELLED'
    assert seen == [fcgi.ABORT]


def test_an_abandoned_body_is_never_read_as_records(backend):
    """What the body holds looks like the end of the request, and like the answer to the next one."""
    body = [b'x', end(1), whole(HEAD + b'evil', 2)]
    size = sum(map(len, body))

    def answer(request):
        request.body()
        if request.serial > 0:
            request.finish(OK)
            return
        # the read that brings the head and the start of the body is the one that ends the interest
        request.send(record(STDOUT, 1, HEAD + b'x'), record(STDOUT, 1, bytes(size))[:8], body[0])
        kind, _, _ = request.connection.read()
        assert kind == fcgi.ABORT
        for part in body[1:]:
            request.send(part)
            time.sleep(0.2)  # in which the next request would come, if the first one had ended
        request.finish()

    app = backend(answer)
    run = drive(app, 'call', free_first=1, keepalive=1, times=2)
    assert run.all('freed') == [''] and run.result == 'OK'
    assert run.all('body')[1] == f'3 {sha256(b"ok" + bytes([10]))}'
    assert app.connections == 1 and 'reused=1' in run.one('end')


def test_an_abort_that_nobody_answers_ends_in_time(backend):
    closed = threading.Event()

    def answer(request):
        request.stdout(HEAD)
        until_closed(request)
        closed.set()

    run = drive(backend(answer), 'get', keepalive=1, abandon=1, abort_timeout=300)
    assert run.one('drained') == 'OK' and closed.wait(10)


def test_freed_in_a_callback(backend):
    app = backend(after_body(lambda n: whole(HEAD + b'x' * 100000, n)))
    run = drive(app, 'call', free_in_body=1, keepalive=1)
    assert run.one('freed') == '' and not run.all('done')


def test_on_a_loop_of_the_application(backend):
    app = backend(echo_while_reading)
    run = drive(app, 'call', uv=1, method='POST', source=MIB, times=3, keepalive=1)
    assert run.all('body') == [f'{MIB} {sha256(pattern(MIB))}'] * 3 and app.connections == 1
    assert run.one('closed') == '0'
    assert drive(app, 'get', uv=1).one('start').split()[0] == 'STATE'


# questions

def test_values(backend):
    app = backend(None, values={'FCGI_MAX_CONNS': '10', 'OWN': 'x' * 300})
    assert drive(app, 'values').all('value') == ['FCGI_MAX_CONNS=10']
    run = drive(app, 'values', name='OWN', name2='UNKNOWN')
    assert run.all('value') == ['OWN=' + 'x' * 300] and run.one('values') == 'OK '


class Listener:
    """Accepts connections and does one thing with each."""

    def __init__(self, folder, act):
        self.path = os.path.join(folder, 'listener.sock')
        self.url = f'fcgi+unix:{self.path}'
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(8)
        self.act = act
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        kept = []
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            kept.append(sock)
            if self.act(sock):
                sock.close()


def answer_with(data):
    def act(sock):
        sock.recv(4096)
        sock.sendall(data)
        return True
    return act


QUESTIONS = [
    ('answered', answer_with(record(fcgi.GET_VALUES_RESULT, 0, b'')), 'OK', 'ANSWERED'),
    ('in one byte', answer_with(record(fcgi.GET_VALUES_RESULT, 0, fcgi.pair('A', 'b'), 5)), 'OK',
     'ANSWERED'),
    ('unknown', answer_with(record(fcgi.UNKNOWN, 0, b'\x09' + bytes(7))), 'UNKNOWN_TYPE',
     'ANSWERED'),
    ('malformed', answer_with(record(fcgi.GET_VALUES_RESULT, 0, b'\x05\x05ab')), 'PARAMS',
     'ANSWERED'),
    ('closed', lambda sock: sock.recv(4096), 'CLOSED', 'CLOSED'),
    ('closed at once', lambda sock: True, 'CLOSED', 'CLOSED'),
    ('silent', lambda sock: None, 'TIMEOUT', 'BUSY'),
    ('no FastCGI', answer_with(b'HTTP/1.1 400 Bad Request\r\n\r\n'), 'VERSION_FIELD', 'BROKEN'),
]


def test_a_question_is_two_records(backend):
    """libfcgi answers the first one when the second one comes."""
    run = drive(backend(None, values={}), 'values', observe=1, name='X')
    assert run.all('record')[:2] == ['sent conn=1 type=9 id=0 length=3 padding=5 content=3',
                                     'sent conn=1 type=9 id=0 length=0 padding=0 content=0']


@pytest.mark.parametrize('act, values, ping', [q[1:] for q in QUESTIONS],
                         ids=[q[0] for q in QUESTIONS])
def test_what_becomes_of_a_question(servers, act, values, ping):
    listener = Listener(servers.folder, act)
    try:
        run = drive(listener, 'values', timeout=400)
        assert run.one('values').split()[0] == values
        run = drive(listener, 'ping', timeout=400, times=2)
        assert [line.split()[:2] for line in run.all('ping')] == [[ping, values]] * 2
        assert run.all('times')[0] == '1 1'
    finally:
        listener.socket.close()


def test_ping_nobody(servers):
    run = drive(f'fcgi+unix:{servers.folder}/none.sock', 'ping')
    assert run.one('ping').startswith('REFUSED CONNECT') and run.one('times') == '0 1'
    assert drive(f'fcgi://127.0.0.1:{free_port()}', 'ping').one('ping').startswith('REFUSED')
    assert drive('fcgi://no.such.invalid:1', 'ping').one('ping').startswith('REFUSED ADDRESS')


# what a testing tool needs

def test_records_are_seen_and_counted(backend):
    app = backend(after_body(lambda n: record(STDERR, n, b'e', 9) + whole(HEAD + b'x' * 70000, n)))
    run = drive(app, 'get', observe=1, count=1, bytes=70000)
    lines = run.all('record')
    assert lines[0] == 'sent conn=1 type=1 id=1 length=8 padding=0 content=8'
    sent = [int(re.search(r'type=(\d+)', line)[1]) for line in lines if line.startswith('sent')]
    assert sent == [1, 4, 4, 5, 5, 5]
    received = [line for line in lines if line.startswith('received')]
    assert received[0] == 'received conn=1 type=7 id=1 length=1 padding=9 content=1'
    assert received[1].endswith('length=65535 padding=0 content=65535')
    wire = run.numbers('wire')
    assert (wire['params'], wire['stdin'], wire['stdout'], wire['end']) == (2, 3, 3, 1)
    assert wire['received'] == 8 + 1 + 9 + 3 * 8 + len(HEAD) + 70000 + 16


@pytest.mark.parametrize('shape', [{'record_max': 1}, {'record_max': 3, 'padding': 255},
                                   {'padding': -1}, {'params_cut': 5}, {'params_cut': 40}], ids=str)
def test_shapes_change_no_content(backend, shape):
    bodies = []

    def answer(request):
        bodies.append(request.body())
        request.finish(OK)

    app = backend(answer)
    plain = drive(app, 'get', method='POST', bytes=3000, observe=1)
    shaped = drive(app, 'get', method='POST', bytes=3000, observe=1, **shape)
    assert shaped.result == 'OK' and bodies == [pattern(3000)] * 2
    assert app.requests[0].params == app.requests[1].params
    assert [line for line in plain.all('record') if line.startswith('sent')] != \
        [line for line in shaped.all('record') if line.startswith('sent')]
    if 'params_cut' in shape:
        assert f'type=4 id=1 length={shape["params_cut"]} ' in '\n'.join(shaped.all('record'))


def test_request_id_of_choice(backend):
    app = backend(after_body(lambda n: whole(OK, n)))
    drive(app, 'get', request_id=65535, keepalive=1, times=2)
    assert [r.id for r in app.requests] == [65535, 1]


def test_raw_bytes(backend):
    seen = []

    def answer(request):
        request.body()
        request.stdout(HEAD)
        seen.append(request.connection.read())
        request.finish(b'ok')

    assert drive(backend(answer), 'get', send_raw=1).result == 'OK'
    assert seen == [(11, 0, b'')]


# TLS

def test_fcgis(servers, tmp_path):
    ours, others = Authority(tmp_path / 'ours'), Authority(tmp_path / 'others')
    cert, me = ours.issue('server'), ours.issue('me')
    echo = servers.start('echo', [BUILD / 'examples' / 'echo', 'fcgis://127.0.0.1:0', *cert,
                                  ours.cert], clean=True, ready=r'^echo: listening on (\S+)$')
    url = f'fcgis://localhost:{echo.port}'
    known = {'tls_cert': me[0], 'tls_key': me[1]}
    for form in FORMS:
        run = drive(url, form, method='POST', source=4 * MIB, keepalive=1, times=2, count=1,
                    tls_ca=ours.cert, **known)
        assert [line.split()[0] for line in run.all('done')] == ['OK', 'OK']
        assert 'reused=1' in run.all('end')[1]
    assert drive(url, 'ping', tls_ca=ours.cert, **known).one('ping').startswith('ANSWERED')
    run = drive(url, 'get', tls_ca=others.cert, **known)
    assert run.result == 'CERTIFICATE' and 'issuer' in run.error
    assert drive(url, 'ping', tls_ca=others.cert, **known).one('ping').startswith('BROKEN')
    assert 'certificate required' in drive(url, 'get', tls_ca=ours.cert).error  # TLS 1.3: afterwards
    run = drive(url, 'get', tls_ca='/nonexistent')
    assert run.one('start').split()[0] == 'CERTIFICATE' and '/nonexistent' in run.one('client')
    silent = drive(f'fcgi://localhost:{echo.port}', 'get', first_byte_timeout=300)
    assert silent.result != 'OK'


# real applications

SITES = {'echo': echo_site, 'php': php_site, 'go': go_site, 'libfcgi': libfcgi_site}


@pytest.fixture(scope='module')
def started():
    return {}


@pytest.fixture(params=SITES)
def site(request, module_servers, started):
    if request.param not in started:
        started[request.param] = SITES[request.param](module_servers)
    site = started[request.param]
    site.kind = request.param
    site.url = site.backend.url or f'fcgi+unix:{site.backend.address}'
    return site


def words_for(site):
    if site.kind != 'php':
        return {'url': '/'}
    return {'url': '/index.php', 'root': os.path.join(os.path.dirname(site.backend.address), 'www')}


@pytest.mark.parametrize('form', FORMS)
def test_real_applications(site, form):
    run = drive(site.url, form, times=3, **words_for(site))
    assert [line.split()[0] for line in run.all('done')] == ['OK'] * 3, run.lines
    assert run.all('head') == ['200'] * 3 or run.all('head') == ['200 OK'] * 3
    run = drive(site.url, form, method='POST', source=MIB, **words_for(site))
    assert run.result == 'OK'


@pytest.mark.parametrize('kind', ['bytes', 'written'])
def test_real_applications_in_small_records(site, kind):
    shape = {'padding': 7} if site.kind == 'php' else {'record_max': 7, 'padding': 3}
    run = drive(site.url, 'get', method='POST', **{kind: 3000}, **shape, **words_for(site))
    assert run.result == 'OK' and run.one('head').startswith('200')


def test_ping_real_applications(site):
    assert drive(site.url, 'ping', timeout=5000).one('ping').startswith('ANSWERED')
