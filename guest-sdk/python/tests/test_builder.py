"""Inputs and refusals of a build, up to the tool that builds the component."""

import dataclasses
import fcntl
import json
import stat
import sys
import textwrap

import pytest

from wasmcc.builder import BuildFailure, build, data, packages, stage, tool
from wasmcc.builder import scan as scanner
from wasmcc.builder.project import Project
from wasmcc.builder.scan import scan

GOOD = "from wasmcc import Contract, transaction\nclass A(Contract): ...\n"


def make(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__dot__", ".").replace("__in__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def failure(function, *args, **options):
    with pytest.raises(BuildFailure) as caught:
        function(*args, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "files, module, root",
    [
        ({"contract__dot__py": GOOD}, "contract", "."),
        ({"src__in__chaincode__dot__py": GOOD}, "chaincode", "src"),
        (
            {
                "my_assets__in____init____dot__py": GOOD,
                "pyproject__dot__toml": '[project]\nname = "my-assets"',
            },
            "my_assets",
            ".",
        ),
        (
            {
                "a__in__b__dot__py": GOOD,
                "contract__dot__py": GOOD,
                "pyproject__dot__toml": '[tool.wasmcc]\nmodule = "a.b"',
            },
            "a.b",
            ".",
        ),
    ],
)
def test_the_contracts_module_is_found(tmp_path, files, module, root):
    project = Project.read(make(tmp_path, **files))
    assert (project.module, project.root) == (module, (tmp_path / root).resolve())


def test_a_folder_without_a_contract_is_told_what_to_write(tmp_path):
    assert "neither contract.py nor chaincode.py" in failure(Project.read, tmp_path)
    make(tmp_path, pyproject__dot__toml='[tool.wasmcc]\nmodule = "nope"')
    assert "there is no module nope" in failure(Project.read, tmp_path)
    make(tmp_path, pyproject__dot__toml='[tool.wasmcc]\nmodule = "../x"')
    assert "is not a module name" in failure(Project.read, tmp_path)
    make(tmp_path, pyproject__dot__toml="[tool.wasmcc]\nmodul = 5")
    assert "has no modul, only `module`" in failure(Project.read, tmp_path)
    make(tmp_path, pyproject__dot__toml="[tool")
    assert "pyproject.toml: " in failure(Project.read, tmp_path)


def test_requirements_come_from_one_place_and_without_the_sdk(tmp_path):
    toml = '[project]\nname = "a"\ndependencies = ["wasmcc~=0.2", "six>=1; python_version>\'3\'"]'
    make(tmp_path, contract__dot__py=GOOD, pyproject__dot__toml=toml)
    assert Project.read(tmp_path).requirements == ("six>=1; python_version>'3'",)
    make(tmp_path, requirements__dot__txt="# words\nwasmcc @ file:///x\nsix==1.16.0  # why\n\n")
    assert Project.read(tmp_path).requirements == ("six==1.16.0",)
    make(
        tmp_path,
        requirements__dot__txt="-r more/base.txt\n-c c.txt\n",
        more__in__base__dot__txt="attrs==1 \\\n    --hash=x\n",
    )
    assert Project.read(tmp_path).requirements == (
        "attrs==1      --hash=x",
        f"-c {tmp_path.resolve() / 'c.txt'}",
    )
    make(tmp_path, requirements__dot__txt="-r none.txt")
    assert "none.txt" in failure(Project.read, tmp_path)
    more = "six\n-r ../requirements.txt"
    both = "-r requirements.txt\n-r more/base.txt\n-r more/base.txt\nattrs"
    make(tmp_path, requirements__dot__txt=both, more__in__base__dot__txt=more)
    assert Project.read(tmp_path).requirements == ("six", "attrs")


@pytest.mark.parametrize(
    "toml, words",
    [
        ("project = 3", "project must be a table, not 3"),
        ("tool = 3", "tool must be a table, not 3"),
        ("[tool]\nwasmcc = 'a'", "tool.wasmcc must be a table, not 'a'"),
        ("[tool.wasmcc]\nmodule = 5", 'tool.wasmcc.module must be a text, as in "assets", not 5'),
        ("[project]\nname = 5", 'project.name must be a text, as in "assets", not 5'),
        (
            "[project]\ndependencies = 'requests'",
            "project.dependencies must be a list of texts, as in [\"attrs>=23\"], not 'requests'",
        ),
        (
            "[project]\ndependencies = ['six', 3]",
            'project.dependencies[1] must be a text, as in "assets", not 3',
        ),
    ],
)
def test_values_of_other_types_are_refused_with_their_key(tmp_path, toml, words):
    make(tmp_path, contract__dot__py=GOOD, pyproject__dot__toml=toml)
    path = tmp_path.resolve() / "pyproject.toml"
    assert failure(Project.read, tmp_path) == f"{path}: {words}"


def test_what_a_transaction_cannot_have_is_refused_with_file_and_line(tmp_path):
    make(
        tmp_path,
        contract__dot__py="""
        import socket
        import os, threading as t
        from urllib import request
        from time import sleep as pause
        from helpers import deep; from pathlib import Path; import pathlib
        here = pathlib.Path.cwd()
        def f(path):
            open(path)
            os.system("x")
            t.Thread(target=f)
            pause(1)
            Path(path).parent.read_text()
            (here / path).write_bytes(b"")
        def g(path: pathlib.Path):
            path.read_bytes()
        """,
        helpers__in____init____dot__py="from . import deep\n",
        helpers__in__deep__dot__py="\n\nimport subprocess\n",
    )
    lines = failure(scan, Project.read(tmp_path)).splitlines()
    places = sorted(line.split(": ")[0] + " " + line.split(": ")[1] for line in lines)
    assert places == [
        "contract.py:10 os.system",
        "contract.py:11 threading.Thread",
        "contract.py:12 time.sleep",
        "contract.py:13 read_text",
        "contract.py:14 write_bytes",
        "contract.py:16 read_bytes",
        "contract.py:2 socket",
        "contract.py:4 urllib.request",
        "contract.py:5 time.sleep",
        "contract.py:9 open",
        "helpers/deep.py:3 subprocess",
    ]
    assert "a transaction has no network" in lines[0]


def test_files_beside_a_module_are_refused_and_those_of_a_package_are_staged(tmp_path):
    make(
        tmp_path / "project",
        contract__dot__py="""
        import importlib.resources
        from importlib import resources
        from pkgutil import get_data
        def f():
            get_data("contract", "a.json")
            get_data(__name__, "a.json")
            resources.files().joinpath("a.json")
            importlib.resources.files(anchor="plain")
            get_data("conf", "a.json")
            importlib.resources.files("deep.conf.names")
            resources.files("jsonschema")
        """,
        a__dot__json="{}",
        plain__in__a__dot__json="{}",
        conf__in____init____dot__py="",
        conf__in__a__dot__json="{}",
        deep__in____init____dot__py="",
        deep__in__conf__in____init____dot__py="",
        deep__in__conf__in__names__dot__py="",
        deep__in__conf__in__b__dot__json="{}",
    )
    project = Project.read(tmp_path / "project")
    lines = failure(scan, project).splitlines()
    reads = ["pkgutil.get_data"] * 2 + ["importlib.resources.files"] * 2
    expected = zip(range(6, 10), reads)
    assert lines == [f"contract.py:{line}: {what}: {scanner.BESIDE}" for line, what in expected]
    text = (project.folder / "contract.py").read_text().splitlines()
    make(project.folder, contract__dot__py="\n".join([*text[:5], *text[9:]]))
    make(tmp_path, site__in__six__dot__py="")
    folder = stage.stage(project, scan(project), tmp_path / "stage", tmp_path / "site")
    for name in ("conf/a.json", "deep/conf/b.json", "deep/__init__.py"):
        assert (folder / name).is_file()


def test_files_of_requirements_that_are_too_large_are_left_out_by_name(tmp_path, capsys):
    sizes = {"small": 10, "largest": data.KEPT_BYTES, "large": data.KEPT_BYTES - 9}
    for name, size in sizes.items():
        path = tmp_path / name / "deep" / "file"
        path.parent.mkdir(parents=True)
        with open(path, "wb") as file:
            file.truncate(size)
    assert data.left_out(tmp_path) == ["largest", "large"]
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("warning: the files of largest (8 MB) are too large for a component")
    assert second.startswith("warning: the files of large (8 MB)")
    (tmp_path / "largest" / "deep" / "file").unlink()
    (tmp_path / "large" / "deep" / "file").write_bytes(b"")
    assert data.left_out(tmp_path) == [] and capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "imports, source, has",
    [
        ({"json"}, "import importlib.util", False),
        ({"importlib.resources.files"}, "", True),
        ({"json", "zoneinfo.ZoneInfo"}, "", True),
        ({"json"}, "def f():\n    from importlib import metadata", True),
        ({"json"}, "import importlib.resources as r", True),
    ],
)
def test_what_reads_files_is_in_a_component_that_needs_it(tmp_path, imports, source, has):
    make(tmp_path, a__in__b__dot__py=source)
    assert data.resources(tmp_path, imports) == (data.RESOURCES if has else ())


