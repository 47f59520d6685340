"""Who is told that nobody waits any more, how soon, and what the web server hears of it.

The handlers of programs/probe.c write down when they were told, on the clock that this process
reads before it gives the cause: CLOCK_MONOTONIC."""
import pathlib
import re
import signal
import socket
import statistics
import struct
import time

import pytest

import fcgi_peer as fcgi
from fcgi_peer import ABORT, KEEP_CONN, PARAMS, STDIN, STDOUT, Application, begin, params, request
from http_peer import Client
from server import BUILD

PROBE = BUILD / 'tests' / 'integration' / 'programs' / 'probe'
APP_STATUS = 7
TRIES = 15
LOOP = [('0', '/wait'), ('0', '/read'), ('0', '/write')]
WORKER = [('2', '/read'), ('2', '/write'), ('2', '/compute')]


def start(servers, url, workers='0', drain_ms='0'):
    return servers.start('probe', [PROBE, url, workers, drain_ms], clean=True,
                         ready=r'^probe: listening on (\S+)$')


def unix(servers):
    return f'fcgi+unix:{servers.folder}/probe.sock'


def events(server, number):
    """What the handler of request number has written down so far: name to nanoseconds."""
    return {name: int(when)
            for name, when in re.findall(rf'^([\w-]+) {number} (\d+)$', server.log(), re.M)}


def event(server, number, name):
    """When it happened; waits for it."""
    limit = time.monotonic() + 20
    while name not in (seen := events(server, number)):
        assert 'odd' not in seen and time.monotonic() < limit, f'{name} of {number}: {seen}'
        time.sleep(0.001)
    return seen[name]


def check_latency(latencies):
    """Told within a millisecond. A busy machine may run somebody else in between, now and then."""
    assert min(latencies) > 0
    assert min(latencies) < 1e6, f'{latencies} ns'
    assert statistics.median(latencies) < 20e6, f'{latencies} ns'


def opened(path, number, hold=0, role=fcgi.RESPONDER):
    """A request with half of its body: everything a handler can wait for is still to come."""
    values = params('POST', f'{path}?id={number}&hold={hold}', CONTENT_LENGTH='100000')
    return begin(number, role, KEEP_CONN) + \
        fcgi.records(PARAMS, number, fcgi.pairs(values)) + fcgi.record(PARAMS, number) + \
        fcgi.record(STDIN, number, b'half')


def settle(app, number):
    """Returns when the program has dealt with all that was sent before, and the handler is where it
    will be told: another request is answered behind it."""
    app.send(request(number, values=params(target='/')))
    while app.read()[:2] != (fcgi.END, number):
        pass
    time.sleep(0.002)  # a worker takes its request from the queue by itself


@pytest.mark.parametrize('workers, path', LOOP + WORKER)
def test_abort_request(servers, workers, path):
    """REQ(17, 18, 92, 93, 94, 98, 100, 102, j): the handler hears of ABORT_REQUEST within 1 ms;
    END_REQUEST comes once, after it has let go, with its appStatus; the rest of the body is
    skipped and the connection goes on."""
    server = start(servers, unix(servers), workers)
    latencies = []
    with Application(server.address) as app:
        for number in range(1, TRIES + 1):
            app.send(opened(path, number, hold=20))
            settle(app, 1000 + number)
            told = time.monotonic_ns()
            app.send(fcgi.record(ABORT, number), fcgi.record(STDIN, number, b'more'))
            kinds = []
            while (record := app.read())[0] != fcgi.END:
                kinds.append(record[0])
            ended = time.monotonic_ns()
            assert record[1] == number and set(kinds) <= {STDOUT}
            assert struct.unpack('>IB3x', record[2]) == (APP_STATUS, fcgi.COMPLETE)
            latencies.append(event(server, number, 'cancel') - told)
            assert ended > event(server, number, 'release') >= event(server, number, 'cancel') + 15e6
            app.send(fcgi.record(STDIN, number))
        app.send(request(2000))
        assert app.reply(2000).status == 200  # and nothing more of the others
    check_latency(latencies)


def lose_unix(app):
    app.close()


def lose_tcp(app):
    app.close()


def lose_by_reset(app):
    app.reset()


