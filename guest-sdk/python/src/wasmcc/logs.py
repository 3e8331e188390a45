"""The module `logging` writes to the peer's log."""

import logging
import sys

_LEVELS = (("error", logging.ERROR), ("warn", logging.WARNING), ("info", logging.INFO))


class PeerHandler(logging.Handler):
    """Sends each record to the peer."""

    def __init__(self, bindings):
        super().__init__()
        self._wit = bindings

    def emit(self, record):
        name = next((name for name, least in _LEVELS if record.levelno >= least), "debug")
        try:
            self._wit.write_line(name, self.format(record), {})
        except Exception:
            self.handleError(record)


def prepare():
    """Before the contract's module runs: lines from INFO on are written, unless it sets a level. A
    line costs fuel, even if the peer does not show it."""
    # A component has neither.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger().setLevel(logging.INFO)


def install(bindings):
    """After the contract's module has run, as there is no peer before: lines reach the peer. What
    `logging.basicConfig` writes to would have them a second time, so it is taken away."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if getattr(handler, "stream", None) in (sys.stderr, sys.stdout):
            root.removeHandler(handler)
    root.addHandler(PeerHandler(bindings))
