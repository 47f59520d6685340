"""weir in front of five kinds of FastCGI servers: libweir, php-fpm, Go, libfcgi, fcgiwrap."""
import concurrent.futures
import os
import shutil
import subprocess

import pytest

from applications import start_fcgiwrap, start_go, start_libfcgi, start_php
from http_peer import BIG, KIB, MIB, Client, body_of, get, sha256
from server import BUILD, ROOT
from streams import stream_sha256

HERE = ROOT / 'tests' / 'integration'
TEXT_MIB = b'0123456789abcde\n' * 65536


class Site:
    """weir and the application behind it."""

    def __init__(self, weir, path, backend):
        self.weir = weir
        self.path = path       # of the application's page
        self.backend = backend

    @property
    def address(self):
        return self.weir.address

    def target(self, query=''):
        return self.path + (f'?{query}' if query else '')

    def get(self, query='', **more):
        return get(self.address, self.target(query), **more)

    def post(self, body, query='', headers=(), chunk=None):
        with Client(self.address) as client:
            return client.request('POST', self.target(query), headers, body, chunk)


def echo_site(servers):
    backend = servers.example('echo', f'fcgi+unix:{servers.folder}/echo.sock')
    return Site(servers.weir([backend]), '/', backend)


def go_site(servers):
    backend = start_go(servers)
    return Site(servers.weir([backend]), '/', backend)


def libfcgi_site(servers):
    backend = start_libfcgi(servers)
    return Site(servers.weir([backend]), '/', backend)


def fcgiwrap_site(servers):
    backend, root = start_fcgiwrap(servers)
    return Site(servers.weir([backend], '--root', root), '/show.sh', backend)


def php_site(servers):
    backend, root = start_php(servers)
    return Site(servers.weir([backend], '--root', root), '/index.php', backend)


SITES = {'echo': echo_site, 'php': php_site, 'go': go_site, 'libfcgi': libfcgi_site,
         'fcgiwrap': fcgiwrap_site}


@pytest.fixture(scope='module')
def started_sites():
    """The sites that run already, by kind: each is started when a test first asks for it."""
    return {}


@pytest.fixture(params=SITES)
def site(request, module_servers, started_sites):
    kind = request.param
    if kind not in started_sites:
        started_sites[kind] = SITES[kind](module_servers)
        started_sites[kind].kind = kind
    return started_sites[kind]


def received(response):
    """What the application says about the body that it received."""
    assert response.status == 200 and not response.broken, response.head_of_body
    answer = response.json()
    return answer.get('body', answer)


def assert_received(site, response, body):
    answer = received(response)
    if site.kind == 'libfcgi':
        assert answer['length'] == len(body) and answer['sum'] == sum(body)
    else:
        assert answer['sha256'] == sha256(body)


def status_query(site, status):
    return f'do=status&code={status}' if site.kind == 'php' else f'status={status}'


def test_get(site):
    response = site.get()
    assert response.status == 200 and response.header('content-type') == 'application/json'
    answer = response.json()
    answer = {**answer, **answer.get('params', {}), **answer.get('request', {})}
    assert answer['method'] == 'GET'
    assert answer.get('remote_addr', answer.get('REMOTE_ADDR')) == '127.0.0.1'


def test_head(site):
    with Client(site.address) as client:
        assert client.request('HEAD', site.target()).status == 200
        assert client.request('GET', site.target()).json()


@pytest.mark.parametrize('size', [0, 1, KIB, MIB, BIG], ids=['0', '1', '1KiB', '1MiB', '64MiB'])
def test_post(site, size):
    if site.kind == 'libfcgi':
        size = min(size, 8 * MIB)  # summing 64 MiB in Python takes longer than all the rest
    assert_received(site, site.post(body_of(size)), body_of(size))


@pytest.mark.parametrize('size', [KIB, 4 * MIB], ids=['1KiB', '4MiB'])
def test_chunked_upload(site, size):
    """weir finds out the length first where the application needs CONTENT_LENGTH."""
    assert_received(site, site.post(body_of(size), chunk=10007), body_of(size))


@pytest.mark.parametrize('status', [201, 404, 500, 503])
def test_status(site, status):
    assert site.get(status_query(site, status)).status == status


@pytest.mark.parametrize('site', [name for name in SITES if name != 'echo'], indirect=True)
def test_redirect(site):
    response = site.get('do=redirect' if site.kind == 'php' else 'redirect=1')
    assert response.status in (302, 303)
    assert response.header('location') in ('/index.php?do=show', '/elsewhere',
                                           'http://localhost/elsewhere')


