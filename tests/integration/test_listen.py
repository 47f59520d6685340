"""Listening: sockets with owners, from systemd and spawn-fcgi; who may connect; many addresses."""
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from fcgi_peer import KEEP_CONN, PARAMS, STDIN, Application, begin, pairs, params, record, request
from http_peer import Client, get
from pki import Authority, TlsClient
from server import BUILD, ROOT, connect, free_port

HELLO = BUILD / 'examples' / 'hello'
WEIR = BUILD / 'weir'
SPAWN = ROOT / 'tests' / 'integration' / 'spawn.py'
NOBODY = 4000000001  # a user that this test is not


def run(*argv, env=None):
    return subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=20, env={**os.environ, **(env or {})})


def spawn(servers, argv, *how, fds=(), address=None, **more):
    """A program started by spawn.py; fds are pairs of a socket and the number it gets."""
    moves = [f'{sock.fileno()}={number}' for sock, number in fds]
    ready = None if address else r'listening on (\S+)$'
    return servers.start('spawned', [sys.executable, SPAWN, *how, *moves, '--', *argv],
                         pass_fds=[sock.fileno() for sock, _ in fds], address=address, ready=ready,
                         clean=True, **more)


def answers(address):
    """Whether a FastCGI request there is answered."""
    with Application(address) as app:
        app.send(request())
        return app.reply().status == 200


def is_refused(address):
    """Whether connections are closed before anything was said. A request may be cut off as well."""
    with connect(address) as sock:
        try:
            sock.sendall(request())
            return sock.recv(1) == b''
        except ConnectionError:
            return True


def wait_for(condition, what):
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.01)


# the files of UNIX sockets

def test_mode_and_owner(servers):
    path = servers.folder / 's.sock'
    for options, mode in (('mode=0600', 0o600), ('mode=666', 0o666),
                          (f'group={os.getgid()}', 0o660),
                          (f'owner={os.getuid()}&mode=0640', 0o640)):
        server = servers.example('hello', f'fcgi+unix:{path}?{options}')
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == mode
        assert (found.st_uid, found.st_gid) == (os.getuid(), os.getgid())
        assert server.url == f'fcgi+unix:{path}'  # without the options
        assert answers(path)
        server.terminate()
        assert server.wait() == 0 and not path.exists()
    assert not list(servers.folder.glob('s.sock*'))


