"""Both ends of FastCGI for tests, written from the specification and not from weir.

Backend is a scripted application server: a function of the test answers each request, and may
send anything at all. Application is a scripted web server: it sends records to a FastCGI program
and reads what comes back.

    record header   version  type  id(2)  content length(2)  padding length  reserved
"""
import os
import socket
import struct
import threading

from server import connect

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, GET_VALUES_RESULT, UNKNOWN = \
    range(1, 12)
RESPONDER = 1
KEEP_CONN = 1
COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)


def record(kind, number, content=b'', padding=0, version=1, fill=b'\xaa'):
    """One record; content is at most 65535 bytes."""
    return struct.pack('>BBHHBB', version, kind, number, len(content), padding, 0) + content + \
        fill * padding


def records(kind, number, content, size=65535, padding=0):
    """A stream of records with this content, without the empty one at the end."""
    return b''.join(record(kind, number, content[at:at + size], padding)
                    for at in range(0, len(content), size))


def begin(number, role=RESPONDER, flags=0, padding=0):
    return record(BEGIN, number, struct.pack('>HB5x', role, flags), padding)


def end(number, app_status=0, protocol_status=COMPLETE, padding=0):
    return record(END, number, struct.pack('>IB3x', app_status, protocol_status), padding)


def length(n):
    return bytes([n]) if n < 128 else struct.pack('>I', n | 1 << 31)


def pair(name, value):
    name, value = (s if isinstance(s, bytes) else s.encode('latin-1') for s in (name, value))
    return length(len(name)) + length(len(value)) + name + value


def pairs(items):
    items = items.items() if hasattr(items, 'items') else items
    return b''.join(pair(name, value) for name, value in items)


def parse_pairs(data):
    """The pairs of a complete stream, in order; the name and value as str."""
    found, at = [], 0

    def take_length():
        nonlocal at
        first = data[at]
        size = 1 if first < 128 else 4
        value = first if first < 128 else struct.unpack('>I', data[at:at + 4])[0] & 0x7fffffff
        at += size
        return value

    while at < len(data):
        name_length, value_length = take_length(), take_length()
        assert at + name_length + value_length <= len(data), 'a pair is longer than its stream'
        name = data[at:at + name_length].decode('latin-1')
        at += name_length
        found.append((name, data[at:at + value_length].decode('latin-1')))
        at += value_length
    return found


class Closed(Exception):
    """The other side closed the connection."""


