"""Things that cross on their way: an answer that is given up in the middle of a read, a body that
arrives while the request is being sent elsewhere. No byte may get lost, or be taken for another."""
import errno
import socket
import threading

import pytest

import fcgi_peer as fcgi
from fcgi_peer import OK, STDOUT, Backend, end, record
from http_peer import Client, body_of, get, sha256


@pytest.fixture
def backend(servers):
    """Makes scripted applications, and looks at the end that nothing went wrong in them."""
    made = []

    def make(answer, **more):
        made.append(Backend(servers.folder, answer, name=f'backend{len(made)}', **more))
        return made[-1]
    yield make
    for one in made:
        one.close()
        assert not one.errors


def test_an_answer_given_up_is_read_to_its_end(servers, backend):
    """The first piece is longer than its Content-Length, so weir answers 502 and drains the rest.
    What follows in the same read is the head of another record, whose content looks like an
    END_REQUEST. If the head got lost the connection would seem to be free for somebody else."""
    refused, sent, asked = threading.Event(), threading.Event(), threading.Event()
    strays = []

    def answer(request):
        if len(application.requests) > 1:
            request.finish(OK)
            return
        request.body()
        whole = record(STDOUT, request.id, end(request.id))
        request.send(record(STDOUT, request.id, b'Content-Length: 1\r\n\r\nxx'), whole[:8])
        assert refused.wait(20)
        assert request.connection.read()[0] == fcgi.ABORT
        request.send(whole[8:])
        sent.set()
        asked.wait(1)
        request.connection.sock.settimeout(0.2)
        try:
            strays.append(request.connection.read())
        except TimeoutError:
            request.connection.sock.settimeout(None)
            request.send(end(request.id))
        request._ended = True

    application = backend(answer)
    weir = servers.weir([application.url], '--keepalive', '8')
    assert get(weir.address).status >= 500
    refused.set()
    assert sent.wait(20)
    for _ in range(4):
        assert get(weir.address).body == b'ok\n'
    asked.set()
    assert not strays, 'a request was sent on a connection that was not free'
    assert application.connections == 2


def has_read_all(weir):
    """weir has dealt with what was sent to it before: it answers on the same loop."""
    assert get(weir.address, target='*').status == 400


def fill_backlog(listener):
    """Connects until the listener takes no more; the connections."""
    found = []
    while True:
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        found.append(sock)
        try:
            sock.connect(listener.getsockname())
        except OSError as error:
            assert error.errno == errno.EAGAIN
            return found


def test_a_body_that_comes_while_another_application_is_tried(servers, backend):
    """The first one is overloaded, the second does not accept yet: the body that comes meanwhile
    belongs to the request nevertheless."""
    turned_down = threading.Event()

    def overloaded(request):
        request.send(end(request.id, 0, fcgi.OVERLOADED))
        try:
            for _ in request.pieces():
                pass
        except fcgi.Closed:
            turned_down.set()
            raise

    def answer(request):
        request.finish(b'Content-Type: text/plain\r\n\r\n' + sha256(request.body()).encode())

    first, second = backend(overloaded), backend(answer, accepts=False)
    weir = servers.weir([first.url, second.url])
    fillers = fill_backlog(second.listener)
    body = body_of(50000)
    with Client(weir.address) as client:
        client.send_head('POST', '/', [('Content-Length', str(len(body)))])
        assert turned_down.wait(20)
        client.send(body[:20000])
        has_read_all(weir)
        second.accept()
        client.send(body[20000:])
        response = client.response()
    for sock in fillers:
        sock.close()
    assert response.status == 200 and response.body == sha256(body).encode()


def test_a_body_that_goes_on_after_a_local_redirect(servers, backend):
    """The application has seen enough and names another URL, which has no body."""
    redirected, go = threading.Event(), threading.Event()

    def answer(request):
        if request.param('REQUEST_METHOD') == 'POST':
            next(request.pieces())
            request.finish(b'Location: /elsewhere\r\n\r\n')
            request._ended = True
            return
        redirected.set()
        assert go.wait(20)
        assert request.body() == b''
        request.finish(OK)

    weir = servers.weir([backend(answer).url])
    with Client(weir.address) as client:
        client.send_head('POST', '/', [('Content-Length', '50000')])
        client.send(body_of(50000)[:20000])
        assert redirected.wait(20)
        client.send(body_of(50000)[20000:])
        has_read_all(weir)
        go.set()
        response = client.response()
        assert response.status == 200 and response.body == b'ok\n'
        assert client.request('GET', '/').body == b'ok\n'
