"""Handles exceptions that a contract does not catch.

A `ContractError`, the contract's own exceptions and plain ones (`raise ValueError("no such
asset")`) are refusals: the client receives their text, as with Fabric's contract API. All others,
such as a `KeyError`, are mistakes in the code: the client receives the place where they occurred.
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
# A deep recursion would have a thousand.
_FRAMES = 20


def refusal_of(error):
    """Returns the response for an exception; its traceback goes to the peer's log. This function
    must not raise: that would end the transaction."""
    if isinstance(error, ContractError):
        try:
            return Response.error(error.message, refusing(error.status))
        except Exception:
            pass  # A subclass of the contract has replaced status or message.
    where = trace_of(error)
    _LOG.error("%s", where)
    try:
        if _is_meant(error):
            return Response.error(str(error) or type(error).__name__)
    except Exception:
        pass  # Its `__str__` raises; the traceback says so.
    return Response.error(where)


def trace_of(error):
    """Returns the traceback as text, without the leading frames of this package."""
    frames = error.__traceback__
    while frames and _is_own(frames.tb_frame):
        frames = frames.tb_next
    frames = frames or error.__traceback__
    lines = traceback.format_exception(type(error), error, frames, limit=-_FRAMES)
    # In a component, modules are below numbered folders.
    return re.sub(r'File "/\d+/', 'File "', "".join(lines).rstrip())


def keep_source(paths):
    """Keeps lines of source for tracebacks: a built component has no files."""
    for path in paths:
        lines = linecache.getlines(path)
        if lines:
            # Without a modification time the lines are never checked again.
            linecache.cache[path] = (sum(map(len, lines)), None, lines, path)


def _is_own(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] == __package__


def _is_meant(error):
    if type(error) in _PLAIN:
        return True
    package = type(error).__module__.partition(".")[0]
    return package not in getattr(sys, "stdlib_module_names", ("builtins",))
