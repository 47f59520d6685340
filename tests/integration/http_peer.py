"""An HTTP/1.1 client for tests: sends exactly the bytes it is told, and reads strictly.

The reader judges the framing of what it gets: a response whose end is missing is `broken`, and
bytes nobody asked for are found by `at_end`.
"""
import fcntl
import hashlib
import json
import random
import socket
import struct
import sys
import termios
import threading
import time

from server import connect


class Response:
    def __init__(self, status, headers, informational):
        self.status = status
        self.headers = headers            # pairs, names in lower case
        self.informational = informational  # the 1xx before it: (status, headers)
        self.length = 0
        self.digest = hashlib.sha256()
        self.head_of_body = b''           # at most 1 MiB of it
        self.broken = False               # the body's end did not come

    def header(self, name):
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f'{name} more than once: {values}'
        return values[0] if values else None

    @property
    def body(self):
        assert self.length == len(self.head_of_body), 'too long to be kept'
        return self.head_of_body

    @property
    def sha256(self):
        return self.digest.hexdigest()

    def json(self):
        return json.loads(self.body)

    def add(self, data):
        self.length += len(data)
        self.digest.update(data)
        if len(self.head_of_body) + len(data) <= 1 << 20:
            self.head_of_body += data


class Client:
    """One client connection."""

    def __init__(self, address, timeout=30.0):
        self.sock = connect(address, timeout)
        if self.sock.family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.port = self.sock.getsockname()[1]
        self.host = 'localhost'
        if isinstance(address, tuple):
            name = f'[{address[0]}]' if ':' in address[0] else address[0]
            self.host = f'{name}:{address[1]}'
        self.buffer = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Goes away as a crashed client does: with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()

    # sending

    def send(self, data):
        self.sock.sendall(data)

    def wait_until_read(self):
        """Returns when the server has read all that was sent. For UNIX sockets, where the kernel
        tells: what is sent next comes as another read."""
        unread = bytearray(4)
        limit = time.monotonic() + 20
        while True:
            fcntl.ioctl(self.sock, termios.TIOCOUTQ, unread)
            if not int.from_bytes(unread, sys.byteorder):
                return
            assert time.monotonic() < limit, 'the server does not read'

    def send_slowly(self, data):
        """Every byte in a write of its own."""
        for at in range(len(data)):
            self.sock.sendall(data[at:at + 1])

    def send_head(self, method, target, headers=()):
        lines = [f'{method} {target} HTTP/1.1']
        if not any(name.lower() == 'host' for name, _ in headers):
            lines.append(f'Host: {self.host}')
        lines += [f'{name}: {value}' for name, value in headers]
        self.send(('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1'))

    def request(self, method, target, headers=(), body=None, chunk=None):
        """Sends a request and returns its response. With chunk the body goes out chunked, in
        pieces of that size. The response is read while the body is being sent."""
        headers = list(headers)
        if chunk:
            headers.append(('Transfer-Encoding', 'chunked'))
        elif body is not None:
            headers.append(('Content-Length', str(len(body))))
        self.send_head(method, target, headers)
        if not body and not chunk:
            return self.response(method)
        sender = threading.Thread(target=self._send_body, args=(body, chunk), daemon=True)
        sender.start()
        response = self.response(method)
        sender.join(30)
        assert not sender.is_alive(), 'the server answered but does not take the body'
        return response

    def _send_body(self, body, chunk):
        try:
            if not chunk:
                self.send(body)
                return
            for at in range(0, len(body), chunk):
                piece = body[at:at + chunk]
                self.send(b'%x\r\n' % len(piece) + piece + b'\r\n')
            self.send(b'0\r\n\r\n')
        except OSError:
            pass  # the server has closed after an early answer; the reader sees what it said

    # receiving

    def _fill(self):
        """Reads some more; False at the end of the connection."""
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def _take(self, length):
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def _head(self):
        while b'\r\n\r\n' not in self.buffer:
            if not self._fill():
                raise EOFError(f'connection ended before a response, after {self.buffer!r}')
            assert len(self.buffer) < 1 << 20 or b'\r\n\r\n' in self.buffer, 'endless head'
        end = self.buffer.index(b'\r\n\r\n')
        head = self._take(end + 4)[:-4].decode('latin-1')
        start, *lines = head.split('\r\n')
        assert '\n' not in head.replace('\r\n', '') and '\r' not in head.replace('\r\n', ''), \
            f'bare CR or LF in {head!r}'
        version, status = start.split(' ', 2)[:2]
        assert version in ('HTTP/1.1', 'HTTP/1.0') and len(status) == 3, f'bad status line {start!r}'
        headers = []
        for line in lines:
            name, colon, value = line.partition(':')
            assert colon and name and name == name.strip(), f'bad field {line!r}'
            headers.append((name.lower(), value.strip()))
        return int(status), headers

    def response(self, method='GET'):
        """Reads one response, with the 1xx before it."""
        informational = []
        while True:
            status, headers = self._head()
            if status >= 200 or status == 101:
                break
            informational.append((status, headers))
        response = Response(status, headers, informational)
        if method != 'HEAD' and status not in (101, 204, 304):
            self._body(response)
        return response

    def _body(self, response):
        coding, length = response.header('transfer-encoding'), response.header('content-length')
        assert coding is None or length is None, 'both Transfer-Encoding and Content-Length'
        if coding is not None:
            assert coding == 'chunked', f'Transfer-Encoding {coding}'
            response.broken = not self._chunked(response)
        elif length is not None:
            response.broken = not self._exactly(response, int(length))
        else:
            while self._fill() or self.buffer:
                response.add(self._take(len(self.buffer)))

    def _exactly(self, response, length):
        while length > 0:
            if not self.buffer and not self._fill():
                return False
            piece = self._take(min(length, len(self.buffer)))
            response.add(piece)
            length -= len(piece)
        return True

    def _line(self):
        while b'\r\n' not in self.buffer:
            if not self._fill():
                return None
        line, _, self.buffer = self.buffer.partition(b'\r\n')
        return line

    def _chunked(self, response):
        while True:
            line = self._line()
            if line is None:
                return False
            size = int(line, 16)
            if size == 0:
                return self._line() == b''
            if not self._exactly(response, size) or self._line() != b'':
                return False

    def at_end(self):
        """True if the server has closed and sent nothing more."""
        while not self.buffer:
            if not self._fill():
                return True
        return False


def get(address, target='/', headers=(), method='GET', body=None):
    """One request on a connection of its own."""
    with Client(address) as client:
        return client.request(method, target, headers, body)


_bodies = {}


def body_of(size):
    """The same bytes for the same size, without a short period."""
    if size not in _bodies:
        _bodies[size] = random.Random(size).randbytes(size)
    return _bodies[size]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


KIB, MIB = 1 << 10, 1 << 20
BIG = 64 * MIB
