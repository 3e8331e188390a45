"""A contract's folder: its module, its requirements."""

import re
from dataclasses import dataclass
from pathlib import Path

from .failure import BuildFailure

# Names of the contract's module that need not be said.
USUAL = ("contract", "chaincode")
# This package is in the component anyway, in the version that builds it.
OWN = "wasmcc"


@dataclass(frozen=True)
class Project:
    """See the head of this file."""

    folder: Path
    # Where modules are looked for: the folder itself, or its `src`.
    root: Path
    module: str
    requirements: tuple

    @classmethod
    def read(cls, folder, module=None):
        """Reads pyproject.toml and requirements.txt."""
        folder = folder.resolve()
        table = _pyproject(folder)
        own = table.get("tool", {}).get(OWN, {})
        unknown = sorted(set(own) - {"module"})
        if unknown:
            raise BuildFailure(
                f"{folder / 'pyproject.toml'}: [tool.{OWN}] has no {unknown[0]}, only `module`"
            )
        name = table.get("project", {}).get("name", "")
        root, module = _module(folder, module or own.get("module"), name)
        return cls(folder, root, module, _requirements(folder, table))


def _pyproject(folder):
    path = folder / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        import tomllib
    except ImportError:
        from pip._vendor import tomli as tomllib
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BuildFailure(f"{path}: {error}") from None


def _module(folder, named, project):
    """The folder of the contract's module, and its name."""
    roots = [folder, folder / "src"]
    wanted = [named] if named else [*USUAL, re.sub(r"[-.]+", "_", project)]
    for name in filter(None, wanted):
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            raise BuildFailure(f"{name!r} is no name of a module, as in `contract`")
        for root in roots:
            if find(root, name):
                return root, name
    if named:
        raise BuildFailure(f"there is no module {named} in {folder} or its src")
    raise BuildFailure(
        f"there is no contract in {folder}: neither contract.py nor chaincode.py\n"
        '  hint: name the module in pyproject.toml: [tool.wasmcc], module = "..."'
    )


def find(root, name):
    """The file of a module below `root`; None if it is not there."""
    path = root.joinpath(*name.split("."))
    for file in (path.with_name(path.name + ".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _requirements(folder, table):
    """Lines for pip: those of requirements.txt, or else the dependencies of pyproject.toml."""
    path = folder / "requirements.txt"
    lines = _lines(path) if path.is_file() else table.get("project", {}).get("dependencies", [])
    kept = []
    for line in lines:
        line = re.split(r"(?:^|\s)#", line)[0].strip()
        name = re.match(r"[A-Za-z0-9._-]*", line).group()
        if line and name.lower() != OWN:
            kept.append(line)
    return tuple(kept)


def _lines(path):
    """The lines of a file for pip, with those of the files that it names."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildFailure(f"{path}: {error}") from None
    for line in re.sub(r"\\\n", " ", text).splitlines():
        other = re.match(r"\s*(-r|--requirement|-c|--constraint)[\s=]\s*(\S+)", line)
        if other is None:
            yield line
        elif other.group(1) in ("-r", "--requirement"):
            yield from _lines(path.parent / other.group(2))
        else:
            yield f"{other.group(1)} {(path.parent / other.group(2)).resolve()}"
