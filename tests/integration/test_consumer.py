"""The library as others get it: headers, exported names, and programs built from an installed copy."""
import itertools
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from fcgi_peer import Application, params, request
from http_peer import get
from server import BUILD, ROOT

HEADERS = sorted((ROOT / 'include' / 'weir').glob('*.h'))
SOURCES = pathlib.Path(__file__).resolve().parent / 'consumer'
STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Werror']
SANITIZED = 'asan' in BUILD.name  # then programs of others have to be built so as well
SANITIZE = ['-fsanitize=address,undefined'] if SANITIZED else []
FUNCTION = re.compile(r'^WEIR_API\b[^;]*?\b(weir_\w+)\s*\(', re.M)


def run(*argv, **more):
    done = subprocess.run([str(arg) for arg in argv], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=120, **more)
    assert done.returncode == 0, f'{argv}:\n{done.stdout}{done.stderr}'
    return done.stdout


def declared():
    """The functions of the public headers."""
    names = [name for header in HEADERS for name in FUNCTION.findall(header.read_text())]
    assert len(names) == len(set(names)) and len(names) > 90
    return set(names)


def defined(*argv):
    """The functions and data that a library defines for others, by nm; without versions."""
    rows = (line.split() for line in run('nm', '--defined-only', *argv).splitlines())
    return {row[2].split('@')[0] for row in rows if len(row) == 3 and row[1] in 'TDBRVWGSi'}


def test_exports_are_the_public_functions():
    """Neither does a header promise what is not there, nor does the library show its inside."""
    assert defined('-D', BUILD / 'src' / 'libweir.so') == declared()


def test_static_library_hides_its_inside():
    assert defined('-g', BUILD / 'src' / 'libweir.a') == declared()


def test_soname_and_symbol_version():
    dynamic = run('readelf', '-d', BUILD / 'src' / 'libweir.so')
    assert re.search(r'SONAME.*\[libweir\.so\.0\]', dynamic)
    symbols = run('nm', '-D', '--defined-only', BUILD / 'src' / 'libweir.so')
    assert all('@@WEIR_0' in line for line in symbols.splitlines() if ' T ' in line)


@pytest.mark.parametrize('compiler, standard', [
    *itertools.product(('gcc', 'clang'), ('c99', 'c11', 'c17', 'c2x', 'gnu17')),
    *itertools.product(('g++', 'clang++'), ('c++17', 'c++20')),
])
def test_each_header_compiles_alone(tmp_path, compiler, standard):
    suffix = '.cc' if '++' in compiler else '.c'
    files = []
    for header in HEADERS:
        file = tmp_path / (header.stem + suffix)
        file.write_text(f'#include <weir/{header.name}>\n#include <weir/{header.name}>\n')
        files.append(file)
    run(compiler, f'-std={standard}', *STRICT, '-fsyntax-only', '-I', ROOT / 'include', *files)


def test_umbrella_header_is_all_of_them():
    umbrella = (ROOT / 'include' / 'weir' / 'weir.h').read_text()
    included = set(re.findall(r'#include <weir/(\w+\.h)>', umbrella))
    seen = set()
    while included - seen:  # a header may come by way of another one
        name = sorted(included - seen)[0]
        seen.add(name)
        included |= set(re.findall(r'#include <weir/(\w+\.h)>',
                                   (ROOT / 'include' / 'weir' / name).read_text()))
    assert included == {header.name for header in HEADERS} - {'weir.h'}


@pytest.fixture(scope='module')
def stage(tmp_path_factory):
    """An installed copy in a folder of its own, as a package is made of it."""
    folder = tmp_path_factory.mktemp('stage')
    env = {name: value for name, value in os.environ.items() if not name.startswith('MAKE')}
    run('make', 'install', f'BUILD={BUILD.name}', f'DESTDIR={folder}', cwd=ROOT, env=env)
    return folder


def pkg_config(stage, *options):
    found = list(stage.rglob('weir.pc'))
    assert len(found) == 1
    env = {**os.environ, 'PKG_CONFIG_PATH': str(found[0].parent),
           'PKG_CONFIG_SYSROOT_DIR': str(stage)}
    return run('pkg-config', *options, 'weir', env=env).split()


def test_every_header_is_installed(stage):
    installed = {path.name for path in stage.rglob('include/weir/*')}
    assert installed == {header.name for header in HEADERS}