def test_what_does_not_run_in_a_component_is_left_alone(tmp_path):
    make(
        tmp_path,
        contract__dot__py="""
        from typing import TYPE_CHECKING
        import socket  # wasmcc: allow
        if TYPE_CHECKING:
            import asyncio
        class A:
            def open(self):
                self.open()
            def read_text(self, of):
                return A().read_text(of.read_bytes())
        def input(words):
            return input(words)
        if __name__ == "__main__":
            import subprocess
            open("x")
        """,
        test_contract__dot__py="import subprocess",
    )
    found = scan(Project.read(tmp_path))
    assert list(found.modules) == ["contract"]
    make(tmp_path, contract__dot__py="x = 0\ndef f():\n    global x\n")
    [warning] = scan(Project.read(tmp_path)).warnings
    assert warning.startswith("contract.py:3: warning: x is reset in each transaction")


def test_what_is_for_type_checkers_alone_is_left_out(tmp_path):
    make(
        tmp_path,
        contract__dot__py="""
        import typing
        from typing import TYPE_CHECKING
        if not TYPE_CHECKING:
            import runs
        else:
            import checks
        if typing.TYPE_CHECKING:
            import checks
        elif not typing.TYPE_CHECKING:
            import also
        """,
        runs__dot__py="",
        checks__dot__py="",
        also__dot__py="",
    )
    assert sorted(scan(Project.read(tmp_path)).modules) == ["also", "contract", "runs"]


