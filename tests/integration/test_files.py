"""Files as answers: examples/sendfile over HTTP, behind weir and behind nginx, on the loop and on workers."""
import email
import os
import re
import socket
import time

import pytest

from fcgi_peer import Application, params, request
from http_peer import BIG, KIB, MIB, Client, body_of, get, sha256
from server import BUILD
from test_behind_proxies import start_proxy

OLD = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
DIGITS = b'0123456789'


def make_folder(servers):
    folder = servers.folder / 'files'
    folder.mkdir()
    for name, size in (('empty', 0), ('small', 1000), ('kib64', 64 * KIB), ('mib', MIB), ('big', BIG)):
        (folder / name).write_bytes(body_of(size))
    (folder / 'digits.txt').write_bytes(DIGITS)
    os.utime(folder / 'digits.txt', (OLD, OLD))
    (folder / 'index.html').write_text('<p>index\n')
    (folder / '.hidden').write_text('secret')
    (folder / 'sub').mkdir()
    (folder / 'sub' / '.git').mkdir()
    (folder / 'sub' / '.git' / 'config').write_text('secret')
    (folder / 'link').symlink_to('small')
    os.mkfifo(folder / 'fifo')
    return folder


class Site:
    def __init__(self, address, server, folder, kind):
        self.address, self.server, self.folder, self.kind = address, server, folder, kind

    def get(self, target, headers=(), method='GET'):
        return get(self.address, target, headers, method)


def start_site(servers, kind):
    carrier, _, where = kind.partition('-')
    folder = make_folder(servers)
    url = {'http': 'http://127.0.0.1:0', 'fcgi': f'fcgi+unix:{servers.folder}/files.sock',
           'nginx': 'fcgi://127.0.0.1:0'}[carrier]
    more = ['4'] if where == 'workers' else []
    server = servers.start('sendfile', [BUILD / 'examples' / 'sendfile', url, folder, *more],
                           clean=True, ready=r'^sendfile: listening on (\S+)$')
    front = {'http': lambda: server, 'fcgi': lambda: servers.weir([server]),
             'nginx': lambda: start_proxy(servers, 'nginx', server.port)}[carrier]()
    return Site(front.address, server, folder, kind)


@pytest.fixture(scope='module', params=['http', 'http-workers', 'fcgi', 'fcgi-workers', 'nginx'])
def site(request, module_servers):
    folder = module_servers.folder / 'files'
    if folder.exists():
        folder.rename(module_servers.folder / f'files-before-{request.param}')
    socket_path = module_servers.folder / 'files.sock'
    if socket_path.exists():
        socket_path.unlink()
    return start_site(module_servers, request.param)


def strong_etag(site, target='/digits.txt'):
    etag = site.get(target, method='HEAD').header('etag')
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+-[0-9a-f]+"', etag)
    return etag


@pytest.mark.parametrize('name, size', [('empty', 0), ('small', 1000), ('kib64', 64 * KIB),
                                        ('mib', MIB), ('big', BIG)])
def test_whole_file(site, name, size):
    response = site.get(f'/{name}')
    assert response.status == 200 and not response.broken
    assert response.header('content-length') == str(size)
    assert response.header('content-type') == 'application/octet-stream'
    assert response.header('accept-ranges') == 'bytes'
    assert response.sha256 == sha256(body_of(size))


def test_headers(site):
    response = site.get('/digits.txt')
    assert response.body == DIGITS
    assert response.header('content-type') == 'text/plain; charset=utf-8'
    assert response.header('last-modified') == 'Sun, 06 Nov 1994 08:49:37 GMT'
    assert response.header('cache-control') == 'no-cache'
    assert site.get('/').header('content-type') == 'text/html; charset=utf-8'


def test_many_on_one_connection(site):
    with Client(site.address) as client:
        for name, size in [('small', 1000), ('mib', MIB), ('empty', 0), ('kib64', 64 * KIB)] * 5:
            response = client.request('GET', f'/{name}')
            assert response.length == size and response.sha256 == sha256(body_of(size))
            head = client.request('HEAD', f'/{name}')
            assert head.status == 200 and head.header('content-length') == str(size)


@pytest.mark.parametrize('target', ['/none', '/.hidden', '/sub/.git/config', '/sub', '/sub/', '/link',
                                    '/fifo', '/small/x', '/sub/../.hidden', '/' + 'x' * 300,
                                    '/%2e%2e/%2e%2e/etc/passwd'])
def test_what_is_not_served(site, target):
    response = site.get(target)
    assert response.status in (404, 400) and b'secret' not in response.body
    assert response.status == 404 or '..' in target or '%2e' in target
    assert not response.header('cache-control') and not response.header('etag')


