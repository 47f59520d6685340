"""A scripted web server in front of echo: what libweir makes of records, good and bad."""
import json
import socket

import pytest

import fcgi_peer as fcgi
from fcgi_peer import (ABORT, BEGIN, KEEP_CONN, PARAMS, STDIN, Application, begin, pair, pairs, params,
                       record, records, request)
from http_peer import KIB, MIB, body_of, sha256


@pytest.fixture(scope='module')
def echo(module_servers):
    return module_servers.example('echo', f'fcgi+unix:{module_servers.folder}/echo.sock')


@pytest.fixture
def app(echo):
    with Application(echo.address) as app:
        yield app


def answer_of(app, number=1):
    reply = app.reply(number)
    assert reply.protocol_status == fcgi.COMPLETE and reply.status == 200
    return json.loads(reply.body)


def test_whole_request(app):
    app.send(request(body=b'hello', values=params('POST', '/x?y', CONTENT_LENGTH='5')))
    answer = answer_of(app)
    assert answer['params']['REMOTE_ADDR'] == '192.0.2.7'
    assert answer['request'] == {'method': 'POST', 'target': '/x?y', 'path': '/x', 'query': 'y',
                                 'host': 'localhost'}
    assert answer['body'] == {'length': 5, 'sha256': sha256(b'hello'), 'complete': True}


def test_every_byte_alone(app):
    for number in (1, 2):
        data = request(number, body=b'hello', padding=3,
                       values=params('POST', '/', CONTENT_LENGTH='5'))
        for at in range(len(data)):
            app.send(data[at:at + 1])
        assert answer_of(app, number)['body']['length'] == 5


@pytest.mark.parametrize('size', [1, 2, 3, 7, 8, 100])
def test_parameters_in_records_of_any_size(app, size):
    values = params(HTTP_X_LONG='v' * 300, HTTP_X_SHORT='s')
    app.send(begin(1), records(PARAMS, 1, pairs(values), size), record(PARAMS, 1), record(STDIN, 1))
    answer = answer_of(app)
    assert answer['headers']['x-long'] == 'v' * 300 and answer['headers']['x-short'] == 's'
    assert answer['params']['REMOTE_ADDR'] == '192.0.2.7'


def test_split_value_is_no_parameter(app):
    """The attack: a header's value holds an encoded pair, and a PARAMS record ends before it. Who
    parses each record by itself sees REMOTE_ADDR=6.6.6.6."""
    evil = pair('REMOTE_ADDR', '6.6.6.6') + pair('REMOTE_USER', 'root')
    stream = pairs(params()) + pair('HTTP_X_EVIL', b'x' * 50 + evil)
    cut = stream.index(evil)
    app.send(begin(1), record(PARAMS, 1, stream[:cut]), record(PARAMS, 1, stream[cut:]),
             record(PARAMS, 1), record(STDIN, 1))
    answer = answer_of(app)
    assert answer['params']['REMOTE_ADDR'] == '192.0.2.7'
    assert 'REMOTE_USER' not in answer['params']
    assert '6.6.6.6' not in answer['params'].values()


@pytest.mark.parametrize('cut', range(1, 40))
def test_split_value_cut_anywhere(app, cut):
    evil = pair('REMOTE_ADDR', '6.6.6.6')
    stream = pairs({**params(), 'HTTP_A': evil.decode('latin-1') * 2})
    middle = len(stream) - cut
    app.send(begin(1), record(PARAMS, 1, stream[:middle]), record(PARAMS, 1, stream[middle:]),
             record(PARAMS, 1), record(STDIN, 1))
    assert answer_of(app)['params']['REMOTE_ADDR'] == '192.0.2.7'


@pytest.mark.parametrize('name', ['REMOTE_ADDR', 'REQUEST_METHOD', 'HTTPS', 'SCRIPT_FILENAME'])
def test_a_fact_twice_is_refused(app, name):
    """Which of the two would be the true one?"""
    values = [*params(HTTPS='on', SCRIPT_FILENAME='/x').items(), (name, '6.6.6.6')]
    app.send(begin(1, flags=KEEP_CONN), record(PARAMS, 1, pairs(values)), record(PARAMS, 1),
             record(STDIN, 1))
    reply = app.reply()
    assert reply.status == 400 and b'6.6.6.6' not in reply.stdout
    app.send(request(2))
    assert answer_of(app, 2)['params']['REMOTE_ADDR'] == '192.0.2.7'


@pytest.mark.parametrize('stream', [
    pairs(params()) + b'\x7f\x7fshort',
    pairs(params()) + b'\x80',
    pairs(params()) + b'\xff\xff\xff\xff\xff\xff\xff\xff',
    b'\x0b\x09REMOTE_ADDR',
], ids=['cut pair', 'cut length', 'endless pair', 'cut value'])
def test_malformed_parameters_run_no_handler(app, stream):
    app.send(begin(1, flags=KEEP_CONN), record(PARAMS, 1, stream), record(PARAMS, 1),
             record(STDIN, 1))
    reply = app.reply()
    assert reply.status in (400, 431) and b'"params"' not in reply.stdout
    app.send(request(2))  # the connection is still good
    assert answer_of(app, 2)['request']['method'] == 'GET'


