"""The book over HTTP."""

import json
import os
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ledger.book import Book


def serve(port: int) -> ThreadingHTTPServer:
    """A server for a new book; port 0 takes a free one."""
    book = Book()

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self.answer(200, {"status": "ok"})
            elif self.path == "/version":
                self.answer(200, {"version": os.environ.get("VERSION", "dev")})
            elif self.path == "/balances":
                self.answer(200, book.balances())
            else:
                self.answer(404, {"error": "not found"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            try:
                document = json.loads(self.rfile.read(length))
                entry = book.post(document["debit"], document["credit"], document["amount"])
                self.answer(201, asdict(entry))
            except (KeyError, TypeError, ValueError) as error:
                self.answer(422, {"error": str(error)})

        def log_message(self, *_: object) -> None:
            """Requests are not logged."""

    return ThreadingHTTPServer(("0.0.0.0", port), Handler)
