"""Everything at once, at random, for a few seconds: clients that are slow, pipeline, break off or
talk nonsense; applications that lie, die or never answer; a stop in the middle of it.

What must hold all the time: nothing crashes, no answer reaches another request, no answer that looks
complete is not, and when all is over no descriptor is left open. Every request carries a word of its
own, and every answer consists of it.

WEIR_CHAOS_SEED repeats a run as far as threads allow, WEIR_CHAOS_SECONDS lets it take longer.
"""
import contextlib
import hashlib
import json
import os
import random
import socket
import threading
import time

import fcgi_peer as fcgi
from fcgi_peer import STDERR, STDOUT, Application, Backend, end, record, records
from http_peer import Client, get

SECONDS = float(os.environ.get('WEIR_CHAOS_SECONDS', '5'))
CLIENTS = 8


class Chaos:
    """Runs actors, each with random numbers of its own, until the time is over."""

    def __init__(self):
        self.seed = int(os.environ.get('WEIR_CHAOS_SEED', random.randrange(1 << 32)))
        print(f'WEIR_CHAOS_SEED={self.seed}')
        self.until = time.monotonic() + SECONDS
        self.threads = []
        self.errors = []
        self.done = {}

    def goes_on(self):
        return time.monotonic() < self.until and not self.errors

    def start(self, actor, *args):
        rng = random.Random(f'{self.seed} {len(self.threads)}')

        def run():
            while self.goes_on():
                try:
                    name = actor(rng, *args)
                    self.done[name] = self.done.get(name, 0) + 1
                except Exception as error:
                    self.errors.append(error)
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def join(self):
        for thread in self.threads:
            thread.join(max(0, self.until - time.monotonic()) + 60)
            assert not thread.is_alive(), f'seed {self.seed}: an actor hangs'
        if self.errors:
            raise AssertionError(f'seed {self.seed}') from self.errors[0]


# an application that does what it likes

def text(word, lines=1):
    return b'Content-Type: text/plain\r\n\r\n' + f'{word}\n'.encode() * lines


def in_pieces(rng, data):
    while data:
        size = rng.choice([1, 7, 8, 100, 4096, 65535])
        yield data[:size]
        data = data[size:]


def whole(rng, request, word, lines):
    """A correct answer, cut and padded at random."""
    parts = b''.join(record(STDOUT, request.id, piece, rng.choice([0, 0, 3, 255]))
                     for piece in in_pieces(rng, text(word, lines)))
    parts += record(STDOUT, request.id) + end(request.id)
    cut = rng.randrange(len(parts))
    request.send(parts[:cut])
    request.send(parts[cut:])


def cut_off(rng, request, word, lines):
    data = records(STDOUT, request.id, text(word, lines))
    request.send(data[:rng.randrange(len(data))])
    rng.choice([request.connection.close, request.connection.reset])()


def too_long(rng, request, word, lines):
    request.send(records(STDOUT, request.id, b'Content-Length: 3\r\n\r\n' + text(word, lines) * 99),
                 end(request.id))


def after_the_end(rng, request, word, lines):
    request.send(records(STDOUT, request.id, text(word)), end(request.id),
                 records(STDOUT, rng.choice([request.id, request.id + 1]), text('stray')))


ANSWERS = {
    'whole': whole,
    'cut off': cut_off,
    'too long': too_long,
    'after the end': after_the_end,
    'overloaded': lambda rng, r, word, lines: r.send(end(r.id, 0, fcgi.OVERLOADED)),
    'early hints': lambda rng, r, word, lines: (
        r.send(records(STDOUT, r.id, b'Status: 103\r\nLink: </a>\r\n\r\n' * rng.randrange(300))),
        whole(rng, r, word, lines)),
    'local redirect': lambda rng, r, word, lines: r.finish(
        b'Location: /' + word.encode() + b'?again\r\n\r\n'),
    'stderr': lambda rng, r, word, lines: (
        r.send(records(STDERR, r.id, b'oops\n' * rng.randrange(99))), whole(rng, r, word, lines)),
    'garbage': lambda rng, r, word, lines: r.send(rng.randbytes(rng.randrange(1, 4000))),
    'no answer': lambda rng, r, word, lines: time.sleep(rng.choice([0.01, 0.5])),
}


