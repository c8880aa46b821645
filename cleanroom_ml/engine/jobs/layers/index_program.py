"""Tells what the operator's pip configuration says, and fetches from the index that it names. One file, pip beside it.

`python -I index_program.py FD`, as the engine's user, outside of any sandbox: it has the operator's credentials,
certificates and proxies, by pip's own code, so that all of pip's configuration works. It reads no body that it
carries but for the addresses in an index's pages: those are for the resolver's sandbox (resolve_program.py), which
sends its requests to the socket FD.

What is fetched: GET and HEAD, without a body, of what the configured indexes name (`Gate`), and nothing else.
"""

from __future__ import annotations

import hashlib
import html
import importlib
import json
import logging
import os
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, TextIO
from urllib.parse import unquote, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_MAX_ADDRESS = 4_000
_MAX_LINKS = 1_000_000
_LINK = re.compile(rb"""(?:href\s{0,8}=\s{0,8}|"url"\s{0,8}:\s{0,8})["']([^"'<>\s]{1,4000})["']""", re.IGNORECASE)
_PAGES = ("text/html", "application/vnd.pypi.simple", "application/json", "application/xhtml")
_CONNECTIONS = 16
_CHUNK = 1 << 16
_NOTES = 50
_ASKED = ("accept", "range", "if-none-match", "if-modified-since", "cache-control")
_TOLD = (
    *("content-type", "content-length", "content-range", "content-encoding", "accept-ranges", "location"),
    *("etag", "last-modified", "cache-control", "date", "expires", "age", "vary", "x-checksum-sha256"),
)
COMPANIONS = {
    "pypi.org": ("files.pythonhosted.org",),
    "test.pypi.org": ("test-files.pythonhosted.org",),
    "download.pytorch.org": ("download-r2.pytorch.org",),
}
"""Where an index that keeps its files on another host keeps them."""

Origin = tuple[str, str, int]


def origin_of(address: str) -> Origin | None:
    """Scheme, host and port of an http(s) address; None for anything else."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".").lower()
    return (parts.scheme, host, port) if parts.scheme in _PORTS and host else None


def _plain(address: str) -> str | None:
    """The address as two spellings of one have it in common; None where a server might take it for another path."""
    origin = origin_of(address)
    if origin is None:
        return None
    parts = urlsplit(address)
    path, before = parts.path, ""
    while path != before and len(path) <= _MAX_ADDRESS:
        path, before = unquote(path), path
    if {".", ".."} & set(re.split(r"[/\\]", path)):
        return None
    return f"{origin[0]}://{origin[1]}:{origin[2]}{path or '/'}?{parts.query}"


class Gate:
    """Which addresses may be fetched.

    Of the hosts that the configuration names, whose credentials go with every request: what lies below an index's own
    path, the very pages and files that are configured, what these pages link to on the same host, and nothing else that
    such a host may serve. Also all of the hosts where a well-known one of them keeps its files, of the `more` hosts
    that the operator names (https only), and exactly the address that an index itself redirected to. What a page links
    to elsewhere is refused: who publishes a package may have written it.
    """

    def __init__(self, indexes: list[str], files: list[str], more: list[str]) -> None:
        configured = {each: origin for each in (*indexes, *files) if (origin := origin_of(each)) is not None}
        self._configured = set(configured.values())
        self._below = {plain.rstrip("?").rstrip("/") for each in indexes if (plain := _plain(each)) is not None}
        self._pages = {plain for each in (*indexes, *files) if (plain := _plain(each)) is not None}
        beside = [("https", host, 443) for scheme, name, _ in self._configured for host in COMPANIONS.get(name, ())]
        named = [origin for each in more if (origin := origin_of(f"https://{each}")) is not None]
        self._allowed = (set(beside) | set(named)) - self._configured
        self._redirected: set[str] = set()
        self._moved: set[str] = set()
        self._linked: set[bytes] = set()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Whether to fetch it."""
        if len(address) > _MAX_ADDRESS or not address.isascii() or not address.isprintable() or " " in address:
            return False
        origin = origin_of(address)
        if origin is None or "@" in urlsplit(address).netloc:
            return False
        with self._lock:
            return origin in self._allowed or address in self._redirected or self._is_the_indexes(address)

    def _is_the_indexes(self, address: str) -> bool:
        plain = _plain(address)
        if plain is None:
            return False
        whole = plain.replace(".metadata?", "?")  # PEP 658: what a link's file says of itself lies beside it
        return self._is_page(plain) or _digest(plain) in self._linked or _digest(whole) in self._linked

    def _is_page(self, plain: str) -> bool:
        path = plain.partition("?")[0]
        return plain in self._pages or any(path == each or path.startswith(f"{each}/") for each in self._below)

    def redirect(self, address: str, location: str) -> None:
        """An answer of `address` said that what it names is at `location`."""
        target = urljoin(address, location).partition("#")[0]
        weaker = target.startswith("http:") and address.startswith("https:")
        with self._lock:
            trusted = address in self._redirected or self._is_the_indexes(address)
            if trusted and not weaker and len(self._redirected) < 10_000:
                self._redirected.add(target)
                before, after = _plain(address), _plain(target)
                if before is not None and after is not None and (self._is_page(before) or before in self._moved):
                    self._moved.add(after)

    def links(self, address: str) -> Links | None:
        """What is to be told of the body of this address; None where it is no page of an index."""
        with self._lock:
            plain = _plain(address)
            is_page = plain is not None and (self._is_page(plain) or plain in self._moved)
        return Links(self, address) if is_page else None

    def link(self, page: str, target: str) -> None:
        """A page of an index links to this file."""
        try:
            address = urljoin(page, target)
        except ValueError:
            return
        plain = _plain(address)
        with self._lock:
            if plain is not None and origin_of(address) in self._configured and len(self._linked) < _MAX_LINKS:
                self._linked.add(_digest(plain))


