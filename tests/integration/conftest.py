"""Fixtures of all integration tests: a folder, and servers that end with the test."""
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from server import BUILD, Server  # noqa: E402

TEST_LIMIT = 180


class Servers:
    """Starts servers; the fixture below ends them in reverse order and looks how they ended."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.running = []
        self.started = 0

    def start(self, name, argv, **more):
        folder = self.folder / f'{self.started}-{name}'
        self.started += 1
        folder.mkdir(mode=0o755)
        server = Server(name, argv, folder, **more)
        self.running.append(server)
        return server

    def example(self, name, *argv, **more):
        """build/examples/NAME on a URL; port 0 is allowed, the real address is in .address."""
        return self.start(name, [BUILD / 'examples' / name, *argv], clean=True,
                          ready=rf'^{name}: listening on (\S+)$', **more)

    def weir(self, backends, *options):
        """weir on a free port, in front of backends: servers of example(), or URLs."""
        argv = [BUILD / 'weir', '--listen', 'http://127.0.0.1:0']
        for backend in backends:
            argv += ['--to', backend.url if isinstance(backend, Server) else backend]
        return self.start('weir', [*argv, *options], clean=True,
                          ready=r'^weir: listening on (http://\S+)$')

    def stop_all(self):
        problems = [server.stop() for server in reversed(self.running)]
        return [problem for problem in problems if problem]

    def logs(self):
        return [(server.name, server.log()) for server in self.running]


def run_servers(request):
    """Servers below a fresh folder that everybody may enter, since some servers drop privileges."""
    folder = tempfile.mkdtemp(prefix='weir-test-')
    pathlib.Path(folder).chmod(0o755)
    servers = Servers(folder)
    request.node.stash[SERVERS] = servers
    yield servers
    problems = servers.stop_all()
    logs = '\n'.join(f'--- {name}\n{log[-6000:]}' for name, log in servers.logs())
    shutil.rmtree(folder, ignore_errors=True)
    if problems:
        pytest.fail('; '.join(problems) + '\n' + logs, pytrace=False)


SERVERS = pytest.StashKey()


@pytest.fixture
def servers(request):
    """Servers for one test."""
    yield from run_servers(request)


@pytest.fixture(scope='module')
def module_servers(request):
    """Servers that the tests of one file share."""
    yield from run_servers(request)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the logs of the servers to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when != 'teardown':  # then they are gone; see run_servers
        for node in item.listchain():
            for name, log in (node.stash[SERVERS].logs() if SERVERS in node.stash else ()):
                if log:
                    report.sections.append((f'log of {name}', log[-6000:]))


@pytest.fixture(autouse=True)
def time_limit():
    """No test takes for ever, whatever the programs do."""
    def expired(number, frame):
        raise TimeoutError(f'the test took longer than {TEST_LIMIT} s')
    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(TEST_LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
