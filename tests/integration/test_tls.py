"""TLS: https: and fcgis: listeners, weir in front and towards backends."""
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from fcgi_peer import Application, Backend, params, request
from http_peer import BIG, KIB, Client, body_of, get, sha256
from pki import Authority, MemoryTls, TlsClient
from server import BUILD, LEAN
from streams import stream_sha256

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize('version', [V12, V13], ids=['1.2', '1.3'])


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp('pki') / 'ca')
    authority.server = authority.issue('server')
    authority.client = authority.issue('client', names='email:ann@example.org',
                                       subject='/O=Example/CN=Ann, the first')
    authority.expired = authority.issue('expired', days=-1)
    return authority


@pytest.fixture(scope='module')
def stranger(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp('pki') / 'stranger', 'Stranger')
    authority.client = authority.issue('client')
    authority.server = authority.issue('server')
    return authority


def start_echo(servers, url, *argv, **more):
    return servers.start('echo', [BUILD / 'examples' / 'echo', url, *argv], clean=True,
                         ready=r'^echo: listening on (\S+)$', **more)


@pytest.fixture
def echo(servers, pki):
    """echo over https."""
    return start_echo(servers, 'https://127.0.0.1:0', *pki.server)


def start_weir(servers, backend, *options, listen='https://127.0.0.1:0'):
    return servers.start('weir', [BUILD / 'weir', '--listen', listen, '--to', backend, *options],
                         clean=True, ready=r'^weir: listening on (\S+)$')


def logged(server, words, times=1):
    """Waits until the server has logged these words."""
    limit = time.monotonic() + 20
    while server.log().count(words) < times:
        assert time.monotonic() < limit, server.log()
        time.sleep(0.005)


def cert_options(*pairs):
    return [option for cert, key in pairs for option in ('--cert', cert, '--key', key)]


# ---- The connection ------------------------------------------------------------------------------

@BOTH
def test_get(echo, pki, version):
    with TlsClient(echo.address, pki.context(version)) as client:
        for _ in range(3):
            told = client.request('GET', '/a?b=c').json()
            assert told['request']['target'] == '/a?b=c'
            sent = told['params']
            assert sent['HTTPS'] == 'on' and sent['REQUEST_SCHEME'] == 'https'
            assert sent['TLS_PROTOCOL'] == sent['SSL_PROTOCOL'] == client.sock.version()
            assert sent['TLS_CIPHER'] == sent['SSL_CIPHER'] == client.sock.cipher()[0]
            assert sent['TLS_SNI'] == sent['SSL_TLS_SNI'] == 'localhost'
            assert 'TLS_ALPN' not in sent
            assert not any('CLIENT' in name for name in sent)


@pytest.mark.parametrize('versions', [('--tlsv1.2', '--tls-max', '1.2'), ('--tlsv1.3',)],
                         ids=['1.2', '1.3'])
def test_curl(echo, pki, versions):
    done = subprocess.run(['curl', '-sS', '--http1.1', '--cacert', pki.cert, *versions,
                           f'https://localhost:{echo.port}/', '-d', 'x' * 1000], text=True,
                          capture_output=True, timeout=20)
    assert done.returncode == 0 and sha256(b'x' * 1000) in done.stdout
    assert '"TLS_ALPN": "http/1.1"' in done.stdout


def test_tls_1_1_is_refused(echo, pki):
    context = pki.context()
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers('ALL:@SECLEVEL=0')
    with pytest.raises(ssl.SSLError, match='(?i)protocol.version'):
        TlsClient(echo.address, context)
    logged(echo, 'reason=tls-handshake')


