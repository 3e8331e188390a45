"""A contract's folder: its module and its requirements."""

import re
from dataclasses import dataclass
from pathlib import Path

from .failure import BuildFailure

# Default names of the contract's module.
USUAL = ("contract", "chaincode")
# This package is always in the component, in the version that builds it.
OWN = "wasmcc"
_KINDS = {
    dict: "a table",
    str: 'a text, as in "assets"',
    list: 'a list of texts, as in ["attrs>=23"]',
}


@dataclass(frozen=True)
class Project:
    """The settings of a contract's folder."""

    folder: Path
    # The folder in which modules are searched: the folder itself, or its `src`.
    root: Path
    module: str
    requirements: tuple

    @classmethod
    def read(cls, folder, module=None):
        """Reads pyproject.toml and requirements.txt."""
        folder = folder.resolve()
        toml = folder / "pyproject.toml"
        table = _pyproject(toml)
        own = _member(toml, _member(toml, table, "tool", dict), f"tool.{OWN}", dict)
        unknown = sorted(set(own) - {"module"})
        if unknown:
            raise BuildFailure(f"{toml}: [tool.{OWN}] has no {unknown[0]}, only `module`")
        project = _member(toml, table, "project", dict)
        name = _member(toml, project, "project.name", str)
        named = _member(toml, own, f"tool.{OWN}.module", str)
        dependencies = _member(toml, project, "project.dependencies", list)
        for index, one in enumerate(dependencies):
            _expect(toml, one, f"project.dependencies[{index}]", str)
        root, module = _module(folder, module or named, name)
        return cls(folder, root, module, _requirements(folder, dependencies))


def _pyproject(path):
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


def _member(path, table, key, kind):
    """Returns the member of a table that the last part of `key` names; empty if it is missing."""
    name = key.rpartition(".")[2]
    return _expect(path, table[name], key, kind) if name in table else kind()


def _expect(path, value, key, kind):
    if not isinstance(value, kind):
        raise BuildFailure(f"{path}: {key} must be {_KINDS[kind]}, not {value!r}")
    return value


def _module(folder, named, project):
    """Returns the folder of the contract's module, and its name."""
    roots = [folder, folder / "src"]
    wanted = [named] if named else [*USUAL, re.sub(r"[-.]+", "_", project)]
    for name in filter(None, wanted):
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            raise BuildFailure(f"{name!r} is not a module name such as `contract`")
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
    """Returns the file of a module below `root`; None if it does not exist."""
    path = root.joinpath(*name.split("."))
    for file in (path.with_name(path.name + ".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _requirements(folder, dependencies):
    """Returns lines for pip: those of requirements.txt, or else the dependencies in pyproject.toml.
    """
    path = folder / "requirements.txt"
    lines = _lines(path, set()) if path.is_file() else dependencies
    kept = []
    for line in lines:
        line = re.split(r"(?:^|\s)#", line)[0].strip()
        name = re.match(r"[A-Za-z0-9._-]*", line).group()
        if line and name.lower() != OWN:
            kept.append(line)
    return tuple(kept)


def _lines(path, known):
    """Returns the lines of a file for pip, with those of the files that it includes. Each file is
    read once, because files may include each other."""
    path = path.resolve()
    if path in known:
        return
    known.add(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildFailure(f"{path}: {error}") from None
    for line in re.sub(r"\\\n", " ", text).splitlines():
        other = re.match(r"\s*(-r|--requirement|-c|--constraint)[\s=]\s*(\S+)", line)
        if other is None:
            yield line
        elif other.group(1) in ("-r", "--requirement"):
            yield from _lines(path.parent / other.group(2), known)
        else:
            yield f"{other.group(1)} {(path.parent / other.group(2)).resolve()}"