class Connection:
    """A stream of records."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b''

    def send(self, *parts):
        self.sock.sendall(b''.join(parts))

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()

    def _take(self, count):
        while len(self.buffer) < count:
            try:
                data = self.sock.recv(1 << 18)
            except ConnectionError:
                raise Closed from None
            if not data:
                raise Closed
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read(self):
        """The next record as (type, id, content)."""
        version, kind, number, size, padding, _ = struct.unpack('>BBHHBB', self._take(8))
        assert version == 1, f'version {version}'
        content = self._take(size + padding)[:size]
        return kind, number, content


class Request:
    """A request that a Backend received. Its body is read from the connection when asked for."""

    def __init__(self, connection, number, role, flags, params, serial):
        self.connection = connection
        self.id = number
        self.role = role
        self.flags = flags
        self.params = params   # pairs, in order
        self.serial = serial   # how many requests came before it on this connection
        self.aborted = False
        self._ended = False

    def param(self, name):
        values = [value for key, value in self.params if key == name]
        assert len(values) <= 1, f'{name} more than once: {values}'
        return values[0] if values else None

    def pieces(self):
        """The body, a record at a time. Ends at the empty record, or when it is aborted."""
        while not self._ended:
            kind, number, content = self.connection.read()
            assert number == self.id, f'record of request {number} within request {self.id}'
            if kind == ABORT:
                self.aborted = self._ended = True
            elif kind == STDIN:
                self._ended = not content
                if content:
                    yield content
            else:
                raise AssertionError(f'record of type {kind} within a body')

    def body(self):
        return b''.join(self.pieces())

    # answers

    def stdout(self, data, **more):
        self.connection.send(records(STDOUT, self.id, data, **more))

    def send(self, *parts):
        self.connection.send(*parts)

    def finish(self, data=b'', app_status=0):
        """The rest of a regular answer: output, its end, END_REQUEST."""
        self.connection.send(records(STDOUT, self.id, data), record(STDOUT, self.id),
                             end(self.id, app_status))


OK = b'Content-Type: text/plain\r\n\r\nok\n'


class Backend:
    """A scripted FastCGI application on a UNIX socket or (port=True) a loopback port.

    answer(request) is called in a thread of the connection when the parameters are complete. It
    reads the body and sends what it likes; afterwards the connection serves the next request if
    the web server asked for that (KEEP_CONN), and is closed otherwise.
    values: the answer to GET_VALUES; None closes the connection, as plain servers do.
    accepts: False takes hardly any connection before accept() is called.
    """

    def __init__(self, folder, answer, values=None, port=False, name='backend',
                 accepts=True):
        self.answer = answer
        self.values = values
        self.requests = []      # every request whose parameters were complete
        self.connections = 0    # connections that brought a request
        self.errors = []        # what went wrong in answer()
        self._open = set()
        self._lock = threading.Lock()
        if port:
            self.listener = socket.create_server(('127.0.0.1', 0), backlog=512)
            self.address = self.listener.getsockname()
            self.url = f'fcgi://127.0.0.1:{self.address[1]}'
        else:
            self.address = os.path.join(folder, f'{name}.sock')
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.address)
            self.listener.listen(512 if accepts else 0)
            self.url = f'fcgi+unix:{self.address}'
        if accepts:
            self.accept()

    def accept(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close()
        if kind is None:
            assert not self.errors, self.errors

    def close(self):
        """Stops listening and ends all connections."""
        for sock in [self.listener, *self._open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(sock)
            threading.Thread(target=self._connection, args=(sock,), daemon=True).start()

    def _connection(self, sock):
        connection = Connection(sock)
        try:
            serial = 0
            while self._request(connection, serial):
                serial += 1
        except (Closed, OSError):
            pass
        except Exception as error:  # the test fails with it, see __exit__
            self.errors.append(error)
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _request(self, connection, serial):
        """Serves one request; False if there is not to be another one."""
        while True:
            kind, number, content = connection.read()
            if kind == BEGIN:
                break
            if kind == GET_VALUES and self.values is not None:
                asked = [name for name, _ in parse_pairs(content)]
                connection.send(record(GET_VALUES_RESULT, 0, pairs(
                    (name, self.values[name]) for name in asked if name in self.values)))
            elif kind == GET_VALUES:
                return False
            elif kind != ABORT:  # of a request that has just ended: legal, and to be ignored
                raise AssertionError(f'record of type {kind} before BEGIN_REQUEST')
        role, flags = struct.unpack('>HB5x', content)
        params = b''
        while True:
            kind, again, content = connection.read()
            assert (kind, again) == (PARAMS, number), f'type {kind} of {again} within parameters'
            if not content:
                break
            params += content
        request = Request(connection, number, role, flags, parse_pairs(params), serial)
        with self._lock:
            self.requests.append(request)
            self.connections += serial == 0
        self.answer(request)
        for _ in request.pieces():  # what answer() left unread
            pass
        return bool(flags & KEEP_CONN)


class Reply:
    """What a FastCGI program sent for one request."""

    def __init__(self):
        self.stdout = b''
        self.stderr = b''
        self.app_status = None
        self.protocol_status = None

    @property
    def head(self):
        return self.stdout.partition(b'\r\n\r\n')[0].decode('latin-1')

    @property
    def body(self):
        return self.stdout.partition(b'\r\n\r\n')[2]

    @property
    def status(self):
        for line in self.head.split('\r\n'):
            if line.lower().startswith('status:'):
                return int(line.split(':')[1].split()[0])
        return 200


class Application(Connection):
    """A scripted web server's connection to a FastCGI program."""

    def __init__(self, address):
        super().__init__(connect(address, 20.0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def replies(self, *numbers):
        """Reads until END_REQUEST has come for all of these ids; in the order they ended."""
        found, open_ones = {}, {number: Reply() for number in numbers}
        while open_ones:
            kind, number, content = self.read()
            assert number in open_ones, f'record of type {kind} for request {number}'
            reply = open_ones[number]
            if kind == STDOUT:
                reply.stdout += content
            elif kind == STDERR:
                reply.stderr += content
            else:
                assert kind == END, f'record of type {kind}'
                reply.app_status, reply.protocol_status = struct.unpack('>IB3x', content)
                found[number] = open_ones.pop(number)
        return found

    def reply(self, number=1):
        return self.replies(number)[number]

    def at_end(self):
        """True if the program closes without another record."""
        try:
            self.read()
        except Closed:
            return True
        return False


def params(method='GET', target='/', **more):
    """Parameters as a web server sends them; a name with value None is left out."""
    path, _, query = target.partition('?')
    values = {
        'GATEWAY_INTERFACE': 'CGI/1.1', 'SERVER_PROTOCOL': 'HTTP/1.1', 'SERVER_SOFTWARE': 'test',
        'REQUEST_METHOD': method, 'REQUEST_URI': target, 'SCRIPT_NAME': '', 'PATH_INFO': path,
        'QUERY_STRING': query, 'SERVER_NAME': 'localhost', 'SERVER_PORT': '80',
        'SERVER_ADDR': '127.0.0.1', 'REMOTE_ADDR': '192.0.2.7', 'REMOTE_PORT': '4711',
        'HTTP_HOST': 'localhost', **more,
    }
    return {name: value for name, value in values.items() if value is not None}


def request(number=1, values=None, body=b'', flags=KEEP_CONN, role=RESPONDER, padding=0):
    """A whole request as bytes."""
    return begin(number, role, flags, padding) + \
        records(PARAMS, number, pairs(values or params()), padding=padding) + \
        record(PARAMS, number, padding=padding) + \
        records(STDIN, number, body, padding=padding) + record(STDIN, number, padding=padding)