@BOTH
def test_every_byte_alone(echo, pki, version):
    with MemoryTls(echo.address, pki.context(version)) as peer:
        peer.run(peer.tls.do_handshake)
        for _ in range(2):
            peer.run(peer.tls.write, b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n')
            peer.run(peer.tls.write, b'hello')
            answer = b''
            while b'"complete"' not in answer or not answer.endswith(b'}\n'):
                answer += peer.run(peer.tls.read, 65536)
            assert sha256(b'hello').encode() in answer
        peer.run(peer.tls.write, b'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        answer = b'.'
        while answer:
            answer = peer.run(peer.tls.read, 65536)  # b'' is the server's close_notify


@BOTH
def test_large_bodies(echo, pki, version):
    with TlsClient(echo.address, pki.context(version)) as client:
        body = body_of(BIG)
        told = client.request('POST', '/', body=body).json()['body']
        assert told == {'length': BIG, 'sha256': sha256(body), 'complete': True}
        response = client.request('GET', '/?stream=1024&size=65536')
        assert response.sha256 == stream_sha256(1024, 65536) and not response.broken


def test_response_head_and_body_share_a_record(echo, pki):
    with MemoryTls(echo.address, pki.context(V13)) as peer:
        peer.run(peer.tls.do_handshake, piece=4096)
        peer.run(peer.tls.write, b'GET /?stream=3&size=100 HTTP/1.1\r\nHost: a\r\n\r\n', piece=4096)
        answer = peer.run(peer.tls.read, 65536)  # one record
        assert answer.startswith(b'HTTP/1.1 200') and answer.endswith(b'\r\n0\r\n\r\n')


@pytest.fixture
def lean_echo(servers, pki):
    """echo over https; AddressSanitizer does not hold on to what was freed, so memory can be seen."""
    return start_echo(servers, 'https://127.0.0.1:0', *pki.server,
                      env={'ASAN_OPTIONS': LEAN})


def test_a_client_that_does_not_read(lean_echo, pki):
    """Output waits encrypted and in clear, bounded, and arrives whole in the end."""
    echo = lean_echo
    with TlsClient(echo.address, pki.context(V13)) as client:
        client.send_head('GET', '/?stream=512&size=65536')
        before = resident(echo)
        time.sleep(0.5)
        assert resident(echo) - before < 4096
        assert client.response().sha256 == stream_sha256(512, 65536)


def resident(server):
    """KiB of memory."""
    with open(f'/proc/{server.pid}/status') as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read()).group(1))


def test_pipelined_requests(echo, pki):
    with TlsClient(echo.address, pki.context()) as client:
        client.send(b'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n' * 50)
        for _ in range(50):
            assert client.response().status == 200


def test_absolute_form_names_the_scheme(echo, pki):
    with TlsClient(echo.address, pki.context()) as client:
        client.send(b'GET https://a/x HTTP/1.1\r\nHost: a\r\n\r\n')
        assert client.response().json()['request']['target'] == '/x'
        client.send(b'GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n')
        assert client.response().status in (400, 421)


def test_idle_memory(lean_echo, pki):
    """What a connection costs while nothing happens on it."""
    echo = lean_echo
    count = 500
    asan = 'asan' in str(BUILD)
    context = pki.context(V13)
    clients = []

    def more(count):
        for _ in range(count):
            clients.append(TlsClient(echo.address, context))
            assert clients[-1].request('GET', '/').status == 200

    try:
        more(50)
        before = resident(echo)
        more(count)
        each = (resident(echo) - before) / count
        print(f'{each:.1f} KiB an idle connection')
        assert each < (40 if asan else 20)
    finally:
        for client in clients:
            client.close()


# ---- Ending --------------------------------------------------------------------------------------

@BOTH
def test_close_notify_at_the_end(echo, pki, version):
    with TlsClient(echo.address, pki.context(version)) as client:
        assert client.request('GET', '/', [('Connection', 'close')]).status == 200
        assert client.sock.recv(1) == b''  # without close_notify: SSLEOFError


@BOTH
def test_client_that_says_goodbye(echo, pki, version):
    with TlsClient(echo.address, pki.context(version)) as client:
        assert client.request('GET', '/').status == 200
        client.sock.unwrap().close()  # sends close_notify, and waits for the answer


