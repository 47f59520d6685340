"""Server-sent events (examples/stream): over HTTP, behind weir and behind nginx."""
import os
import re
import time

import pytest

import fcgi_peer as fcgi
from fcgi_peer import Application
from http_peer import Client, get
from server import BUILD
from test_behind_proxies import start_proxy

EVENT = re.compile(rb'id: (\d+)\ndata: (\d+) ms\n\n')


def start(servers, url, milliseconds):
    return servers.start('stream', [BUILD / 'examples' / 'stream', url, str(milliseconds)], clean=True,
                         ready=r'^stream: listening on (\S+)$')


@pytest.fixture(scope='module', params=['http', 'fcgi', 'nginx'])
def front(request, module_servers):
    if request.param == 'http':
        front = server = start(module_servers, 'http://127.0.0.1:0', 20)
    elif request.param == 'fcgi':
        server = start(module_servers, f'fcgi+unix:{module_servers.folder}/stream.sock', 20)
        front = module_servers.weir([server])
    else:
        server = start(module_servers, 'fcgi://127.0.0.1:0', 20)
        front = start_proxy(module_servers, 'nginx', server.port)
    return front


def begin(client, headers=()):
    client.send_head('GET', '/events', headers)
    status, fields = client._head()
    assert status == 200 and dict(fields)['content-type'] == 'text/event-stream'


def events(client, count):
    """The numbers of the next events; chunk framing in between is skipped."""
    while len(EVENT.findall(client.buffer)) < count:
        assert client._fill()
    return [int(number) for number, _ in EVENT.findall(client.buffer)][:count]


def test_page(front):
    assert b'EventSource' in get(front.address, '/').body
    assert get(front.address, '/other').status == 404


def test_events_come_when_they_are_due(front):
    with Client(front.address) as client:
        started = time.monotonic()
        begin(client)
        numbers = events(client, 10)
        assert 0.15 < time.monotonic() - started < 5
        assert numbers == list(range(numbers[0], numbers[0] + 10))
        assert b'retry: 40\n\n' in client.buffer


def test_client_that_comes_back(front):
    with Client(front.address) as client:
        begin(client)
        last = events(client, 3)[-1]
    time.sleep(0.2)
    with Client(front.address) as client:
        started = time.monotonic()
        begin(client, [('Last-Event-ID', str(last))])
        assert events(client, 5) == list(range(last + 1, last + 6))
        assert time.monotonic() - started < 5
    with Client(front.address) as client:
        begin(client, [('Last-Event-ID', '99999999999999999999')])
        assert events(client, 1)


def test_many_watchers(front):
    clients = [Client(front.address) for _ in range(50)]
    try:
        for client in clients:
            begin(client)
        seen = [set(events(client, 5)) for client in clients]
        assert all(max(numbers) - min(numbers) == 4 for numbers in seen)
    finally:
        for client in clients:
            client.close()


def test_watchers_that_leave(servers):
    """The program hears of it and lets go."""
    server = start(servers, 'http://127.0.0.1:0', 20)
    get(server.address, '/')
    before = len(os.listdir(f'/proc/{server.pid}/fd'))
    for _ in range(40):
        with Client(server.address) as client:
            begin(client)
            events(client, 1)
    limit = time.monotonic() + 20
    while len(os.listdir(f'/proc/{server.pid}/fd')) > before:
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_aborted_streams(servers):
    """ABORT_REQUEST ends one stream, and the others on its connection go on."""
    server = start(servers, f'fcgi+unix:{servers.folder}/stream.sock', 20)
    with Application(server.address) as app:
        app.send(*[fcgi.request(number, values=fcgi.params(target='/events')) for number in range(1, 21)])
        seen = set()
        while len(seen) < 20:
            kind, number, content = app.read()
            if kind == fcgi.STDOUT and b'data: ' in content:
                seen.add(number)
        app.send(*[fcgi.record(fcgi.ABORT, number) for number in range(1, 20)])
        ended, after = set(), 0
        while len(ended) < 19 or after < 5:
            kind, number, content = app.read()
            if kind == fcgi.END:
                ended.add(number)
            else:
                assert number not in ended
                after += number == 20
        assert 20 not in ended


def test_stop_ends_the_streams(servers):
    server = start(servers, 'http://127.0.0.1:0', 50)
    with Client(server.address) as client:
        begin(client)
        events(client, 1)
        server.terminate()
        assert server.wait(10) == 0