@pytest.mark.parametrize('lose', [lose_unix, lose_tcp, lose_by_reset])
@pytest.mark.parametrize('workers, path', LOOP + WORKER)
def test_connection_lost(servers, workers, path, lose):
    """REQ(16, 17): a closed connection is an abort of all its requests, and the application goes
    on accepting."""
    server = start(servers, unix(servers) if lose is lose_unix else 'fcgi://127.0.0.1:0', workers)
    latencies = []
    for number in range(1, TRIES + 1):
        app = Application(server.address)
        app.send(opened(path, number))
        settle(app, 1000)
        told = time.monotonic_ns()
        lose(app)
        latencies.append(event(server, number, 'cancel') - told)
        event(server, number, 'release')
    check_latency(latencies)
    with Application(server.address) as app:
        app.send(request(1))
        assert app.reply().status == 200


@pytest.mark.parametrize('workers, path', LOOP + WORKER)
def test_http_client_gone(servers, workers, path):
    """The same for a client over http."""
    server = start(servers, 'http://127.0.0.1:0', workers)
    latencies = []
    for number in range(1, TRIES + 1):
        client = Client(server.address)
        client.sock.sendall(f'POST {path}?id={number} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000'
                            '\r\n\r\nhalf'.encode())
        with Client(server.address) as other:
            assert other.request('GET', '/').status == 200
        time.sleep(0.005)
        told = time.monotonic_ns()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        client.sock.close()
        latencies.append(event(server, number, 'cancel') - told)
        event(server, number, 'release')
    check_latency(latencies)