def test_other_methods(site):
    response = site.get('/small', method='DELETE')
    assert response.status == 405 and response.header('allow') == 'GET, HEAD'


# conditional requests

def conditions(etag):
    """(headers, the status for GET)"""
    other, later, earlier = '"x"', 'Sun, 06 Nov 1994 08:49:38 GMT', 'Sun, 06 Nov 1994 08:49:36 GMT'
    same = 'Sunday, 06-Nov-94 08:49:37 GMT'
    return [
        ([('If-None-Match', etag)], 304),
        ([('If-None-Match', f'W/{etag}')], 304),
        ([('If-None-Match', f'{other}, {etag}')], 304),
        ([('If-None-Match', '*')], 304),
        ([('If-None-Match', other)], 200),
        ([('If-None-Match', other), ('If-Modified-Since', later)], 200),
        ([('If-None-Match', etag), ('If-Modified-Since', earlier)], 304),
        ([('If-Modified-Since', same)], 304),
        ([('If-Modified-Since', 'Sun Nov  6 08:49:37 1994')], 304),
        ([('If-Modified-Since', later)], 304),
        ([('If-Modified-Since', earlier)], 200),
        ([('If-Modified-Since', 'yesterday')], 200),
        ([('If-Match', etag)], 200),
        ([('If-Match', '*')], 200),
        ([('If-Match', f'{other}, {etag}')], 200),
        ([('If-Match', f'W/{etag}')], 412),
        ([('If-Match', other)], 412),
        ([('If-Match', etag), ('If-None-Match', etag)], 304),
        ([('If-Unmodified-Since', same)], 200),
        ([('If-Unmodified-Since', earlier)], 412),
        ([('If-Match', etag), ('If-Unmodified-Since', earlier)], 200),
        ([('If-Match', other), ('If-None-Match', etag)], 412),
    ]


def test_conditional_requests(site):
    etag = strong_etag(site)
    with Client(site.address) as client:
        for method in ('GET', 'HEAD'):
            for headers, status in conditions(etag):
                response = client.request(method, '/digits.txt', headers)
                assert response.status == status, (method, headers)
                if status == 304:
                    assert response.header('etag') == etag
                    assert response.header('cache-control') == 'no-cache'
                    assert not response.header('content-type')
                elif status == 200 and method == 'GET':
                    assert response.body == DIGITS


def test_etag_changes_with_the_file(site):
    path = site.folder / 'changing'
    path.write_bytes(b'one')
    before = strong_etag(site, '/changing')
    time.sleep(0.02)  # more than a tick of the file system's clock
    path.write_bytes(b'two')
    assert site.get('/changing', [('If-None-Match', before)]).body == b'two'


# ranges

@pytest.mark.parametrize('value, first, last', [
    ('bytes=0-0', 0, 0), ('bytes=2-5', 2, 5), ('bytes=5-', 5, 9), ('bytes=-3', 7, 9),
    ('bytes=-100', 0, 9), ('bytes=8-100', 8, 9), ('bytes=0-99999999999999999999999', 0, 9),
    ('BYTES=9-9', 9, 9), ('bytes= 1-2', 1, 2), ('bytes=1-2,', 1, 2), ('bytes=20-,4-4', 4, 4)])
def test_one_range(site, value, first, last):
    response = site.get('/digits.txt', [('Range', value)])
    assert response.status == 206 and not response.broken
    assert response.body == DIGITS[first:last + 1]
    assert response.header('content-range') == f'bytes {first}-{last}/10'
    assert response.header('content-length') == str(last - first + 1)
    assert response.header('content-type') == 'text/plain; charset=utf-8'


@pytest.mark.parametrize('value', [
    'bytes=', 'bytes=-', 'bytes=5-2', 'bytes=a-b', 'bytes=1', 'bytes=1-2-3', 'bytes 1-2', 'lines=1-2',
    'bytes=1-2,x', 'bytes=0-5,4-9', 'bytes=-5,-3', 'bytes=' + ','.join(['0-0'] * 1000),
    'bytes=' + ','.join(f'{at}-{at}' for at in range(17)), 'bytes=0x1-2', 'bytes=+1-2'])
def test_ranges_that_are_ignored(site, value):
    response = site.get('/digits.txt', [('Range', value)])
    assert response.status == 200 and response.body == DIGITS
    assert not response.header('content-range')


@pytest.mark.parametrize('value', ['bytes=10-', 'bytes=99-100', 'bytes=-0', 'bytes=10-,50-60'])
def test_unsatisfiable_ranges(site, value):
    with Client(site.address) as client:
        response = client.request('GET', '/digits.txt', [('Range', value)])
        assert response.status == 416 and response.header('content-range') == 'bytes */10'
        assert client.request('GET', '/digits.txt').body == DIGITS