def test_broken_response_has_no_close_notify(servers, pki, tmp_path):
    """To HTTP/1.0 only the end of the connection tells where the body ends."""
    def answer(request):
        request.stdout(b'Content-Type: text/plain\r\n\r\n' + b'x' * 1000)
        if request.param('QUERY_STRING') == 'good':
            request.finish()
        else:
            request.connection.close()

    with Backend(tmp_path, answer) as backend:
        weir = start_weir(servers, backend.url, *cert_options(pki.server))
        with TlsClient(weir.address, pki.context(V12)) as client:
            client.send(b'GET /?good HTTP/1.0\r\nHost: a\r\n\r\n')
            response = client.response()
            assert response.length == 1000
        with TlsClient(weir.address, pki.context(V12)) as client:
            client.send(b'GET /?bad HTTP/1.0\r\nHost: a\r\n\r\n')
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                client.response()
                client.sock.recv(1)
                raise AssertionError('it looked complete')


def test_cut_off_request(servers, pki, tmp_path):
    """A request that ends without close_notify in the middle of its body never looks complete."""
    seen = []

    def answer(request):
        seen.append(b''.join(request.pieces()))
        request.finish(b'Content-Type: text/plain\r\n\r\n')

    with Backend(tmp_path, answer) as backend:
        weir = start_weir(servers, backend.url, *cert_options(pki.server))
        with TlsClient(weir.address, pki.context()) as client:
            client.send(b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
            client.sock.shutdown(socket.SHUT_WR)  # FIN, and no close_notify
            with pytest.raises((OSError, EOFError)):
                assert client.response().status >= 400
                raise EOFError
        with TlsClient(weir.address, pki.context()) as client:
            assert client.request('POST', '/', body=b'whole').status == 200
        assert seen == [b'whole']


def test_garbage_instead_of_a_hello(echo, pki):
    for garbage in (os.urandom(1000), b'\x16\x03\x01\xff\xff' + b'x' * 1000, b'\0' * 5, b'\x80' * 64):
        with socket.create_connection(echo.address, timeout=20) as sock:
            sock.sendall(garbage)
            sock.shutdown(socket.SHUT_WR)
            assert len(read_all(sock)) < 100  # an alert at most, and an orderly end
    with TlsClient(echo.address, pki.context()) as client:
        assert client.request('GET', '/').status == 200


def read_all(sock):
    data = b''
    while piece := sock.recv(65536):
        data += piece
    return data


def test_http_on_the_tls_port(echo):
    with socket.create_connection(echo.address, timeout=20) as sock:
        sock.sendall(b'POST / HTTP/1.1\r\nHost: a\r\n\r\n' + b'x' * 700 * KIB)
        assert b'HTTP' not in read_all(sock)  # and no reset
    logged(echo, 'http request')


def test_garbage_after_the_handshake(echo, pki):
    with TlsClient(echo.address, pki.context(V13)) as client:
        assert client.request('GET', '/').status == 200
        raw = socket.socket(fileno=os.dup(client.sock.fileno()))
        raw.sendall(b'\x17\x03\x03\x00\x20' + b'x' * 32)
        with pytest.raises(ssl.SSLError, match='(?i)bad record mac'):
            client.sock.recv(1)
        raw.close()


@pytest.mark.parametrize('scheme', ['https', 'fcgis'])
def test_slow_handshake(servers, pki, scheme):
    """The handshake has a deadline, 10 s by default."""
    echo = start_echo(servers, f'{scheme}://127.0.0.1:0', *pki.server)
    started = time.monotonic()
    with socket.create_connection(echo.address, timeout=20) as silent, \
            MemoryTls(echo.address, pki.context()) as slow:
        with pytest.raises(ssl.SSLWantReadError):
            slow.tls.do_handshake()
        slow.sock.sendall(slow.outgoing.read()[:-1])
        assert silent.recv(1) == b'' and slow.sock.recv(1) == b''
    assert 8 < time.monotonic() - started < 14
    logged(echo, 'tls-handshake-timeout')


def test_renegotiation_is_refused(echo, pki):
    done = subprocess.run(
        ['openssl', 's_client', '-connect', f'127.0.0.1:{echo.port}', '-tls1_2', '-CAfile', pki.cert],
        input='R\n', capture_output=True, text=True, timeout=20)
    assert 'RENEGOTIATING' in done.stdout + done.stderr
    assert 'no renegotiation' in done.stderr


# ---- Choosing ------------------------------------------------------------------------------------

def test_certificate_by_name(servers, pki, tmp_path):
    def answer(request):
        name = request.param('TLS_SNI')
        request.finish(b'Content-Type: text/plain\r\n\r\n' + str(name).encode())

    others = [pki.issue('one', 'DNS:one.example'), pki.issue('wild', 'DNS:*.wild.example')]
    with Backend(tmp_path, answer) as backend:
        weir = start_weir(servers, backend.url, *cert_options(pki.server, *others))
        context = pki.context()
        context.check_hostname = False
        for name, subject in (('localhost', 'server'), ('one.example', 'one'), ('ONE.example', 'one'),
                              ('a.wild.example', 'wild'), ('a.b.wild.example', 'server'),
                              ('unknown.example', 'server'), (None, 'server')):
            with TlsClient(weir.address, context, name) as client:
                assert client.subject() == subject, name
                assert client.request('GET', '/').body.decode() == str(name)


def test_alpn(echo, pki):
    for offered, chosen in ((['http/1.1'], 'http/1.1'), (['spdy/3', 'http/1.1'], 'http/1.1'),
                            ([], None)):
        with TlsClient(echo.address, pki.context(alpn=offered)) as client:
            assert client.sock.selected_alpn_protocol() == chosen
            assert client.request('GET', '/').json()['params'].get('TLS_ALPN') == chosen
    with pytest.raises(ssl.SSLError, match='(?i)no.application.protocol'):
        TlsClient(echo.address, pki.context(alpn=['spdy/3']))


@BOTH
def test_resumption(echo, pki, version):
    context = pki.context(version)
    session = None
    for resumed in (False, True, True):
        with TlsClient(echo.address, context, session=session) as client:
            assert client.request('GET', '/').json()['params']['TLS_SNI'] == 'localhost'
            assert client.sock.session_reused == resumed
            session = client.sock.session


# ---- Client certificates -------------------------------------------------------------------------

def client_params(server, context):
    with TlsClient(server.address, context) as client:
        sent = client.request('GET', '/').json()['params']
        return {name: value for name, value in sent.items() if 'CLIENT' in name}


@BOTH
def test_client_certificate(servers, pki, version):
    echo = start_echo(servers, 'https://127.0.0.1:0', *pki.server, pki.cert)
    sent = client_params(echo, pki.context(version, cert=pki.client))
    der = ssl.PEM_cert_to_DER_cert(pki.client[0].read_text())
    end = subprocess.run(['openssl', 'x509', '-in', pki.client[0], '-noout', '-enddate', '-serial'],
                         capture_output=True, text=True, check=True).stdout
    assert sent['TLS_CLIENT_VERIFY'] == sent['SSL_CLIENT_VERIFY'] == 'SUCCESS'
    assert sent['TLS_CLIENT_SUBJECT'] == sent['SSL_CLIENT_S_DN'] == 'CN=Ann\\, the first,O=Example'
    assert sent['TLS_CLIENT_ISSUER'] == sent['SSL_CLIENT_I_DN'] == 'CN=Test CA'
    assert sent['TLS_CLIENT_FINGERPRINT'] == hashlib.sha256(der).hexdigest()
    assert f"serial={sent['TLS_CLIENT_SERIAL']}\n" in end
    assert sent['SSL_CLIENT_M_SERIAL'] == sent['TLS_CLIENT_SERIAL']
    assert f"notAfter={sent['SSL_CLIENT_V_END']}\n" in end
    assert time.strptime(sent['TLS_CLIENT_NOT_AFTER'], '%Y-%m-%dT%H:%M:%SZ') == \
        time.strptime(sent['SSL_CLIENT_V_END'], '%b %d %H:%M:%S %Y GMT')
    assert ssl.PEM_cert_to_DER_cert(sent['TLS_CLIENT_CERT']) == der
    assert sent['SSL_CLIENT_CERT'] == sent['TLS_CLIENT_CERT']


@BOTH
@pytest.mark.parametrize('wrong', ['absent', 'expired', 'stranger'])
def test_client_certificate_is_required(servers, pki, stranger, version, wrong):
    echo = start_echo(servers, 'https://127.0.0.1:0', *pki.server, pki.cert)
    cert = {'absent': None, 'expired': pki.expired, 'stranger': stranger.client}[wrong]
    with pytest.raises(ssl.SSLError, match='(?i)alert'):  # and not a reset: it can be read why
        client_params(echo, pki.context(version, cert=cert))
    logged(echo, 'reason=tls-handshake')
    assert client_params(echo, pki.context(version, cert=pki.client))


@BOTH
def test_client_certificate_is_optional(servers, pki, stranger, version):
    echo = start_echo(servers, 'https://127.0.0.1:0', *pki.server, pki.cert, 'optional')
    assert client_params(echo, pki.context(version)) == {'TLS_CLIENT_VERIFY': 'NONE',
                                                         'SSL_CLIENT_VERIFY': 'NONE'}
    for cert, reason in ((pki.expired, 'certificate has expired'), (stranger.client, 'issuer')):
        sent = client_params(echo, pki.context(version, cert=cert))
        assert set(sent) == {'TLS_CLIENT_VERIFY', 'SSL_CLIENT_VERIFY'}
        assert sent['TLS_CLIENT_VERIFY'].startswith('FAILED:') and reason in sent['TLS_CLIENT_VERIFY']
    sent = client_params(echo, pki.context(version, cert=pki.client))
    assert sent['TLS_CLIENT_VERIFY'] == 'SUCCESS'


@BOTH
def test_resumption_keeps_the_client(servers, pki, version):
    echo = start_echo(servers, 'https://127.0.0.1:0', *pki.server, pki.cert)
    context = pki.context(version, cert=pki.client)
    session, first = None, None
    for resumed in (False, True):
        with TlsClient(echo.address, context, session=session) as client:
            sent = client.request('GET', '/').json()['params']
            assert client.sock.session_reused == resumed
            facts = {name: value for name, value in sent.items() if 'CLIENT' in name}
            session, first = client.sock.session, first or facts
    assert facts == first


def test_a_session_does_not_outlive_its_certificate(servers, pki):
    """A resumed session is judged again: its certificate may have expired meanwhile."""
    echo = start_echo(servers, 'https://127.0.0.1:0', *pki.server, pki.cert)
    short = short_lived(pki, seconds=3)
    context = pki.context(V12, cert=short)
    with TlsClient(echo.address, context) as client:
        assert client.request('GET', '/').status == 200
        session = client.sock.session
    time.sleep(4)
    with pytest.raises((OSError, EOFError)):
        with TlsClient(echo.address, context, session=session) as client:
            assert client.sock.session_reused
            client.request('GET', '/')
    logged(echo, 'certificate has expired')


def short_lived(pki, seconds):
    cert, key = pki.issue('short')
    now = time.time()
    stamp = [time.strftime('%Y%m%d%H%M%SZ', time.gmtime(now + at)) for at in (-60, seconds)]
    config = pki.folder / 'ca.conf'
    config.write_text(f'[ca]\ndefault_ca=x\n[x]\ndatabase={pki.folder}/index\nserial={pki.folder}/number\n'
                      f'new_certs_dir={pki.folder}\ndefault_md=sha256\npolicy=any\n[any]\n'
                      'commonName=supplied\n')
    (pki.folder / 'index').write_text('')
    (pki.folder / 'number').write_text('4001\n')
    subprocess.run(['openssl', 'ca', '-batch', '-config', config, '-cert', pki.cert, '-keyfile',
                    pki.key, '-in', pki.folder / 'short.csr', '-out', cert, '-startdate', stamp[0],
                    '-enddate', stamp[1], '-notext'], check=True, capture_output=True)
    return cert, key


# ---- Options -------------------------------------------------------------------------------------

def run(*argv):
    return subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20)


