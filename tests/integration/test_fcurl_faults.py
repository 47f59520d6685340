"""fcurl against applications that misbehave: each way has its exit code and its line, and none
makes it wait longer than it was told to."""
import socket
import subprocess
import threading
import time

import pytest

from fcgi_peer import (CANT_MPX_CONN, OVERLOADED, STDERR, STDOUT, UNKNOWN_ROLE, Backend, end, record,
                       records)
from server import BUILD, free_port

HEAD = b'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n'


def fcurl(*args, limit=30.0, stdin=subprocess.DEVNULL):
    started = time.monotonic()
    done = subprocess.run([BUILD / 'fcurl', '-q', *map(str, args)], stdin=stdin, capture_output=True,
                          timeout=limit)
    done.seconds = time.monotonic() - started
    assert b'Sanitizer' not in done.stderr and b'runtime error' not in done.stderr, done.stderr
    return done


def ask(backend, *args, **more):
    return fcurl('-sS', '--to', backend.url, *args, 'http://site.example/', **more)


def one_line(done, code, *words):
    assert done.returncode == code, done.stderr
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f'fcurl: ({code}) '), lines
    for word in words:
        assert word in lines[0], lines[0]


def hang(request):
    for _ in request.pieces():
        pass
    time.sleep(20)


def truncate(request):
    request.stdout(HEAD + b'the first half')
    request.connection.close()


def nothing(request):
    request.connection.close()


def wrong_id(request):
    request.send(record(STDOUT, request.id + 7, HEAD), end(request.id))


def garbage(request):
    request.send(b'\xff' * 64)


def bad_head(request):
    request.finish(b'this is no header\r\n\r\n')


def no_head(request):
    request.finish(b'')


def too_short(request):
    request.finish(b'Content-Length: 100\r\n\r\nshort')


def answers_status(status):
    def answer(request):
        for _ in request.pieces():
            pass
        request.send(end(request.id, 0, status))
    return answer


