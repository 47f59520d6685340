"""An HTTP/2 client for tests: frames as the test says, and a reader that keeps the books.

Header lists are sent as literals that are never indexed; those of the server are decoded by
nghttp2's decompressor. The reader acknowledges SETTINGS and PING and opens windows, unless told not
to, and notes what happened to each stream.
"""
import ctypes
import json
import select
import socket
import struct
import time

from server import connect

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, \
    MAX_HEADER_LIST_SIZE = range(1, 7)
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, \
    ENHANCE_YOUR_CALM = range(12)


# ---- HPACK

def _integer(value, bits, first):
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    out = [first | limit]
    value -= limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def _string(text):
    data = text if isinstance(text, bytes) else text.encode('latin-1')
    return _integer(len(data), 7, 0) + data


def literal(name, value):
    """A field that is never indexed, with its name spelled out (RFC 7541 6.2.3)."""
    return b'\x10' + _string(name) + _string(value)


def indexing(name, value):
    """A field that goes into the dynamic table (6.2.1)."""
    return b'\x40' + _string(name) + _string(value)


def indexed(number):
    return _integer(number, 7, 0x80)


def block(headers):
    return b''.join(literal(name, value) for name, value in headers)


class Decoder:
    """nghttp2_hd_inflater."""

    class _Field(ctypes.Structure):
        _fields_ = [('name', ctypes.c_void_p), ('value', ctypes.c_void_p),
                    ('name_len', ctypes.c_size_t), ('value_len', ctypes.c_size_t),
                    ('flags', ctypes.c_uint8)]

    def __init__(self):
        self._lib = ctypes.CDLL('libnghttp2.so.14')
        self._lib.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self._inflater = ctypes.c_void_p()
        assert self._lib.nghttp2_hd_inflate_new(ctypes.byref(self._inflater)) == 0

    def close(self):
        self._lib.nghttp2_hd_inflate_del(self._inflater)

    def decode(self, data):
        field, flags, headers, at = self._Field(), ctypes.c_int(), [], 0
        while True:
            rest = data[at:]
            used = self._lib.nghttp2_hd_inflate_hd2(
                self._inflater, ctypes.byref(field), ctypes.byref(flags), rest,
                ctypes.c_size_t(len(rest)), 1)
            assert used >= 0, f'HPACK error {used}'
            at += used
            if flags.value & 2:  # NGHTTP2_HD_INFLATE_EMIT
                headers.append((ctypes.string_at(field.name, field.name_len).decode('latin-1'),
                                ctypes.string_at(field.value, field.value_len).decode('latin-1')))
            if flags.value & 1:  # NGHTTP2_HD_INFLATE_FINAL
                self._lib.nghttp2_hd_inflate_end_headers(self._inflater)
                return headers


# ---- What the server has said

class Stream:
    def __init__(self, window):
        self.window = window       # bytes that we may send
        self.status = None
        self.headers = []
        self.informational = []    # (status, headers)
        self.trailers = None
        self.body = bytearray()
        self.ended = False
        self.reset = None          # the code
        self.frames = []           # types in order

    def header(self, name):
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f'{name} more than once: {values}'
        return values[0] if values else None

    def json(self):
        return json.loads(bytes(self.body))

    @property
    def over(self):
        return self.ended or self.reset is not None