def test_what_is_wrong_with_the_files(pki, stranger, tmp_path):
    cert, key = pki.server
    nonsense = tmp_path / 'nonsense.pem'
    nonsense.write_text('nonsense')
    locked = tmp_path / 'locked.key'
    run('openssl', 'ec', '-in', key, '-aes128', '-passout', 'pass:secret', '-out', locked)
    for argv, words in (
            ([tmp_path / 'none.pem', key], ['none.pem', 'No such file']),
            ([cert, tmp_path / 'none.key'], ['none.key', 'No such file']),
            ([nonsense, key], ['nonsense.pem', 'no start line']),
            ([cert, stranger.server[1]], [str(stranger.server[1]), 'mismatch']),
            ([cert, locked], ['locked.key', 'password']),
            ([cert, key, tmp_path / 'none.pem'], ['none.pem', 'No such file']),
            ([cert, key, nonsense], ['nonsense.pem'])):
        done = run(BUILD / 'examples' / 'echo', 'https://127.0.0.1:0', *argv)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize('options', [
    [], ['--key', 'x'], ['--cert', '/none'], ['--client-verify', 'optional'],
    ['--client-verify', 'maybe'], ['--backend-key', 'x']], ids=' '.join)
def test_weir_says_what_is_wrong(options):
    done = run(BUILD / 'weir', '--listen', 'https://127.0.0.1:0', '--to', 'fcgi://127.0.0.1:1',
               *options)
    assert done.returncode in (1, 2) and done.stderr.startswith('weir: ')
    assert len(done.stderr.splitlines()) == 1


