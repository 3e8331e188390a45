"""The process of `wasmcc sandbox` that all sandboxes of a test program share.

It ends with the test program, which closes its standard input. A message is a line of JSON,
followed by bytes. The member `blobs` has the lengths of the pieces that follow. Where a value
consists of bytes, the JSON has the number of its piece.
"""

import atexit
import json
import os
import subprocess
import threading

from .error import SandboxError
from .lift import lift

# The version of the pipe's protocol.
PROTOCOL = 1
INSTALL = (
    "install it: `cargo install wasmcc-cli`, or `cargo install --path host/cli` in a checkout of "
    "wasmcc"
)
_LOCK = threading.RLock()
_STARTED = []


def program():
    """Returns the program: `WASMCC`, or `wasmcc` on the path."""
    return os.environ.get("WASMCC") or "wasmcc"


def link():
    """Returns the link of this process, or a new one if the last has ended. A forked process gets
    its own link."""
    with _LOCK:
        if not _STARTED or _STARTED[0].owner != os.getpid() or _STARTED[0].has_ended:
            _STARTED[:] = [Link()]
        return _STARTED[0]


class Link:
    """A process and its two pipes."""

    def __init__(self):
        self.owner = os.getpid()
        self.has_ended = False
        self._next = 0
        name = program()
        try:
            self._child = subprocess.Popen(
                [name, "sandbox"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            raise SandboxError("program", _does_not_start(name, error)) from None
        atexit.register(self._end)
        try:
            greeting, _ = self._read()
        except (ValueError, SandboxError):
            greeting = {}
        if greeting.get("sandbox") != PROTOCOL:
            self._end()
            raise SandboxError("program", does_not_fit(name, greeting))

    def number(self):
        """Returns a number that no other request or sandbox has."""
        with _LOCK:
            self._next += 1
            return self._next

    def ask(self, verb, sandbox, members, blobs=()):
        """Sends a request and returns its answer and the answer's pieces of bytes."""
        with _LOCK:
            number = self.number()
            self._send({**members, "id": number, "do": verb, "sandbox": sandbox}, blobs)
            while True:
                answer, pieces = self._read()
                # Other answers belong to a caller that was interrupted.
                if answer.get("id") == number:
                    break
        if "error" not in answer:
            return answer["ok"], pieces
        details = vars(lift(answer["error"], pieces))
        raise SandboxError(details.pop("kind"), details.pop("text"), **details)

    def tell(self, verb, sandbox):
        """Sends a request that has no answer."""
        with _LOCK:
            self._send({"id": self.number(), "do": verb, "sandbox": sandbox}, ())

    def _send(self, message, blobs):
        line = json.dumps({**message, "blobs": [len(blob) for blob in blobs]})
        try:
            self._child.stdin.write(b"".join([line.encode(), b"\n", *blobs]))
            self._child.stdin.flush()
        except (OSError, ValueError):
            raise self._failure() from None

    def _read(self):
        line = self._child.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._failure()
        message = json.loads(line)
        return message, [self._piece(length) for length in message.get("blobs", [])]

    def _piece(self, length):
        piece = self._child.stdout.read(length)
        if len(piece) < length:
            raise self._failure()
        return piece

    def _failure(self):
        self.has_ended = True
        text = "the program wasmcc has ended, and all its sandboxes with it; see its output above"
        return SandboxError("program", text)

    def _end(self):
        if self.owner != os.getpid():
            return
        try:
            self._child.stdin.close()
        except OSError:
            pass
        self._child.stdout.close()
        self._child.wait()


def _does_not_start(name, error):
    if isinstance(error, FileNotFoundError) and name == "wasmcc":
        return f"the program wasmcc is not on the PATH; {INSTALL}, or set WASMCC to its path"
    return f"{name}, which is to be the program wasmcc, cannot be run: {error}; {INSTALL}"


def does_not_fit(name, greeting):
    """Returns advice about a program of another version."""
    theirs = greeting.get("sandbox")
    if theirs is None or "wasmcc" not in greeting:
        return (
            f"{name} does not answer `wasmcc sandbox`; see its output above, if any; {INSTALL}"
        )
    older = (
        "the program is older; install a newer one"
        if theirs < PROTOCOL
        else "the package wasmcc is older; install a newer one"
    )
    version = greeting["wasmcc"]
    return (
        f"{name} {version} does not fit: the sandbox protocols are {theirs} and {PROTOCOL}: {older}"
    )
