"""HTTP/2 over TLS, where the client chooses it by ALPN; test_http2.py tests the protocol itself."""
import ssl
import subprocess

import pytest

import http2_peer as h2
from http2_peer import Client
from http_peer import BIG, body_of, sha256
from pki import Authority, TlsClient
from server import BUILD
from streams import stream_sha256


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp('pki') / 'ca')
    authority.server = authority.issue('server')
    return authority


@pytest.fixture(scope='module')
def addresses(module_servers, pki):
    backend = module_servers.example('echo', f'fcgi+unix:{module_servers.folder}/echo.sock')
    cert, key = pki.server
    weir = module_servers.start(
        'weir', [BUILD / 'weir', '--listen', 'https://127.0.0.1:0', '--cert', cert, '--key', key,
                 '--to', backend.url], clean=True, ready=r'^weir: listening on (\S+)$')
    echo = module_servers.start('echo', [BUILD / 'examples' / 'echo', 'https://127.0.0.1:0', cert,
                                         key], clean=True, ready=r'^echo: listening on (\S+)$')
    return {'weir': weir.address, 'libweir': echo.address}


@pytest.fixture(params=['weir', 'libweir'])
def address(request, addresses):
    return addresses[request.param]


def context(pki, *protocols, version=None):
    return pki.context(version, alpn=protocols)


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_parameters(address, pki, version):
    with Client(address, tls=context(pki, 'h2', version=version)) as client:
        assert client.sock.selected_alpn_protocol() == 'h2'
        params = client.request('/a?b').json()['params']
        assert params['REQUEST_SCHEME'] == 'https' and params['HTTPS'] == 'on'
        assert params['TLS_ALPN'] == 'h2' and params['TLS_PROTOCOL'] == client.sock.version()
        assert params['TLS_SNI'] == 'localhost' and params['REMOTE_PORT'] == str(client.port)


def test_our_choice_is_h2(address, pki):
    with Client(address, tls=context(pki, 'http/1.1', 'h2')) as client:
        assert client.sock.selected_alpn_protocol() == 'h2'
        assert client.request('/').status == 200


@pytest.mark.parametrize('protocols', [('http/1.1',), (), ('spdy/3', 'http/1.1')], ids=str)
def test_http1(address, pki, protocols):
    with TlsClient(address, context(pki, *protocols)) as client:
        assert client.request('GET', '/').status == 200


@pytest.mark.parametrize('protocols', [('http/1.1',), ()], ids=str)
def test_no_prior_knowledge(address, pki, protocols):
    """Over TLS the choice is made by ALPN, or not at all (RFC 9113 3.2)."""
    with TlsClient(address, context(pki, *protocols)) as client:
        client.send(h2.PREFACE + h2.frame(h2.SETTINGS))
        assert client.response().status == 505


def test_http1_where_h2_was_chosen(address, pki):
    with Client(address, tls=context(pki, 'h2'), preface=False, wait=False) as client:
        client.send(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
        assert client.at_end(5)
        assert client.goaways[-1][1] == h2.PROTOCOL_ERROR and not client.streams


def test_scheme(address, pki):
    with Client(address, tls=context(pki, 'h2')) as client:
        client.scheme = 'http'
        assert client.request('/').status == 421
        client.scheme = 'https'
        assert client.request('/').status == 200


def test_off(servers, pki):
    cert, key = pki.server
    weir = servers.start(
        'weir', [BUILD / 'weir', '--listen', 'https://127.0.0.1:0', '--cert', cert, '--key', key,
                 '--to', 'fcgi://127.0.0.1:1', '--http2', 'off'], clean=True,
        ready=r'^weir: listening on (\S+)$')
    with TlsClient(weir.address, context(pki, 'h2', 'http/1.1')) as client:
        assert client.sock.selected_alpn_protocol() == 'http/1.1'
        assert client.request('GET', '/').status == 502


def test_64_mib(address, pki):
    body = body_of(BIG)
    with Client(address, tls=context(pki, 'h2')) as client:
        answer = client.request('/', 'PUT', body=body).json()['body']
        assert answer == {'length': BIG, 'sha256': sha256(body), 'complete': True}
        stream = client.request('/?stream=1024&size=65536')
        assert sha256(stream.body) == stream_sha256(1024, 65536)


def test_many_streams(address, pki):
    with Client(address, tls=context(pki, 'h2'), windows=False) as client:
        stalled = client.open(target='/?stream=64&size=65536')
        client.until(lambda: len(client.streams[stalled].body) == 65535)
        client.send(h2.window_update(0, 1 << 24))
        for number in [client.open(target=f'/?n={n}') for n in range(99)]:
            assert client.response(number).status == 200
        client.windows = True
        client.send(h2.window_update(stalled, 1 << 24))
        assert sha256(client.response(stalled).body) == stream_sha256(64, 65536)


def test_stop(servers, pki):
    """GOAWAY twice, what runs is answered, and close_notify: else at_end would see an SSLEOFError."""
    cert, key = pki.server
    server = servers.start('echo', [BUILD / 'examples' / 'echo', 'https://127.0.0.1:0', cert, key],
                           clean=True, ready=r'^echo: listening on (\S+)$')
    with Client(server.address, tls=context(pki, 'h2')) as client:
        number = client.open(target='/?delay=200')
        client.ping()
        server.terminate()
        assert client.response(number).status == 200
        assert client.at_end(5)
        assert client.goaways == [(0x7fffffff, h2.NO_ERROR), (number, h2.NO_ERROR)]
    assert server.wait(5) == 0


def test_handshake_and_nothing_more(servers, pki):
    cert, key = pki.server
    server = servers.start('echo', [BUILD / 'examples' / 'echo', 'https://127.0.0.1:0', cert, key],
                           clean=True, ready=r'^echo: listening on (\S+)$')
    client = Client(server.address, tls=context(pki, 'h2'), preface=False, wait=False)
    client.read(1)
    client.close()
    with Client(server.address, tls=context(pki, 'h2')) as client:
        assert client.request('/').status == 200


def test_curl(address, pki):
    done = subprocess.run(['curl', '-sS', '--cacert', pki.cert, '-w', '%{http_version}', '-d', 'body',
                           f'https://localhost:{address[1]}/x'], capture_output=True, timeout=30)
    assert done.returncode == 0 and b'"length": 4' in done.stdout and done.stdout.endswith(b'2')


def test_h2load(address):
    done = subprocess.run(['h2load', '-n', '3000', '-c', '10', '-m', '20',
                           f'https://127.0.0.1:{address[1]}/'],
                          capture_output=True, text=True, timeout=120)
    assert '3000 succeeded, 0 failed, 0 errored, 0 timeout' in done.stdout, done.stdout
    assert 'Application protocol: h2' in done.stdout
