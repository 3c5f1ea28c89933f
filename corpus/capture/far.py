"""The far host of the captures: answers whoever connects, and calls whoever listens. Harmless on both sides.

    far.py NEAR FOLDER     the address of the near host; a folder for the certificate

TCP and UDP 9001 to 9049 answer a connection with two commands for a shell and the end. On TCP 9051 to 9069 the near
host may listen: it is called and sent the same. TCP 80 gives away /tool (a program that does nothing) and
/tool.sh (a script that says so); TCP 443 is 9001 inside TLS, where openssl is installed. TCP 5432 takes all and
says nothing.
"""

import http.server
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

NEAR, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
COMMANDS = b"id\necho harmless\nexit\n"


def talk(peer, text=COMMANDS):
    """Sends commands and hears what comes back until the other side ends."""
    try:
        peer.settimeout(5)
        peer.sendall(text)
        while peer.recv(65536):
            pass
    except OSError:
        pass
    finally:
        peer.close()


def answer(port, text):
    """Answers connections to a port."""
    server = socket.create_server(("0.0.0.0", port))
    while True:
        peer, _ = server.accept()
        threading.Thread(target=talk, args=(peer, text), daemon=True).start()


def answer_datagrams(port):
    """Answers every datagram that says hello."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", port))
    while True:
        text, peer = server.recvfrom(65536)
        if text.startswith(b"hello"):
            server.sendto(COMMANDS, peer)


def call(port):
    """Calls a port of the near host until somebody is there."""
    while True:
        try:
            peer = socket.create_connection((NEAR, port), timeout=1)
        except OSError:
            time.sleep(0.1)
            continue
        talk(peer)
        time.sleep(1)


class Page(http.server.BaseHTTPRequestHandler):
    """Gives away two files and answers everything else with nothing."""

    files = {
        "/tool": pathlib.Path("/bin/true").read_bytes(),
        "/tool.sh": b"#!/bin/sh\necho harmless\n",
        "/tool.py": b"print('harmless')\n",
    }

    def do_GET(self):
        text = self.files.get(self.path, b"")
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def start(target, *args):
    threading.Thread(target=target, args=args, daemon=True).start()


for number in range(9001, 9050):
    start(answer, number, COMMANDS)
    start(answer_datagrams, number)
for number in range(9051, 9070):
    start(call, number)
start(answer, 5432, b"")
if shutil.which("openssl"):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=far", "-days", "1",
         "-keyout", FOLDER / "key", "-out", FOLDER / "cert"], check=True, stderr=subprocess.DEVNULL)
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER / "cert", FOLDER / "key")
    outer = socket.create_server(("0.0.0.0", 443))

    def secure():
        while True:
            peer, _ = outer.accept()
            try:
                talk(context.wrap_socket(peer, server_side=True))
            except OSError:
                peer.close()

    start(secure)
web = http.server.ThreadingHTTPServer(("0.0.0.0", 80), Page)
(FOLDER / "ready").touch()
web.serve_forever()
