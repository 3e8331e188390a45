"""componentize-py, which builds components from Python.

The tool of this Python's environment or of the PATH is used. If neither has this version, it is
installed into its own environment beside the component.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .failure import BuildFailure

NAME = "componentize-py"
VERSION = "0.25.1"
# The Python version in its components.
PYTHON = "3.14"


def say(text):
    """Prints a progress line."""
    print(text, file=sys.stderr, flush=True)


def find(cache):
    """Returns the path of the program; installs it if necessary."""
    own = cache / "tools"
    candidates = [Path(sys.executable).parent / NAME, shutil.which(NAME), own / "bin" / NAME]
    for candidate in filter(None, candidates):
        if _version(candidate) == VERSION:
            return str(candidate)
    say(f"installing {NAME} {VERSION} into {own}")
    return _install(own)


def of_pip():
    """Returns variables for a pip that must install to a given folder, without the user's own
    target settings. Variables override its configuration files; package sources are not changed."""
    places = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")
    own = {name: value for name, value in os.environ.items() if name not in places}
    return {**own, "PIP_USER": "0"}


def _version(program):
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip().rpartition(" ")[2]


def _install(own):
    python = own / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = ([sys.executable, "-m", "venv", "--clear", own], [*pip, f"{NAME}=={VERSION}"])
    for step in steps:
        done = subprocess.run(
            step, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=of_pip()
        )
        if done.returncode != 0:
            shutil.rmtree(own, ignore_errors=True)
            words = done.stderr.strip() or done.stdout.strip()
            raise BuildFailure(
                f"{NAME} {VERSION}, which makes components of Python, cannot be installed:\n"
                f"{words}\n"
                f"  hint: with access to a registry, type\n"
                f"    {sys.executable} -m pip install {NAME}=={VERSION}"
            )
    return str(own / "bin" / NAME)


def run(program, wit, world, paths, module, output):
    """Builds the component."""
    command = [program, "--wit-path", str(wit), "--world", world, "componentize"]
    for path in paths:
        command += ["--python-path", str(path)]
    command += [module, "--output", str(output)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=_environment(paths[-1]),
    )
    if done.returncode != 0:
        words = _of_the_contract(done.stderr.strip() or done.stdout.strip())
        raise BuildFailure(f"{NAME} cannot make a component of the contract:\n{words}")


def _environment(site):
    """The program adds the packages of its own environment, which may be native and which the
    contract has not requested. This hides them."""
    empty = site.parent / "empty"
    (empty / "lib" / "site-packages").mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "VIRTUAL_ENV": str(empty),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RUST_BACKTRACE": "0",
    }


def _of_the_contract(words):
    """Returns the traceback of the contract's module, without the tool's text around it."""
    # The first one is the tool's own; the contract's module may have raised others.
    words = re.split("^AssertionError: ", words, maxsplit=1, flags=re.MULTILINE)[-1]
    words = words.partition("\n\nStack backtrace:")[0]
    words, _, causes = words.partition("\n\nCaused by:")
    if not words.strip():
        # The last cause is the deepest; frames of a backtrace are indented further.
        found = re.findall(r"^    (?:\d+: )?(\S.*)", causes, re.MULTILINE)
        cause = found[-1] if found else f"{NAME} reports no reason"
        return f"its module exited or trapped while it was imported: {cause}"
    defect = words.rpartition("wasmcc.errors.Defect: ")
    # The tool puts modules below numbered folders.
    return re.sub(r'"/\d+/', '"', defect[2]).strip()
