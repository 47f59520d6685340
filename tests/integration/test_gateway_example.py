"""examples/gateway: a handler that passes its requests on with the client of libweir."""
import threading

import pytest

import fcgi_peer as fcgi
from fcgi_peer import STDOUT, Backend, record
from http_peer import MIB, Client, body_of, get, sha256
from server import BUILD


def gateway(servers, url):
    return servers.start('gateway', [BUILD / 'examples' / 'gateway', 'http://127.0.0.1:0', url],
                         clean=True, ready=r'listening on (http://\S+)$')


@pytest.fixture
def site(servers):
    return gateway(servers, servers.example('echo', f'fcgi+unix:{servers.folder}/e.sock').url)


def test_get_and_post(site):
    answer = get(site.address, '/a?b', headers=[('X-Own', '1'), ('Proxy', 'evil')]).json()
    assert answer['request']['target'] == '/a?b' and answer['headers']['x-own'] == '1'
    assert 'proxy' not in answer['headers']
    with Client(site.address) as client:
        for size in [0, 1, 100000, 8 * MIB]:
            response = client.request('POST', '/', body=body_of(size))
            assert response.json()['body']['sha256'] == sha256(body_of(size))


@pytest.mark.parametrize('size', [10000, 3 * MIB])
def test_upload_without_a_length(site, size):
    with Client(site.address) as client:
        response = client.request('POST', '/', body=body_of(size), chunk=5000)
    assert response.json()['body']['sha256'] == sha256(body_of(size))


def test_nobody_there_is_503(servers):
    assert get(gateway(servers, f'fcgi+unix:{servers.folder}/none.sock').address).status == 503


def test_slow_reader_stops_the_application(servers):
    sent = []
    with Backend(servers.folder, lambda request: pour(request, sent)) as app:
        with Client(gateway(servers, app.url).address) as client:
            client.send_head('GET', '/')
            grown = -1
            while grown != len(sent):  # until nothing moves any more
                grown = len(sent)
                threading.Event().wait(0.5)
            assert len(sent) < 64
    assert len(sent) < 64


def pour(request, sent):
    request.body()
    request.stdout(b'Content-Type: text/plain\r\n\r\n')
    try:
        for _ in range(256):
            request.stdout(bytes(MIB // 4))
            sent.append(1)
        request.finish()
    except OSError:
        pass


def test_client_gone_is_abort(servers):
    aborted = threading.Event()

    def answer(request):
        for _ in request.pieces():
            pass
        try:
            if not request.aborted:
                request.aborted = request.connection.read()[0] == fcgi.ABORT
        finally:
            if request.aborted:
                aborted.set()

    with Backend(servers.folder, answer) as app:
        client = Client(gateway(servers, app.url).address)
        client.send_head('GET', '/')
        while not app.requests:
            threading.Event().wait(0.01)
        client.reset()
        assert aborted.wait(10)


def test_truncated_answer_is_broken(servers):
    def answer(request):
        request.body()
        request.send(record(STDOUT, request.id, b'Content-Type: text/plain\r\n\r\npart'))
        request.connection.close()

    with Backend(servers.folder, answer) as app:
        assert get(gateway(servers, app.url).address).broken


def test_stops_with_kept_connections(servers):
    """The clients on a server's loop end with it."""
    with Backend(servers.folder, lambda r: (r.body(), r.finish(fcgi.OK)),
                 values={'FCGI_MPXS_CONNS': '1'}) as app:
        site = gateway(servers, app.url)
        for _ in range(4):
            assert get(site.address).body == b'ok\n'
        site.terminate()
        assert site.wait() == 0