def application(chaos):
    """The answer function of a Backend; errors of its sockets are its daily life."""
    rng, lock = random.Random(f'{chaos.seed} application'), threading.Lock()

    def answer(request):
        with lock:
            mine = random.Random(rng.random())
        word = request.param('DOCUMENT_URI')[1:]
        name = mine.choice([*ANSWERS, *['whole'] * 8])
        try:
            if mine.random() < 0.8 or name == 'whole':
                for _ in request.pieces():
                    pass
            ANSWERS[name](mine, request, word, mine.choice([1, 1, 10, 3000, 30000]))
            if not request._ended and mine.random() < 0.5:
                request.connection.close()
        except (OSError, AssertionError):  # AssertionError: an ABORT crossed what was sent
            raise fcgi.Closed from None
    return answer


# clients

def check(response, word):
    """An answer that claims to be whole is: from echo, or from the application above."""
    if response.status != 200 or response.broken:
        assert response.status in (200, 502, 503, 504), response.status
        return
    if response.header('content-type') == 'application/json':
        answer = response.json()
        assert answer['request']['path'] == f'/{word}' and answer['body']['complete']
    elif response.length <= 1 << 20:
        lines = set(response.body.splitlines())
        assert lines == {word.encode()}, f'{word} was answered {lines}'


def half_close(sock):
    with contextlib.suppress(OSError):  # the other side may have reset it
        sock.shutdown(socket.SHUT_WR)


class Actor:
    """The clients: each method is one visit."""

    def __init__(self, address):
        self.address = address
        self.count = 0
        self.lock = threading.Lock()

    def word(self, rng):
        with self.lock:
            self.count += 1
            return f'w{self.count}x{rng.randrange(1 << 30)}'

    def visit(self, rng):
        names = [name for name in dir(self) if name.startswith('do_')]
        name = rng.choice(names)
        try:
            with Client(self.address, timeout=20) as client:
                getattr(self, name)(rng, client)
        except (EOFError, ConnectionError):
            pass  # an answer that broke off took the connection with it
        return name

    def visit_or_not(self, rng):
        """For when nobody may be at home any more."""
        try:
            return self.visit(rng)
        except OSError:
            return 'nobody'

    def do_get(self, rng, client):
        for _ in range(rng.randrange(1, 6)):
            word = self.word(rng)
            response = client.request(rng.choice(['GET', 'DELETE']), f'/{word}')
            check(response, word)

    def do_post(self, rng, client):
        for _ in range(rng.randrange(1, 4)):
            word, body = self.word(rng), rng.randbytes(rng.choice([1, 1000, 70000, 400000]))
            response = client.request('POST', f'/{word}', body=body,
                                      chunk=rng.choice([None, None, 1000, 100000]))
            check(response, word)
            if response.header('content-type') == 'application/json' and not response.broken:
                answer = response.json()
                sent = body if answer['request']['method'] == 'POST' else b''  # a local redirect
                assert answer['body']['sha256'] == hashlib.sha256(sent).hexdigest()

    def do_slowly(self, rng, client):
        word = self.word(rng)
        client.send_slowly(f'POST /{word} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n'.encode())
        for _ in range(20):
            client.send(b'x')
            time.sleep(rng.choice([0, 0, 0.003]))
        check(client.response(), word)

    def do_pipeline(self, rng, client):
        words = [self.word(rng) for _ in range(rng.randrange(2, 40))]
        client.send(b''.join(f'GET /{word} HTTP/1.1\r\nHost: a\r\n\r\n'.encode() for word in words))
        for word in words:
            check(client.response(), word)

    def do_break_off(self, rng, client):
        data = b''.join(
            f'POST /{self.word(rng)} HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n'.encode() +
            b'x' * 3000 for _ in range(3))
        client.send(data[:rng.randrange(len(data))])
        time.sleep(rng.choice([0, 0, 0.002, 0.05]))
        if rng.random() < 0.3:
            half_close(client.sock)
            time.sleep(0.01)
        rng.choice([client.close, client.reset])()

    def do_leave_a_download(self, rng, client):
        client.send_head('GET', f'/{self.word(rng)}?stream=300&size=20000')
        client.sock.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            for _ in range(rng.randrange(20)):
                client.sock.recv(rng.choice([100, 10000, 100000]))
                time.sleep(rng.choice([0, 0.005]))
        rng.choice([client.close, client.reset])()

    def do_nonsense(self, rng, client):
        good = f'POST /{self.word(rng)} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' \
               f'5;a=b\r\nhello\r\n0\r\n\r\n'
        data = bytearray(good.encode() * rng.randrange(1, 4))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.choice(b'\r\n\0: ;=aZ09\xff')
        client.send(bytes(data))
        half_close(client.sock)
        with contextlib.suppress(ConnectionError):
            while client.sock.recv(1 << 16):
                pass

    def do_expect(self, rng, client):
        word = self.word(rng)
        client.send_head('PUT', f'/{word}', [('Expect', '100-continue'), ('Content-Length', '3')])
        if rng.random() < 0.7:
            client.send(b'abc')
        elif rng.random() < 0.5:
            return
        else:
            time.sleep(0.05)
            client.send(b'abc')
        check(client.response('PUT'), word)