# ---- weir in front, and towards backends ---------------------------------------------------------

def test_what_weir_tells_its_backend(servers, pki):
    backend = servers.example('echo', f'fcgi+unix:{servers.folder}/echo.sock')
    weir = start_weir(servers, backend.url, *cert_options(pki.server), '--client-ca', pki.cert)
    with TlsClient(weir.address, pki.context(V13, cert=pki.client)) as client:
        told = client.request('GET', '/', [('TLS-Client-Subject', 'CN=Mallory'),
                                           ('SSL-Client-Verify', 'FAILED')]).json()
        sent = told['params']
        assert sent['HTTPS'] == 'on' and sent['REQUEST_SCHEME'] == 'https'
        assert sent['TLS_PROTOCOL'] == sent['SSL_PROTOCOL'] == 'TLSv1.3'
        assert sent['TLS_CLIENT_VERIFY'] == sent['SSL_CLIENT_VERIFY'] == 'SUCCESS'
        assert sent['TLS_CLIENT_SUBJECT'] == sent['SSL_CLIENT_S_DN'] == 'CN=Ann\\, the first,O=Example'
        assert 'TLS_CLIENT_CERT' not in sent and 'SSL_CLIENT_CERT' not in sent
        assert told['headers']['tls-client-subject'] == 'CN=Mallory'