@pytest.mark.parametrize('carrier', ['fcgi', 'http'])
def test_closed_in_the_middle_of_a_write(servers, carrier):
    """A handler that never has to wait, since its peer reads all the time, hears of the close from
    weir_write: it may not be left writing to nobody."""
    server = start(servers, f'{carrier}+unix:{servers.folder}/probe.sock')
    buffer = bytearray(1 << 20)
    for number in range(1, 31):
        peer = Client(server.address) if carrier == 'http' else Application(server.address)
        if carrier == 'http':
            peer.sock.sendall(f'GET /write?id={number} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
        else:
            peer.send(request(1, values=params(target=f'/write?id={number}')))
        taken = 0
        while taken < number << 18:
            taken += peer.sock.recv_into(buffer)
        peer.close()
        event(server, number, 'release')


@pytest.mark.parametrize('carrier', ['fcgi', 'http'])
@pytest.mark.parametrize('workers, path', LOOP + WORKER)
def test_second_sigterm_cancels(servers, workers, path, carrier):
    """REQ(128): SIGTERM asks the program to exit. The first lets requests finish, the second cancels
    them; the program still ends in order, which the servers fixture checks."""
    latencies = []
    for number in (1, 2, 3):
        server = start(servers, f'{carrier}+unix:{servers.folder}/{number}.sock', workers)
        if carrier == 'fcgi':
            app = Application(server.address)
            app.send(opened(path, number, hold=50))
            settle(app, 1000)
        else:
            app = Client(server.address)
            app.sock.sendall(f'POST {path}?id={number}&hold=50 HTTP/1.1\r\nHost: a\r\n'
                             'Content-Length: 100000\r\n\r\nhalf'.encode())
            with Client(server.address) as other:
                assert other.request('GET', '/').status == 200
        server.terminate()
        while pathlib.Path(server.address).exists():  # until then a second would be the same signal
            time.sleep(0.01)
        assert not events(server, number)  # the first one only asks
        told = time.monotonic_ns()
        server.process.send_signal(signal.SIGTERM)
        latencies.append(event(server, number, 'cancel') - told)
        event(server, number, 'release')
        assert server.wait() == 0
        app.close()
    check_latency(latencies)


@pytest.mark.parametrize('workers, path', LOOP + WORKER)
def test_end_of_the_drain_time_cancels(servers, workers, path):
    server = start(servers, unix(servers), workers, drain_ms='100')
    with Application(server.address) as app:
        app.send(opened(path, 1))
        settle(app, 1000)
        told = time.monotonic_ns()
        server.terminate()
        late = event(server, 1, 'cancel') - told - 100e6
        assert -2e6 < late < 50e6
        assert server.wait() == 0


def test_calls_of_a_worker_after_cancellation(servers):
    """A body that had arrived, and room in the output buffer, do not hide the cancellation."""
    server = start(servers, unix(servers), '1')
    with Application(server.address) as app:
        app.send(opened('/compute', 1))
        time.sleep(0.02)
        app.send(fcgi.record(ABORT, 1))
        assert app.reply(1).app_status == APP_STATUS
    assert {'cancel', 'read-cancelled', 'write-cancelled', 'flush-cancelled'} <= \
        set(events(server, 1))


LINE = 'the disk is 100% full and burning'


@pytest.mark.parametrize('workers', ['0', '2'])
def test_failure_is_told(servers, workers):
    """REQ(48, 49, 90, 102, 111, 129, 130): an application that fails says so on STDERR, by
    appStatus, and to the user."""
    server = start(servers, unix(servers), workers)
    with Application(server.address) as app:
        app.send(request(1, values=params(target='/error')))
        records = [app.read()]
        while records[-1][0] != fcgi.END:
            records.append(app.read())
        assert [kind for kind, _, _ in records] == \
            [fcgi.STDERR, STDOUT, fcgi.STDERR, STDOUT, fcgi.END]
        assert records[0][2] == LINE.encode() + b'\n' and not records[2][2] and not records[3][2]
        assert b'Status: 500' in records[1][2]
        assert struct.unpack('>IB3x', records[4][2]) == (1, fcgi.COMPLETE)
        app.send(request(2, values=params(target='/error?long=1')))
        assert app.reply(2).stderr == LINE.encode() + b'\n' + b'0' * 1000 + b'\n'
        app.send(request(3))
        reply = app.reply(3)
        assert reply.app_status == 0 and not reply.stderr
    assert 'odd' not in server.log()


@pytest.mark.parametrize('workers', ['0', '2'])
def test_failure_is_told_over_http(servers, workers):
    """There the line goes to the server's own log."""
    server = start(servers, 'http://127.0.0.1:0', workers)
    with Client(server.address) as client:
        assert client.request('GET', '/error').status == 500
    assert f'probe: warning: {LINE}\n' in server.log() and 'odd' not in server.log()


# requests of one connection

@pytest.mark.parametrize('workers', ['0', '4'])
def test_endless_answers_and_quick_ones(servers, workers):
    """REQ(52, 84): two requests write without end and share the connection between them; others
    that come meanwhile are answered."""
    server = start(servers, unix(servers), workers)
    seen = {1: 0, 2: 0}
    with Application(server.address) as app:
        app.send(request(1, values=params(target='/write?id=1')),
                 request(2, values=params(target='/write?id=2')))
        for number in range(3, 30):
            app.send(request(number))
            while (record := app.read())[:2] != (fcgi.END, number):
                if record[1] in seen:
                    seen[record[1]] += len(record[2])
        assert min(seen.values()) > 1 << 20 and max(seen.values()) < 8 * min(seen.values()), seen
        app.send(fcgi.record(ABORT, 1), fcgi.record(ABORT, 2))
        ended = set()
        while ended != {1, 2}:
            kind, number, _ = app.read()
            ended |= {number} if kind == fcgi.END else set()


@pytest.mark.parametrize('workers', ['0', '4'])
def test_body_that_is_not_read(servers, workers):
    """REQ(k, 13, 106): 64 KiB of a body are kept for a handler that does not read it, and others go
    on; more stops the connection until the handler ends, and then nothing is lost. Other
    connections never notice."""
    server = start(servers, unix(servers), workers)
    values = params('POST', '/ignore?id=1&for=400', CONTENT_LENGTH='1000000')
    start_of = begin(1, flags=KEEP_CONN) + fcgi.records(PARAMS, 1, fcgi.pairs(values)) + \
        fcgi.record(PARAMS, 1)
    with Application(server.address) as app, Application(server.address) as elsewhere:
        app.send(start_of, fcgi.records(STDIN, 1, bytes(64 * 1024)))
        for number in range(2, 10):
            app.send(request(number))
            assert app.reply(number).status == 200
        app.send(fcgi.records(STDIN, 1, bytes(1_000_000 - 64 * 1024)), fcgi.record(STDIN, 1),
                 request(10))
        for number in range(2, 10):
            elsewhere.send(request(number))
            assert elsewhere.reply(number).status == 200
        assert list(app.replies(1, 10)) == [1, 10]
        app.send(request(11))
        assert app.reply(11).status == 200


def test_slow_workers_and_quick_ones(servers):
    """Three of four workers wait for bodies that do not come; the fourth serves the connection."""
    server = start(servers, unix(servers), '4')
    with Application(server.address) as app:
        for number in (1, 2, 3):
            app.send(opened('/read', number))
        for number in range(4, 40):
            app.send(request(number))
            assert app.reply(number).status == 200
        app.send(*[fcgi.record(ABORT, number) for number in (1, 2, 3)])
        assert all(reply.app_status == APP_STATUS for reply in app.replies(1, 2, 3).values())
