"""Modules that the standard library imports on demand. A component does not have their files, so
they are imported while it is built."""

import encodings
import importlib
import os
import sys

# By the module that needs them, dependencies first.
_LATE = {
    # For `strptime`, and for divisions of large integers.
    "builtins": ("_pylong", "_strptime"),
    "importlib.resources": ("importlib.readers", "importlib.resources._adapters"),
    "importlib.metadata": ("email", "importlib.metadata._adapters"),
    "email": ("email.generator", "email.message", "email.parser"),
    "xml.dom.minidom": ("xml.dom.expatbuilder",),
    "xml.sax": ("xml.sax.expatreader",),
}


def load(names):
    """Imports the modules of these names, and those that loaded modules may import later."""
    _import(names)
    for module, late in _LATE.items():
        if module in sys.modules:
            _import(late)
    # A codec is imported when a text needs it.
    codecs = sorted(os.listdir(encodings.__path__[0]))
    _import(f"encodings.{file[:-3]}" for file in codecs if file.endswith(".py") and file[0] != "_")


def _import(names):
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # A name in a module, or a module of other platforms.