def test_a_function_hides_names_from_itself_alone(tmp_path):
    make(
        tmp_path,
        contract__dot__py="""
        from pathlib import Path
        class A:
            input = 5
            def one(self, open, by=input):
                return open("own")
            def two(self):
                return open("x"), Path("x").open(), [one for one in Path("x").iterdir()]
            def three(self):
                breakpoint = print
                return lambda open: [open(breakpoint()) for input in self if input()]
            async def four(self):
                def open(): ...
                return open(), input("x"), breakpoint()
        """,
    )
    lines = failure(scan, Project.read(tmp_path)).splitlines()
    places = sorted(line.split(": ")[0] + " " + line.split(": ")[1] for line in lines)
    assert places == [
        "contract.py:14 breakpoint",
        "contract.py:14 input",
        "contract.py:8 iterdir",
        "contract.py:8 open",
    ]


def test_a_contract_that_is_no_python_is_refused_with_its_place(tmp_path):
    make(tmp_path, contract__dot__py="def f(:\n")
    assert failure(scan, Project.read(tmp_path)).startswith("contract.py:1: ")
    (tmp_path / "contract.py").write_bytes(b"\nx = '\xff'")
    assert failure(scan, Project.read(tmp_path)).startswith("contract.py")
    for long in ("+1" * 100_000, "".join(f" + f({n})" for n in range(3_000)), ".a()" * 3_000):
        make(tmp_path, contract__dot__py="def f(x): return x\nx = f" + long)
        said = failure(scan, Project.read(tmp_path))
        assert said.startswith("contract.py: an expression is too long or nests too deep"), said


def test_sources_are_decoded_as_python_decodes_them(tmp_path):
    make(tmp_path, contract__dot__py="")
    allowed = "import socket  # wasmcc: allow"
    for encoding, head in (("utf-8-sig", ""), ("latin-1", "# -*- coding: latin-1 -*-\n")):
        text = f"{head}x = 'ä\x0c'\n{allowed}\nimport ssl\n"
        (tmp_path / "contract.py").write_bytes(text.encode(encoding))
        said = failure(scan, Project.read(tmp_path))
        assert said == f"contract.py:{3 + head.count(chr(10))}: ssl: a transaction has no network"


def test_a_syntax_of_another_python_is_refused_with_both_versions(tmp_path, monkeypatch):
    make(tmp_path, contract__dot__py="x = 1\ntype X = = int\n")
    monkeypatch.setattr(scanner, "PYTHON", "3.99")
    said = failure(scan, Project.read(tmp_path))
    own = "{}.{}".format(*sys.version_info)
    assert said.startswith("contract.py:2: invalid syntax, for the Python " + own), said
    assert "the component has Python 3.99" in said
    monkeypatch.setattr(scanner, "PYTHON", own)
    assert failure(scan, Project.read(tmp_path)) == "contract.py:2: invalid syntax"


