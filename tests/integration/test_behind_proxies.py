"""libweir's examples behind six proxies, with the configurations of examples/proxies.

A configuration is used as it is, but for its two port numbers: 8080, where it listens, and 9000,
where the backend is.
"""
import pathlib

import pytest

from fcgi_peer import KEEP_CONN, OK, Backend
from http_peer import BIG, KIB, MIB, Client, body_of, get, sha256
from server import ROOT, free_port
from streams import stream_sha256

PROXIES = {
    # name: (configuration, command line with {conf} and {folder})
    'nginx': ('nginx.conf', ['/usr/sbin/nginx', '-p', '{folder}', '-c', '{conf}']),
    'apache': ('apache.conf', ['/usr/sbin/apache2', '-d', '{folder}', '-f', '{conf}',
                               '-DFOREGROUND']),
    'caddy': ('Caddyfile', ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config',
                            '{conf}']),
    'haproxy': ('haproxy.cfg', ['/usr/sbin/haproxy', '-db', '-f', '{conf}']),
    'lighttpd': ('lighttpd.conf', ['/usr/sbin/lighttpd', '-D', '-f', '{conf}']),
    'h2o': ('h2o.conf', ['/usr/bin/h2o', '-c', '{conf}']),
}
KEEPS_BACKEND_CONNECTIONS = {'nginx', 'apache', 'haproxy', 'h2o'}
LONGEST_CHUNKED = {'haproxy': 48 * KIB}  # one buffer, see tune.bufsize in haproxy.cfg
PASSES_PROXY_HEADER = {'h2o'}  # it cannot be told otherwise, as h2o.conf says


def start_proxy(servers, name, backend_port):
    conf_name, command = PROXIES[name]
    port = free_port()
    folder = servers.folder / f'conf-{name}-{port}'
    folder.mkdir(mode=0o755)
    text = (ROOT / 'examples' / 'proxies' / conf_name).read_text()
    assert text.count('8080') and text.count('9000')
    conf = pathlib.Path(folder) / conf_name
    conf.write_text(text.replace('8080', str(port)).replace('9000', str(backend_port)))
    argv = [word.format(conf=conf, folder=folder) for word in command]
    return servers.start(name, argv, address=('127.0.0.1', port),
                         env={'HOME': str(folder), 'XDG_DATA_HOME': str(folder),
                              'XDG_CONFIG_HOME': str(folder)})


@pytest.fixture(scope='module')
def echo(module_servers):
    return module_servers.example('echo', 'fcgi://127.0.0.1:0')


@pytest.fixture(scope='module')
def hello(module_servers):
    return module_servers.example('hello', 'fcgi://127.0.0.1:0')


@pytest.fixture(scope='module', params=PROXIES)
def proxy_name(request):
    return request.param


@pytest.fixture(scope='module')
def before_echo(module_servers, echo, proxy_name):
    return start_proxy(module_servers, proxy_name, echo.port).address


@pytest.fixture(scope='module')
def before_hello(module_servers, hello, proxy_name):
    return start_proxy(module_servers, proxy_name, hello.port).address


def test_hello_get(before_hello):
    response = get(before_hello)
    assert response.status == 200
    assert response.header('content-type').startswith('text/plain')
    assert response.body == b'Hello, world\n' and not response.broken


def head_then_get(address):
    """A HEAD request without a body in its answer; returns the answer to a GET after it."""
    with Client(address) as client:
        response = client.request('HEAD', '/')
        assert response.status == 200
        if response.header('connection') != 'close':
            return client.request('GET', '/')
        assert client.at_end()  # h2o closes after a HEAD whose answer has a Content-Length
        return get(address)


def test_hello_head(before_hello):
    assert head_then_get(before_hello).body == b'Hello, world\n'


def test_hello_post(before_hello):
    """A handler that does not read the body answers all the same, and the next request works."""
    assert get(before_hello, '/', method='POST', body=body_of(MIB)).body == b'Hello, world\n'
    assert get(before_hello).body == b'Hello, world\n'


def test_hello_100_requests_on_one_connection(before_hello):
    with Client(before_hello) as client:
        for _ in range(100):
            assert client.request('GET', '/').body == b'Hello, world\n'


def test_get(before_echo):
    response = get(before_echo, '/a/b%20c?x=1&y=%41', [('X-Test', 'yes')])
    assert response.status == 200 and response.header('content-type') == 'application/json'
    answer = response.json()
    assert answer['request']['method'] == 'GET'
    assert answer['request']['target'] == '/a/b%20c?x=1&y=%41'
    assert answer['request']['path'] == '/a/b c'
    assert answer['request']['host'] == '127.0.0.1'
    assert answer['headers']['host'] == f'127.0.0.1:{before_echo[1]}'
    assert answer['headers']['x-test'] == 'yes'
    assert answer['body'] == {'length': 0, 'sha256': sha256(b''), 'complete': True}


