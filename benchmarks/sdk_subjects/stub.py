"""A data plane that takes everything at once and counts afterwards; prints its port.

`GET /count` says how many events arrived since it was asked last, and on how many requests and
connections. With the argument `hang` it takes connections and never answers.
"""

from __future__ import annotations

import gzip
import socket
import sys
import threading
import zlib

MARK = b"OrderCompleted"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
    b'{"status": 1, "code": 200}'
)


class Stub:
    """Counts in memory."""

    def __init__(self, hang: bool) -> None:
        self.hang = hang
        self.bodies: list[tuple[bool, bytes]] = []
        self.connections = 0

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                length, zipped = 0, False
                while (header := stream.readline().lower()) not in (b"\r\n", b""):
                    if header.startswith(b"content-length:"):
                        length = int(header[15:])
                    zipped |= header.startswith(b"content-encoding: gzip")
                body = stream.read(length)
                if line.startswith(b"GET /count"):
                    connection.sendall(self.count())
                elif self.hang:
                    threading.Event().wait()
                else:
                    self.bodies.append((zipped, body))
                    connection.sendall(ANSWER)

    def count(self) -> bytes:
        """The answer to `GET /count`."""
        bodies, self.bodies = self.bodies, []
        events = 0
        for zipped, body in bodies:
            try:
                events += (gzip.decompress(body) if zipped else body).count(MARK)
            except (OSError, zlib.error):
                print("a body could not be read", file=sys.stderr)
        text = f"{events} {len(bodies)} {self.connections - 1}".encode()
        self.connections = 0
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


def main() -> None:
    """Listen until killed."""
    stub = Stub("hang" in sys.argv)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stub.connections += 1
        threading.Thread(target=stub.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