def test_too_many_parameters(app):
    values = {**params(), **{f'HTTP_X_{n}': 'v' * 100 for n in range(1500)}}
    app.send(request(1, values))
    assert app.reply().status == 431
    app.send(request(2))
    assert answer_of(app, 2)


def test_missing_facts_stay_missing(app):
    app.send(request(values=params(REMOTE_ADDR=None, REMOTE_PORT=None, HTTP_HOST=None,
                                   SERVER_NAME=None)))
    answer = answer_of(app)
    assert 'REMOTE_ADDR' not in answer['params']
    assert answer['request']['host'] is None


def test_no_method_is_no_get(app):
    app.send(request(values=params(REQUEST_METHOD=None)))
    reply = app.reply()
    assert reply.status == 400 or json.loads(reply.body)['request']['method'] is None


def test_headers_that_lie(app):
    app.send(request(values=params(HTTP_PROXY='http://evil', HTTP_REMOTE_ADDR='6.6.6.6',
                                   HTTP_CONTENT_LENGTH='7', HTTP_TRANSFER_ENCODING='chunked',
                                   HTTP_CONNECTION='close', REMOTE_USER='', HTTPS='')))
    answer = answer_of(app)
    assert answer['params']['REMOTE_ADDR'] == '192.0.2.7'
    assert not {'REMOTE_USER', 'HTTPS'} & set(answer['params'])
    assert not {'proxy', 'content-length', 'transfer-encoding', 'connection'} & \
        set(answer['headers'])


def test_absolute_form_target(app):
    app.send(request(values=params(target='/x', REQUEST_URI='http://h.example:81/x?y=1')))
    assert answer_of(app)['request']['path'] == '/x'


# lengths

@pytest.mark.parametrize('length', ['', '-1', None], ids=['empty', 'minus one', 'absent'])
def test_unknown_length(app, length):
    app.send(request(body=body_of(5000), values=params('POST', CONTENT_LENGTH=length)))
    assert answer_of(app)['body'] == {'length': 5000, 'sha256': sha256(body_of(5000)),
                                      'complete': True}


def test_body_shorter_than_its_length(app):
    app.send(request(body=b'abc', values=params('POST', CONTENT_LENGTH='10')))
    reply = app.reply()
    assert reply.status == 400 or json.loads(reply.body)['body']['complete'] is False


def test_body_longer_than_its_length(app):
    app.send(request(body=b'abcdef', values=params('POST', CONTENT_LENGTH='3')))
    reply = app.reply()
    assert reply.status == 400 or json.loads(reply.body)['body']['sha256'] != sha256(b'abcdef')
    app.send(request(2))
    assert answer_of(app, 2)


@pytest.mark.parametrize('padding', [0, 1, 7, 8, 254, 255])
def test_padding_on_every_record(app, padding):
    for number in (1, 2):
        app.send(request(number, body=body_of(MIB), padding=padding,
                         values=params('POST', CONTENT_LENGTH=str(MIB))))
        assert answer_of(app, number)['body']['sha256'] == sha256(body_of(MIB))


# management

def test_get_values(app):
    asked = [('FCGI_MAX_CONNS', ''), ('FCGI_MAX_REQS', ''), ('FCGI_MPXS_CONNS', ''), ('NOPE', '')]
    app.send(record(fcgi.GET_VALUES, 0, pairs(asked), padding=5))
    kind, number, content = app.read()
    assert (kind, number) == (fcgi.GET_VALUES_RESULT, 0)
    values = dict(fcgi.parse_pairs(content))
    assert values['FCGI_MPXS_CONNS'] == '1'
    assert values.get('FCGI_MAX_REQS', '1').isdigit()
    assert 'NOPE' not in values
    app.send(request(1))
    assert answer_of(app)


def test_get_values_during_a_request(app):
    app.send(begin(1, flags=KEEP_CONN), record(fcgi.GET_VALUES, 0, pair('FCGI_MPXS_CONNS', '')))
    assert app.read()[0] == fcgi.GET_VALUES_RESULT
    app.send(records(PARAMS, 1, pairs(params())), record(PARAMS, 1), record(STDIN, 1))
    assert answer_of(app)


@pytest.mark.parametrize('kind', [12, 77, 255])
def test_unknown_management_record(app, kind):
    app.send(record(kind, 0, b'x' * 100, padding=3))
    got, number, content = app.read()
    assert (got, number) == (fcgi.UNKNOWN, 0)
    assert content == bytes([kind]) + bytes(7)
    app.send(request(1))
    assert answer_of(app)


def test_unknown_role(app):
    app.send(request(1, role=9))
    reply = app.reply()
    assert reply.protocol_status == fcgi.UNKNOWN_ROLE and not reply.stdout
    app.send(request(2))
    assert answer_of(app, 2)


