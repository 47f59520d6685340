"""Starts and ends the programs that the tests talk to.

A Server runs in a folder of its own, listens on a free loopback port or a UNIX socket in that
folder, is ready when it accepts a connection, and is ended by its process id. What it wrote is
shown when a test fails.
"""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get('WEIR_BUILD', 'build')
# For ASAN_OPTIONS, where memory is measured: what was freed is not held on to.
LEAN = 'quarantine_size_mb=0:thread_local_quarantine_size_kb=0'
START_LIMIT = 20.0
STOP_LIMIT = 40.0
SANITIZER = re.compile(r'AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:')


def free_port():
    """A loopback port that nobody listens on now. For servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def connect(address, timeout=20.0):
    """Connects to (host, port), or to the path or @name of a UNIX socket."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=timeout)
    conn = socket.socket(socket.AF_UNIX)
    conn.settimeout(timeout)
    try:
        conn.connect(re.sub('^@', '\0', str(address)))
    except OSError:
        conn.close()
        raise
    return conn


class Server:
    """A running program.

    address: where it must accept connections, or None if its ready line tells.
    ready:   a regular expression; its first group in the log is the URL that it listens on.
    clean:   it is ours: it must end with exit status 0 and without a sanitizer's report.
    stdin, pass_fds: as those of Popen.
    """

    def __init__(self, name, argv, folder, address=None, ready=None, clean=False, env=None,
                 stdin=None, pass_fds=()):
        self.name = name
        self.argv = [str(arg) for arg in argv]
        self.folder = pathlib.Path(folder)
        self.log_path = self.folder / f'{name}.log'
        self.clean = clean
        self.address = address
        self.url = None
        self.killed = False
        with open(self.log_path, 'wb') as log, open(os.devnull, 'rb') as nothing:
            self.process = subprocess.Popen(self.argv, cwd=self.folder, stdin=stdin or nothing,
                                            stdout=log, stderr=log, start_new_session=True,
                                            pass_fds=pass_fds,
                                            env={**os.environ, **(env or {})})
        try:
            self._wait_until_ready(re.compile(ready, re.M) if ready else None)
        except BaseException:
            self._end()
            raise

    @property
    def pid(self):
        return self.process.pid

    @property
    def port(self):
        return self.address[1]

    def log(self):
        return self.log_path.read_text(errors='replace')

    def _wait_until_ready(self, ready):
        limit = time.monotonic() + START_LIMIT
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f'{self.name} ended with {self.process.returncode} instead of '
                                   f'becoming ready:\n{self.log()}')
            if self._accepts(ready):
                return
            if time.monotonic() > limit:
                raise RuntimeError(f'{self.name} is not ready after {START_LIMIT:.0f} s:\n'
                                   f'{self.log()}')
            time.sleep(0.01)

    def _accepts(self, ready):
        if ready and not self.url:
            match = ready.search(self.log())
            if not match:
                return False
            self.url = match.group(1)
            self.address = self.address or address_of(self.url)
        try:
            connect(self.address, timeout=1.0).close()
            return True
        except OSError:
            return False

    def terminate(self):
        """Asks it to end; wait() tells how it did."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout=STOP_LIMIT):
        return self.process.wait(timeout)

    def kill(self):
        """Ends it at once, as a crash would."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def _end(self):
        """Returns the exit status, or None if it had to be killed. Nothing it started survives."""
        status = None
        if self.process.poll() is None:
            self.terminate()
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # our own session, see start_new_session
        except ProcessLookupError:
            pass
        return status

    def stop(self):
        """Ends it, and says what was wrong with it: None when all was well."""
        status = self._end()
        if not self.clean or self.killed:
            return None
        report = SANITIZER.search(self.log())
        if report:
            return f'{self.name}: {report.group(0)}, see its log'
        if status is None:
            return f'{self.name} did not end within {STOP_LIMIT:.0f} s of SIGTERM'
        if status != 0:
            return f'{self.name} ended with exit status {status}'
        return None


def address_of(url):
    """The address to connect to, of a URL as the programs print it."""
    scheme, _, rest = url.partition(':')
    if scheme.endswith('+unix'):
        return rest
    host, _, port = rest.lstrip('/').rpartition(':')
    return (host.strip('[]'), int(port))
