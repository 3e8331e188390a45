"""The folder that becomes a component: the contract's modules, this package, the joining module."""

import shutil
from pathlib import Path

GLUE = "wasmcc_component"
SDK = Path(__file__).parent.parent
# What only tests and builds need.
NOT_STAGED = shutil.ignore_patterns(
    "__pycache__", "builder", "mock", "wit", "test", "__main__.py", "*.pyc"
)
# Modules that the standard library imports when they are needed: there are no files then.
LATE = (
    "_strptime",
    "encodings.ascii",
    "encodings.base64_codec",
    "encodings.cp1252",
    "encodings.hex_codec",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.raw_unicode_escape",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_32",
    "encodings.utf_8_sig",
)

_TEXT = '''\
"""Joins the contract and the exports of a component. Made by `wasmcc build`."""

import importlib

import wasmcc.component
import wasmcc.logs

wasmcc.logs.prepare()

import {module} as contract

for name in {imports}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass  # It is a name in a module, or an optional one.

{export} = wasmcc.component.export(contract)
'''


def stage(project, found, folder):
    """Makes the folder anew."""
    from ..bindings import EXPORT

    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(SDK, folder / "wasmcc", ignore=NOT_STAGED)
    for name, file in found.modules.items():
        source, to = file, folder / file.relative_to(project.root)
        if file.name == "__init__.py":
            # With data files.
            source, to = file.parent, folder.joinpath(*name.split("."))
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(source, to, ignore=ignore, dirs_exist_ok=True)
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, to)
    imports = sorted({*LATE, *found.imports})
    text = _TEXT.format(module=project.module, imports=imports, export=EXPORT)
    (folder / f"{GLUE}.py").write_text(text)
    return folder
