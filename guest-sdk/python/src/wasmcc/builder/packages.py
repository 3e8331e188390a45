"""Installs the contract's requirements, which must be pure Python."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from urllib.parse import urlparse
from urllib.request import url2pathname

from .failure import BuildFailure
from .tool import PYTHON, of_pip

_NATIVE = (".so", ".pyd", ".dylib", ".dll")


# Files that tools create in the folder of a package.
_LEFT_BEHIND = ("__pycache__", "build", "venv")


def key(project):
    """Returns the input of the folder of packages. Local requirements may change although their
    line stays the same, so their content is included."""
    local = filter(None, (_local(project.folder, line) for line in project.requirements))
    return [PYTHON, *project.requirements, *map(_content, local)]


def _local(folder, line):
    """Returns the file or folder that a line for pip names; None if it names none here."""
    place = re.split(r"\s+[;#]", line)[0].strip()
    option = re.match(r"(-[a-z]|--[a-z-]+)[\s=]\s*", place)
    place = place[option.end() :] if option else re.sub(r"^[\w.,\[\]-]+\s*@\s*", "", place)
    place = re.sub(r"\[[^\]]*\]$", "", place)
    if place.startswith("file:"):
        place = url2pathname(urlparse(place).path)
    elif not option and "/" not in place and not place.startswith("."):
        # The name of a package, even if a folder has the same name.
        return None
    path = folder / place
    return path if path.exists() else None


def _content(path):
    """Returns a hash of a file, or of the names and contents of all files of a folder."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    hash_ = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        names = file.relative_to(path).parts
        is_left = any(
            name.startswith(".") or name.endswith(".egg-info") or name in _LEFT_BEHIND
            for name in names
        )
        if file.is_file() and not is_left:
            text = file.read_bytes()
            hash_.update(f"{'/'.join(names)} {len(text)}\n".encode())
            hash_.update(text)
    return hash_.hexdigest()


def bundle(project, cache):
    """Installs the requirements into a folder with pip and returns it. Does nothing if they are
    already there."""
    site, note = cache / "site", cache / "site.json"
    try:
        if json.loads(note.read_text()) == key(project) and site.is_dir():
            return site
    except (OSError, ValueError):
        pass
    # Removed before the folder changes, so that a failed installation leaves no note.
    note.unlink(missing_ok=True)
    if site.exists():
        shutil.rmtree(site)
    site.mkdir()
    if project.requirements:
        _install(project, site)
        _refuse_native(site)
    note.write_text(json.dumps(key(project)) + "\n")
    return site


def _install(project, site):
    requirements = site.with_suffix(".txt")
    requirements.write_text("\n".join(project.requirements) + "\n")
    # Only wheels that run on every machine.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-compile", "--only-binary=:all:", "--platform=any", "--implementation=py"]
    pip += ["--abi=none", f"--python-version={PYTHON}", "--target", str(site)]
    pip += ["--requirement", str(requirements)]
    done = subprocess.run(
        pip,
        cwd=project.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=of_pip(),
    )
    if done.returncode == 0:
        return
    words = done.stderr.strip() or done.stdout.strip()
    if "No module named pip" in words:
        raise BuildFailure(
            f"{sys.executable} has no pip, which installs the contract's requirements\n"
            f"  hint: type `{sys.executable} -m ensurepip`, or install python3-pip"
        )
    missing = re.search(r"No matching distribution found for ([^\s;]+)", words)
    if missing:
        raise BuildFailure(
            f"the requirement {missing.group(1)} has no wheel in pure Python for Python {PYTHON}: "
            "there is no such package or version, or it contains native code, which a component "
            f"cannot load. pip says:\n{words}"
        )
    raise BuildFailure(f"pip cannot install the contract's requirements:\n{words}")


def _refuse_native(site):
    for path in sorted(site.rglob("*")):
        if path.suffix in _NATIVE:
            name = path.relative_to(site).parts[0]
            raise BuildFailure(
                f"the requirement {name} contains native code, which a component cannot load: "
                f"{path.relative_to(site)}"
            )
