"""What becomes of an exception that a contract does not catch.

A `ContractError`, the contract's own exceptions and plain ones (`raise ValueError("no such asset")`)
are refusals: the client reads their text, as with Fabric's contract API. All others, such as a
`KeyError`, are mistakes in the code: the client reads where they happened.
"""

import linecache
import logging
import re
import sys
import traceback

from .errors import ContractError, refusing
from .response import Response

_LOG = logging.getLogger("wasmcc")
_PLAIN = (Exception, ValueError, RuntimeError, PermissionError, LookupError)
# A deep recursion has a thousand.
_FRAMES = 20


def refusal_of(error):
    """The response for an exception; its traceback goes to the peer's log. Nothing is around this
    function: what it raises ends the transaction."""
    if isinstance(error, ContractError):
        try:
            return Response.error(error.message, refusing(error.status))
        except Exception:
            pass  # A class of the contract has made something else of them.
    where = trace_of(error)
    _LOG.error("%s", where)
    try:
        if _is_meant(error):
            return Response.error(str(error) or type(error).__name__)
    except Exception:
        pass  # Its `__str__` raises; the traceback says so.
    return Response.error(where)


def trace_of(error):
    """The traceback as text, without the frames of this package that come first."""
    frames = error.__traceback__
    while frames and _is_own(frames.tb_frame):
        frames = frames.tb_next
    frames = frames or error.__traceback__
    lines = traceback.format_exception(type(error), error, frames, limit=-_FRAMES)
    # Modules are below numbered folders in a component.
    return re.sub(r'File "/\d+/', 'File "', "".join(lines).rstrip())


def keep_source(paths):
    """Keeps lines of source for tracebacks: a component has no files later."""
    for path in paths:
        lines = linecache.getlines(path)
        if lines:
            # Without a time of change the lines are never looked for again.
            linecache.cache[path] = (sum(map(len, lines)), None, lines, path)


def _is_own(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] == __package__


def _is_meant(error):
    if type(error) in _PLAIN:
        return True
    package = type(error).__module__.partition(".")[0]
    return package not in getattr(sys, "stdlib_module_names", ("builtins",))
