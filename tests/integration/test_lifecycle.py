"""Starting and ending: ready lines, errors that say what is wrong, and a graceful end."""
import os
import socket
import subprocess
import threading
import time

import pytest

from http_peer import Client, get
from server import BUILD, connect

HELLO = BUILD / 'examples' / 'hello'
WEIR = BUILD / 'weir'


def run(*argv, stdin=None):
    return subprocess.run([str(arg) for arg in argv], stdin=stdin or subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20)


def test_help_and_version():
    for option in ('--help', '--version'):
        done = run(WEIR, option)
        assert done.returncode == 0 and 'weir' in done.stdout and not done.stderr
    assert all(word in run(WEIR, '--help').stdout for word in
               ('--listen', '--to', '--threads', '--keepalive', '--root'))


@pytest.mark.parametrize('argv', [
    [], ['--listen', 'http://127.0.0.1:0'], ['--to', 'fcgi://127.0.0.1:1'],
    ['--listen', 'nonsense', '--to', 'fcgi://127.0.0.1:1'],
    ['--listen', 'http://127.0.0.1:0', '--to', 'http//x'],
    ['--listen', 'http://127.0.0.1:99999', '--to', 'fcgi://127.0.0.1:1'],
    ['--listen', 'http://127.0.0.1:0', '--to', 'fcgi://127.0.0.1:1', '--no-such-option'],
    ['--listen', 'http://127.0.0.1:0', '--to', 'fcgi://127.0.0.1:1', '--threads', 'many'],
    ['--listen', 'http://127.0.0.1:0', '--to', 'fcgi://127.0.0.1:1', '--threads', '0'],
    ['--listen', 'http://127.0.0.1:0', '--to', 'fcgi://127.0.0.1:1', '--keepalive', '-3'],
    ['--listen', 'http://127.0.0.1:0', '--to'],
    ['--listen', 'http://127.0.0.1:0', '--to', 'fcgi://127.0.0.1:1', 'leftover'],
], ids=' '.join)
def test_weir_says_what_is_wrong(argv):
    done = run(WEIR, *argv)
    assert done.returncode not in (0, None) and done.returncode > 0
    assert 'weir: ' in done.stderr and len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize('url', [[], ['nonsense'], ['fcgi://127.0.0.1'], ['fcgi://127.0.0.1:x'],
                                 ['fcgi+unix:/no/such/folder/x.sock'], ['fcgi+fd:77'],
                                 ['gopher://127.0.0.1:70']], ids=' '.join)
def test_examples_say_what_is_wrong(url):
    done = run(HELLO, *url)
    assert done.returncode > 0
    assert done.stderr.startswith('hello: ') and len(done.stderr.splitlines()) <= 3


def test_port_in_use():
    with socket.create_server(('127.0.0.1', 0)) as other:
        address = f'127.0.0.1:{other.getsockname()[1]}'
        for argv in ([WEIR, '--listen', f'http://{address}', '--to', 'fcgi://127.0.0.1:1'],
                     [HELLO, f'http://{address}'], [HELLO, f'fcgi://{address}']):
            done = run(*argv)
            assert done.returncode > 0
            assert address in done.stderr and 'in use' in done.stderr


def test_socket_in_use(servers):
    """A UNIX socket with a server behind it is not taken away."""
    first = servers.example('hello', f'fcgi+unix:{servers.folder}/s.sock')
    done = run(HELLO, first.url)
    assert done.returncode > 0 and 'in use' in done.stderr
    connect(first.address).close()


def test_socket_of_a_crashed_server_is_replaced(servers):
    url = f'fcgi+unix:{servers.folder}/s.sock'
    servers.example('hello', url).kill()
    assert os.path.exists(f'{servers.folder}/s.sock')
    backend = servers.example('hello', url)
    assert get(servers.weir([backend]).address).body == b'Hello, world\n'


def test_socket_is_gone_after_a_proper_end(servers):
    server = servers.example('hello', f'fcgi+unix:{servers.folder}/s.sock')
    server.terminate()
    assert server.wait() == 0
    assert not os.path.exists(server.address)


def test_something_that_is_no_socket_stays(servers):
    path = servers.folder / 'precious'
    path.write_text('data')
    assert run(HELLO, f'fcgi+unix:{path}').returncode > 0
    assert path.read_text() == 'data'


@pytest.mark.parametrize('scheme', ['http', 'http+unix', 'fcgi', 'fcgi+unix'])
def test_ready_line_tells_the_address(servers, scheme):
    url = f'{scheme}:{servers.folder}/s.sock' if 'unix' in scheme else f'{scheme}://127.0.0.1:0'
    server = servers.example('hello', url)
    assert server.url == url if 'unix' in scheme else server.port != 0
    assert server.log().splitlines() == [f'hello: listening on {server.url}']
    address = server.address if 'http' in scheme else servers.weir([server]).address
    assert get(address).body == b'Hello, world\n'