@pytest.fixture
def secure_echo(servers, pki):
    """echo over fcgis that wants to know its proxies."""
    return start_echo(servers, 'fcgis://127.0.0.1:0', *pki.server, pki.cert)


def towards(servers, backend, ca, cert=None, port=None):
    """weir on http towards an fcgis backend."""
    options = ['--backend-ca', ca]
    if cert:
        options += ['--backend-cert', cert[0], '--backend-key', cert[1]]
    return start_weir(servers, f'fcgis://localhost:{backend.port}', *options,
                      listen='http://127.0.0.1:0')


def test_fcgis(servers, pki, secure_echo):
    weir = towards(servers, secure_echo, pki.cert, pki.client)
    with Client(weir.address) as client:
        assert client.request('GET', '/x').json()['request']['target'] == '/x'
        assert 'HTTPS' not in client.request('GET', '/').json()['params']
        body = body_of(BIG)
        told = client.request('POST', '/', body=body).json()['body']
        assert told == {'length': BIG, 'sha256': sha256(body), 'complete': True}
        response = client.request('GET', '/?stream=1024&size=65536')
        assert response.sha256 == stream_sha256(1024, 65536) and not response.broken


def test_tls_on_both_sides(servers, pki, secure_echo):
    weir = start_weir(servers, f'fcgis://127.0.0.1:{secure_echo.port}', *cert_options(pki.server),
                      '--backend-ca', pki.cert, '--backend-cert', pki.client[0],
                      '--backend-key', pki.client[1])
    with TlsClient(weir.address, pki.context()) as client:
        body = body_of(BIG)
        assert client.request('POST', '/', body=body).json()['body']['sha256'] == sha256(body)
        response = client.request('GET', '/?stream=1024&size=65536')
        assert response.sha256 == stream_sha256(1024, 65536) and not response.broken


