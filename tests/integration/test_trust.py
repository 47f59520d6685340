"""What a client types never becomes what the proxy vouches for.

The backend is scripted, so that the tests see the parameters as weir sends them, before libweir
could put anything right; test_same_answer shows the other half."""
import pytest

from fcgi_peer import OK, Backend
from http_peer import Client, get

VOUCHED_FOR = {'GATEWAY_INTERFACE', 'SERVER_SOFTWARE', 'REQUEST_ID', 'REQUEST_SCHEME',
               'REMOTE_ADDR', 'REMOTE_PORT', 'SERVER_ADDR', 'SERVER_PORT', 'SERVER_NAME'}
REQUEST_LINE = {'REQUEST_METHOD', 'SERVER_PROTOCOL', 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO',
                'DOCUMENT_URI', 'QUERY_STRING', 'CONTENT_TYPE', 'CONTENT_LENGTH'}
SPELLINGS = ['Remote-Addr', 'Remote_Addr', 'REMOTE_ADDR', 'remote.addr', 'Remote-User',
             'REMOTE_USER', 'Auth-Type', 'Https', 'HTTPS', 'Server-Name', 'Server-Port',
             'Server_Port', 'Script-Filename', 'SCRIPT_FILENAME', 'Document-Root', 'Path-Info',
             'Redirect-Status', 'REDIRECT_STATUS', 'Request-Id', 'Request_Id', 'Gateway-Interface',
             'Content_Length', 'CONTENT_LENGTH', 'Content.Length', 'Content_Type',
             'Http-Host', 'HTTP_HOST', 'HTTP_COOKIE', 'Proxy', 'proxy', 'PROXY', 'Php-Value',
             'PHP_VALUE', 'PHP_ADMIN_VALUE', 'TLS-Client-Verify', 'SSL_CLIENT_VERIFY',
             'FCGI_ROLE', 'X-Real-IP', 'X_Real_IP', 'X-Forwarded-For', 'X_Forwarded_For',
             'X.Forwarded.For', 'Forwarded', "X!Forwarded", 'Client-Ip']


class Seen:
    """weir in front of a backend that remembers the parameters it was sent."""

    def __init__(self, servers):
        self.backend = Backend(servers.folder, self.answer)
        self.weir = servers.weir([self.backend.url])

    @staticmethod
    def answer(request):
        request.body()
        request.finish(OK)

    def params(self, headers, method='GET', target='/', body=None):
        """Sends one request and returns the parameters of it, each name once."""
        with Client(self.weir.address) as client:
            self.port = client.port
            assert client.request(method, target, headers, body).status == 200
        params = self.backend.requests[-1].params
        names = [name for name, _ in params]
        assert len(names) == len(set(names)), f'a name more than once: {sorted(names)}'
        return dict(params)

    def status(self, data):
        with Client(self.weir.address) as client:
            client.send(data)
            return client.response().status


@pytest.fixture(scope='module')
def seen(module_servers):
    seen = Seen(module_servers)
    yield seen
    seen.backend.close()
    assert not seen.backend.errors


def assert_vouched(seen, params):
    """What must hold in every request."""
    others = {name for name in params if not name.startswith('HTTP_')}
    assert others <= VOUCHED_FOR | REQUEST_LINE
    assert params['REMOTE_ADDR'] == '127.0.0.1'
    assert params['REMOTE_PORT'] == str(seen.port)
    assert params['SERVER_ADDR'] == '127.0.0.1'
    assert params['SERVER_PORT'] == str(seen.weir.port)
    assert params['REQUEST_SCHEME'] == 'http'
    assert params['GATEWAY_INTERFACE'] == 'CGI/1.1'
    assert not {'HTTP_PROXY', 'HTTP_REDIRECT_STATUS', 'HTTP_CONNECTION', 'HTTP_CONTENT_LENGTH',
                'HTTP_CONTENT_TYPE', 'HTTP_TRANSFER_ENCODING'} & set(params)


@pytest.mark.parametrize('name', SPELLINGS)
def test_one_forged_header(seen, name):
    params = seen.params([(name, 'forged')])
    assert_vouched(seen, params)
    forged = {key for key, value in params.items() if 'forged' in value}
    plain = name.replace('-', '').isalnum()
    dropped = name.lower() in ('proxy', 'redirect-status')
    assert forged == ({'HTTP_' + name.upper().replace('-', '_')} if plain and not dropped else set())


def test_all_at_once(seen):
    params = seen.params([(name, 'forged') for name in SPELLINGS])
    assert_vouched(seen, params)
    assert params['HTTP_X_REAL_IP'] == 'forged'  # a header stays a header


@pytest.mark.parametrize('other', ['X_Under', 'X.Under', 'X!Under', "X'Under"])
@pytest.mark.parametrize('order', [1, -1])
def test_two_spellings_of_one_parameter(seen, other, order):
    """The one with a hyphen is the header; no other spelling takes its place."""
    params = seen.params([('X-Under', 'good'), (other, 'evil')][::order])
    assert params['HTTP_X_UNDER'] == 'good'
    assert 'evil' not in params.values()


