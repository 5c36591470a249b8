"""Local server of a drive: a page on the loopback address, for those without a notebook."""

from __future__ import annotations

import json
import secrets
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from megastep.viewer import page
from megastep.viewer.driving import Drive

LARGEST = 10_000
"""The size of a request, in bytes, at most."""


class Server(ThreadingHTTPServer):
    """Server of one drive, on the loopback address alone. Whoever doesn't know its address's secret gets nothing.

    Args:
        drive: The drive.
        port: The port; by default any that is free.

    Attributes:
        url: The address of the page.
    """

    daemon_threads = True

    def __init__(self, drive: Drive, port: int = 0) -> None:
        super().__init__(('127.0.0.1', port), _Handler)
        self.drive, self.lock, self.secret = drive, threading.Lock(), secrets.token_urlsafe(16)
        self.url = f'http://127.0.0.1:{self.server_address[1]}/{self.secret}/'


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self._known('/'):
            with self.server.lock:
                content = page.render_drive(self.server.drive.document())
            self._answer(200, content, 'text/html; charset=utf-8')

    def do_POST(self) -> None:
        if not self._known('/ask'):
            return
        try:
            size = int(self.headers.get('Content-Length') or 0)
            if size > LARGEST:
                raise ValueError(f'a request must be at most {LARGEST:,} bytes, got {size:,}.')  # noqa: TRY301
            request = json.loads(self.rfile.read(size))
            if not isinstance(request, dict):
                raise ValueError(f'a request must be an object, got {type(request).__name__}.')  # noqa: TRY301, TRY004
            with self.server.lock:
                answer: dict[str, Any] = self.server.drive.ask(request)
            self._answer(200, json.dumps(answer), 'application/json')
        except (ValueError, TypeError) as error:
            self._answer(400, json.dumps({'error': str(error)}), 'application/json')

    def _known(self, path: str) -> bool:
        """True if the request is for us, by its path and by its host, which other sites' pages can't forge."""
        host = f'127.0.0.1:{self.server.server_address[1]}'
        known = self.path == f'/{self.server.secret}{path}' and self.headers.get('Host') == host
        if not known:
            self._answer(404, 'not found', 'text/plain')
        return known

    def _answer(self, status: int, content: str, kind: str) -> None:
        body = content.encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Cache-Control', 'no-store')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def serve(drive: Drive, *, port: int = 0, show: bool = True) -> None:
    """Serves a drive until it is interrupted, and opens its page in a browser.

    Args:
        drive: The drive.
        port: The port; by default any that is free.
        show: Open the page in a browser.
    """
    with Server(drive, port) as server:
        print(f'Drive at {server.url}, and end with Ctrl-C.', flush=True)
        if show:
            webbrowser.open(server.url)
        server.serve_forever()