def test_the_file_appears_when_all_is_set(servers):
    """Under its own name it never has other permissions, and always answers."""
    path, log = servers.folder / 's.sock', servers.folder / 'trace'
    strace = subprocess.Popen(['strace', '-f', '-qq', '-o', log, '-e',
                               'trace=bind,listen,%file,fchmod', HELLO,
                               f'fcgi+unix:{path}?mode=0666&owner={os.getuid()}'],
                              stderr=subprocess.DEVNULL,
                              env={**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0'})  # it traces too
    try:
        wait_for(path.exists, 'no socket')
        assert answers(path)
    finally:
        children = pathlib.Path(f'/proc/{strace.pid}/task/{strace.pid}/children').read_text()
        os.kill(int(children.split()[0]), signal.SIGTERM)
        assert strace.wait(20) == 0
    calls = re.findall(r'^\d+ +(\w+)\(.*$', log.read_text(), re.M)
    lines = log.read_text().splitlines()
    steps = [next(i for i, line in enumerate(lines) if re.search(pattern, line)) for pattern in (
        r'fchmod\(\d+, 0600\)', r'bind\(.*s\.sock\.', r'chown', r'chmod.*0666', r'listen\(',
        r'rename.*s\.sock')]
    assert calls and steps == sorted(steps), '\n'.join(lines)
    assert not re.search(r'bind\(.*s\.sock"', log.read_text())


def test_relative_and_abstract(servers):
    name = f'@weir-test-{os.getpid()}'
    server = servers.example('hello', f'fcgi+unix:{name}')
    assert server.url == f'fcgi+unix:{name}' and answers(name)
    done = run(HELLO, f'fcgi+unix:{name}')
    assert done.returncode > 0 and 'in use' in done.stderr

    server = servers.start('hello', [HELLO, 'fcgi+unix:relative.sock'], clean=True,
                           address=servers.folder / '1-hello' / 'relative.sock')
    assert answers(server.address)
    server.terminate()
    assert server.wait() == 0 and not server.address.exists()


def test_a_stranger_s_file_is_not_removed(servers):
    path = servers.folder / 's.sock'
    server = servers.example('hello', f'fcgi+unix:{path}')
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        server.terminate()
        assert server.wait() == 0
        assert path.exists()


def test_a_full_backlog_is_no_dead_socket(servers):
    """A server that is too busy to accept keeps its name."""
    path = servers.folder / 's.sock'
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = []
        while True:
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            waiting.append(client)
            try:
                client.connect(str(path))
            except BlockingIOError:
                break
        done = run(HELLO, f'fcgi+unix:{path}')
        assert done.returncode > 0 and 'in use' in done.stderr
        for client in waiting:
            client.close()


# who may connect

@pytest.mark.parametrize('scheme', ['fcgi', 'http'])
def test_allowed_users(servers, scheme):
    for allow, welcome in ((f'{os.getuid()}', True), (f'{NOBODY},{os.getuid()}', True),
                           (f'{NOBODY}', False)):
        server = servers.example('hello', f'{scheme}+unix:{servers.folder}/s.sock?allow={allow}')
        if not welcome:
            assert is_refused(server.address)
            assert re.search(r'warning: reason=peer-not-allowed listener=\S+ '
                             rf'peer=uid={os.getuid()},pid=\d+$', server.log(), re.M)
        elif scheme == 'fcgi':
            assert answers(server.address)
        else:
            assert get(server.address).status == 200
        server.terminate()
        assert server.wait() == 0


def test_refusals_do_not_fill_the_log(servers):
    server = servers.example('hello', f'fcgi+unix:{servers.folder}/s.sock?allow={NOBODY}')
    started = time.monotonic()
    for _ in range(500):
        connect(server.address).close()
    assert is_refused(server.address)
    lines = server.log().count('reason=peer-not-allowed')
    assert 1 <= lines <= 2 + (time.monotonic() - started)
    time.sleep(1.1)  # the next line of this kind
    assert is_refused(server.address)
    held = sum(int(n) for n in re.findall(r'\(and (\d+) before\)$', server.log(), re.M))
    assert held + server.log().count('reason=peer-not-allowed') == 1 + 500 + 2  # with the probe


@pytest.mark.parametrize('scheme', ['fcgi', 'http'])
def test_allowed_addresses(servers, scheme):
    for allow, welcome in (('127.0.0.1', True), ('127.0.0.0/8', True), ('::ffff:127.0.0.1', True),
                           ('192.0.2.1', False), ('::1', False), ('::1,10.0.0.0/8', False)):
        server = servers.example('hello', f'{scheme}://127.0.0.1:0?allow={allow}')
        if not welcome:
            assert is_refused(server.address)
            assert 'reason=peer-not-allowed' in server.log() and 'peer=127.0.0.1' in server.log()
        elif scheme == 'fcgi':
            assert answers(server.address)
        else:
            assert get(server.address).status == 200


def test_ipv4_peers_of_an_ipv6_socket(servers):
    for allow, v4, v6 in (('127.0.0.1', True, False), ('::1', False, True)):
        server = servers.example('hello', f'fcgi://*:0?allow={allow}')
        port = re.search(r'listening on fcgi://\[::\]:(\d+)', server.log()).group(1)
        assert (not is_refused(('127.0.0.1', port))) == v4
        assert (not is_refused(('::1', port))) == v6


# FCGI_WEB_SERVER_ADDRS: requirements 9 to 12, 131

def test_web_server_addresses(servers):
    """REQ(9, 10, 12): who is in the list is served, others are closed right after accept."""
    for addresses, welcome in (('127.0.0.1', True), ('192.0.2.1,127.0.0.1', True),
                               ('::1,127.0.0.1', True), ('::ffff:127.0.0.1', True),
                               ('192.0.2.1', False), ('192.0.2.1,::1', False)):
        server = servers.example('hello', 'fcgi://127.0.0.1:0',
                                 env={'FCGI_WEB_SERVER_ADDRS': addresses})
        if welcome:
            assert answers(server.address)
        else:
            assert is_refused(server.address)
            assert 'reason=peer-not-in-FCGI_WEB_SERVER_ADDRS' in server.log()
            assert 'peer=127.0.0.1' in server.log()


def test_web_server_addresses_and_ipv6(servers):
    server = servers.example('hello', 'fcgi://[::1]:0', env={'FCGI_WEB_SERVER_ADDRS': '0::1'})
    assert answers(server.address)
    server = servers.example('hello', 'fcgi://[::1]:0', env={'FCGI_WEB_SERVER_ADDRS': '127.0.0.1'})
    assert is_refused(server.address)


def test_web_server_addresses_hold_no_unix_socket(servers):
    """REQ(11): a peer that is not TCP/IP is in no list."""
    server = servers.example('hello', f'fcgi+unix:{servers.folder}/s.sock?allow={os.getuid()}',
                             env={'FCGI_WEB_SERVER_ADDRS': '127.0.0.1'})
    assert is_refused(server.address)


def test_web_server_addresses_come_on_top_of_allow(servers):
    server = servers.example('hello', 'fcgi://127.0.0.1:0?allow=192.0.2.1',
                             env={'FCGI_WEB_SERVER_ADDRS': '127.0.0.1'})
    assert is_refused(server.address)


def test_web_server_addresses_are_for_fastcgi(servers):
    for addresses in ('192.0.2.1', 'nonsense'):
        server = servers.example('hello', 'http://127.0.0.1:0',
                                 env={'FCGI_WEB_SERVER_ADDRS': addresses})
        assert get(server.address).status == 200


@pytest.mark.parametrize('addresses', ['', '127.0.0.1,', '127.0.0.1 ', '127.0.0.256', 'localhost',
                                       '127.0.0.0/8', '127.1'])
def test_malformed_web_server_addresses(addresses):
    """REQ(12, 131)"""
    done = run(HELLO, 'fcgi://127.0.0.1:0', env={'FCGI_WEB_SERVER_ADDRS': addresses})
    assert done.returncode > 0
    assert f'FCGI_WEB_SERVER_ADDRS is "{addresses}"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


# descriptor 0: requirements 2 to 5

@pytest.mark.parametrize('family', [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
@pytest.mark.parametrize('argv', [[], ['fcgi+fd:0']])
def test_descriptor_0(servers, family, argv):
    with socket.socket(family) as listener:
        address = {socket.AF_INET: ('127.0.0.1', 0), socket.AF_INET6: ('::1', 0),
                   socket.AF_UNIX: f'{servers.folder}/s.sock'}[family]
        listener.bind(address)
        listener.listen()
        server = spawn(servers, [HELLO, *argv], fds=[(listener, 0)])
        assert answers(server.address)
        name = listener.getsockname()
        assert server.address == (name if family == socket.AF_UNIX else name[:2])
        server.terminate()
        assert server.wait() == 0
        if family == socket.AF_UNIX:
            assert os.path.exists(address)  # who made it removes it


def test_descriptor_0_over_http(servers):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        server = spawn(servers, [HELLO, 'http+fd:7'], fds=[(listener, 7)])
        assert get(server.address).body == b'Hello, world\n'


def test_descriptors_that_do_not_listen(servers):
    with socket.socket() as fresh, open(HELLO, 'rb') as file:
        for url, fds, what in (('fcgi+fd:9', [], 'is not open'),
                               ('fcgi+fd:9', [(file, 9)], 'is not a socket'),
                               ('fcgi+fd:9', [(fresh, 9)], 'is not a listening socket')):
            moves = [f'{sock.fileno()}={number}' for sock, number in fds]
            done = subprocess.run([sys.executable, SPAWN, *moves, '--', HELLO, url],
                                  pass_fds=[sock.fileno() for sock, _ in fds], text=True,
                                  capture_output=True, timeout=20)
            assert done.returncode > 0
            assert f'descriptor 9: it {what}; a listening stream socket is expected' in done.stderr
    done = run(HELLO)
    assert done.returncode > 0 and 'descriptor 0 is not a listening socket' in done.stderr


def test_output_descriptors_may_be_closed(servers):
    """FastCGI 2.2: what is written to 1 and 2 must not end up in a connection."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        address = listener.getsockname()
        server = spawn(servers, [HELLO], '--close', '1', '--close', '2', fds=[(listener, 0)],
                       address=address)
        assert answers(address)  # it has started
        folder = pathlib.Path(f'/proc/{server.pid}/fd')
        assert [os.readlink(folder / number) for number in '12'] == ['/dev/null'] * 2
        with Application(address) as app:
            app.send(record(PARAMS, 1, version=7))  # logged, and the connection closed
            assert app.at_end()
        assert answers(address)
        assert server.log() == ''


def test_without_stderr_syslog_is_told(servers):
    """Requirement 131."""
    log = servers.folder / 'trace'
    done = run('strace', '-f', '-qq', '-e', 'trace=connect', '-o', log, sys.executable, SPAWN,
               '--close', '2', '--', HELLO, 'fcgi://127.0.0.1:0',
               env={'FCGI_WEB_SERVER_ADDRS': 'nonsense', 'ASAN_OPTIONS': 'detect_leaks=0'})
    assert done.returncode == 1 and done.stderr == ''
    assert '/dev/log' in log.read_text()


@pytest.mark.parametrize('transport', ['tcp', 'unix'])
def test_spawn_fcgi(servers, transport):
    """Debian's spawn-fcgi, as it is used: detached, with a file that names the process."""
    pid_file = servers.folder / 'pid'
    port, path = free_port(), f'{servers.folder}/s.sock'
    where = ['-a', '127.0.0.1', '-p', str(port)] if transport == 'tcp' else ['-s', path]
    address = ('127.0.0.1', port) if transport == 'tcp' else path
    done = run('spawn-fcgi', *where, '-P', pid_file, '--', HELLO)
    assert done.returncode == 0, done.stderr
    pid = int(pid_file.read_text())
    try:
        assert answers(address)
        backend = f'fcgi://127.0.0.1:{port}' if transport == 'tcp' else f'fcgi+unix:{path}'
        assert get(servers.weir([backend]).address).body == b'Hello, world\n'
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(f'/proc/{pid}') or
                 ') Z ' in pathlib.Path(f'/proc/{pid}/stat').read_text(), 'it did not end')


def test_several_processes_share_a_socket(servers):
    """As spawn-fcgi -F starts them. None hangs when another was faster."""
    with socket.create_server(('127.0.0.1', 0), backlog=512) as listener:
        processes = [spawn(servers, [HELLO], fds=[(listener, 0)]) for _ in range(3)]
        for _ in range(300):
            assert answers(listener.getsockname())
        processes[0].terminate()
        assert processes[0].wait() == 0
        for _ in range(50):
            assert answers(listener.getsockname())


def test_a_socket_that_is_shut_down_by_others(servers):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        server = spawn(servers, [HELLO], fds=[(listener, 0)])
        listener.shutdown(socket.SHUT_RDWR)
        wait_for(lambda: 'reason=listener-lost' in server.log(), server.log())
        before = sum(os_times(server.pid))
        time.sleep(0.3)
        assert sum(os_times(server.pid)) - before <= 3  # of 30 ticks: it does not spin


def os_times(pid):
    """User and system time in ticks of 10 ms."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return int(fields[11]), int(fields[12])


# systemd

def test_systemd_sockets_by_name(servers):
    with socket.create_server(('127.0.0.1', 0)) as web, \
            socket.create_server(('127.0.0.1', 0)) as app:
        how = ('--systemd', 'web:app')
        fds = [(web, 3), (app, 4)]
        server = spawn(servers, [HELLO, 'http+systemd:web'], *how, fds=fds)
        assert get(web.getsockname()).body == b'Hello, world\n'
        assert server.address == web.getsockname()
        server = spawn(servers, [HELLO, 'fcgi+systemd:app'], *how, fds=fds)
        assert answers(app.getsockname())
        server = spawn(servers, [HELLO, 'fcgi+systemd:1'], *how, fds=fds)
        assert server.address == app.getsockname()
        done = subprocess.run([sys.executable, SPAWN, *how, f'{web.fileno()}=3', '--', HELLO,
                               'fcgi+systemd:other'], pass_fds=[web.fileno()], text=True,
                              capture_output=True, timeout=20)
        assert done.returncode > 0 and 'LISTEN_FDNAMES is "web:app"' in done.stderr


def test_several_systemd_listeners_in_one_process(servers):
    """weir takes two sockets of one environment, by two options."""
    backend = servers.example('hello', f'fcgi+unix:{servers.folder}/b.sock')
    with socket.create_server(('127.0.0.1', 0)) as one, \
            socket.create_server(('::1', 0), family=socket.AF_INET6) as two:
        spawn(servers, [WEIR, '--listen', 'http+systemd:one', '--listen', 'http+systemd:two',
                        '--to', backend.url, '--threads', '2'],
              '--systemd', 'one:two', fds=[(one, 3), (two, 4)])
        assert get(one.getsockname()).status == 200
        assert get(two.getsockname()[:2]).status == 200


def test_systemd_sockets_over_tls(servers):
    """A port below 1024 and a certificate for a process without privileges."""
    authority = Authority(servers.folder / 'ca')
    with socket.create_server(('127.0.0.1', 0)) as listener:
        spawn(servers, [BUILD / 'examples' / 'echo', 'https+systemd:web', *authority.issue('web')],
              '--systemd', 'web', fds=[(listener, 3)])
        with TlsClient(listener.getsockname(), authority.context()) as client:
            assert client.request('GET', '/').json()['params']['HTTPS'] == 'on'


def test_without_systemd():
    done = run(HELLO, 'fcgi+systemd:app')
    assert done.returncode > 0
    assert 'no sockets were passed' in done.stderr and '.socket unit' in done.stderr


def test_a_systemd_socket_is_there_for_the_next_process(servers):
    """Clients that connect while one process ends are served by the next one."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        address = listener.getsockname()
        old = spawn(servers, [BUILD / 'examples' / 'echo', 'fcgi+systemd:'], '--systemd', 'a',
                    fds=[(listener, 3)])
        busy = Application(address)
        busy.send(request(1, params(target='/?delay=400')))
        idle = Application(address)
        idle.send(request())
        assert idle.reply().status == 200  # so the slow request, sent before, has arrived
        old.terminate()
        assert idle.at_end()  # idle connections end, and before them the listener
        idle.close()
        waiting = Application(address)
        waiting.send(request())
        assert busy.reply().status == 200
        assert busy.at_end()
        assert old.wait() == 0
        spawn(servers, [HELLO, 'fcgi+systemd:'], '--systemd', 'a', fds=[(listener, 3)])
        assert waiting.reply().body == b'Hello, world\n'
        for app in (busy, waiting):
            app.close()


# addresses

def listening_on(server):
    return re.findall(r'listening on \w+://(\S+):(\d+)$', server.log(), re.M)


@pytest.mark.parametrize('threads', ['1', '3'])
def test_localhost_is_both(servers, threads):
    backend = servers.example('hello', f'fcgi+unix:{servers.folder}/b.sock')
    weir = servers.start('weir', [WEIR, '--listen', 'http://localhost:0', '--to', backend.url,
                                  '--threads', threads], clean=True,
                         ready=r'^weir: listening on (http://\[\S+)$')
    (v4, port), (v6, again) = listening_on(weir)
    assert (v4, v6) == ('127.0.0.1', '[::1]') and port == again != '0'
    for address in ('127.0.0.1', '::1'):
        assert get((address, int(port))).body == b'Hello, world\n'


@pytest.mark.parametrize('host, reached', [('*', ['127.0.0.1', '::1']), ('', ['127.0.0.1', '::1']),
                                           ('[::1]', ['::1']), ('127.0.0.1', ['127.0.0.1'])])
def test_hosts(servers, host, reached):
    server = servers.example('hello', f'http://{host}:0')
    port = int(listening_on(server)[0][1])
    for address in ('127.0.0.1', '::1'):
        if address in reached:
            assert get((address, port)).body == b'Hello, world\n'
        else:
            with pytest.raises(ConnectionRefusedError):
                connect((address, port))


def test_a_port_that_is_taken_on_one_address(servers):
    """No half of localhost is listened on."""
    with socket.create_server(('::1', 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        done = run(HELLO, f'http://localhost:{port}')
        assert done.returncode > 0 and f'[::1]:{port}: Address already in use' in done.stderr


def test_an_address_that_this_machine_does_not_have():
    done = run(HELLO, 'http://192.0.2.1:0')
    assert done.returncode > 0 and 'Cannot assign requested address' in done.stderr


def test_a_port_is_not_shared_by_accident(servers):
    """Threads share a port among themselves, not with those of another process."""
    backend = servers.example('hello', f'fcgi+unix:{servers.folder}/b.sock')
    first = servers.weir([backend], '--threads', '2')
    done = run(WEIR, '--listen', first.url, '--to', backend.url, '--threads', '2')
    assert done.returncode > 0 and 'in use' in done.stderr


# ending

def test_stop_ends_kept_fastcgi_connections(servers):
    """Idle ones at once; busy ones after END_REQUEST, even if the web server would keep them."""
    server = servers.example('echo', f'fcgi+unix:{servers.folder}/s.sock')
    with Application(server.address) as idle, Application(server.address) as busy, \
            Application(server.address) as uploading:
        uploading.send(begin(1, flags=KEEP_CONN),
                       record(PARAMS, 1, pairs(params('POST', '/', CONTENT_LENGTH='4'))),
                       record(PARAMS, 1), record(STDIN, 1, b'ab'))
        busy.send(request(1, params(target='/?delay=300')))
        idle.send(request())
        assert idle.reply().status == 200
        server.terminate()
        assert idle.at_end()
        idle.close()
        assert not os.path.exists(server.address)  # another process may have it now
        reply = busy.reply()
        assert (reply.status, reply.app_status, reply.protocol_status) == (200, 0, 0)
        assert busy.at_end()
        uploading.send(record(STDIN, 1, b'cd'), record(STDIN, 1))
        assert uploading.reply().status == 200
        assert uploading.at_end()
        assert server.wait() == 0


def test_the_address_is_free_while_requests_finish(servers):
    old = servers.example('echo', 'http://127.0.0.1:0')
    with Client(old.address) as busy, Client(old.address) as idle:
        busy.send_head('GET', '/?delay=500')
        assert idle.request('GET', '/').status == 200
        old.terminate()
        assert idle.at_end()
        new = servers.example('hello', old.url)
        assert get(new.address).body == b'Hello, world\n'
        assert old.process.poll() is None
        assert busy.response().status == 200
    assert old.wait() == 0


# resources

def test_out_of_descriptors(servers):
    """Connections wait until others have ended."""
    server = servers.start('hello', ['sh', '-c', 'ulimit -n 24; exec "$0" "$@"', HELLO,
                                     f'fcgi+unix:{servers.folder}/s.sock'], clean=True,
                           ready=r'^hello: listening on (\S+)$')
    kept = [Application(server.address) for _ in range(40)]
    wait_for(lambda: 'reason=accept-failed' in server.log(), server.log())
    assert 'Too many open files' in server.log()
    for app in kept[:39]:
        app.close()
    kept[39].send(request())
    assert kept[39].reply().status == 200
    kept[39].close()


def test_log_readers_may_go_away(servers):
    """A closed pipe at stderr does not end the program."""
    reader, writer = os.pipe()
    program = subprocess.Popen([HELLO, f'fcgi+unix:{servers.folder}/s.sock?allow={NOBODY}'],
                               stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
    os.close(writer)
    try:
        assert b'listening' in os.read(reader, 1000)
        os.close(reader)
        assert is_refused(f'{servers.folder}/s.sock')  # logs
        assert is_refused(f'{servers.folder}/s.sock')
        assert program.poll() is None
    finally:
        program.terminate()
        assert program.wait(20) == 0


# embedding

def test_embed(servers):
    app = servers.example('embed', 'http://127.0.0.1:0')
    first = int(get(app.address).body)
    wait_for(lambda: int(get(app.address).body) > first, 'the application does not run')
    with Client(app.address) as idle:
        assert idle.request('GET', '/').status == 200
        app.terminate()
        assert idle.at_end()
    assert app.wait() == 0
    ticks = [int(n) for n in re.findall(r'after (\d+) ticks', app.log())]
    assert len(ticks) == 2 and ticks[1] >= ticks[0] + 3  # it went on without the server


def test_embed_ends_by_itself():
    done = run(BUILD / 'examples' / 'embed', 'http://127.0.0.1:0', '1')
    assert done.returncode == 0 and 'the server has ended after 10 ticks' in done.stderr
    done = run(BUILD / 'examples' / 'embed', 'nonsense')
    assert done.returncode > 0 and done.stderr.startswith('embed: nonsense: not an address')
