"""Makes the folder that becomes a component: the contract's modules, this package, the joining
module."""

import shutil
from pathlib import Path

from . import data

GLUE = "wasmcc_component"
SDK = Path(__file__).parent.parent
# Files that only tests and builds need.
NOT_STAGED = shutil.ignore_patterns(
    "__pycache__", "builder", "mock", "wit", "test", "__main__.py", "*.pyc"
)

_TEXT = '''\
"""Joins the contract and the exports of a component. Made by `wasmcc build`."""

import wasmcc.files

files = wasmcc.files.install()

import wasmcc.component
import wasmcc.late
import wasmcc.logs

wasmcc.logs.prepare()

import {module} as contract

wasmcc.late.load({imports})
{export} = wasmcc.component.export(contract)
files.keep_packages({without})
'''


def stage(project, found, folder, site):
    """Creates the folder anew, for the requirements in `site`."""
    from ..bindings import EXPORT

    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(SDK, folder / "wasmcc", ignore=NOT_STAGED)
    for name, file in found.modules.items():
        source, to = file, folder / file.relative_to(project.root)
        if file.name == "__init__.py":
            # A package: its data files are copied, too.
            source, to = file.parent, folder.joinpath(*name.split("."))
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(source, to, ignore=ignore, dirs_exist_ok=True)
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, to)
    imports = sorted({*found.imports, *data.resources(site, found.imports)})
    without = data.left_out(site)
    text = _TEXT.format(module=project.module, imports=imports, export=EXPORT, without=without)
    (folder / f"{GLUE}.py").write_text(text)
    return folder