def test_1_mib_output(site):
    if site.kind == 'echo':
        response = site.get('stream=64&size=16384')
        assert response.sha256 == stream_sha256(64, 16384)
    else:
        response = site.get('do=output' if site.kind == 'php' else f'output={MIB}')
        assert response.sha256 == sha256(TEXT_MIB)
    assert response.status == 200 and response.length == MIB and not response.broken


def test_100_requests_on_one_connection(site):
    with Client(site.address) as client:
        for number in range(100):
            if number % 3:
                assert_received(site, client.request('GET', site.target()), b'')
            else:
                body = body_of(number * 101)
                assert_received(site, client.request('POST', site.target(), body=body), body)


def test_concurrent_requests(site):
    def one(number):
        body = body_of(1000 + number)
        assert_received(site, site.post(body), body)
        return True

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(200))) == 200


def test_client_gone_leaves_the_application_usable(site):
    for _ in range(8):
        client = Client(site.address)
        client.send_head('POST', site.target(), [('Content-Length', '100000')])
        client.send(b'x' * 5000)
        client.reset()
    assert_received(site, site.post(body_of(KIB)), body_of(KIB))


@pytest.mark.parametrize('site', ['php', 'libfcgi', 'fcgiwrap'], indirect=True)
def test_stderr_goes_to_the_log(site):
    assert site.get('do=error' if site.kind == 'php' else 'stderr=1').status == 200
    # php-fpm and fcgiwrap may write to their own standard error instead of the record stream
    assert 'a complaint for the log' in site.weir.log() + site.backend.log()


# php-fpm

php_only = pytest.mark.parametrize('site', ['php'], indirect=True)


@php_only
def test_php_form(site):
    response = site.post(b'a=1&b=two+words&c%5B%5D=x&c%5B%5D=y', 'do=form',
                         [('Content-Type', 'application/x-www-form-urlencoded')])
    assert response.json() == {'a': '1', 'b': 'two words', 'c': ['x', 'y']}


@php_only
@pytest.mark.parametrize('chunk', [None, 4096], ids=['length', 'chunked'])
def test_php_file_upload(site, chunk):
    content = body_of(3 * MIB)
    body = (b'--limit\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
            b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a b.bin"\r\n'
            b'Content-Type: application/octet-stream\r\n\r\n' + content + b'\r\n--limit--\r\n')
    response = site.post(body, 'do=upload',
                         [('Content-Type', 'multipart/form-data; boundary=limit')], chunk)
    assert response.json() == {'name': 'a b.bin', 'size': len(content), 'error': 0,
                               'sha256': sha256(content), 'note': 'hello'}


@php_only
def test_php_session_cookie(site):
    first = site.get('do=session')
    cookie = first.header('set-cookie').split(';')[0]
    assert first.json() == {'visits': 1}
    assert site.get('do=session', headers=[('Cookie', cookie)]).json() == {'visits': 2}
    assert site.get('do=session', headers=[('Cookie', 'other=1'), ('Cookie', cookie)]).json() == \
        {'visits': 3}


@php_only
def test_php_parameters(site):
    answer = get(site.address, '/index.php/extra/path?x=1',
                 headers=[('Https', 'on'), ('Proxy', 'evil')]).json()
    assert answer['uri'] == '/index.php/extra/path?x=1'
    assert answer['script'] == '/index.php'
    assert answer['path_info'] == '/extra/path'
    assert answer['https'] is None
    assert answer['remote_addr'] == '127.0.0.1'


@php_only
def test_php_true_content_length_of_a_chunked_upload(site):
    response = site.post(body_of(5000), chunk=700)
    assert response.json()['content_length'] == '5000'


@php_only
def test_php_no_script_no_request(site):
    assert get(site.address, '/missing.php').status == 404
    assert get(site.address, '/../etc/passwd').status in (400, 404)
    assert get(site.address, '/').json()['script'] == '/index.php'


@php_only
def test_php_idle_clients_pin_no_worker(site):
    """More open client connections than php-fpm has workers, each used once and kept."""
    clients = [Client(site.address) for _ in range(12)]
    try:
        for _ in range(2):
            for client in clients:
                assert client.request('GET', site.target()).status == 200
    finally:
        for client in clients:
            client.close()
