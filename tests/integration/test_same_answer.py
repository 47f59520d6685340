"""One program, two addresses: echo on http: directly, and on FastCGI behind weir, gives the same
answer to the same request, apart from what only a proxy knows."""
import pytest

from http_peer import KIB, MIB, Client, body_of

ADDED_BY_WEIR = {'GATEWAY_INTERFACE', 'SERVER_SOFTWARE', 'REQUEST_ID'}
PORTS = {'REMOTE_PORT', 'SERVER_PORT'}  # there are two servers and a connection to each

HOST = ('Host', 'Shop.Example:8080')

REQUESTS = {
    'plain': ('GET', '/', []),
    'no query': ('GET', '/a', []),
    'empty query': ('GET', '/a?', []),
    'query': ('GET', '/a?b=c&d=%20&e=[1]', []),
    'question marks': ('GET', '/a?b?c', []),
    'encoded path': ('GET', '/a%20b/%C3%A9', []),
    'encoded slash': ('GET', '/a%2Fb', []),
    'plus': ('GET', '/a+b', []),
    'dots': ('GET', '/a/./b/../c', []),
    'double slash': ('GET', '//a///b', []),
    'absolute form': ('GET', 'http://shop.example:8080/x?y', []),
    'semicolon': ('GET', '/a;b=c', []),
    'unknown method': ('BREW', '/pot', []),
    'delete': ('DELETE', '/thing', []),
    'options': ('OPTIONS', '/thing', []),
    'put': ('PUT', '/thing', [], body_of(KIB)),
    'post': ('POST', '/', [('Content-Type', 'text/x; a="b"')], body_of(MIB)),
    'empty post': ('POST', '/', [('Content-Length', '0')]),
    'get with a body': ('GET', '/', [], b'abc'),
    'headers': ('GET', '/', [('Accept', 'text/html'), ('X-Empty', ''), ('x-lower', 'a'),
                             ('X-Quote', '"\\"'), ('X-Latin', 'caf\xe9'), ('Authorization', 'B x')]),
    'repeated': ('GET', '/', [('X-Dup', 'one'), ('x-dup', 'two'), ('Cookie', 'a=1'),
                              ('Cookie', 'b=2'), ('Accept', 'x'), ('Accept', 'y')]),
    'odd names': ('GET', '/', [('X_Under', '1'), ('X.Dot', '2'), ("X!~'", '3'), ('X-Real-IP', '4')]),
    'hop by hop': ('GET', '/', [('Connection', 'keep-alive, X-Hop'), ('X-Hop', '1'),
                                ('Keep-Alive', '5'), ('TE', 'trailers'), ('Proxy', 'evil')]),
    'long header': ('GET', '/', [('X-Long', 'v' * 20000)]),
    'long target': ('GET', '/' + 'p' * 7000, []),
    'head': ('HEAD', '/', []),
    'status 404': ('GET', '/?status=404', []),
    'status 204': ('GET', '/?status=204', []),
    'status 304': ('GET', '/?status=304', []),
    'streamed': ('GET', '/?stream=10&size=1000', []),
}
CHUNKED = {
    'chunked': ('POST', '/', [], body_of(10000), 999),
    'empty chunked': ('POST', '/', [], b'', 1),
}
# %2F in a path is refused, with a page of its own
NO_JSON = {'encoded slash': 400, 'head': 200, 'status 204': 204, 'status 304': 304, 'streamed': 200}


@pytest.fixture(scope='module')
def addresses(module_servers):
    direct = module_servers.example('echo', 'http://127.0.0.1:0')
    backend = module_servers.example('echo', f'fcgi+unix:{module_servers.folder}/echo.sock')
    return direct.address, module_servers.weir([backend]).address


def ask(address, method, target, headers, body=None, chunk=None):
    with Client(address) as client:
        response = client.request(method, target, [HOST, *headers], body, chunk)
        if response.header('connection') != 'close':
            assert client.request('GET', '/').status == 200  # the connection is still in step
        return response


@pytest.mark.parametrize('name', [*REQUESTS, *CHUNKED])
def test_same_answer(addresses, name):
    request = {**REQUESTS, **CHUNKED}[name]
    direct, proxied = (ask(address, *request) for address in addresses)
    assert proxied.status == direct.status
    assert proxied.header('content-type') == direct.header('content-type')
    assert not proxied.broken and not direct.broken
    if name in NO_JSON:
        assert direct.status == NO_JSON[name]
        assert proxied.length == direct.length
        if direct.status == 200:
            assert proxied.sha256 == direct.sha256
        return
    assert direct.header('content-type') == 'application/json'
    ours, theirs = direct.json(), proxied.json()
    ours_params, theirs_params = ours.pop('params'), theirs.pop('params')
    assert theirs == ours
    assert set(theirs_params) - set(ours_params) == ADDED_BY_WEIR
    for param in set(ours_params) - PORTS:
        assert theirs_params[param] == ours_params[param]
    assert ours_params['REMOTE_ADDR'] == '127.0.0.1'