def build(stage, folder, source, static):
    """Compiles a program outside the tree, with what pkg-config says and nothing else."""
    shutil.copy(SOURCES / source, folder)
    compiler = ['g++', '-std=c++17'] if source.endswith('.cc') else ['gcc', '-std=c11']
    libs = pkg_config(stage, '--static', '--libs') if static else pkg_config(stage, '--libs')
    if static:
        libs = ['-l:libweir.a' if flag == '-lweir' else flag for flag in libs]
    program = folder / 'consumer'
    run(*compiler, *STRICT, *SANITIZE, *pkg_config(stage, '--cflags'), source, '-o', program, *libs,
        cwd=folder)
    return program


@pytest.mark.parametrize('linkage', ['shared', 'static'])
@pytest.mark.parametrize('source', ['hello.c', 'hello.cc'])
def test_program_outside_the_tree(servers, stage, tmp_path, source, linkage):
    program = build(stage, tmp_path, source, linkage == 'static')
    library = next(stage.rglob('libweir.so')).parent
    needed = run('readelf', '-d', program)
    assert ('libweir.so.0' in needed) == (linkage == 'shared')
    body = b'from C\n' if source == 'hello.c' else b'from C++ for weir\n'
    for url in ('http://127.0.0.1:0', f'fcgi+unix:{servers.folder}/consumer.sock'):
        server = servers.start('consumer', [program, url], clean=True,
                               ready=r'^consumer: listening on (\S+)$',
                               env={'LD_LIBRARY_PATH': str(library)})
        if url.startswith('http'):
            response = get(server.address, headers=[('X-Name', 'weir')])
            assert response.status == 200 and response.body == body
        else:
            with Application(server.address) as app:
                app.send(request(values=params(HTTP_X_NAME='weir')))
                assert app.reply().body == body


OLD_OPTIONS = r'''
#include <stddef.h>
#include <string.h>
#include <weir/weir.h>

/* What a program hands over that was compiled when the struct ended after its first member, and one
 * of the future, whose struct goes on. Behind the declared size stands what must not be read. */
static void answer(weir_exchange *x, void *arg)
{
    (void)arg;
    weir_respond(x, 200, "text/plain", "ok\n");
}

int main(void)
{
    union {
        weir_server_options options;
        unsigned char bytes[2 * sizeof(weir_server_options)];
    } u;
    size_t sizes[] = {sizeof(size_t), offsetof(weir_server_options, max_connections),
                      offsetof(weir_server_options, drain_timeout), sizeof(weir_server_options),
                      sizeof u};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(u.bytes, 0xff, sizeof u.bytes);
        memset(u.bytes, 0, sizes[i]);
        u.options.size = sizes[i];
        weir_server *server = weir_server_new(&u.options);
        if (!server || weir_server_listen(server, "http://127.0.0.1:0", answer, NULL) != 0)
            return 1;
        if (!weir_server_url(server, 0) || weir_server_url(server, 1))
            return 2;
        weir_server_stop(server);
        if (weir_server_run(server) != 0) /* 0xff in a thread count or log function would show */
            return 3;
        weir_server_free(server);
    }

    /* The session advertises max_connections, if it reads that far. */
    static const unsigned char ask[] = "\1\11\0\0\0\20\0\0\16\0FCGI_MAX_CONNS";
    weir_app_options app;
    weir_app_event event;
    struct iovec out[4];
    size_t used, len = 0;
    memset(&app, 0xff, sizeof app);
    memset(&app, 0, offsetof(weir_app_options, max_connections));
    app.size = offsetof(weir_app_options, max_connections);
    weir_app_session *session = weir_app_session_new(&app);
    if (!session || weir_app_session_next(session, ask, 24, &used, &event) != 0 || used != 24)
        return 4;
    for (int i = 0, n = weir_app_session_output(session, out, 4); i < n; i++)
        len += out[i].iov_len;
    weir_app_session_free(session);
    return len == 8 ? 0 : 5; /* an empty GET_VALUES_RESULT */
}
'''


def test_options_of_older_and_newer_programs(stage, tmp_path):
    """Options structs carry their size: what is behind it is not read, what is unknown is ignored."""
    (tmp_path / 'old.c').write_text(OLD_OPTIONS)
    run('gcc', '-std=c11', *STRICT, *SANITIZE, *pkg_config(stage, '--cflags'), 'old.c', '-o', 'old',
        *pkg_config(stage, '--libs'), cwd=tmp_path)
    run(tmp_path / 'old', env={**os.environ,
                               'LD_LIBRARY_PATH': str(next(stage.rglob('libweir.so')).parent)})