def test_repeated_headers_are_one_parameter(seen):
    params = seen.params([('X-Dup', 'a'), ('x-dup', 'b'), ('X-DUP', 'c'), ('Cookie', 'a=1'),
                          ('Cookie', 'b=2')])
    assert params['HTTP_X_DUP'] == 'a, b, c'
    assert params['HTTP_COOKIE'] == 'a=1; b=2'


@pytest.mark.parametrize('name', ['Remote-Addr', 'Authorization', 'Host', 'Content-Length',
                                  'Content-Type', 'Transfer-Encoding'])
def test_connection_options_remove_nothing_of_the_proxy(seen, name):
    params = seen.params([('Connection', f'{name}, close'), ('Content-Type', 'text/x')],
                         'POST', body=b'abc')
    assert_vouched(seen, params)
    assert params['CONTENT_LENGTH'] == '3' and params['CONTENT_TYPE'] == 'text/x'
    assert params['HTTP_HOST'] == f'127.0.0.1:{seen.weir.port}'


def test_hop_by_hop_headers_stay_here(seen):
    hops = ['Keep-Alive', 'Proxy-Connection', 'Proxy-Authorization', 'TE', 'Trailer', 'Upgrade',
            'HTTP2-Settings', 'X-Mine']
    params = seen.params([('Connection', 'keep-alive, x-mine')] + [(name, 'hop') for name in hops])
    assert_vouched(seen, params)
    assert 'hop' not in params.values()


def test_content_length_is_the_true_one(seen):
    assert seen.params([], 'POST', body=b'x' * 10)['CONTENT_LENGTH'] == '10'
    assert 'CONTENT_LENGTH' not in seen.params([])


def test_content_length_is_canonical(seen):
    with Client(seen.weir.address) as client:
        client.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0003\r\n\r\nabc')
        assert client.response().status == 200
    assert seen.backend.requests[-1].param('CONTENT_LENGTH') == '3'


def test_query_and_path_are_no_parameters(seen):
    params = seen.params([], target='/x/REMOTE_ADDR=6.6.6.6?REMOTE_ADDR=6.6.6.6&HTTPS=on')
    assert_vouched(seen, params)
    assert params['REQUEST_URI'] == '/x/REMOTE_ADDR=6.6.6.6?REMOTE_ADDR=6.6.6.6&HTTPS=on'


@pytest.mark.parametrize('length', [126, 127, 128, 129, 255, 256, 16383, 16384])
def test_lengths_at_the_limits_of_their_encoding(seen, length):
    value = 'v' * (length - 1) + 'w'
    params = seen.params([('X-' + 'n' * (min(length, 200) - 7), value), ('X-After', 'there')])
    assert_vouched(seen, params)
    assert params['HTTP_X_' + 'N' * (min(length, 200) - 7)] == value
    assert params['HTTP_X_AFTER'] == 'there'


def test_absolute_form_and_host_name_one_host(seen):
    authority = f'127.0.0.1:{seen.weir.port}'
    params = seen.params([('Host', authority)], target=f'http://{authority}/x?y')
    assert params['REQUEST_URI'].endswith('/x?y')
    assert params['HTTP_HOST'] == authority
    assert seen.status(f'GET http://{authority}/ HTTP/1.1\r\nHost: other.example\r\n\r\n'
                       .encode()) == 400


@pytest.mark.parametrize('host', ['a, b', 'a@b', 'a/b', 'a b', 'a?b', 'a#b', 'a\\b', 'a:b:c', 'a:70000',
                                  'a:-1', '[::1', '[::1]x', '[::1%25eth0]', 'a%41', '', '<a>', 'a^b'])
def test_hosts_that_are_none(seen, host):
    assert seen.status(f'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n'.encode()) == 400


def test_host_must_be_there_once(seen):
    assert seen.status(b'GET / HTTP/1.1\r\n\r\n') == 400
    assert seen.status(b'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n') == 400


def test_server_name_is_the_host_without_port(seen):
    params = seen.params([('Host', 'Shop.Example:1234')])
    assert params['SERVER_NAME'] == 'shop.example'
    assert params['SERVER_PORT'] == str(seen.weir.port)
    assert params['HTTP_HOST'] == 'Shop.Example:1234'


def test_request_ids_differ(seen):
    first, second = seen.params([]), seen.params([('Request-Id', 'mine')])
    assert first['REQUEST_ID'] != second['REQUEST_ID'] != 'mine'


def test_echo_keeps_the_classes_apart(servers):
    backend = servers.example('echo', f'fcgi+unix:{servers.folder}/echo.sock')
    answer = get(servers.weir([backend]).address,
                 headers=[(name, 'forged') for name in SPELLINGS]).json()
    assert 'forged' not in answer['params'].values()
    assert answer['params']['REMOTE_ADDR'] == '127.0.0.1'
    assert answer['headers']['remote-addr'] == 'forged'
    assert not {'proxy', 'redirect-status'} & set(answer['headers'])
