"""fcurl over TLS: who is trusted, who we are, and what is told when that fails."""
import pytest

from pki import Authority
from server import BUILD
from test_fcurl_faults import fcurl, one_line


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp('pki') / 'ca')
    authority.server = authority.issue('server')
    authority.client = authority.issue('client')
    authority.elsewhere = authority.issue('elsewhere', names='DNS:elsewhere.example')
    return authority


@pytest.fixture(scope='module')
def stranger(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp('pki') / 'stranger', 'Stranger')
    authority.client = authority.issue('client')
    return authority


def start(servers, pair, *options):
    echo = servers.start('echo', [BUILD / 'examples' / 'echo', 'fcgis://127.0.0.1:0', *pair, *options],
                         clean=True, ready=r'^echo: listening on (\S+)$')
    return f'fcgis://127.0.0.1:{echo.port}/'


@pytest.fixture(scope='module')
def url(module_servers, pki):
    return start(module_servers, pki.server)


def test_trusted(url, pki):
    done = fcurl('-sS', '--cacert', pki.cert, '-o', '/dev/null', '-w', '%{http_code} %{remote_port}', url)
    assert done.returncode == 0 and done.stdout.decode() == '200 ' + url.split(':')[-1].rstrip('/'), done.stderr
    done = fcurl('-sS', '--cacert', pki.cert, '--to', url.rstrip('/'), '-o', '/dev/null',
                 '-w', '%{time_appconnect}', 'http://site.example/')
    assert done.returncode == 0 and float(done.stdout) > 0, done.stderr


def test_not_trusted(url, stranger):
    one_line(fcurl('-sS', url), 60, 'certificate')
    one_line(fcurl('-sS', '--cacert', stranger.cert, url), 60, 'certificate')
    assert fcurl('-sS', '-k', '-o', '/dev/null', url).returncode == 0
    one_line(fcurl('-sS', '-k', '--no-insecure', url), 60)


def test_wrong_name(servers, pki):
    url = start(servers, pki.elsewhere)
    one_line(fcurl('-sS', '--cacert', pki.cert, url), 60, 'certificate')
    assert fcurl('-sSk', '-o', '/dev/null', url).returncode == 0


def test_no_tls_there(servers):
    server = servers.example('echo', 'fcgi://127.0.0.1:0')
    one_line(fcurl('-sS', '-k', f'fcgis://127.0.0.1:{server.port}/'), 35)


def test_files_that_cannot_be_used(url, pki, servers):
    empty = servers.folder / 'empty.pem'
    empty.write_text('')
    for file in ('/no/such/file', empty):
        one_line(fcurl('-sS', '--cacert', file, url), 77, str(file))
        one_line(fcurl('-sS', '--cacert', pki.cert, '--cert', file, url), 58, str(file))
    one_line(fcurl('-sS', '--cacert', pki.cert, '--cert', pki.client[0], '--key', pki.server[1], url), 58)
    one_line(fcurl('-sS', '--cacert', pki.cert, '--cert', pki.client[0], '--key', '/no/such/key', url), 58)
    one_line(fcurl('-sS', '--cacert', '/no/such/file', 'fcgis://'), 3)


def test_client_certificate(servers, pki, stranger):
    url = start(servers, pki.server, pki.cert)
    trust = ['-sS', '--cacert', pki.cert]
    own = ['--cert', pki.client[0], '--key', pki.client[1]]
    assert fcurl(*trust, *own, '-o', '/dev/null', url).returncode == 0
    one_line(fcurl(*trust, url), 56, 'certificate')
    one_line(fcurl(*trust, '--cert', stranger.client[0], '--key', stranger.client[1], url), 56, 'alert')
    both = servers.folder / 'both.pem'
    both.write_bytes(pki.client[0].read_bytes() + pki.client[1].read_bytes())
    assert fcurl(*trust, '-E', both, '-o', '/dev/null', url).returncode == 0


def test_probes_speak_tls_too(url, pki):
    one_line(fcurl('-sS', '--ping', url), 60)
    done = fcurl('--ping', '--cacert', pki.cert, url)
    assert done.returncode == 0 and b'answered in' in done.stdout, done.stderr
    done = fcurl('-sS', '-k', '--get-values', url)
    assert done.returncode == 0 and b'FCGI_MPXS_CONNS=1' in done.stdout, done.stderr
    done = fcurl('-sS', '-k', '-o', '/dev/null', '-w', '%{fcgi_mpxs_conns}', url)
    assert done.stdout == b'1', done.stderr
