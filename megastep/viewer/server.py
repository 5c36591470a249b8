"""Local server of a session, such as a drive: a page on the loopback address, for those without a notebook."""

from __future__ import annotations

import json
import re
import secrets
import threading
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from megastep.checks import is_integer
from megastep.maps.storage import json_files


class Session(Protocol):
    """A session that a page shows: a `Drive`, or a `Draw`."""

    largest_request: int
    """The size of a request, in bytes, at most."""

    def html(self) -> str:
        """The page."""

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answers what the page asks. Raises a `ValueError` that says what is wrong with it."""


class Server(ThreadingHTTPServer):
    """Server of one session, on the loopback address alone. Whoever doesn't know its address's secret gets nothing.

    Args:
        session: The session.
        port: The port; by default any that is free.

    Attributes:
        url: The address of the page.

    Raises:
        ValueError: if the port is none.
        OSError: naming it, if it isn't free.
    """

    daemon_threads = True

    def __init__(self, session: Session, port: int = 0) -> None:
        if not is_integer(port) or not 0 <= port < 1 << 16:
            raise ValueError(f'port must be an integer from 0 to {(1 << 16) - 1}, got {port!r}.')
        try:
            super().__init__(('127.0.0.1', port), _Handler)
        except OSError as error:
            raise OSError(error.errno, f'port {port} can not be opened: {error.strerror}') from error
        self.session, self.lock, self.secret = session, threading.Lock(), secrets.token_urlsafe(16)
        self.url = f'http://127.0.0.1:{self.server_address[1]}/{self.secret}/'


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 60
    """The seconds that are waited for what a request says will come."""

    def do_GET(self) -> None:
        if self._known('/'):
            with self.server.lock:
                content = self.server.session.html()
            self._answer(200, content, 'text/html; charset=utf-8')

    def do_POST(self) -> None:
        if not self._known('/ask'):
            return
        try:
            request = self._request()
            with self.server.lock:
                answer: dict[str, Any] = self.server.session.ask(request)
            self._answer(200, json.dumps(answer, allow_nan=False), 'application/json')
        except (ValueError, TypeError) as error:
            self._answer(400, json.dumps({'error': str(error)}), 'application/json')
        except Exception as error:  # of the env or the agent: the page says so, and who serves it learns where
            self._answer(500, json.dumps({'error': f'{type(error).__name__}: {error}'}), 'application/json')
            raise

    def _request(self) -> dict[str, Any]:
        """The request.

        Raises:
            ValueError: if it isn't an object of JSON, or is too long.
        """
        said, most = self.headers.get('Content-Length') or '', self.server.session.largest_request
        if not re.fullmatch('[0-9]+', said):
            raise ValueError(f'a request must say how long it is, got {said[:20]!r}.')
        if int(said) > most:
            raise ValueError(f'a request must be at most {most:,} bytes, got {int(said):,}.')
        request = json_files.parse_json(self.rfile.read(int(said)))
        if not isinstance(request, dict):
            raise ValueError(f'a request must be an object, got {type(request).__name__}.')  # noqa: TRY004
        return request

    def _known(self, path: str) -> bool:
        """True if the request is for us, by its path and by its host, which other sites' pages can't forge."""
        host = f'127.0.0.1:{self.server.server_address[1]}'
        known = self.path == f'/{self.server.secret}{path}' and self.headers.get('Host') == host
        if not known:
            self._answer(404, 'not found', 'text/plain')
        return known

    def _answer(self, status: int, content: str, kind: str) -> None:
        body = content.encode(errors='replace')  # JSON may hold halves of letters
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Cache-Control', 'no-store')
        with suppress(ConnectionError):  # the page may have been left
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def serve(session: Session, *, port: int = 0, show: bool = True) -> None:
    """Serves a session, such as a drive, until it is interrupted, and opens its page in a browser.

    Args:
        session: A `Drive`, or a `Draw`.
        port: The port; by default any that is free.
        show: Open the page in a browser.
    """
    with Server(session, port) as server:
        print(f'{type(session).__name__} at {server.url}, and end with Ctrl-C.', flush=True)
        if show:
            webbrowser.open(server.url)
        server.serve_forever()
