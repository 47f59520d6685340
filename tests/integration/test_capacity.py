"""What many idle connections and large bodies cost. Figures hold for the build that users get; with a
sanitizer, whose memory is not ours, the same is done with less, to see that it works."""
import pathlib
import re
import resource
import statistics
import time

import pytest

import fcgi_peer as fcgi
from fcgi_peer import KEEP_CONN, PARAMS, STDIN, Application, begin, pairs, params, record, request
from http_peer import Client
from server import BUILD

PROBE = BUILD / 'tests' / 'integration' / 'programs' / 'probe'
PLAIN = BUILD.name in ('build', 'build-clang')
CONNECTIONS = 10_000 if PLAIN else 500
IDLE_MAX = 2048 if PLAIN else 1 << 20         # bytes of memory a connection
BODY = 1 << 30 if PLAIN else 1 << 26          # bytes
GROWTH_MAX = 6 << 20 if PLAIN else 1 << 30    # bytes of memory while one streams
PIECE = bytes(65528)


@pytest.fixture(autouse=True)
def descriptors():
    """As many as the system lets us have: the programs inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    assert hard > CONNECTIONS + 200, f'the hard limit of open files is {hard}: raise it'
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def start(servers, carrier, workers='0'):
    url = 'http://127.0.0.1:0' if carrier == 'http' else f'fcgi+unix:{servers.folder}/probe.sock'
    return servers.start('probe', [PROBE, url, workers], clean=True,
                         ready=r'^probe: listening on (\S+)$')


def memory(server, field='VmRSS'):
    status = pathlib.Path(f'/proc/{server.pid}/status').read_text()
    return int(re.search(rf'^{field}:\s+(\d+) kB$', status, re.M).group(1)) * 1024


def used(server, carrier):
    """A kept connection that has had one request answered."""
    if carrier == 'http':
        client = Client(server.address)
        assert client.request('GET', '/').status == 200
        return client
    app = Application(server.address)
    app.send(request())
    assert app.reply().status == 200
    return app


def new_connection_us(server, carrier, times=300):
    """Median time of a request on a new connection."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        used(server, carrier).close()
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1e6


@pytest.mark.parametrize('carrier', ['fcgi', 'http'])
def test_idle_connections(servers, carrier):
    server = start(servers, carrier)
    alone = new_connection_us(server, carrier)
    before = memory(server)
    idle = [used(server, carrier) for _ in range(CONNECTIONS - 1)]
    each = (memory(server) - before) / len(idle)
    crowded = new_connection_us(server, carrier)
    print(f'{carrier}: {each:.0f} bytes a connection; a new one {alone:.0f} us, then {crowded:.0f} us')
    for connection in idle:
        connection.close()
    assert each <= IDLE_MAX, f'{each:.0f} bytes a connection'
    assert crowded < 2 * alone + 100, f'a new connection took {alone:.0f}, then {crowded:.0f} us'


def open_upload(server, carrier):
    """Sends the head of a POST of BODY bytes; returns the connection."""
    if carrier == 'http':
        client = Client(server.address)
        client.sock.sendall(f'POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n'
                            .encode())
        return client
    app = Application(server.address)
    values = params('POST', '/read', CONTENT_LENGTH=str(BODY))
    app.send(begin(1, flags=KEEP_CONN), record(PARAMS, 1, pairs(values)), record(PARAMS, 1))
    return app


@pytest.mark.parametrize('workers', ['0', '2'])
@pytest.mark.parametrize('carrier', ['fcgi', 'http'])
def test_upload_at_flat_memory(servers, carrier, workers):
    server = start(servers, carrier, workers)
    used(server, carrier).close()
    before = memory(server)
    upload = open_upload(server, carrier)
    count, rest = divmod(BODY, len(PIECE))
    piece = PIECE if carrier == 'http' else record(STDIN, 1, PIECE)
    for _ in range(count):
        upload.sock.sendall(piece)
    if carrier == 'http':
        upload.sock.sendall(PIECE[:rest])
        assert upload.response().body == b'whole\n'
    else:
        upload.send(record(STDIN, 1, PIECE[:rest]), record(STDIN, 1))
        assert upload.reply().body == b'whole\n'
    upload.close()
    assert memory(server, 'VmHWM') - before < GROWTH_MAX


@pytest.mark.parametrize('workers', ['0', '2'])
@pytest.mark.parametrize('carrier', ['fcgi', 'http'])
def test_download_at_flat_memory(servers, carrier, workers):
    """BODY bytes of an answer without end, as fast as they come, and half as fast at the start."""
    server = start(servers, carrier, workers)
    used(server, carrier).close()
    before = memory(server)
    if carrier == 'http':
        download = Client(server.address)
        download.sock.sendall(b'GET /write HTTP/1.1\r\nHost: a\r\n\r\n')
    else:
        download = Application(server.address)
        download.send(request(values=params(target='/write')))
    left, buffer = BODY, bytearray(1 << 18)
    time.sleep(0.2)  # nothing is taken: it has to wait
    while left > 0:
        left -= download.sock.recv_into(buffer)
    download.close()
    assert memory(server, 'VmHWM') - before < GROWTH_MAX


@pytest.mark.parametrize('carrier', ['fcgi', 'http'])
def test_memory_of_bursts(servers, carrier):
    """200 requests at a time whose bodies nobody reads hold up to 64 KiB each; the next burst uses
    the same memory again."""
    server = start(servers, carrier)
    after = []
    for _ in range(4):
        clients = []
        for number in range(200):
            if carrier == 'http':
                client = Client(server.address)
                client.sock.sendall(b'POST /ignore?for=200 HTTP/1.1\r\nHost: a\r\n'
                                    b'Content-Length: 60000\r\n\r\n' + bytes(60000))
            else:
                client = Application(server.address)
                client.send(request(values=params('POST', '/ignore?for=200', CONTENT_LENGTH='60000'),
                                    body=bytes(60000)))
            clients.append(client)
        for client in clients:
            assert (client.response() if carrier == 'http' else client.reply()).status == 200
            client.close()
        after.append(memory(server))
    assert after[-1] - after[0] < GROWTH_MAX, after