def test_fcgis_to_an_unknown_server(servers, stranger, secure_echo, pki):
    weir = towards(servers, secure_echo, stranger.cert, pki.client)
    response = get(weir.address)
    assert response.status == 502 and 'reason=tls-certificate-refused' in weir.log()
    assert 'self-signed certificate' in weir.log() or 'issuer' in weir.log()


def test_fcgis_without_a_client_certificate(servers, secure_echo, pki):
    weir = towards(servers, secure_echo, pki.cert)
    assert get(weir.address).status == 502
    assert 'certificate required' in weir.log()


def test_fcgis_to_a_server_of_another_name(servers, pki):
    backend = start_echo(servers, 'fcgis://127.0.0.1:0', *pki.issue('other', 'DNS:other.example'))
    weir = towards(servers, backend, pki.cert)
    assert get(weir.address).status == 502
    assert 'reason=tls-certificate-refused' in weir.log() and 'hostname mismatch' in weir.log()


def test_fcgis_to_a_server_without_tls(servers, pki):
    backend = servers.example('hello', 'fcgi://127.0.0.1:0')
    weir = towards(servers, backend, pki.cert)
    assert get(weir.address).status == 502


def test_fcgi_records_over_tls(pki, secure_echo):
    """A client of our own: the listener speaks FastCGI as any other."""
    context = pki.context(cert=pki.client)
    with Application(secure_echo.address) as app:
        app.sock = context.wrap_socket(app.sock, server_hostname='localhost')
        for _ in range(3):
            app.send(request(values=params(), body=b'hello'))
            assert app.reply().status == 200


# ---- Reloading -----------------------------------------------------------------------------------

def test_reload_under_load(servers, pki, tmp_path):
    """New connections get the new certificate, those that stand go on; nothing fails meanwhile."""
    backend = servers.example('hello', f'fcgi+unix:{servers.folder}/hello.sock')
    cert, key = tmp_path / 'cert.pem', tmp_path / 'key.pem'

    def install(pair):
        for source, target in zip(pair, (cert, key)):
            fresh = target.with_suffix('.new')
            fresh.write_bytes(source.read_bytes())
            fresh.rename(target)

    pairs = [pki.issue(f'generation-{i}') for i in range(4)]
    install(pairs[0])
    weir = start_weir(servers, backend.url, '--cert', cert, '--key', key, '--threads', '2')
    context = pki.context()
    stop, failures, done = threading.Event(), [], []

    def load():
        try:
            while not stop.is_set():
                with TlsClient(weir.address, context) as client:
                    for _ in range(5):
                        assert client.request('GET', '/').status == 200
                done.append(1)
        except Exception as error:  # told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    with TlsClient(weir.address, context) as old:
        for thread in threads:
            thread.start()
        for generation, pair in enumerate(pairs[1:], 1):
            install(pair)
            weir.process.send_signal(signal.SIGHUP)
            logged(weir, 'certificates reloaded', generation)
            with TlsClient(weir.address, context) as client:
                assert client.subject() == f'generation-{generation}'
        stop.set()
        for thread in threads:
            thread.join(30)
        assert old.request('GET', '/').status == 200 and old.subject() == 'generation-0'
    assert not failures and done


