"""Forms, uploads and cookies (examples/upload): streamed, read as a whole on the loop and on worker
threads; over HTTP, over FastCGI behind weir and behind nginx."""
import json
import pathlib
import subprocess

import pytest

from fcgi_peer import STDIN, Application, begin, pairs, params, record, PARAMS, KEEP_CONN
from http_peer import BIG, KIB, MIB, Client, body_of, get, sha256
from server import BUILD
from test_behind_proxies import start_proxy

BOUNDARY = 'XyZ'
TYPE = f'multipart/form-data; boundary={BOUNDARY}'
# With AddressSanitizer what was freed would count as memory that is used.
LITTLE_QUARANTINE = {'ASAN_OPTIONS': 'quarantine_size_mb=1:thread_local_quarantine_size_kb=64'}
MODES = {'streamed': ('/', []), 'whole': ('/whole', []), 'workers': ('/', ['2'])}


def start(servers, url, *more):
    return servers.start('upload', [BUILD / 'examples' / 'upload', url, *more], clean=True,
                         ready=r'^upload: listening on (\S+)$', env=LITTLE_QUARANTINE)


class Site:
    """An upload example and the address where HTTP is spoken to it."""

    def __init__(self, servers, way, mode):
        self.path, more = MODES[mode]
        if way == 'http':
            self.app = start(servers, 'http://127.0.0.1:0', *more)
            self.address = self.app.address
        elif way == 'weir':
            folder = pathlib.Path(servers.folder) / f'{mode}.sock'
            self.app = start(servers, f'fcgi+unix:{folder}', *more)
            self.address = servers.weir([self.app]).address
        else:
            self.app = start(servers, 'fcgi://127.0.0.1:0', *more)
            self.address = start_proxy(servers, 'nginx', self.app.port).address

    def post(self, body, content_type=TYPE, chunk=None):
        with Client(self.address) as client:
            return client.request('POST', self.path, [('Content-Type', content_type)], body, chunk)

    def curl(self, *options):
        url = f'http://{self.address[0]}:{self.address[1]}{self.path}'
        return json.loads(subprocess.run(['curl', '-sS', '--fail-with-body', *options, url],
                                         check=True, capture_output=True).stdout)


@pytest.fixture(scope='module', params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope='module', params=['http', 'weir', 'nginx'])
def site(request, module_servers, mode):
    return Site(module_servers, request.param, mode)


@pytest.fixture(scope='module')
def direct(module_servers, mode):
    return Site(module_servers, 'http', mode)


def field(name, value):
    return {'name': name, 'value': value}


def file(name, filename, content, content_type='application/octet-stream', safe=None):
    return {'name': name, 'filename': filename, 'safe': filename if safe is None else safe,
            'type': content_type, 'size': len(content), 'sha256': sha256(content)}


def part(name, content, more='', headers=''):
    return (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{headers}'
            f'\r\n').encode('latin-1') + content + b'\r\n'


END = f'--{BOUNDARY}--\r\n'.encode()


# What clients send

def test_curl_multipart(site, tmp_path):
    content = {'a.jpg': body_of(100_000), 'b c.txt': b'hello\r\n', 'empty': b''}
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    answer = site.curl('-F', 'title=My "trip" & more', '-F', f'photos=@{tmp_path}/a.jpg',
                       '-F', f'photos=@{tmp_path}/b c.txt;filename=../x"y.txt',
                       '-F', f'photos=@{tmp_path}/empty;type=text/x', '-F', 'last=')
    assert answer == [
        field('title', 'My "trip" & more'),
        file('photos', 'a.jpg', content['a.jpg'], 'image/jpeg'),
        file('photos', '../x%22y.txt', content['b c.txt'], 'text/plain', safe='x%22y.txt'),
        file('photos', 'empty', b'', 'text/x'),
        field('last', ''),
    ]


def test_curl_urlencoded(site):
    answer = site.curl('-d', 'title=My+trip%26more', '-d', 'tag=a', '-d', 'tag=b;c=d', '-d', 'bare',
                       '--data-urlencode', 'text=100% \r\n=&')
    assert answer == [field('title', 'My trip&more'), field('tag', 'a'), field('tag', 'b;c=d'),
                      field('bare', ''), field('text', '100% \r\n=&')]


