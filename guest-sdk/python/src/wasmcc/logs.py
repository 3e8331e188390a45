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
    """Called before the contract's module runs: lines from INFO on are written, unless the module
    sets a level. A line costs fuel even if the peer does not show it."""
    # A component has neither threads nor processes.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger().setLevel(logging.INFO)


def install(bindings):
    """Called after the contract's module has run, since there is no peer before: lines now reach
    the peer. Handlers of `logging.basicConfig` are removed, because they would write each line
    twice."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if getattr(handler, "stream", None) in (sys.stderr, sys.stdout):
            root.removeHandler(handler)
    root.addHandler(PeerHandler(bindings))
