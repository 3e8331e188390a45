"""The module `logging` writes to the peer's log."""

import logging

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


def install(bindings):
    """Lines from INFO on reach the peer; a contract that wants DEBUG sets the level of its logger.
    A line costs fuel, even if the peer does not show it."""
    # A component has neither.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.addHandler(PeerHandler(bindings))
    root.setLevel(logging.INFO)
