"""FastCGI applications that people run, started for tests: each on a UNIX socket, its URL in .url."""
import os
import shutil
import subprocess

from server import BUILD, ROOT

HERE = ROOT / 'tests' / 'integration'


def built(folder, name, command, source, env=None):
    """Builds a program of the tests into the build folder, if its source is newer."""
    program = folder / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(exist_ok=True)
        subprocess.run([*command, '-o', program, source], check=True, timeout=120,
                       env={**os.environ, **(env or {})})
    return program


def listening(server):
    server.url = f'fcgi+unix:{server.address}'
    return server


def socket_of(servers, name, argv):
    """A server that is given the path of a UNIX socket."""
    path = servers.folder / f'{name}.sock'
    return listening(servers.start(name, [word.format(socket=path) for word in argv], address=str(path)))


def start_go(servers):
    cache = BUILD.resolve() / 'integration' / 'go-cache'
    program = built(BUILD.resolve() / 'integration', 'go-fcgi', ['go', 'build'],
                    HERE / 'go' / 'main.go',
                    {'GOFLAGS': '-mod=mod', 'GOPROXY': 'off', 'GO111MODULE': 'off',
                     'GOCACHE': str(cache), 'HOME': str(cache)})
    return socket_of(servers, 'go', [str(program), '{socket}'])


def start_libfcgi(servers):
    program = built(BUILD.resolve() / 'integration', 'libfcgi-echo',
                    ['cc', '-O2', '-Wall', '-Wextra', '-Wl,--no-as-needed', '-lfcgi'],
                    HERE / 'libfcgi' / 'echo.c')
    return socket_of(servers, 'libfcgi', [str(program), '{socket}'])


def start_fcgiwrap(servers):
    """With the folder of its scripts."""
    root = servers.folder / 'cgi'
    shutil.copytree(HERE / 'cgi', root)
    # -c: processes, since each takes one request at a time
    return socket_of(servers, 'fcgiwrap', ['/usr/sbin/fcgiwrap', '-f', '-c', '4', '-s',
                                           'unix:{socket}']), root


def start_php(servers):
    """With the folder of its scripts."""
    root = servers.folder / 'www'
    shutil.copytree(HERE / 'php', root, ignore=shutil.ignore_patterns('*.conf'))
    sessions = servers.folder / 'sessions'
    sessions.mkdir()
    sessions.chmod(0o777)
    conf = servers.folder / 'fpm.conf'
    path = servers.folder / 'fpm.sock'
    conf.write_text((HERE / 'php' / 'fpm.conf').read_text()
                    .replace('fpm.sock', str(path)).replace('SESSIONS', str(sessions)))
    root_flag = ['-R'] if os.geteuid() == 0 else []
    return listening(servers.start('php-fpm', ['/usr/sbin/php-fpm8.2', '-F', '-n', *root_flag, '-y', conf],
                                   address=str(path))), root
