"""Modules that cannot be imported any more once a component is built."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "imports, call",
    [
        ("datetime", "datetime.datetime.strptime('2025', '%Y')"),
        ("email", "email.message_from_string('a: b')"),
        ("importlib.metadata", "importlib.metadata.version('pytest')"),
        ("importlib.resources, pytest", "importlib.resources.files('pytest').joinpath('py.typed')"),
        ("xml.dom.minidom", "xml.dom.minidom.parseString('<a/>')"),
        ("xml.sax", "xml.sax.parseString('<a/>', xml.sax.ContentHandler())"),
        ("codecs", "'a'.encode('cp850') + 'a'.encode('gbk')"),
        ("codecs", "codecs.encode('a', 'rot13')"),
        ("sys", "(1 << 200_000) // ((1 << 90_000) + 1)"),
    ],
)
def test_what_the_standard_library_imports_later_is_loaded(imports, call):
    program = f"""
import sys
from wasmcc import late
import {imports}
late.load(["nothing.of.this.name", *{imports.split(', ')}])
known = set(sys.modules)
{call}
# Built into a component's Python, or not there on any machine.
built_in = {{"_elementtree", "binascii", "pyexpat", "zlib"}} | set(sys.builtin_module_names)
late = [name for name in set(sys.modules) - known if name not in built_in]
assert late == [], late
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