class Client:
    """One connection; over TLS with the context of it, which should offer h2 by ALPN."""

    def __init__(self, address, settings=(), timeout=30.0, preface=True, acks=True, windows=True,
                 wait=True, tls=None):
        self.sock = connect(address, timeout)
        if self.sock.family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.port = self.sock.getsockname()[1]
        self.authority = f'{address[0]}:{address[1]}' if isinstance(address, tuple) else 'localhost'
        self.scheme = 'http'
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname='localhost',
                                        suppress_ragged_eofs=False)
            self.scheme = 'https'
        self.encrypted = bool(tls)
        self.timeout = timeout
        self.acks, self.windows = acks, windows
        self.decoder = Decoder()
        self.buffer = b''
        self.streams = {}
        self.next_id = 1
        self.settings = {}         # the server's
        self.settings_acked = 0
        self.window = 65535        # of the connection, for what we send
        self.initial_window = 65535
        self.pongs = []
        self.goaways = []          # (last stream, code)
        self.closed = False
        self._block = None
        if preface:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings_payload(settings)))
        if wait:
            self.until(lambda: self.settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()
        self.decoder.close()

    # sending

    def send(self, data):
        self.sock.sendall(data)

    def frame(self, kind, flags=0, stream=0, payload=b''):
        self.send(frame(kind, flags, stream, payload))

    def fields(self, method='GET', target='/', more=()):
        return [(':method', method), (':scheme', self.scheme), (':authority', self.authority),
                (':path', target), *more]

    def open(self, headers=None, end=True, target='/', method='GET', more=(), stream=None,
             payload=None):
        """Sends HEADERS; returns the stream's number."""
        number = stream or self.next_id
        self.next_id = max(self.next_id, number + 2)
        self.streams[number] = Stream(self.initial_window)
        if payload is None:
            payload = block(self.fields(method, target, more) if headers is None else headers)
        flags = END_STREAM if end else 0
        first, rest = payload[:16384], payload[16384:]
        data = frame(HEADERS, flags | (0 if rest else END_HEADERS), number, first)
        while rest:
            first, rest = rest[:16384], rest[16384:]
            data += frame(CONTINUATION, 0 if rest else END_HEADERS, number, first)
        self.send(data)
        return number

    def data(self, stream, data=b'', end=False, respect=True):
        """Sends DATA, waiting for window if it respects it; stops when the stream is over."""
        state = self.streams[stream]
        view = memoryview(data)
        while True:
            size = min(len(view), 16384)
            if respect and size:
                self.until(lambda: min(self.window, state.window) > 0 or state.over or self.closed)
                if state.over or self.closed:
                    return
                size = min(size, self.window, state.window)
            part, view = view[:size], view[size:]
            self.window -= size
            state.window -= size
            last = end and not view
            self.frame(DATA, END_STREAM if last else 0, stream, bytes(part))
            if not view:
                return

    def request(self, target='/', method='GET', more=(), body=None):
        """One request and its response."""
        number = self.open(target=target, method=method, more=more, end=body is None)
        if body is not None:
            self.data(number, body, end=True)
        return self.response(number)

    def ping(self, data=b'12345678'):
        """Waits until the server has dealt with everything sent so far."""
        count = len(self.pongs)
        self.frame(PING, 0, 0, data)
        self.until(lambda: len(self.pongs) > count or self.closed)
        return len(self.pongs) > count

    # receiving

    def response(self, number):
        stream = self.streams[number]
        self.until(lambda: stream.over or self.closed)
        return stream

    def until(self, condition, timeout=None):
        """Reads frames until the condition holds."""
        end = time.monotonic() + (timeout or self.timeout)
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f'nothing more came: goaway {self.goaways}, closed {self.closed}'
            assert not self.closed, f'the connection was closed; goaway {self.goaways}'
            self.read(left)

    def read(self, timeout):
        """Takes what has come, waiting for some of it."""
        if not (self.encrypted and self.sock.pending()) and \
                not select.select([self.sock], [], [], timeout)[0]:
            return
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError:
            data = b''
        if not data:
            self.closed = True
            assert not self.buffer, f'cut off in a frame: {self.buffer[:40]}'
            return
        self.buffer += data
        at = 0
        while len(self.buffer) - at >= 9:
            size = int.from_bytes(self.buffer[at:at + 3], 'big')
            if len(self.buffer) - at < 9 + size:
                break
            kind, flags, stream = struct.unpack('>BBI', self.buffer[at + 3:at + 9])
            self._on_frame(kind, flags, stream & 0x7fffffff, self.buffer[at + 9:at + 9 + size])
            at += 9 + size
        self.buffer = self.buffer[at:]

    def at_end(self, timeout=None):
        """True once the server has closed."""
        try:
            end = time.monotonic() + (timeout or self.timeout)
            while not self.closed and time.monotonic() < end:
                self.read(end - time.monotonic())
        except OSError:
            self.closed = True
        return self.closed

    def _on_frame(self, kind, flags, number, payload):
        stream = self.streams.get(number)
        if stream:
            stream.frames.append(kind)
        assert len(payload) <= 16384, 'frame too large'
        if self._block is not None:
            assert kind == CONTINUATION, 'a header block was interrupted'
        if kind == SETTINGS and not flags & ACK:
            self._on_settings(payload)
        elif kind == SETTINGS:
            self.settings_acked += 1
        elif kind == PING and flags & ACK:
            self.pongs.append(payload)
        elif kind == PING:
            if self.acks:
                self._reply(PING, ACK, 0, payload)
        elif kind == GOAWAY:
            last, code = struct.unpack('>II', payload[:8])
            self.goaways.append((last, code))
        elif kind == WINDOW_UPDATE:
            increment, = struct.unpack('>I', payload)
            if number == 0:
                self.window += increment
            elif stream:
                stream.window += increment
        elif kind in (HEADERS, CONTINUATION):
            self._on_headers(kind, flags, stream, payload)
        elif kind == DATA:
            assert stream and not stream.over, 'DATA after the end'
            stream.body += payload
            if self.windows and payload:
                update = struct.pack('>I', len(payload))
                self._reply(WINDOW_UPDATE, 0, 0, update)
                if not flags & END_STREAM:
                    self._reply(WINDOW_UPDATE, 0, number, update)
        elif kind == RST_STREAM and stream:
            stream.reset, = struct.unpack('>I', payload)
        if flags & END_STREAM and kind in (DATA, HEADERS) and stream:
            assert not stream.ended, 'ended twice'
            stream.ended = True

    def _reply(self, *what):
        try:
            self.frame(*what)
        except OSError:
            pass  # it has closed; the reader will see that

    def _on_settings(self, payload):
        for at in range(0, len(payload), 6):
            key, value = struct.unpack('>HI', payload[at:at + 6])
            self.settings[key] = value
            if key == INITIAL_WINDOW_SIZE:
                for stream in self.streams.values():
                    stream.window += value - self.initial_window
                self.initial_window = value
        if self.acks:
            self._reply(SETTINGS, ACK, 0, b'')

    def _on_headers(self, kind, flags, stream, payload):
        self._block = payload if kind == HEADERS else self._block + payload
        if not flags & END_HEADERS:
            return
        headers, self._block = self.decoder.decode(self._block), None
        assert stream, 'HEADERS on a stream that nobody opened'
        names = [name for name, _ in headers]
        assert all(name == name.lower() for name in names)
        assert not {'connection', 'transfer-encoding', 'keep-alive', 'upgrade'} & set(names)
        if names[:1] != [':status']:
            assert stream.status and flags & END_STREAM
            stream.trailers = headers
            return
        status, rest = int(headers[0][1]), headers[1:]
        assert stream.status is None, 'two responses'
        if status < 200:
            stream.informational.append((status, rest))
        else:
            stream.status, stream.headers = status, rest


def frame(kind, flags=0, stream=0, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def settings_payload(settings):
    return b''.join(struct.pack('>HI', key, value) for key, value in settings)


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack('>I', increment))


def rst_stream(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack('>I', code))