def test_curl_over_http2(direct, tmp_path):
    (tmp_path / 'f').write_bytes(body_of(MIB))
    answer = direct.curl('--http2-prior-knowledge', '-F', 'a=1', '-F', f'f=@{tmp_path}/f')
    assert answer == [field('a', '1'), file('f', 'f', body_of(MIB))]


WEBKIT = '----WebKitFormBoundary7MA4YWxkTrZu0gW'
GECKO = '-' * 27 + '735323031399963166993862150'


@pytest.mark.parametrize('boundary', [WEBKIT, GECKO])
@pytest.mark.parametrize('chunk', [None, 7])
def test_as_browsers_send_it(site, boundary, chunk):
    body = (f'--{boundary}\r\nContent-Disposition: form-data; name="na%22me"\r\n\r\n'
            f'a\r\nb\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="na\u00efve.txt"'
            f'\r\nContent-Type: text/plain\r\n\r\n--{boundary[:-1]}\r\n\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="none"; filename=""\r\n'
            f'Content-Type: application/octet-stream\r\n\r\n\r\n'
            f'--{boundary}--\r\n').encode()
    answer = site.post(body, f'multipart/form-data; boundary={boundary}', chunk)
    assert answer.status == 200
    name = 'na\u00efve.txt'.encode().decode('latin-1')
    assert answer.json() == [field('na%22me', 'a\r\nb'),
                             file('f', name, f'--{boundary[:-1]}\r\n'.encode(), 'text/plain'),
                             field('none', '')]


def test_large_value_and_many_fields(site):
    body = '&'.join(f'f{i}={i}' for i in range(999)).encode() + b'&big=' + b'%41' * (64 * KIB)
    answer = site.post(body, 'application/x-www-form-urlencoded; charset=UTF-8').json()
    assert answer == [field(f'f{i}', str(i)) for i in range(999)] + [field('big', 'A' * 64 * KIB)]


def test_no_parts(site):
    assert site.post(END).json() == []
    assert site.post(b'', 'application/x-www-form-urlencoded').json() == []


# Large files

def peak_memory(process):
    for line in pathlib.Path(f'/proc/{process.pid}/status').read_text().splitlines():
        if line.startswith('VmHWM:'):
            return int(line.split()[1]) * KIB
    raise AssertionError('no VmHWM')


def open_files(process):
    return sorted(str(link.readlink()) for link in pathlib.Path(f'/proc/{process.pid}/fd').iterdir())


@pytest.mark.parametrize('chunk', [None, 1 << 20], ids=['length', 'chunked'])
def test_64_mib_at_flat_memory(site, chunk):
    """Whether it is streamed or goes to a temporary file, which is gone afterwards."""
    content = body_of(BIG)
    body = part('f', content, '; filename="big"') + part('t', b'x') + END
    assert site.post(part('f', body_of(MIB), '; filename="b"') + END).status == 200
    before = peak_memory(site.app)
    answer = site.post(body, chunk=chunk)
    assert answer.status == 200
    assert answer.json() == [file('f', 'big', content, ''), field('t', 'x')]
    assert peak_memory(site.app) - before < 8 * MIB
    assert site.post(END).status == 200  # so that the one before has ended
    assert not [name for name in open_files(site.app) if 'deleted' in name or '/tmp/#' in name]


# Limits and malformed forms

def refused(site, body, status, text, content_type=TYPE):
    answer = site.post(body, content_type)
    assert (answer.status, answer.broken) == (status, False)
    assert text in answer.body.decode()
    assert site.post(END).json() == []