def descriptors(server):
    return len(os.listdir(f'/proc/{server.pid}/fd'))


def calms_down(server, limit):
    """Everything that the clients left behind is closed."""
    until = time.monotonic() + 10
    while descriptors(server) > limit and time.monotonic() < until:
        time.sleep(0.02)
    return descriptors(server) <= limit


def test_weir_between_bad_clients_and_bad_applications(servers):
    chaos = Chaos()
    echo = servers.example('echo', f'fcgi+unix:{servers.folder}/echo')
    mortal_url = f'fcgi+unix:{servers.folder}/mortal'
    mortals = [servers.example('echo', mortal_url)]
    backend = Backend(servers.folder, application(chaos))
    weir = servers.weir([echo, mortal_url, backend.url, echo], '--threads', '2', '--keepalive', '4',
                        '--response-timeout', '300')

    def kill(rng):
        time.sleep(rng.uniform(0.2, 0.8))
        mortals[-1].kill()
        time.sleep(rng.uniform(0, 0.1))
        mortals.append(servers.example('echo', mortal_url))
        return 'kill'

    before = descriptors(weir)
    actor = Actor(weir.address)
    for _ in range(CLIENTS):
        chaos.start(actor.visit)
    chaos.start(kill)
    chaos.join()
    print(json.dumps(chaos.done))
    backend.close()
    assert calms_down(weir, before + 3 * 4 * 2), f'seed {chaos.seed}: {descriptors(weir)} are open'
    statuses = [get(weir.address, f'/calm{i}').status for i in range(8)]
    assert statuses.count(200) >= 6, f'seed {chaos.seed}: {statuses}'

    # once more, and a stop in the middle
    chaos.until = time.monotonic() + 1
    for _ in range(CLIENTS):
        chaos.start(actor.visit_or_not)
    time.sleep(0.3)
    weir.terminate()
    assert weir.wait() == 0
    chaos.join()


def nonsense(rng):
    """Records: most of them sound, some not."""
    data = b''
    for _ in range(rng.randrange(1, 12)):
        number = rng.choice([1, 1, 2, 3, 0, 65535])
        values = fcgi.params('POST', '/?delay=5', CONTENT_LENGTH=str(rng.choice([0, 5, 9])))
        data += rng.choice([
            fcgi.request(number or 1, values, b'hello', padding=rng.choice([0, 7])),
            fcgi.begin(number, rng.choice([1, 1, 2, 3, 9]), rng.choice([0, 1])),
            records(fcgi.PARAMS, number, fcgi.pairs(values), rng.choice([1, 9, 99])),
            record(fcgi.PARAMS, number), record(fcgi.STDIN, number),
            record(fcgi.STDIN, number, b'x' * rng.randrange(20)), record(fcgi.ABORT, number),
            record(fcgi.DATA, number, b'y'), record(rng.randrange(256), number, b'z' * 8),
            record(fcgi.GET_VALUES, 0, fcgi.pairs({'FCGI_MPXS_CONNS': '', 'X': 'y'})),
        ])
    data = bytearray(data)
    if rng.random() < 0.3:
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[:rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data)


def test_echo_and_a_bad_web_server(servers):
    chaos = Chaos()
    chaos.until = time.monotonic() + SECONDS / 2
    echo = servers.example('echo', f'fcgi+unix:{servers.folder}/echo')
    before = descriptors(echo)

    def visit(rng):
        with Application(echo.address) as conn, contextlib.suppress(OSError):
            data = nonsense(rng)
            cut = rng.randrange(len(data) + 1)
            conn.send(data[:cut])
            time.sleep(rng.choice([0, 0, 0.003]))
            conn.send(data[cut:])
            if rng.random() < 0.7:
                half_close(conn.sock)
                conn.sock.settimeout(0.05)
                while conn.sock.recv(1 << 16):
                    pass
        return 'visit'

    for _ in range(4):
        chaos.start(visit)
    chaos.join()
    print(json.dumps(chaos.done))
    assert calms_down(echo, before), f'seed {chaos.seed}: {descriptors(echo)} are open'
    with Application(echo.address) as conn:
        conn.send(fcgi.request(1, fcgi.params(target='/calm')))
        assert conn.reply().status == 200
