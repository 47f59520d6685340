"""Certificates for tests, made by the openssl command, and a TLS client to look at servers with."""
import socket
import ssl
import subprocess

from http_peer import Client


def openssl(*argv, **more):
    return subprocess.run(['openssl', *(str(arg) for arg in argv)], check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, **more)


class Authority:
    """Issues certificates, all files in one folder."""

    def __init__(self, folder, name='Test CA'):
        self.folder = folder
        self.name = name
        folder.mkdir(exist_ok=True)
        self.cert = folder / 'ca.pem'
        self.key = folder / 'ca.key'
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                '-keyout', self.key, '-out', self.cert, '-days', 30, '-subj', f'/CN={name}')

    def issue(self, file, names='DNS:localhost,IP:127.0.0.1', subject=None, days=30):
        """(certificate, key) for these names; days may be negative: it has expired."""
        cert, key, request = (self.folder / f'{file}{suffix}' for suffix in ('.pem', '.key', '.csr'))
        extensions = self.folder / f'{file}.ext'
        extensions.write_text(f'subjectAltName={names}\n')
        openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                '-keyout', key, '-out', request, '-subj', subject or f'/CN={file}')
        openssl('x509', '-req', '-in', request, '-CA', self.cert, '-CAkey', self.key, '-days', days,
                '-CAcreateserial', '-extfile', extensions, '-out', cert)
        return cert, key

    def context(self, version=None, cert=None, alpn=()):
        """A client's context that trusts this authority, and sees a missing close_notify."""
        context = ssl.create_default_context(cafile=self.cert)
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if version:
            context.minimum_version = context.maximum_version = version
        if cert:
            context.load_cert_chain(*cert)
        if alpn:
            context.set_alpn_protocols(alpn)
        return context


class TlsClient(Client):
    """http_peer.Client over TLS. A connection that ends without close_notify is an SSLEOFError."""

    def __init__(self, address, context, name='localhost', session=None):
        super().__init__(address)
        self.sock = context.wrap_socket(self.sock, server_hostname=name, session=session,
                                        suppress_ragged_eofs=False)
        self.host = 'localhost'

    def request(self, method, target, headers=(), body=None, chunk=None):
        """One thread: a TLS connection cannot be read and written at the same time here."""
        assert chunk is None
        if body is None:
            return super().request(method, target, headers)
        self.send_head(method, target, [*headers, ('Content-Length', str(len(body)))])
        self.send(body)
        return self.response(method)

    def subject(self):
        return dict(pair for rdn in self.sock.getpeercert()['subject'] for pair in rdn)['commonName']


class MemoryTls:
    """A TLS client whose records go to the socket as the test likes."""

    def __init__(self, address, context, name='localhost'):
        self.sock = socket.create_connection(address, timeout=20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def flush(self, piece=1):
        data = self.outgoing.read()
        for at in range(0, len(data), piece):
            self.sock.sendall(data[at:at + piece])

    def run(self, operation, *argv, piece=1):
        """Calls operation until it has what it needs."""
        while True:
            try:
                result = operation(*argv)
                self.flush(piece)
                return result
            except ssl.SSLWantReadError:
                self.flush(piece)
                data = self.sock.recv(1 << 16)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