def test_limits(site):
    urlencoded = 'application/x-www-form-urlencoded'
    refused(site, b'a&' * 1001, 413, 'weir_form_options.fields', urlencoded)
    refused(site, b'a=' + b'x' * (64 * KIB + 1), 413, 'weir_form_options.field_size', urlencoded)
    refused(site, part('a', b'x' * (64 * KIB + 1)) + END, 413, 'weir_form_options.field_size')
    refused(site, part('f', b'', '; filename=f') * 21 + END, 413, 'weir_form_options.files')
    refused(site, b'x' * 8193, 413, 'weir_form_options.header_size', urlencoded)
    refused(site, part('a', b'', headers='X: ' + 'y' * 8192 + '\r\n') + END, 413,
            'weir_form_options.header_size')
    refused(site, part('a', b'', headers='X: y\r\n' * 16) + END, 413,
            'weir_form_options.header_fields')


def test_memory_limit(site):
    """What a form that is read as a whole keeps is limited; a streamed one the handler limits."""
    streamed = site.path == '/' and not site.app.argv[2:]
    refused(site, part('a', b'x' * 60 * KIB) * 20 + END, 413,
            'too much text' if streamed else 'weir_form_options.memory')


def test_content_length_over_the_limit(direct):
    """Refused before any of it was sent."""
    with Client(direct.address) as client:
        client.send_head('POST', direct.path, [('Content-Type', TYPE),
                                               ('Content-Length', str(3 << 30))])
        answer = client.response()
    assert answer.status == 413 and b'weir_form_options.body_size' in answer.body


def test_malformed(site):
    whole = part('a', b'1') + END
    refused(site, whole[:-6], 400, 'closing boundary')
    refused(site, whole.replace(b'\r\n', b'\n'), 400, 'boundary')
    refused(site, b'', 400, 'closing boundary')
    refused(site, b'nonsense' * 2000, 400, 'no boundary')
    refused(site, whole, 400, 'without a valid boundary', 'multipart/form-data')
    refused(site, whole, 400, 'closing boundary', TYPE + 'W')
    refused(site, part('a', b'1', '; name=b') + END, 400, 'Content-Disposition')
    refused(site, whole, 415, 'media type', 'multipart/mixed; boundary=' + BOUNDARY)
    refused(site, b'{"a": 1}', 415, 'media type', 'application/json')


def test_cut_off_uploads(site):
    """Clients that go away in the middle leave nothing behind."""
    body = part('f', body_of(MIB), '; filename="f"') + END
    for length in (0, 10, 100, 1000, 100_000, len(body) - 1):
        with Client(site.address) as client:
            client.send_head('POST', site.path, [('Content-Type', TYPE),
                                                 ('Content-Length', str(len(body)))])
            client.send(body[:length])
            if length % 1000:
                client.reset()
    assert site.post(body).json() == [file('f', 'f', body_of(MIB), '')]


def test_short_stdin(servers, mode):
    """A FastCGI request whose STDIN ends before its CONTENT_LENGTH is no complete form."""
    path, more = MODES[mode]
    app = start(servers, f'fcgi+unix:{servers.folder}/upload.sock', *more)
    whole = part('a', b'1') + END
    for number, length, status in ((1, len(whole), 200), (2, len(whole) + 1, 400),
                                   (3, len(whole), 200)):
        values = params('POST', path, CONTENT_LENGTH=str(length), CONTENT_TYPE=TYPE)
        with Application(app.address) as peer:
            peer.send(begin(number, flags=KEEP_CONN), record(PARAMS, number, pairs(values)),
                      record(PARAMS, number), record(STDIN, number, whole), record(STDIN, number))
            assert peer.reply(number).status == status


# Cookies

def test_cookies(site):
    answer = get(site.address, '/')
    cookies = [value for name, value in answer.headers if name == 'set-cookie']
    assert len(cookies) == 2  # a line each
    assert cookies[0] == 'seen=1; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax'
    assert cookies[1].startswith('last=')
    answer = get(site.address, '/', [('Cookie', 'x=y; seen="41"; seen=7')])
    assert [value for name, value in answer.headers if name == 'set-cookie'][0].startswith('seen=42;')
    answer = get(site.address, '/', [('Cookie', 'x=y'), ('Cookie', 'seen=8')])
    assert [value for name, value in answer.headers if name == 'set-cookie'][0].startswith('seen=9;')