def test_the_stage_has_the_contract_and_the_package_for_a_component(tmp_path):
    make(
        tmp_path / "project",
        contract__dot__py="import helpers.deep\nfrom decimal import Decimal\n",
        helpers__in____init____dot__py="",
        helpers__in__deep__dot__py="import json",
        helpers__in__data__dot__json="{}",
        other__dot__py="",
    )
    project = Project.read(tmp_path / "project")
    make(tmp_path, site__in__six__dot__py="")
    folder = stage.stage(project, scan(project), tmp_path / "stage", tmp_path / "site")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in ("contract.py", "helpers/deep.py", "helpers/data.json", "wasmcc/stub.py"):
        assert name in files
    assert not {"other.py", "wasmcc/__main__.py", "wasmcc/mock/ledger.py"} & files
    glue = (folder / "wasmcc_component.py").read_text()
    assert "import contract as contract" in glue and "'json'" in glue
    # The contract may set another level.
    assert glue.index("logs.prepare()") < glue.index("import contract as contract")


def program(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def test_a_build_is_done_once(tmp_path, monkeypatch):
    make(tmp_path, contract__dot__py=GOOD)
    calls = tmp_path / "calls"
    make_it = f'echo "$@" >> {calls}; while [ "$1" != --output ]; do shift; done; echo ok > "$2"'
    componentize = program(tmp_path / "componentize", make_it)
    monkeypatch.setattr(tool, "find", lambda cache: componentize)
    # `wasmcc dev` in this folder holds its lock as long as it runs.
    (tmp_path / ".wasmcc").mkdir()
    with open(tmp_path / ".wasmcc" / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        path = build(tmp_path)
    assert path == tmp_path / ".wasmcc" / "contract.wasm" and path.read_text() == "ok\n"
    build(tmp_path)
    assert len(calls.read_text().splitlines()) == 1
    # A component that was changed is built again.
    path.write_text("other")
    build(tmp_path)
    make(tmp_path, contract__dot__py=GOOD + "x = 1\n")
    build(tmp_path)
    assert len(calls.read_text().splitlines()) == 3
    assert (tmp_path / ".wasmcc" / ".gitignore").read_text() == "*\n"
    elsewhere = build(tmp_path, tmp_path / "out" / "a.wasm", cache=tmp_path / "cache")
    assert elsewhere.read_text() == "ok\n"
    assert "--world chaincode componentize" in calls.read_text().splitlines()[0]


def test_the_words_of_the_tool_are_shown(tmp_path, monkeypatch):
    make(tmp_path, contract__dot__py=GOOD)
    words = "Noise\\nAssertionError: Traceback:\\n  File \"/0/contract.py\"\\nbad\\n\\nCaused by:\\n  0: x"
    broken = program(tmp_path / "componentize", f"printf '{words}' >&2; exit 1")
    monkeypatch.setattr(tool, "find", lambda cache: broken)
    said = failure(build, tmp_path)
    assert said.endswith('contract:\nTraceback:\n  File "contract.py"\nbad')
    assert not (tmp_path / ".wasmcc" / "contract.wasm").exists()


def test_a_module_that_ends_at_its_import_is_told_with_the_cause(tmp_path, monkeypatch):
    make(tmp_path, contract__dot__py=GOOD)
    monkeypatch.setattr(tool, "find", lambda cache: str(tmp_path / "componentize"))

    def said(behind):
        words = f"Traceback:\\n  File x\\nAssertionError: {behind}"
        program(tmp_path / "componentize", f"printf '{words}' >&2; exit 1")
        return failure(build, tmp_path).partition("of the contract:\n")[2]

    ended = "its module exited or trapped while it was imported: "
    trace = "0: error at wasm backtrace:\\n           0:  0x22aee - libc.so!exit"
    cause = "Exited with i32 exit status 1"
    assert said(f"\\n\\nCaused by:\\n    {trace}\\n    1: {cause}") == ended + cause
    assert said(f"\\n\\nCaused by:\\n    {cause}") == ended + cause
    assert said("\\n\\nCaused by:\\n") == ended + "componentize-py reports no reason"
    # The contract's own is not taken for the tool's.
    raised = 'Traceback:\\n  File "contract.py"\\nAssertionError: x'
    own = said(raised + "\\n\\n\\nCaused by:\\n    AssertionError: x")
    assert own == raised.replace("\\n", "\n")


def test_a_tool_of_another_version_is_not_taken(tmp_path, monkeypatch):
    older = program(tmp_path / "componentize-py", "echo componentize-py 0.1.0")
    monkeypatch.setattr(tool.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(tool.shutil, "which", lambda name: older)
    program(tmp_path / "python", "echo no registry >&2; exit 1")
    words = failure(tool.find, tmp_path / "cache")
    assert "no registry" in words and f"pip install componentize-py=={tool.VERSION}" in words
    program(tmp_path / "componentize-py", f"echo componentize-py {tool.VERSION}")
    assert tool.find(tmp_path / "cache") == older


def test_a_requirement_with_code_of_a_machine_is_refused_by_name(tmp_path, monkeypatch):
    make(tmp_path, contract__dot__py=GOOD, requirements__dot__txt="numpy\n")
    project = Project.read(tmp_path)
    words = "ERROR: No matching distribution found for numpy==1.0; extra"
    pip = program(tmp_path / "pip", f"echo '{words}' >&2; exit 1")
    monkeypatch.setattr(packages.sys, "executable", pip)
    said = failure(packages.bundle, project, tmp_path)
    assert "the requirement numpy==1.0 has no wheel in pure Python" in said
    # pip does not distinguish the causes.
    assert "there is no such package or version, or it contains native code" in said
    native = "while [ $1 != --target ]; do shift; done; mkdir $2/numpy; echo > $2/numpy/core.so"
    program(tmp_path / "pip", native)
    assert "the requirement numpy contains native code" in failure(
        packages.bundle, project, tmp_path
    )
    program(tmp_path / "pip", "echo 'No module named pip' >&2; exit 1")
    assert "has no pip" in failure(packages.bundle, project, tmp_path)


def test_requirements_are_installed_once(tmp_path, monkeypatch):
    make(tmp_path, contract__dot__py=GOOD, requirements__dot__txt="six\n")
    project = Project.read(tmp_path)
    pip = program(tmp_path / "pip", f"echo x >> {tmp_path}/calls; env > {tmp_path}/env")
    monkeypatch.setattr(packages.sys, "executable", pip)
    # Places of the user's own would be a second answer to where.
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_PREFIX", "/nowhere")
    packages.bundle(project, tmp_path)
    packages.bundle(project, tmp_path)
    given = (tmp_path / "env").read_text().splitlines()
    places = ("PIP_USER=", "PIP_PREFIX=")
    assert [line for line in given if line.startswith(places)] == ["PIP_USER=0"]
    assert (tmp_path / "calls").read_text() == "x\n"
    assert json.loads((tmp_path / "site.json").read_text()) == [tool.PYTHON, "six"]
    # After others that are refused they are installed again.
    other = dataclasses.replace(project, requirements=("six", "numpy"))
    program(tmp_path / "pip", "echo no >&2; exit 1")
    assert "pip cannot install" in failure(packages.bundle, other, tmp_path)
    program(tmp_path / "pip", f"echo x >> {tmp_path}/calls")
    packages.bundle(project, tmp_path)
    assert (tmp_path / "calls").read_text() == "x\nx\n"


@pytest.mark.parametrize(
    "line",
    [
        "./lib",
        "-e lib",
        "--editable=./lib[more] ; python_version > '3'",
        "mine @ file://{folder}/lib",
        "mine[more] @ ./lib  # why",
        "six -c none\n-c lib/mine.py",
    ],
)
def test_a_requirement_in_a_folder_is_installed_again_when_its_files_change(
    tmp_path, monkeypatch, line
):
    text = line.format(folder=tmp_path) + "\n"
    make(tmp_path, contract__dot__py=GOOD, requirements__dot__txt=text)
    make(tmp_path, lib__in__mine__dot__py="1")
    pip = program(tmp_path / "pip", f"echo x >> {tmp_path}/calls")
    monkeypatch.setattr(packages.sys, "executable", pip)

    def installs():
        (tmp_path / "calls").write_text("")
        packages.bundle(Project.read(tmp_path), tmp_path)
        return (tmp_path / "calls").read_text().count("x")

    assert (installs(), installs()) == (1, 0)
    # Files that pip leaves in the folder are not changes.
    make(tmp_path, lib__in__build__in__mine__dot__py="2", lib__in__a__dot__egg_info__in__b="2")
    (tmp_path / "lib/a.egg_info").rename(tmp_path / "lib/a.egg-info")
    assert installs() == 0
    make(tmp_path, lib__in__mine__dot__py="2")
    assert (installs(), installs()) == (1, 0)


def test_a_folder_with_the_name_of_a_package_is_not_the_package(tmp_path):
    make(tmp_path, contract__dot__py=GOOD, requirements__dot__txt="six\n", six__in__a__dot__py="")
    assert packages.key(Project.read(tmp_path)) == [tool.PYTHON, "six"]
