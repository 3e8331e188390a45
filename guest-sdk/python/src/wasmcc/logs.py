"""The module `logging` writes to the peer's log."""

import logging

from .bindings import level_of
from .checks import readable

_LEVELS = (("error", logging.ERROR), ("warn", logging.WARNING), ("info", logging.INFO))


class PeerHandler(logging.Handler):
    """Sends each record to the interface `log`."""

    def __init__(self, log):
        super().__init__()
        self._log = log

    def emit(self, record):
        name = next((name for name, least in _LEVELS if record.levelno >= least), "debug")
        try:
            self._log.log(level_of(self._log, name), readable(self.format(record)))
        except Exception:
            self.handleError(record)


def install(log):
    """Lines from INFO on reach the peer; a contract that wants DEBUG sets the level of its logger.
    A line costs fuel, even if the peer does not show it."""
    # A component has neither.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.addHandler(PeerHandler(log))
    root.setLevel(logging.INFO)
