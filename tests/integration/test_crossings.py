"""Things that cross on their way: an answer that is given up in the middle of a read, a body that
arrives while the request is being sent elsewhere. No byte may get lost, or be taken for another."""
import threading

import pytest

import fcgi_peer as fcgi
from fcgi_peer import OK, STDOUT, Backend, end, record
from http_peer import get


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