def test_ranges_are_for_get(site):
    response = site.get('/digits.txt', [('Range', 'bytes=1-2')], 'HEAD')
    assert response.status == 200 and response.header('content-length') == '10'


def test_range_of_an_empty_file(site):
    assert site.get('/empty', [('Range', 'bytes=0-')]).status == 416
    assert site.get('/empty', [('Range', 'bytes=-5')]).status == 200


def test_if_range(site):
    etag = strong_etag(site)
    for value, status in ((etag, 206), (f'W/{etag}', 200), ('"x"', 200), ('nonsense', 200),
                          ('Sun, 06 Nov 1994 08:49:37 GMT', 206),
                          ('Sun, 06 Nov 1994 08:49:38 GMT', 200)):
        response = site.get('/digits.txt', [('Range', 'bytes=1-2'), ('If-Range', value)])
        assert response.status == status, value
        assert response.body == (DIGITS[1:3] if status == 206 else DIGITS)


def test_conditions_come_before_ranges(site):
    etag = strong_etag(site)
    assert site.get('/digits.txt', [('Range', 'bytes=99-'), ('If-None-Match', etag)]).status == 304
    assert site.get('/digits.txt', [('Range', 'bytes=1-2'), ('If-Match', '"x"')]).status == 412


def parts_of(response):
    """The parts of a multipart/byteranges answer, as somebody else reads them."""
    message = email.message_from_bytes(
        b'Content-Type: ' + response.header('content-type').encode() + b'\r\n\r\n' + response.body)
    assert message.is_multipart()
    return [(part['content-range'], part['content-type'], part.get_payload(decode=True))
            for part in message.get_payload()]


def test_several_ranges(site):
    response = site.get('/digits.txt', [('Range', 'bytes=7-,0-1, 3-3,50-60')])
    assert response.status == 206 and not response.broken
    assert response.header('content-type').startswith('multipart/byteranges; boundary=')
    assert not response.header('content-range')
    assert int(response.header('content-length')) == response.length
    kind = 'text/plain; charset=utf-8'
    assert parts_of(response) == [('bytes 7-9/10', kind, b'789'), ('bytes 0-1/10', kind, b'01'),
                                  ('bytes 3-3/10', kind, b'3')]


def test_several_large_ranges(site):
    """16 parts that go out directly and as copies in turn, 12 MiB in all."""
    body, step = body_of(BIG), 4 * MIB
    ranges = [(at * step, at * step + (MIB + at if at % 2 == 0 else 50000 + at)) for at in range(16)]
    value = 'bytes=' + ','.join(f'{first}-{end - 1}' for first, end in ranges)
    with Client(site.address) as client:
        client.send_head('GET', '/big', [('Range', value)])
        status, headers = client._head()
        left = int(dict(headers)['content-length'])
        assert status == 206
        got = b''
        while len(client.buffer) < left:
            assert client._fill()
        got = client._take(left)
        boundary = dict(headers)['content-type'].partition('boundary=')[2].encode()
        want = b''.join(
            (b'' if number == 0 else b'\r\n') + b'--' + boundary +
            b'\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes %d-%d/%d\r\n\r\n'
            % (first, end - 1, BIG) + body[first:end] for number, (first, end) in enumerate(ranges))
        assert got == want + b'\r\n--' + boundary + b'--\r\n'
        assert client.request('GET', '/digits.txt').body == DIGITS


# trouble

