"""fcurl-static: one file that works where there is nothing else."""
import json
import os
import shutil
import subprocess

import pytest

from server import BUILD, free_port

ROOT = BUILD.resolve().parent


@pytest.fixture(scope='module')
def static():
    done = subprocess.run(['make', '-s', 'static', f'BUILD={BUILD}'], cwd=ROOT, capture_output=True, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-3000:]
    return BUILD / 'fcurl-static'


def test_one_small_file(static):
    assert static.stat().st_size <= 1 << 20
    headers = subprocess.run(['readelf', '-lS', static], capture_output=True, text=True, check=True).stdout
    assert 'INTERP' not in headers and 'DYNAMIC' not in headers and '.symtab' not in headers
    done = subprocess.run([static, '-V'], capture_output=True, text=True)
    assert done.stdout.startswith('fcurl ') and 'OpenSSL' not in done.stdout


def test_empty_chroot(static, servers):
    """A folder with nothing in it but the program; servers on a socket in it and on an address."""
    root = servers.folder / 'root'
    root.mkdir()
    shutil.copy(static, root / 'fcurl')
    servers.example('echo', f'fcgi+unix:{root}/app.sock')
    tcp = servers.example('echo', 'fcgi://127.0.0.1:0')

    def ask(*args, stdin=b''):
        return subprocess.run(['/fcurl', '-sS', *args], input=stdin, capture_output=True, timeout=20,
                              preexec_fn=lambda: (os.chroot(root), os.chdir('/')))

    for where in (['--unix-socket', '/app.sock', 'http://site.example/a'], [f'{tcp.url}/a']):
        done = ask('-d', 'x=y', *where)
        assert done.returncode == 0 and json.loads(done.stdout)['body']['length'] == 3, done.stderr
    done = ask('-T', '-', '--unix-socket', '/app.sock', 'http://a/', stdin=b'z' * 300000)
    assert json.loads(done.stdout)['body']['length'] == 300000, done.stderr
    done = ask('-o', '/out', '-w', '%{size_download} %{remote_ip} %{time_total}', '-F', 'f=@/fcurl',
               f'{tcp.url}/?stream=100&size=65536')
    assert done.returncode == 0 and done.stdout.startswith(b'6553600 127.0.0.1 0.'), done.stderr
    assert (root / 'out').stat().st_size == 6553600
    for args, code in ((['--ping', '--unix-socket', '/app.sock', 'http://a/'], 0),
                       (['fcgis://127.0.0.1:1/'], 4), ([f'fcgi://127.0.0.1:{free_port()}/'], 7),
                       (['fcgi://no-such-host.invalid/'], 6), (['-m', '0.2', f'{tcp.url}/?delay=5000'], 28)):
        assert ask(*args).returncode == code, ask(*args).stderr


def test_all_command_lines(static, servers):
    """Its C library is another one: what prints numbers, and decodes, does the same."""
    site = servers.start('site', [BUILD / 'tests/integration/programs/site', 'fcgi://127.0.0.1:0'],
                         clean=True, ready=r'^site: listening on (\S+)$')
    u = site.url
    for args in (['--compressed', f'{u}/coded/gzip'], ['--compressed', f'{u}/coded/br'], ['-i', f'{u}/size/10'],
                 [f'{u}/size/[08-11]'], ['-w', '%{http_code} %{header_json}', f'{u}/status/404'],
                 ['-L', f'{u}/redirect/3'], ['-c', '-', f'{u}/set-cookie?a=b;expires=Fri,%2001-Jan-2038'],
                 ['--trace-ascii', '-', '-o', '/dev/null', f'{u}/size/5'], ['--man-page'], ['--help', 'all'],
                 ['--limit-rate', '1.5M', f'{u}/size/1000'], ['-z', 'Mon, 02 Mar 2026 10:00:00 GMT', '-d', 'x', f'{u}/echo']):
        runs = [subprocess.run([program, '-q', '-sS', '-A', 'x', *args], capture_output=True, timeout=20)
                for program in (static, BUILD / 'fcurl')]
        assert runs[0].returncode == runs[1].returncode and runs[0].stdout == runs[1].stdout, args