# connections and ids

def test_without_keep_conn_the_application_closes(app):
    app.send(request(flags=0))
    assert answer_of(app)
    assert app.at_end()


def test_id_used_again(app):
    for number in range(200):
        app.send(request(1, values=params(target=f'/{number}')))
        assert answer_of(app)['request']['path'] == f'/{number}'


def test_multiplexed_requests(app):
    """Eight requests record by record in turn, with bodies of their own."""
    numbers = range(1, 9)
    bodies = {number: body_of(10 * KIB + number) for number in numbers}
    streams = {}
    for number in numbers:
        values = params('POST', f'/{number}', CONTENT_LENGTH=str(len(bodies[number])))
        streams[number] = [begin(number, flags=KEEP_CONN),
                           *[record(PARAMS, number, bytes([byte])) for byte in pairs(values)],
                           record(PARAMS, number),
                           *[record(STDIN, number, bodies[number][at:at + 1000])
                             for at in range(0, len(bodies[number]), 1000)],
                           record(STDIN, number)]
    for turn in range(max(map(len, streams.values()))):
        app.send(*[stream[turn] for stream in streams.values() if turn < len(stream)])
    for number, reply in app.replies(*numbers).items():
        answer = json.loads(reply.body)
        assert answer['request']['path'] == f'/{number}'
        assert answer['body']['sha256'] == sha256(bodies[number])


def test_quick_request_overtakes_a_slow_one(app):
    app.send(request(1, values=params(target='/?delay=300')), request(2), request(3))
    assert list(app.replies(1, 2, 3))[-1] == 1


def test_abort(app):
    """An aborted request is ended, by END_REQUEST and only once, and the connection goes on."""
    app.send(begin(1, flags=KEEP_CONN), records(PARAMS, 1, pairs(params('POST'))), record(PARAMS, 1),
             record(STDIN, 1, b'half'), record(ABORT, 1))
    app.reply(1)
    app.send(request(2))
    assert answer_of(app, 2)


def test_abort_of_a_waiting_request(app):
    app.send(request(1, values=params(target='/?delay=60000')), record(ABORT, 1))
    app.reply(1)
    app.send(request(1))
    assert answer_of(app)


def test_abort_before_the_parameters_are_complete(app):
    app.send(begin(1, flags=KEEP_CONN), record(PARAMS, 1, pairs(params())), record(ABORT, 1))
    app.reply(1)
    app.send(request(2))
    assert answer_of(app, 2)


@pytest.mark.parametrize('stray', [record(STDIN, 5, b'x'), record(PARAMS, 5, b'x'), record(ABORT, 5),
                                   record(STDIN, 5), record(fcgi.DATA, 5, b'x')],
                         ids=['stdin', 'params', 'abort', 'end of stdin', 'data'])
def test_records_of_inactive_requests_are_ignored(app, stray):
    app.send(stray, request(1), stray)
    assert answer_of(app)
    app.send(stray, request(2))
    assert answer_of(app, 2)


@pytest.mark.parametrize('data', [b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', bytes(100),
                                  record(BEGIN, 1, b'', version=2) + request(1),
                                  record(BEGIN, 1, b'short')],
                         ids=['HTTP', 'zeros', 'version 2', 'short BEGIN'])
def test_what_is_no_fastcgi_ends_the_connection(echo, data):
    with Application(echo.address) as app:
        app.send(data)
        app.sock.shutdown(1)
        assert app.at_end()
    with Application(echo.address) as app:
        app.send(request(1))
        assert answer_of(app)


def test_begin_of_an_active_id(app):
    """Two requests with one id cannot be told apart: no answer may mix them."""
    app.send(begin(1, flags=KEEP_CONN), record(PARAMS, 1, pairs(params(target='/one'))),
             begin(1, flags=KEEP_CONN))
    try:
        app.reply(1)
    except fcgi.Closed:
        pass


def test_large_streamed_answer(app):
    app.send(request(1, values=params(target='/?stream=256&size=65536')))
    assert len(app.reply().body) == 256 * 65536


def test_slow_reader_does_not_stop_the_others(echo):
    """One web server connection that reads nothing of 64 MiB; another one is served."""
    with Application(echo.address) as slow, Application(echo.address) as app:
        slow.send(request(1, values=params(target='/?stream=1024&size=65536')))
        for number in range(1, 20):
            app.send(request(number))
            assert answer_of(app, number)


@pytest.mark.parametrize('running', [False, True])
def test_half_close_within_parameters(app, running):
    """A request whose parameters stay incomplete does not keep the connection; the answer of
    another one is sent before."""
    if running:
        app.send(request(values=params(target='/?delay=100')))
    app.send(begin(2, flags=KEEP_CONN), record(PARAMS, 2, pairs({'A': 'b'})))
    app.sock.shutdown(socket.SHUT_WR)
    if running:
        assert answer_of(app)
    assert app.at_end()
