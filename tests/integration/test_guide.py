"""Every piece of C in docs/guide.md compiles, and what is a whole program runs."""
import re
import subprocess

import pytest

from http_peer import get
from server import BUILD, ROOT

GUIDE = (ROOT / 'docs' / 'guide.md').read_text()
PIECES = re.findall(r'^```c\n(.*?)^```', GUIDE, re.S | re.M)
WARNINGS = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-Wno-unused-function']


def test_there_are_pieces():
    assert len(PIECES) >= 8 and GUIDE.count('```') == 2 * len(PIECES)


@pytest.mark.parametrize('number', range(len(PIECES)))
def test_compiles(number, tmp_path):
    source = tmp_path / 'piece.c'
    source.write_text('#include <stdio.h>\n#include <weir/weir.h>\n' + PIECES[number])
    done = subprocess.run(['cc', *WARNINGS, '-c', '-o', tmp_path / 'piece.o', '-I', ROOT / 'include', source],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_first_one_runs(servers):
    source = servers.folder / 'hello.c'
    program = servers.folder / 'guide'
    source.write_text(PIECES[0])
    subprocess.run(['cc', *WARNINGS, '-I', ROOT / 'include', source, '-o', program, f'-L{BUILD}/src', '-lweir',
                    f'-Wl,-rpath,{(BUILD / "src").resolve()}',
                    *(['-fsanitize=address,undefined'] if 'asan' in BUILD.name else [])], check=True, timeout=60)
    server = servers.start('guide', [program, 'http://127.0.0.1:0'], clean=True, ready=r'^guide: listening on (\S+)$')
    assert get(server.address).body == b'Hello, world\n'


def test_names_that_exist():
    """Functions, examples and files that the guide names."""
    headers = ''.join(path.read_text() for path in (ROOT / 'include' / 'weir').glob('*.h'))
    for name in set(re.findall(r'\b(weir_[a-z_]+)\b', GUIDE)):
        assert re.search(rf'\b{name}\b', headers), name
    for path in set(re.findall(r'`(examples/[\w./]+?)`', GUIDE)):
        assert (ROOT / path).exists(), path