class Links:
    """Finds the links of a page of an index as it goes by, HTML or JSON (PEP 503, PEP 691), and reads nothing else."""

    def __init__(self, gate: Gate, page: str) -> None:
        self._gate = gate
        self._page = page
        self._rest = b""

    def feed(self, data: bytes) -> None:
        text = self._rest + data
        for match in _LINK.finditer(text):
            found = match.group(1).decode("utf-8", "replace")
            self._gate.link(self._page, html.unescape(found.replace("\\/", "/").replace("\\u0026", "&")))
        self._rest = text[-_MAX_ADDRESS - 16 :]


def _digest(plain: str) -> bytes:
    """Short, so that a million links have their place."""
    return hashlib.sha256(plain.encode()).digest()[:16]


class Handler(BaseHTTPRequestHandler):
    """One request of the sandbox's."""

    protocol_version = "HTTP/1.0"
    timeout = 600
    server: Relay

    def do_GET(self) -> None:
        self._fetch("GET")

    def do_HEAD(self) -> None:
        self._fetch("HEAD")

    def log_message(self, *_: object) -> None:
        """Addresses are the operator's: not in a log."""

    def _fetch(self, method: str) -> None:
        address = self.path
        if not self.server.gate.allows(address):
            origin = origin_of(address)
            host = re.sub(r"[^a-z0-9.:-]", "?", f"{origin[1]}:{origin[2]}"[:200]) if origin else "?"
            self.server.note("refused", host)
            self.send_error(403, "not an index of this engine")
            return
        headers = {name: self.headers[name] for name in _ASKED if name in self.headers}
        headers["Accept-Encoding"] = "identity"
        session = self.server.session
        try:
            answer = session.request(method, address, headers=headers, stream=True, allow_redirects=False)
        except Exception as error:  # noqa: BLE001 - of any layer of pip's; its words hold addresses
            self.server.note("failed", type(error).__name__)
            self.send_error(502, "the index does not answer")
            return
        with answer:
            if "location" in answer.headers:
                self.server.gate.redirect(address, answer.headers["location"])
            self.send_response_only(answer.status_code)
            for name in _TOLD:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            # A wheel may lie beside the pages; what it holds is its publisher's.
            is_page = answer.headers.get("content-type", "").lower().startswith(_PAGES)
            links = self.server.gate.links(address) if is_page else None
            while method == "GET" and (data := answer.raw.read(_CHUNK, decode_content=False)):
                if links is not None:
                    links.feed(data)  # before it is passed on: the next request may be for one of them
                self.wfile.write(data)
                self.server.count(len(data))


class Relay(ThreadingMixIn, UnixStreamServer):
    """Serves the sandbox's requests on a socket that listens already."""

    daemon_threads = True

    def __init__(self, listener: int, gate: Gate, session: Any, max_bytes: int) -> None:
        super().__init__("", Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=listener)
        self.gate = gate
        self.session = session
        self._room = max_bytes
        self._notes = 0
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._places.acquire()  # who has no place waits to be accepted
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, *_: object) -> None:
        """A connection that broke; the one who asked notices."""

    def note(self, kind: str, what: str) -> None:
        """For the engine's own eyes, and not without end."""
        with self._lock:
            self._notes += 1
            if self._notes <= _NOTES:
                _say(sys.stderr, {kind: what})

    def count(self, size: int) -> None:
        """Raises ConnectionError once more has been fetched than may be."""
        with self._lock:
            self._room -= size
            if self._room < 0:
                raise ConnectionError("more was fetched than may be")


def _say(to: TextIO, what: dict[str, object]) -> None:
    to.write(json.dumps(what) + "\n")
    to.flush()


# Any: classes of pip's, which has no types for others.
def _session(command: Any, options: Any) -> Any:
    session = command._build_session(options)
    # pip finds the credentials of an index address by itself, those of a page of links in its address.
    for address in options.find_links:
        parts = urlsplit(address)
        if parts.scheme in _PORTS and parts.username:
            session.auth.passwords[parts.netloc.rpartition("@")[2]] = (parts.username, parts.password or "")
    return session


def main(listener: int) -> None:
    logging.disable()  # pip's words hold addresses, and have no end
    command = importlib.import_module("pip._internal.commands").create_command("install")
    arguments = ["--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "1"]
    options, _ = command.parse_args(arguments)
    reported = {
        "index_urls": [] if options.no_index else [options.index_url, *options.extra_index_urls],
        "find_links": options.find_links,
        "trusted_hosts": options.trusted_hosts,
        "constraints": options.constraints,
    }
    _say(sys.stdout, reported)
    asked = json.loads(sys.stdin.readline() or "{}")
    # Its end is ours, however the engine ended.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    gate = Gate(reported["index_urls"], [*reported["find_links"], *reported["constraints"]], asked["hosts"])
    Relay(listener, gate, _session(command, options), asked["max_bytes"]).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
