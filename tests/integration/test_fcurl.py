"""fcurl's own side: what only FastCGI has, and the servers that people run."""
import json
import os
import re
import struct
import subprocess
import time

import pytest

from applications import start_go, start_libfcgi, start_php
from fcgi_peer import Backend
from server import BUILD
from test_fcurl_faults import HEAD, ask, fcurl, one_line, peak_memory

MIB = 1 << 20


def lines(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def dry(*args):
    done = fcurl('--dry-run', '--to', 'fcgi://127.0.0.1:1', *args)
    return dict(line.split('=', 1) for line in lines(done))


# parameters

def test_parameters_of_an_url():
    got = dry('https://Shop.example:8443/a/b%20c/../cart.php/x%2Fy?id=7')
    assert got == {
        'GATEWAY_INTERFACE': 'CGI/1.1', 'SERVER_SOFTWARE': got['SERVER_SOFTWARE'],
        'SERVER_PROTOCOL': 'HTTP/1.1', 'SERVER_NAME': 'shop.example', 'SERVER_PORT': '8443',
        'REQUEST_METHOD': 'GET', 'REQUEST_SCHEME': 'https', 'HTTPS': 'on',
        'REQUEST_URI': '/a/cart.php/x%2Fy?id=7', 'QUERY_STRING': 'id=7',
        'DOCUMENT_URI': got['DOCUMENT_URI'], 'SCRIPT_NAME': got['SCRIPT_NAME'],
        'SCRIPT_FILENAME': got['SCRIPT_FILENAME'], 'REMOTE_ADDR': '127.0.0.1',
        'REDIRECT_STATUS': '200', 'HTTP_HOST': 'shop.example:8443',
        'HTTP_USER_AGENT': got['HTTP_USER_AGENT'], 'HTTP_ACCEPT': '*/*'}


@pytest.mark.parametrize('args, want', [
    (['--root', '/srv/www', 'http://a/x/app.php/more/path?q'],
     {'DOCUMENT_ROOT': '/srv/www', 'SCRIPT_NAME': '/x/app.php', 'PATH_INFO': '/more/path',
      'SCRIPT_FILENAME': '/srv/www/x/app.php', 'PATH_TRANSLATED': '/srv/www/more/path'}),
    (['--root', '/srv/www/', 'http://a/x/'],
     {'SCRIPT_NAME': '/x/index.php', 'SCRIPT_FILENAME': '/srv/www/x/index.php', 'PATH_INFO': None}),
    (['--root', '/r', '--index', 'main.cgi', '--split', '.cgi', 'http://a/'],
     {'SCRIPT_NAME': '/main.cgi', 'SCRIPT_FILENAME': '/r/main.cgi'}),
    (['--root', '/r', '--split', '.cgi', '--split', '.sh', 'http://a/b.sh/x.cgi'],
     {'SCRIPT_NAME': '/b.sh', 'PATH_INFO': '/x.cgi'}),
    (['--root', '/r', '--script', 'front.php', 'http://a/any/where?x'],
     {'SCRIPT_NAME': '/front.php', 'SCRIPT_FILENAME': '/r/front.php', 'PATH_INFO': None,
      'REQUEST_URI': '/any/where?x'}),
    (['--script', '/opt/app/run.php', 'http://a/any'], {'SCRIPT_FILENAME': '/opt/app/run.php'}),
    (['http://a/status'], {'SCRIPT_NAME': '/status', 'SCRIPT_FILENAME': '/status'}),
    (['--param', 'REMOTE_USER=ann', '--param', 'HTTP_ACCEPT=', '--param', 'SERVER_NAME=x',
      'http://a/'], {'REMOTE_USER': 'ann', 'HTTP_ACCEPT': None, 'SERVER_NAME': 'x'}),
    (['-d', 'a=b', 'http://a/'], {'CONTENT_LENGTH': '3', 'REQUEST_METHOD': 'POST',
                                  'CONTENT_TYPE': 'application/x-www-form-urlencoded'}),
    (['--role', 'authorizer', '-d', 'x', 'http://a/'],
     {'CONTENT_LENGTH': None, 'SCRIPT_NAME': None, 'PATH_INFO': None}),
    (['-H', 'X-A: 1', '-H', 'x-a: 2', '-H', 'Cookie: a=b', '-H', 'Connection: close', 'http://a/'],
     {'HTTP_X_A': '1, 2', 'HTTP_COOKIE': 'a=b', 'HTTP_CONNECTION': None}),
    (['-u', 'user:secret', 'http://a/'], {'HTTP_AUTHORIZATION': 'Basic dXNlcjpzZWNyZXQ=',
                                         'REMOTE_USER': None}),
])
def test_parameters(args, want):
    got = dry(*args)
    for name, value in want.items():
        assert got.get(name) == value, f'{name} is {got.get(name)}'


def test_never_the_environment():
    os.environ['WEIR_SECRET'] = 'secret'
    try:
        assert 'secret' not in str(dry('http://a/')).replace('WEIR', '')
        assert dry('--env', 'WEIR_SECRET', 'http://a/')['WEIR_SECRET'] == 'secret'
        done = fcurl('--env', 'NO_SUCH_VARIABLE', 'fcgi://a/')
        assert done.returncode == 2 and b'no such variable' in done.stderr
    finally:
        del os.environ['WEIR_SECRET']


def test_params_file(servers):
    path = servers.folder / 'params'
    path.write_text('# a comment\nREMOTE_USER=ann\n\nX=a=b\n')
    got = dry('--params-file', path, 'http://a/')
    assert got['REMOTE_USER'] == 'ann' and got['X'] == 'a=b'
    path.write_text('nothing\n')
    assert fcurl('--params-file', path, 'fcgi://a/').returncode == 2


def test_odd_headers_are_told():
    done = fcurl('--dry-run', '-H', 'X_Odd: 1', '-H', 'Proxy: evil', 'fcgi://a/')
    assert b'HTTP_X_ODD=1' in done.stdout and b'HTTP_PROXY' not in done.stdout
    assert b'X_Odd' in done.stderr and b'Proxy' in done.stderr


# records

def answering(**more):
    def answer(request):
        body = request.body()
        request.finish(HEAD + b'%d' % len(body))
    return answer


def test_split_params_and_padding(servers):
    with Backend(servers.folder, answering()) as backend:
        big = 'x' * 70000
        for args in (['--split-params'], ['--padding', '0'], ['--padding', '255'],
                     ['--split-params', '--padding', '7']):
            done = ask(backend, *args, '--param', f'BIG={big[:3000]}', '-d', 'abc')
            assert (done.returncode, done.stdout) == (0, b'3'), (args, done.stderr)
            assert backend.requests[-1].param('BIG') == big[:3000]
        one_line(ask(backend, '--param', f'BIG={big}'), 2, 'BIG')


def test_roles(servers):
    with Backend(servers.folder, lambda request: request.finish(HEAD + b'%d' % request.role)) as backend:
        assert ask(backend).stdout == b'1'
        assert ask(backend, '--role', 'authorizer').stdout == b'2'
        assert fcurl('--role', 'king', 'fcgi://a/').returncode == 2


def test_keep_conn(servers):
    with Backend(servers.folder, answering(), values={'FCGI_MPXS_CONNS': '1'}) as backend:
        done = fcurl('-sS', '--keep-conn', '--to', backend.url, 'http://a/[1-5]', '-w', '%{num_connects}')
        assert done.stdout == b'01' + b'00' * 4 and backend.connections == 1, done.stderr
        done = fcurl('-sS', '--to', backend.url, 'http://a/[1-5]', '-w', '%{num_connects}')
        assert done.stdout == b'01' * 5 and backend.connections == 6, done.stderr


def test_records(servers):
    with Backend(servers.folder, answering()) as backend:
        done = ask(backend, '--records', '--split-params', '--param', 'X=y', '-d', 'abc')
        seen = [line.split()[3] for line in done.stderr.decode().splitlines() if ' ms ' in line]
        assert seen[0] == 'BEGIN_REQUEST' and seen[-1] == 'END_REQUEST'
        assert seen.count('PARAMS') > 100 and seen.count('STDIN') == 4
        assert b'      X=y\n' in done.stderr


def test_pcap(servers):
    path = servers.folder / 'out.pcap'
    with Backend(servers.folder, answering()) as backend:
        assert ask(backend, '--pcap', path, '-d', 'abc').returncode == 0
    data = path.read_bytes()
    magic, major, minor, _, _, snap, link = struct.unpack('=IHHiIII', data[:24])
    assert (magic, major, minor, link) == (0xa1b2c3d4, 2, 4, 101)
    at, streams = 24, {True: b'', False: b''}
    while at < len(data):
        _, _, size, whole = struct.unpack('=IIII', data[at:at + 16])
        packet = data[at + 16:at + 16 + size]
        assert size == whole and packet[0] == 0x45 and packet[9] == 6
        assert struct.unpack('>H', packet[2:4])[0] == size
        total = sum(struct.unpack('>10H', packet[:20]))
        assert (total & 0xffff) + (total >> 16) == 0xffff, 'the checksum of the IP header'
        from_port, to_port, sequence = struct.unpack('>HHI', packet[20:28])
        sent = to_port == 9000
        if packet[33] & 8:
            assert sequence == 1001 + len(streams[sent])
        streams[sent] += packet[40:]
        at += 16 + size
    assert streams[True][:2] == b'\x01\x01' and b'abc' in streams[True]
    assert streams[False].endswith(b'\x01\x03\x00\x01\x00\x08\x00\x00' + bytes(8))


def test_trace(servers):
    with Backend(servers.folder, answering()) as backend:
        done = ask(backend, '--trace', '-', '-d', 'abc', '-o', '/dev/null')
        assert b'=> Send record BEGIN_REQUEST, id 1, 8 bytes (0x8)' in done.stdout
        assert b'0000: 61 62 63 ' in done.stdout and b'== Info: ' in done.stdout
        done = ask(backend, '--trace-ascii', '-', '--trace-time', '-d', 'abc', '-o', '/dev/null')
        assert b'0000: abc\n' in done.stdout


def test_verbose(servers):
    with Backend(servers.folder, answering()) as backend:
        done = ask(backend, '-v')
        assert b'> REQUEST_METHOD=GET\n' in done.stderr and b'< HTTP/1.1 200 OK\n' in done.stderr
        assert b'* END_REQUEST: appStatus 0, REQUEST_COMPLETE\n' in done.stderr


def test_get_values(servers):
    with Backend(servers.folder, answering(), values={'FCGI_MAX_CONNS': '7', 'FCGI_MPXS_CONNS': '0'}) as backend:
        assert sorted(lines(ask(backend, '--get-values'))) == ['FCGI_MAX_CONNS=7', 'FCGI_MPXS_CONNS=0']
        assert json.loads(ask(backend, '--get-values', '--json').stdout) == {
            'FCGI_MAX_CONNS': '7', 'FCGI_MPXS_CONNS': '0'}
        done = ask(backend, '-o', '/dev/null', '-w', '%{fcgi_max_conns} %{fcgi_max_reqs} %{fcgi_mpxs_conns}')
        assert done.stdout == b'7 -1 0'


def test_write_out_json(servers):
    with Backend(servers.folder, answering()) as backend:
        got = json.loads(ask(backend, '-d', 'abc', '-o', '/dev/null', '-w', '%{json}').stdout)
        assert (got['http_code'], got['size_upload'], got['fcgi_role']) == (200, 3, 'responder')
        assert got['fcgi_records_sent'] >= 5 and got['fcgi_records_received'] >= 3
        assert got['fcgi_params_count'] > 15 and got['size_params'] > 300
        assert 0 < got['time_connect'] <= got['time_params'] <= got['time_first_stdout'] <= \
            got['time_end_request'] <= got['time_total']


def test_addresses(servers):
    """--write-out tells both ends of the connection."""
    server = servers.example('echo', 'fcgi://127.0.0.1:0')
    done = fcurl('-sS', '--to', server.url, '-o', '/dev/null', 'http://a/', '-w',
                 '%{local_ip} %{local_port} %{remote_ip} %{remote_port}')
    local_ip, local_port, *remote = done.stdout.decode().split()
    assert (local_ip, remote) == ('127.0.0.1', ['127.0.0.1', str(server.port)]) and int(local_port) > 0
    path = servers.folder / 'backend.sock'
    with Backend(servers.folder, answering()) as backend:
        done = ask(backend, '-o', '/dev/null', '-w', '%{local_ip}:%{local_port} %{remote_ip}:%{remote_port}')
        assert done.stdout.decode() == f':0 {path}:0'
    assert fcurl('-s', '--unix-socket', '/none', '-w', '%{remote_ip}:%{remote_port}', 'http://a/').stdout == b':0'


def test_pcap_of_several_servers(servers):
    """One file, whatever the number of clients that write to it."""
    path = servers.folder / 'out.pcap'
    first = servers.example('echo', 'fcgi://127.0.0.1:0')
    second = servers.example('echo', 'fcgi://127.0.0.1:0')
    done = fcurl('-s', '--pcap', path, '-o', '/dev/null', f'{first.url}/first', '-o', '/dev/null',
                 f'{second.url}/second')
    assert done.returncode == 0
    data = path.read_bytes()
    assert b'/first' in data and b'/second' in data and data.count(b'\x01\x01\x00\x01\x00\x08') == 2


def test_redirects_stay_at_the_server(servers):
    """A Location, whatever its scheme, is not where the next server is."""
    server = servers.start('site', [BUILD / 'tests/integration/programs/site', 'fcgi://127.0.0.1:0'],
                           clean=True, ready=r'^site: listening on (\S+)$')
    for where in ('http://127.0.0.1/echo', 'fcgi://127.0.0.1:1/echo', 'fcgis://127.0.0.1:1/echo', '/echo'):
        done = fcurl('-sSL', '-u', 'ann:secret', f'{server.url}/to?{where}')
        assert done.returncode == 0 and done.stdout.startswith(b'GET /echo\n'), done.stderr
        assert (b'authorization' in done.stdout) == (where == '/echo')


def test_dry_run_writes_no_file(servers):
    path = servers.folder / 'out'
    path.write_text('precious')
    assert b'REQUEST_METHOD' in fcurl('--dry-run', '-o', path, '--to', 'fcgi://127.0.0.1:1', 'http://a/').stdout
    assert path.read_text() == 'precious'


def test_data_stream_needs_the_role():
    one_line(fcurl('-sS', '--data-stream', '/etc/passwd', 'fcgi://127.0.0.1:1/'), 2, '--role filter')


@pytest.mark.parametrize('url', ['ftp2://a/', 'http://a:x/'])
def test_what_cannot_be_tried_is_not_retried(url):
    done = fcurl('-sS', '--retry', '2', '--retry-all-errors', url)
    assert done.returncode in (1, 3) and done.seconds < 1


@pytest.mark.parametrize('args', [
    ['http://a/[0-18446744073709551615]'], ['--rate', '1e-300/s', 'fcgi://a/'], ['--rate', 'inf', 'fcgi://a/'],
    ['--connect-timeout', '1e9', '-m', '1e9', '--retry-delay', '1e9', '--speed-limit', '8000P',
     '--speed-time', '18446744073709551615', '--limit-rate', '8000P', 'fcgi://127.0.0.1:1/'],
    ['--ping', '-m', '1e9', 'fcgi://127.0.0.1:1/']])
def test_huge_numbers(args):
    assert fcurl(*args).returncode in (2, 3, 7)


def test_speed_limit(servers):
    with Backend(servers.folder, lambda request: time.sleep(10)) as backend:
        done = ask(backend, '-Y', '1000', '-y', '1')
        one_line(done, 28, 'too slow', '1000 bytes/sec')
        assert 1 <= done.seconds < 4


def test_closed_descriptors(servers):
    """What is opened does not become stdout or stderr because those were closed."""
    with Backend(servers.folder, answering()) as backend:
        for closed in ('<&- >&- 2>&-', '>&-', '2>&-', '<&-'):
            done = subprocess.run(['bash', '-c', f'{BUILD}/fcurl -q -sS --to {backend.url} http://a/ {closed}'],
                                  capture_output=True, timeout=20)
            assert done.returncode == (23 if '>&-' in closed.split() else 0), (closed, done.stderr)


def test_stdin_stays_blocking(servers):
    """-T - waits for a pipe without making it non-blocking for those who share it."""
    with Backend(servers.folder, answering()) as backend:
        reading, writing = os.pipe()
        started = subprocess.Popen([BUILD / 'fcurl', '-q', '-sS', '-T', '-', '--to', backend.url, 'http://a/'],
                                   stdin=reading, stdout=subprocess.PIPE)
        os.write(writing, b'one')
        deadline = time.monotonic() + 10
        while not backend.requests and time.monotonic() < deadline:
            assert os.get_blocking(reading)
            time.sleep(0.01)
        for _ in range(20):
            assert os.get_blocking(reading)
            time.sleep(0.01)
        os.close(writing)
        assert started.communicate(timeout=20)[0] == b'3' and os.get_blocking(reading)
        os.close(reading)


def test_form_from_a_pipe_has_a_length(servers):
    """php-fpm reads no body without CONTENT_LENGTH."""
    with Backend(servers.folder, answering()) as backend:
        done = subprocess.run(['bash', '-c', f'{BUILD}/fcurl -q -sS --to {backend.url} -F f=@<(echo hello) http://a/'], capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr
        assert backend.requests[0].param('CONTENT_LENGTH') == done.stdout.decode()


def test_upload_of_a_file_that_shrinks(servers):
    big = servers.folder / 'big'
    with open(big, 'wb') as file:
        file.truncate(64 << 20)

    def shrink(request):
        os.truncate(big, 1)
        for _ in request.pieces():
            pass

    with Backend(servers.folder, shrink) as backend:
        one_line(ask(backend, '-T', big), 26)


def test_address_of_who_does_not_answer(servers):
    with Backend(servers.folder, lambda request: time.sleep(10)) as backend:
        assert ask(backend, '-m', '0.2', '-w', '%{remote_ip}').stdout.decode().endswith('/backend.sock')


# bodies

def test_upload_from_a_pipe_as_it_comes(servers):
    """-T - sends what it reads at once, and takes the answer while it still sends."""
    def answer(request):
        request.stdout(HEAD)
        for piece in request.pieces():
            request.stdout(piece.upper())
        request.finish()

    with Backend(servers.folder, answer) as backend:
        fcurl_ = subprocess.Popen([BUILD / 'fcurl', '-q', '-sSN', '-T', '-', '--to', backend.url, 'http://a/'],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for word in (b'one ', b'two ', b'three '):
            fcurl_.stdin.write(word)
            fcurl_.stdin.flush()
            assert fcurl_.stdout.read(len(word)) == word.upper()
        fcurl_.stdin.close()
        assert fcurl_.wait(20) == 0
        assert backend.requests[0].param('CONTENT_LENGTH') is None


@pytest.mark.parametrize('up', [True, False], ids=['upload', 'download'])
def test_flat_memory(servers, up):
    size = 64 * MIB if 'asan' in BUILD.name else 1024 * MIB
    server = servers.example('echo', f'fcgi+unix:{servers.folder}/echo.sock')
    big = servers.folder / 'big'
    with open(big, 'wb') as file:
        file.truncate(size)
    if up:
        memory, code = peak_memory('-sS', '--to', server.url, '-T', big, 'http://a/', '-o', servers.folder / 'out')
        assert json.loads((servers.folder / 'out').read_bytes())['body']['length'] == size
    else:
        memory, code = peak_memory('-sS', '--to', server.url, '-o', servers.folder / 'out',
                                   f'http://a/?stream={size >> 16}&size=65536')
        assert (servers.folder / 'out').stat().st_size == size
    assert code == 0
    assert 'asan' in BUILD.name or memory < 32 * 1024


def test_limit_rate(servers):
    server = servers.example('echo', f'fcgi+unix:{servers.folder}/echo.sock')
    started = time.monotonic()
    done = fcurl('-sS', '--limit-rate', '400k', '--to', server.url, '-o', '/dev/null', '-w', '%{size_download}',
                 'http://a/?stream=10&size=65536')
    assert done.stdout == b'655360' and 1.0 < time.monotonic() - started < 6


# servers people run

@pytest.fixture(scope='module')
def php(module_servers):
    return start_php(module_servers)


def test_php(php):
    site, root = php
    done = fcurl('-sS', '-i', '--to', site.url, '--root', root, 'http://a/index.php?do=redirect')
    assert done.stdout.startswith(b'HTTP/1.1 303'), done.stderr
    assert json.loads(fcurl('-sS', '--to', site.url, '--root', root, '-d', 'a=1&b=two', 'http://a/?do=form').stdout)


def test_php_takes_100_kib_of_parameters(php):
    site, root = php
    args = []
    for n in range(100):
        args += ['-H', f'X-{n}: ' + 'v' * 1024]
    done = fcurl('-sS', '--to', site.url, '--root', root, *args, 'http://a/?do=headers')
    assert done.returncode == 0 and done.stdout.strip() == b'100 %d' % (100 * 1024), done.stdout[:200]


def test_ping_and_status_of_php(php):
    site, _ = php
    done = fcurl('--ping', '--to', site.url, 'http://a/ping')
    assert done.returncode == 0 and b'answered in' in done.stdout and b': 200' in done.stdout
    table = lines(fcurl('--status', '--to', site.url, 'http://a/status'))
    assert any(line.split() == ['pool', 'test'] for line in table)
    figures = json.loads(fcurl('--status', '--json', '--to', site.url, 'http://a/status').stdout)
    assert figures['pool'] == 'test' and isinstance(figures['listen queue'], int)
    assert fcurl('-s', '--status', '--fail-if', 'listen queue>1000', '--to', site.url, 'http://a/status').returncode == 0
    one_line(fcurl('-sS', '--status', '--fail-if', 'total processes>=1', '--to', site.url, 'http://a/status'),
             124, 'total processes')
    one_line(fcurl('-sS', '--status', '--fail-if', 'nonsense>1', '--to', site.url, 'http://a/status'), 2)
    one_line(fcurl('-sS', '--status', '--to', site.url, 'http://a/elsewhere'), 22, 'pm.status_path')


def test_ping_tells_busy_from_dead(servers):
    one_line(fcurl('-sS', '--ping', '--unix-socket', servers.folder / 'none', 'http://a/'), 7)
    with Backend(servers.folder, lambda request: time.sleep(10)) as backend:
        done = ask(backend, '--ping', '-m', '0.3')
        one_line(done, 28, 'busy')
        assert done.seconds < 2


def test_go_and_libfcgi(servers):
    for start in (start_go, start_libfcgi):
        server = start(servers)
        done = fcurl('-sS', '-d', 'abc', '--to', server.url, '-w', '%{http_code}', 'http://a/')
        assert done.returncode == 0 and done.stdout.endswith(b'200'), done.stderr


# the command line

def test_help_fits_a_screen():
    assert len(lines(fcurl('-h'))) <= 24
    assert all(len(line) <= 80 for line in lines(fcurl('-h')))
    assert any('--data-stream' in line for line in lines(fcurl('--help', 'fastcgi')))
    assert fcurl('--help', 'nonsense').returncode == 2


def test_manual_page():
    page = fcurl('--man-page').stdout
    done = subprocess.run(['groff', '-man', '-Tutf8', '-ww'], input=page, capture_output=True, timeout=30)
    assert done.returncode == 0 and done.stderr == b'', done.stderr
    shown = re.sub('.\x08', '', done.stdout.decode().replace('\u2010', '-').replace('\u2212', '-'))
    for word in ('--max-time', 'fcgi_app_status', '121'):
        assert word in shown


def test_completion():
    script = fcurl('--completion', 'bash').stdout.decode()
    probe = script + '\nCOMP_WORDS=(fcurl --max-f); COMP_CWORD=1; _fcurl; echo "${COMPREPLY[@]}"\n'
    done = subprocess.run(['bash', '-c', probe], capture_output=True, timeout=20)
    assert done.stdout.split() == [b'--max-filesize'], done.stderr
    zsh = fcurl('--completion', 'zsh').stdout.decode()
    assert zsh.startswith('#compdef fcurl\n') and "--max-filesize" in zsh


@pytest.mark.parametrize('option', ['--proxy', '-x', '--http2', '--digest', '-0', '--socks5'])
def test_what_makes_no_sense_is_refused(option):
    done = fcurl(option, 'x', 'fcgi://a/')
    assert done.returncode == 2 and b'option ' + option.encode() in done.stderr
    assert b'is unknown' not in done.stderr


def test_start_up_time(servers):
    """Within twice curl's."""
    if 'asan' in BUILD.name:
        return
    def fastest(*argv):
        times = []
        for _ in range(30):
            started = time.perf_counter()
            subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
            times.append(time.perf_counter() - started)
        return min(times)
    assert fastest(BUILD / 'fcurl', '--version') < 2 * fastest('curl', '--version')
