"""Builds the component of a contract's folder with componentize-py.

The folder `.wasmcc` beside the contract has all output: `stage` with the contract, this package and
a module that joins them; `site` with the requirements; the component; and a hash of its input.
"""

import hashlib
import json
from pathlib import Path

from .. import bindings
from . import packages, scan, stage, tool
from .failure import BuildFailure
from .project import Project

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["BuildFailure", "build"]

CACHE = ".wasmcc"
WIT = Path(__file__).parent.parent / "wit"


def build(folder, output=None, module=None, cache=None):
    """Builds the contract in `folder` and returns the path of its component. Does nothing if the
    component is up to date."""
    project = Project.read(Path(folder), module)
    cache = Path(cache).resolve() if cache else project.folder / CACHE
    cache.mkdir(parents=True, exist_ok=True)
    # Keeps the whole folder out of git.
    (cache / ".gitignore").write_text("*\n")
    output = Path(output) if output else cache / "contract.wasm"
    # `wasmcc dev` holds the lock of another file in this folder while it runs.
    with open(cache / "build.lock", "w") as lock:
        # Waits for other builds of the same folder; the lock ends with this build.
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        return _build(project, cache, output)


def _build(project, cache, output):
    found = scan.scan(project)
    for warning in found.warnings:
        tool.say(warning)
    site = packages.bundle(project, cache)
    staged = stage.stage(project, found, cache / "stage", site)
    componentize = tool.find(cache)
    made_of = _hash([staged, WIT], [packages.key(project), tool.VERSION])
    note = cache / "contract.json"
    if _is_current(output, note, made_of):
        return output
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_suffix(".new")
    tool.run(componentize, WIT, bindings.WORLD, [staged, site], stage.GLUE, unfinished)
    unfinished.replace(output)
    of = hashlib.sha256(output.read_bytes()).hexdigest()
    note.write_text(json.dumps({"made_of": made_of, "sha256": of}) + "\n")
    return output


def _is_current(output, note, made_of):
    try:
        noted = json.loads(note.read_text())
        of = hashlib.sha256(output.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return False
    return noted == {"made_of": made_of, "sha256": of}


def _hash(folders, words):
    """Returns a hash of the names and contents of all files in folders."""
    hash_ = hashlib.sha256(json.dumps(words).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                text = path.read_bytes()
                hash_.update(f"\n{path.relative_to(folder).as_posix()} {len(text)}\n".encode())
                hash_.update(text)
    return hash_.hexdigest()