FAULTS = {
    'truncates': (truncate, 18, 'END_REQUEST'),
    'says nothing': (nothing, 52, 'without an answer'),
    'wrong id': (wrong_id, 8, 'request id'),
    'garbage': (garbage, 8, 'version'),
    'bad head': (bad_head, 8, 'header'),
    'no head': (no_head, 8, 'header'),
    'shorter than its length': (too_short, 18, 'Content-Length'),
    'overloaded': (answers_status(OVERLOADED), 121, 'OVERLOADED'),
    'cannot multiplex': (answers_status(CANT_MPX_CONN), 120, 'CANT_MPX_CONN'),
    'unknown role': (answers_status(UNKNOWN_ROLE), 122, 'UNKNOWN_ROLE'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_fault(servers, fault):
    answer, code, word = FAULTS[fault]
    with Backend(servers.folder, answer) as backend:
        one_line(ask(backend), code, word)


def test_hangs(servers):
    with Backend(servers.folder, hang) as backend:
        done = ask(backend, '-m', '0.5')
        one_line(done, 28, 'timed out', '0 bytes received')
        assert 0.5 <= done.seconds < 3


def test_hangs_in_the_middle(servers):
    def answer(request):
        request.stdout(HEAD + b'begun')
        time.sleep(20)

    with Backend(servers.folder, answer) as backend:
        done = ask(backend, '-m', '0.5')
        one_line(done, 28, '5 bytes received')
        assert done.stdout == b'begun'


def test_accepts_nobody(servers):
    """The backlog is full: connecting itself takes too long."""
    path = servers.folder / 'full.sock'
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            try:
                sock.connect(str(path))
            except BlockingIOError:
                pass
        done = fcurl('-sS', '--unix-socket', path, '--connect-timeout', '0.4', 'http://a/')
        for sock in waiting:
            sock.close()
    assert done.returncode == 28 and done.seconds < 5, done.stderr


def test_refused(servers):
    one_line(fcurl('-sS', f'fcgi://127.0.0.1:{free_port()}/'), 7, 'refused')
    one_line(fcurl('-sS', '--unix-socket', servers.folder / 'none.sock', 'http://a/'), 7, 'No such file')


def test_unknown_host():
    one_line(fcurl('-sS', 'fcgi://no-such-host.invalid:9000/'), 6, 'no-such-host.invalid')


def test_speaks_http(servers):
    """The classic mistake: the port of an HTTP server."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        def serve():
            conn, _ = listener.accept()
            conn.recv(65536)
            conn.sendall(b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
            conn.close()

        threading.Thread(target=serve, daemon=True).start()
        one_line(fcurl('-sS', f'fcgi://127.0.0.1:{listener.getsockname()[1]}/'), 8, 'HTTP')


def test_every_byte_a_record(servers):
    body = bytes(range(256)) * 20

    def answer(request):
        request.send(records(STDOUT, request.id, HEAD + body, size=1, padding=3),
                     record(STDOUT, request.id), end(request.id))

    with Backend(servers.folder, answer) as backend:
        done = ask(backend, '-o', servers.folder / 'out')
        assert done.returncode == 0, done.stderr
        assert (servers.folder / 'out').read_bytes() == body


def peak_memory(*args):
    """KiB, of a fcurl that ran with these arguments."""
    done = subprocess.run(['/usr/bin/env', 'python3', '-c',
                           'import resource, subprocess, sys\n'
                           'code = subprocess.run(sys.argv[1:]).returncode\n'
                           'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, code)',
                           BUILD / 'fcurl', '-q', *map(str, args)], capture_output=True, timeout=60)
    memory, code = done.stdout.split()[-2:]
    return int(memory), int(code)


def test_floods_stderr(servers):
    def answer(request):
        for _ in range(1000):
            request.send(record(STDERR, request.id, b'x' * 65000))
        request.finish(HEAD + b'after all')

    with Backend(servers.folder, answer) as backend:
        quiet = ['-sS', '--to', backend.url, 'http://a/', '-o', servers.folder / 'out']
        memory, code = peak_memory(*quiet)
        assert code == 0 and (servers.folder / 'out').read_bytes() == b'after all'
        assert 'AddressSanitizer' in BUILD.name or memory < 64 * 1024 or 'asan' in BUILD.name


def test_never_ends(servers):
    def answer(request):
        request.stdout(HEAD)
        while True:
            request.stdout(b'x' * 65535)

    with Backend(servers.folder, answer) as backend:
        done = ask(backend, '-m', '0.5', '-o', '/dev/null')
        one_line(done, 28, 'bytes received')
        assert done.seconds < 3
        one_line(ask(backend, '--max-filesize', '1M', '-o', '/dev/null'), 63)
        done = subprocess.run(f'{BUILD}/fcurl -q -sS --to {backend.url} http://a/ | head -c 10',
                              shell=True, capture_output=True, timeout=20)
        assert done.stdout == b'x' * 10 and b'(23)' in done.stderr


def test_answers_before_the_body(servers):
    """An early answer ends the upload instead of waiting for it."""
    def answer(request):
        request.finish(b'Status: 413 Content Too Large\r\n\r\ntoo much')

    with Backend(servers.folder, answer) as backend:
        big = servers.folder / 'big'
        with open(big, 'wb') as file:
            file.truncate(64 << 20)
        done = ask(backend, '-T', big, '-w', ' %{http_code}')
        assert done.returncode == 0 and done.stdout == b'too much 413', done.stderr


def test_app_status_and_stderr(servers):
    def answer(request):
        request.send(record(STDERR, request.id, b'PHP Warning: x\nline two\n'),
                     record(STDERR, request.id))
        request.finish(HEAD + b'ok', app_status=3)

    with Backend(servers.folder, answer) as backend:
        done = fcurl('--to', backend.url, 'http://a/', '--no-progress-meter')
        assert (done.returncode, done.stdout, done.stderr) == (0, b'ok', b'PHP Warning: x\nline two\n')
        one_line(ask(backend, '--fail-app-status'), 123, 'appStatus 3')
        one_line(ask(backend, '--fcgi-stderr', 'fail'), 125, 'standard error')
        done = ask(backend, '--fcgi-stderr', 'mark')
        assert done.stderr == b'[stderr] PHP Warning: x\n[stderr] line two\n'
        log = servers.folder / 'app.log'
        assert ask(backend, '--fcgi-stderr', log).stderr == b''
        assert log.read_bytes() == b'PHP Warning: x\nline two\n'
        done = ask(backend, '-w', '%{fcgi_app_status} %{fcgi_protocol_status} %{size_stderr}')
        assert done.stdout == b'ok3 0 24'


def test_abort(servers):
    """--abort-after sends ABORT_REQUEST and waits for what the application makes of it."""
    def answer(request):
        request.stdout(HEAD + b'x' * 1000)
        for _ in request.pieces():
            pass
        if not request.aborted:  # it comes after the body
            kind, number, _ = request.connection.read()
            assert (kind, number) == (2, request.id)
            request.aborted = True
        request.finish(b'', app_status=9)

    with Backend(servers.folder, answer) as backend:
        for when in ('0.2s', '200ms', '500'):
            done = ask(backend, '--abort-after', when, '-w', '%{fcgi_app_status}', '-o', '/dev/null')
            assert (done.returncode, done.stdout) == (0, b'9'), done.stderr
        assert all(request.aborted for request in backend.requests)


def test_retries(servers):
    answers = iter([answers_status(OVERLOADED), answers_status(OVERLOADED),
                    lambda request: request.finish(HEAD + b'at last')])
    with Backend(servers.folder, lambda request: next(answers)(request)) as backend:
        done = fcurl('--no-progress-meter', '--to', backend.url, '--retry', '3', '--retry-delay', '0.1',
                     'http://a/')
        assert (done.returncode, done.stdout) == (0, b'at last')
        assert done.stderr.decode().splitlines() == [
            'Warning: Problem: the server is overloaded. Will retry in 0.1 seconds. 3 retries left.',
            'Warning: Problem: the server is overloaded. Will retry in 0.1 seconds. 2 retries left.']


def test_retry_until_it_is_there(servers):
    path = servers.folder / 'backend.sock'
    started = subprocess.Popen([BUILD / 'fcurl', '-q', '-sS', '--unix-socket', path, '--retry', '50',
                                '--retry-delay', '0.1', '--retry-connrefused', 'http://a/'],
                               stdout=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0.3)
    with Backend(servers.folder, lambda request: request.finish(HEAD + b'here')):
        assert started.communicate(timeout=20)[0] == b'here'