def test_reload_of_bad_files(servers, pki, tmp_path):
    backend = servers.example('hello', f'fcgi+unix:{servers.folder}/hello.sock')
    cert = tmp_path / 'both.pem'  # certificate and key in one file
    cert.write_bytes(pki.server[0].read_bytes() + pki.server[1].read_bytes())
    weir = start_weir(servers, backend.url, '--cert', cert)
    cert.write_text('nonsense')
    weir.process.send_signal(signal.SIGHUP)
    logged(weir, 'certificates not reloaded, the old ones stay: cannot use certificate')
    assert get_over_tls(weir, pki) == 200


def get_over_tls(server, pki):
    with TlsClient(server.address, pki.context()) as client:
        return client.request('GET', '/').status


def test_no_resumption_across_a_reload(servers, pki):
    """What was trusted before is looked at again."""
    backend = servers.example('hello', f'fcgi+unix:{servers.folder}/hello.sock')
    weir = start_weir(servers, backend.url, *cert_options(pki.server))
    context = pki.context(V12)
    with TlsClient(weir.address, context) as client:
        client.request('GET', '/')
        session = client.sock.session
    weir.process.send_signal(signal.SIGHUP)
    logged(weir, 'certificates reloaded')
    with TlsClient(weir.address, context, session=session) as client:
        assert client.request('GET', '/').status == 200 and not client.sock.session_reused


# ---- The accessors of weir/tls.h, in the example ----------------------------------------------------

def start_tls_example(servers, url, *argv):
    return servers.start('tls', [BUILD / 'examples' / 'tls', url, *argv], clean=True,
                         ready=r'^tls: listening on (\S+)$')


def facts(response):
    return dict(line.partition(' ')[::2] for line in response.body.decode().splitlines()
                if not line.startswith('not after')), response.body.decode()


def test_accessors_over_https(servers, pki):
    example = start_tls_example(servers, 'https://127.0.0.1:0', *pki.server, pki.cert)
    with TlsClient(example.address, pki.context(V13, pki.client, ['http/1.1'])) as client:
        told, text = facts(client.request('GET', '/'))
        assert told['Hello,'] == 'CN=Ann\\, the first,O=Example'
        assert told['protocol'] == 'TLSv1.3' and told['cipher'] == client.sock.cipher()[0]
        assert told['sni'] == 'localhost' and told['alpn'] == 'http/1.1'
        assert told['verify'] == '1' and told['issuer'] == 'CN=Test CA'
        not_after = int(text.split('not after ')[1])
        assert 29 * 86400 < not_after - time.time() <= 30 * 86400
        example.process.send_signal(signal.SIGHUP)
        logged(example, 'certificates reloaded')
        assert client.request('GET', '/').status == 200
    with TlsClient(example.address, pki.context(V12, pki.expired)) as client:
        told, text = facts(client.request('GET', '/'))
        assert told['Hello,'] == 'stranger' and told['verify'] == '2' and told['issuer'] == '-'
        assert 'not after -1' in text


def test_accessors_over_fastcgi(servers):
    """The parameters speak; headers of the same names do not."""
    example = start_tls_example(servers, f'fcgi+unix:{servers.folder}/tls.sock')

    def ask(**more):
        with Application(example.address) as app:
            app.send(request(values=params(**more)))
            return app.reply()

    assert ask().status == 403
    assert ask(HTTP_HTTPS='on', HTTP_TLS_PROTOCOL='TLSv1.3').status == 403
    reply = ask(HTTPS='on', SSL_PROTOCOL='TLSv1.2', SSL_CLIENT_VERIFY='SUCCESS',
                SSL_CLIENT_S_DN='CN=Ann', HTTP_TLS_CLIENT_SUBJECT='CN=Mallory')
    assert reply.status == 200 and b'Hello, CN=Ann\nprotocol TLSv1.2\n' in reply.body
    assert b'stranger' in ask(HTTPS='on', HTTP_SSL_CLIENT_VERIFY='SUCCESS',
                              HTTP_SSL_CLIENT_S_DN='CN=Mallory').body


def test_hello_needs_a_certificate():
    done = run(BUILD / 'examples' / 'hello', 'https://127.0.0.1:0')
    assert done.returncode == 1 and 'TLS needs a certificate' in done.stderr