def test_file_that_shrinks_is_a_broken_answer(site):
    path = site.folder / 'shrinking'
    path.write_bytes(body_of(BIG))
    with Client(site.address) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        # nginx takes the end of a kept connection for the end of the answer, and keeps the client waiting
        client.send_head('GET', '/shrinking', [('Connection', 'close')] * (site.kind == 'nginx'))
        while len(client.buffer) < 100000:
            assert client._fill()
        os.truncate(path, BIG // 8)
        response = client.response()
        assert response.status == 200 and response.broken
        assert response.length < BIG  # what the sockets in between hold was read before
    assert site.get('/digits.txt').body == DIGITS


def memory(server):
    """KiB of memory of its own that the server uses."""
    with open(f'/proc/{server.pid}/status') as status:
        return int(re.search(r'^RssAnon:\s+(\d+) kB', status.read(), re.M).group(1))


def open_files(site):
    """The descriptors of the server that are files of the folder."""
    found = []
    for fd in os.listdir(f'/proc/{site.server.pid}/fd'):
        try:
            found.append(os.readlink(f'/proc/{site.server.pid}/fd/{fd}'))
        except FileNotFoundError:
            pass  # closed meanwhile
    return [name for name in found if name.startswith(str(site.folder))]


def test_clients_that_go_away(site):
    """No descriptor is left behind, whatever a transfer was doing."""
    for number in range(30):
        with Client(site.address) as client:
            client.send_head('GET', '/big', [('Range', 'bytes=0-9999999,20000000-')] * (number % 2))
            client._fill()
            if number % 3 == 0:
                client.reset()
    limit = time.monotonic() + 20
    while open_files(site):
        assert time.monotonic() < limit, open_files(site)
        time.sleep(0.01)
    assert site.get('/digits.txt').body == DIGITS


def test_slow_client_does_not_hold_up_others(site):
    with Client(site.address) as slow, Client(site.address) as quick:
        slow.send_head('GET', '/big')
        for _ in range(30):
            assert quick.request('GET', '/mib').sha256 == sha256(body_of(MIB))
        assert slow.response().sha256 == sha256(body_of(BIG))


def test_abort_of_a_transfer(servers):
    """ABORT_REQUEST in the middle of a file: one END_REQUEST, and the connection goes on."""
    folder = make_folder(servers)
    server = servers.start('sendfile', [BUILD / 'examples' / 'sendfile',
                                        f'fcgi+unix:{servers.folder}/abort.sock', folder],
                           clean=True, ready=r'^sendfile: listening on (\S+)$')
    with Application(server.address) as app:
        for number in range(1, 20):
            app.send(request(number, values=params(target='/big')))
            app.read()
            app.send(b'\x01\x02' + number.to_bytes(2, 'big') + bytes(4))
            assert len(app.reply(number).stdout) < BIG
        app.send(request(1, values=params(target='/digits.txt')))
        assert app.reply(1).body == DIGITS


def test_files_share_a_connection(servers):
    """Transfers on one FastCGI connection take turns."""
    folder = make_folder(servers)
    server = servers.start('sendfile', [BUILD / 'examples' / 'sendfile',
                                        f'fcgi+unix:{servers.folder}/share.sock', folder],
                           clean=True, ready=r'^sendfile: listening on (\S+)$')
    with Application(server.address) as app:
        app.send(request(1, values=params(target='/big')), request(2, values=params(target='/mib')),
                 request(3, values=params(target='/digits.txt')))
        replies = app.replies(1, 2, 3)
    assert list(replies)[-1] == 1  # the long one does not keep the others waiting
    assert [sha256(replies[number].body) for number in (1, 2, 3)] == \
        [sha256(body_of(BIG)), sha256(body_of(MIB)), sha256(DIGITS)]


@pytest.mark.parametrize('carrier', ['http', 'fcgi'])
@pytest.mark.parametrize('workers', [[], ['1']], ids=['loop', 'workers'])
def test_memory_stays_flat(servers, carrier, workers):
    """1 GiB, the client reading slowly at first."""
    folder = servers.folder / 'huge'
    folder.mkdir()
    size = 1 << 30
    with open(folder / 'file', 'wb') as file:
        file.truncate(size)
    url = 'http://127.0.0.1:0' if carrier == 'http' else f'fcgi+unix:{servers.folder}/huge.sock'
    server = servers.start('sendfile', [BUILD / 'examples' / 'sendfile', url, folder, *workers],
                           clean=True, ready=r'^sendfile: listening on (\S+)$',
                           env={'ASAN_OPTIONS': 'quarantine_size_mb=1'})  # or it grows to 256 MiB
    front = server if carrier == 'http' else servers.weir([server])
    with Client(front.address) as client:
        client.request('HEAD', '/file')
        before = memory(server)
        client.send_head('GET', '/file')
        status, headers = client._head()
        assert status == 200 and dict(headers)['content-length'] == str(size)
        time.sleep(0.2)
        room, left, seen = bytearray(MIB), size - len(client.buffer), []
        while left > 0:
            if left <= size - len(seen) * 16 * MIB:
                seen.append(memory(server))
            left -= client.sock.recv_into(room, min(len(room), left))
    assert len(seen) >= 60 and max(seen) - before < 8 * KIB


def test_unreadable_file(servers):
    """403, as another user than root."""
    folder = make_folder(servers)
    (folder / 'small').chmod(0)
    folder.chmod(0o755)
    argv = [BUILD / 'examples' / 'sendfile', 'http://127.0.0.1:0', folder]
    if os.geteuid() == 0:
        argv = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *argv]
    server = servers.start('sendfile', argv, clean=True, ready=r'^sendfile: listening on (\S+)$')
    assert get(server.address, '/small').status == 403
