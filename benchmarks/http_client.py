"""Many HTTP clients in one process: keep-alive connections over epoll, a closed loop for each.

Written by hand because the clients share the machine with what they measure: an HTTP library would
take more of it than the server.
"""

import json
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Request = tuple[str, str, Any]  # label, path, body
# What a client asks next, given the answer before (None at first); None = it is done.
Script = Callable[[int, dict[str, Any] | None], Request | None]


@dataclass
class Timings:
    """Seconds of each request by label, and what was refused."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    refused: list[tuple[int, str]] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def count(self) -> int:
        """All requests that were answered."""
        return sum(map(len, self.seconds.values()))

    def quantile(self, share: float) -> float:
        """Return a quantile over all requests, in seconds."""
        every = sorted(s for rows in self.seconds.values() for s in rows)
        return every[min(int(share * len(every)), len(every) - 1)] if every else float("nan")


class _Client:
    def __init__(self, address: tuple[str, int], token: str) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = (
            f" HTTP/1.1\r\nHost: {address[0]}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self.received = b""
        self.label, self.began = "", 0.0

    def send(self, request: Request) -> None:
        self.label, path, body = request
        raw = json.dumps(body).encode() if body is not None else b""
        self.began = time.perf_counter()
        self.socket.sendall(f"POST {path}{self.head}{len(raw)}\r\n\r\n".encode() + raw)

    def receive(self) -> tuple[int, bytes] | None:
        """Return status and body once the answer is whole."""
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.received += part
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if len(body) < length:
            return None
        self.received = body[length:]
        return int(head[9:12]), body[:length]


def run(
    address: tuple[str, int],
    tokens: list[str],
    script: Script,
    *,
    seconds: float | None = None,
) -> Timings:
    """Run one client for each token until all scripts are done, or the time is up."""
    timings = Timings()
    waiting = selectors.DefaultSelector()
    clients = [_Client(address, token) for token in tokens]
    started = time.perf_counter()
    end = started + seconds if seconds else float("inf")
    left = 0
    for number, client in enumerate(clients):
        request = script(number, None)
        if request is not None:
            waiting.register(client.socket, selectors.EVENT_READ, (number, client))
            client.send(request)
            left += 1
    while left:
        for key, _events in waiting.select():
            number, client = key.data
            answered = client.receive()
            if answered is None:
                continue
            now = time.perf_counter()
            status, body = answered
            if status >= 400:
                timings.refused.append((status, body.decode()[:300]))
            timings.seconds.setdefault(client.label, []).append(now - client.began)
            request = None
            if now < end:
                request = script(number, json.loads(body) if body else {})
            if request is None:
                waiting.unregister(client.socket)
                client.socket.close()
                left -= 1
            else:
                client.send(request)
    timings.elapsed = time.perf_counter() - started
    return timings
