"""The HTTP server of the local AWS, which keeps the connections of clients open for their next requests.

Werkzeug's server closes each of them after one request. Another connection and another thread for every request take
as long as the request itself.
"""

from __future__ import annotations

import io
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import InternalServerError
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from footlake.local.context import logger

NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class RequestHandler(WSGIRequestHandler):  # type: ignore[misc]
    """Answers the requests of one connection until the client closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it delays the body of a response until the client has confirmed its headers
    server: HttpServer

    def setup(self) -> None:
        """Register the connection."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Remove the connection."""
        self.server.connections.discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Read a whole request, so that the next one begins where it ends, and answer it."""
        self.environ = environ = self.make_environ()
        is_chunked = "wsgi.input_terminated" in environ
        body = environ["wsgi.input"].read(-1 if is_chunked else int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            parts, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except Exception:
            logger.exception("%s %s", self.command, self.path)
            parts, status, headers = run_wsgi_app(InternalServerError(), environ, buffered=True)
        code, _, reason = status.partition(" ")
        answer = b"".join(parts)
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in headers and int(code) not in NO_BODY:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def log_request(self, *_: object) -> None:
        """Log nothing."""


class HttpServer(ThreadedWSGIServer):  # type: ignore[misc]
    """Serves a WSGI application on 127.0.0.1, with a thread per connection; port 0 is any free port."""

    def __init__(self, port: int, application: Any) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__("127.0.0.1", port, application, RequestHandler)

    def shutdown(self) -> None:
        """Accept neither connections nor requests. Requests in progress continue."""
        super().shutdown()
        for connection in list(self.connections):
            with suppress(OSError):  # the client has closed it
                connection.shutdown(socket.SHUT_RD)
