#!/usr/bin/env python3
"""Lets an MPI launcher start its daemons on multihost.sh's hosts, which have no sshd.

host_agent.py launch COMMAND...   on every host, with RANK its number: host 0 runs COMMAND when the others listen, the
                                  others do what they are told until it has ended
host_agent.py HOST COMMAND...     what the launcher calls instead of ssh; options before HOST are ssh's and not heeded
"""

import os
import socket
import subprocess
import sys
import threading
import time

PORT = 29400
PATIENCE_SECONDS = 20
QUIT = "quit"


def connect(host: str) -> socket.socket:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection((host, PORT), timeout=PATIENCE_SECONDS)
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"host_agent.py: {host}: {error}")
            time.sleep(0.02)


def tell(host: str, words: str) -> int:
    """Runs a shell's words there and prints what they print; their exit status."""
    with connect(host) as connection:
        connection.settimeout(None)
        connection.sendall(words.encode())
        connection.shutdown(socket.SHUT_WR)
        last = b""
        while part := connection.recv(65536):
            *whole, last = (last + part).split(b"\n")
            for line in whole:
                sys.stdout.buffer.write(line + b"\n")
            sys.stdout.flush()
    return int(last or b"0")


def read_all(connection: socket.socket) -> str:
    words = b""
    while part := connection.recv(65536):
        words += part
    return words.decode()


def obey(connection: socket.socket, words: str) -> None:
    """The last line of the answer, without an end, is the exit status."""
    with connection:
        # A daemon that stays behind must not hold the connection open.
        process = subprocess.Popen(
            ["sh", "-c", words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        reader = threading.Thread(target=lambda: [connection.sendall(line) for line in process.stdout], daemon=True)
        reader.start()
        status = process.wait()
        reader.join(0.5)
        connection.sendall(str(status).encode())


def serve() -> int:
    family = socket.AF_INET
    with socket.create_server(("", PORT), family=family) as server:
        while True:
            connection, _ = server.accept()
            words = read_all(connection)
            if words == QUIT:
                return 0
            threading.Thread(target=obey, args=(connection, words), daemon=True).start()


def launch(command: list[str]) -> int:
    if os.environ["RANK"] != "0":
        return serve()
    others = [f"h{host}" for host in range(1, int(os.environ["WORLD_SIZE"]))]
    for host in others:
        tell(host, "true")
    # The launcher has its own idea of who is who.
    kept = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    status = subprocess.run(command, env=kept, check=False).returncode
    for host in others:
        with connect(host) as connection:
            connection.sendall(QUIT.encode())
    return status


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["launch"]:
        return launch(arguments[1:])
    while arguments and arguments[0].startswith("-"):
        arguments = arguments[1:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    return tell(arguments[0], " ".join(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