def test_several_listeners(servers):
    backend = servers.example('hello', f'fcgi+unix:{servers.folder}/s.sock')
    weir = servers.weir([backend], '--listen', f'http+unix:{servers.folder}/w.sock',
                        '--listen', 'http://127.0.0.1:0', '--threads', '2')
    assert get(weir.address).body == b'Hello, world\n'
    assert get(f'{servers.folder}/w.sock').body == b'Hello, world\n'
    assert weir.log().count('listening on') == 3


def test_socket_on_file_descriptor_0(servers):
    """As spawn-fcgi and inetd start FastCGI programs."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        program = subprocess.Popen([str(HELLO), 'fcgi+fd:0'], stdin=listener, stderr=subprocess.PIPE)
        try:
            port = listener.getsockname()[1]
            weir = servers.weir([f'fcgi://127.0.0.1:{port}'])
            assert get(weir.address).body == b'Hello, world\n'
        finally:
            program.terminate()
            assert program.wait(20) == 0, program.stderr.read()
            program.stderr.close()


def test_several_backends_take_turns(servers):
    backends = [servers.example('echo', f'fcgi+unix:{servers.folder}/{n}.sock') for n in range(3)]
    weir = servers.weir(backends)
    for _ in range(6):
        assert get(weir.address).status == 200
    backends[0].kill()
    for _ in range(6):
        assert get(weir.address, method='POST', body=b'x').status == 200  # the two others


def test_threads(servers):
    backend = servers.example('echo', f'fcgi+unix:{servers.folder}/s.sock')
    weir = servers.weir([backend], '--threads', '4')
    end = time.monotonic() + 20  # the threads start when the listeners stand
    while len(os.listdir(f'/proc/{weir.pid}/task')) < 4:
        assert time.monotonic() < end, 'fewer threads than asked for'
    clients = [Client(weir.address) for _ in range(32)]
    for client in clients:
        assert client.request('GET', '/').status == 200
        client.close()


def test_backend_may_come_back(servers):
    url = f'fcgi+unix:{servers.folder}/s.sock'
    backend = servers.example('hello', url)
    weir = servers.weir([backend])
    assert get(weir.address).status == 200
    backend.terminate()
    assert backend.wait() == 0
    assert get(weir.address).status == 502
    servers.example('hello', url)
    assert get(weir.address).status == 200


# the graceful end

def in_flight(address, target='/?delay=400'):
    """A request that is running, and a function that waits for its response."""
    client = Client(address)
    client.send_head('GET', target)
    result = []
    thread = threading.Thread(target=lambda: result.append(client.response()))
    thread.start()

    def finish():
        thread.join(30)
        assert result, 'no response'
        assert client.at_end()
        client.close()
        return result[0]
    return finish


@pytest.mark.parametrize('what', ['weir', 'http', 'backend'])
def test_sigterm_finishes_what_runs(servers, what):
    if what == 'http':
        server = target = servers.example('echo', 'http://127.0.0.1:0')
    else:
        backend = servers.example('echo', f'fcgi+unix:{servers.folder}/s.sock')
        target = servers.weir([backend])
        server = target if what == 'weir' else backend
    finish = in_flight(target.address)
    idle = Client(target.address)
    assert idle.request('GET', '/').status == 200  # so the slow request, sent before, has arrived
    server.terminate()
    if what == 'backend':
        target.terminate()
    response = finish()
    assert response.status == 200 and response.json() and not response.broken
    assert server.wait() == 0
    assert idle.at_end()
    idle.close()


def test_sigterm_finishes_a_running_download(servers):
    backend = servers.example('echo', f'fcgi+unix:{servers.folder}/s.sock')
    weir = servers.weir([backend])
    with Client(weir.address) as client:
        client.send_head('GET', '/?stream=256&size=65536')
        assert client._fill()
        weir.terminate()
        response = client.response()
        assert response.length == 256 * 65536 and not response.broken
    assert weir.wait() == 0


def test_no_new_connections_after_sigterm(servers):
    backend = servers.example('echo', f'fcgi+unix:{servers.folder}/s.sock')
    weir = servers.weir([backend])
    finish = in_flight(weir.address)
    probe = Client(weir.address)
    assert probe.request('GET', '/').status == 200
    weir.terminate()
    assert probe.at_end()  # idle connections end first, so the listener is closed by now
    with pytest.raises(OSError):
        connect(weir.address).recv(1)
        raise ConnectionError('accepted and closed')
    assert finish().status == 200
    assert weir.wait() == 0