def test_head(before_echo):
    assert head_then_get(before_echo).json()['request']['method'] == 'GET'


@pytest.mark.parametrize('size', [KIB, MIB, BIG], ids=['1KiB', '1MiB', '64MiB'])
def test_post(before_echo, size):
    body = body_of(size)
    response = get(before_echo, '/', [('Content-Type', 'application/x-test')], 'POST', body)
    assert response.status == 200
    assert response.json()['body'] == {'length': size, 'sha256': sha256(body), 'complete': True}


@pytest.mark.parametrize('size', [KIB, 10 * MIB], ids=['1KiB', '10MiB'])
def test_chunked_upload(before_echo, proxy_name, size):
    body = body_of(min(size, LONGEST_CHUNKED.get(proxy_name, size)))
    with Client(before_echo) as client:
        response = client.request('POST', '/', body=body, chunk=10007)
    assert response.status == 200
    assert response.json()['body'] == {'length': len(body), 'sha256': sha256(body),
                                       'complete': True}


@pytest.mark.parametrize('status', [304, 204])
def test_no_body(before_echo, status):
    with Client(before_echo) as client:
        response = client.request('GET', f'/?status={status}')
        assert response.status == status
        assert client.request('GET', '/').status == 200


@pytest.mark.parametrize('status', [201, 404, 500])
def test_status(before_echo, status):
    assert get(before_echo, f'/?status={status}').status == status


def test_64_mib_response(before_echo):
    response = get(before_echo, '/?stream=1024&size=65536')
    assert response.status == 200 and not response.broken
    assert response.length == BIG
    assert response.sha256 == stream_sha256(1024, 65536)


def test_100_requests_on_one_connection(before_echo):
    with Client(before_echo) as client:
        for number in range(100):
            body = body_of(number * 37)
            method = 'POST' if number % 2 else 'GET'
            response = client.request(method, f'/r{number}', body=body if number % 2 else None)
            answer = response.json()
            assert answer['request']['target'] == f'/r{number}'
            assert answer['body']['sha256'] == sha256(body if number % 2 else b'')


FORGED = [('Proxy', 'http://evil.example:1'), ('X-Real-IP', '6.6.6.6'),
          ('X-Forwarded-For', '6.6.6.6'), ('Remote-Addr', '6.6.6.6'), ('Remote_Addr', '6.6.6.6'),
          ('Remote-User', 'root'), ('Redirect-Status', '200')]


def test_what_the_proxy_vouches_for(before_echo):
    with Client(before_echo) as client:
        answer = client.request('GET', '/', FORGED).json()
        assert answer['params']['REMOTE_ADDR'] == '127.0.0.1'
        assert answer['params'].get('REMOTE_PORT') in (str(client.port), None)
        # libweir counts these two to the request line, as most proxies take them from Host
        assert not {'SERVER_NAME', 'SERVER_PORT'} & set(answer['params'])
        assert not answer['params'].get('REMOTE_USER')
        assert '6.6.6.6' not in answer['params'].values()
        assert not [name for name in answer['params'] if name.startswith('HTTP_')]
        assert not {'proxy', 'redirect-status'} & set(answer['headers'])


def test_configuration_sends_clean_parameters(servers, proxy_name):
    """What the proxy itself sends, without libweir to put it right."""
    def answer(request):
        request.body()
        request.finish(OK)

    with Backend(servers.folder, answer, port=True, values={'FCGI_MAX_REQS': '1'}) as backend:
        address = start_proxy(servers, proxy_name, backend.address[1]).address
        with Client(address) as client:
            for _ in range(20):
                assert client.request('GET', '/x?y', FORGED).body == b'ok\n'
            port = client.port
        assert len(backend.requests) == 20
        for request in backend.requests:
            assert request.param('REMOTE_ADDR') == '127.0.0.1'
            assert request.param('REMOTE_PORT') in (str(port), None)
            assert request.param('SERVER_PORT') == str(address[1])
            assert request.param('SERVER_NAME') == 'localhost'
            assert request.param('REQUEST_URI') == '/x?y'
            assert request.param('QUERY_STRING') == 'y'
            if proxy_name not in PASSES_PROXY_HEADER:
                assert not request.param('HTTP_PROXY')
            assert not request.param('REMOTE_USER')
        if proxy_name in KEEPS_BACKEND_CONNECTIONS:
            assert all(request.flags & KEEP_CONN for request in backend.requests)
            assert backend.connections < 20, 'no connection was used again'
