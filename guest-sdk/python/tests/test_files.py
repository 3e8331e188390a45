"""Files of packages in a component, which has no other files."""

import glob
import importlib
import importlib.metadata
import importlib.resources
import json
import linecache
import os
import pathlib
import pkgutil
import shutil
import sys

import pytest

from wasmcc.files import Files


# Older versions of pathlib have their own functions.
pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="a component has Python 3.14")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of packages that is kept and then removed."""
    root = tmp_path / "site"
    for name, text in {
        "zones/__init__.py": "def late():\n    from . import more\n    return more.WORD\n",
        "zones/more.py": "WORD = 'late'\n",
        "zones/data/berlin": "e\u0308\r\nb",
        "zones/data/deep/a.json": '{"a": 1}',
        "zones-1.5.dist-info/METADATA": "Name: zones\nVersion: 1.5\n",
        "large/a": "x",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    files = Files()
    files.keep(str(root), ("large",))
    shutil.rmtree(root)
    for module, name, function in list(files.functions()):
        assert getattr(module, name) is not function
        monkeypatch.setattr(module, name, function)
    monkeypatch.syspath_prepend(str(root))
    yield root
    for name in [name for name in sys.modules if name.partition(".")[0] == "zones"]:
        del sys.modules[name]


def test_files_of_packages_are_read_in_every_way(kept):
    berlin = kept / "zones" / "data" / "berlin"
    assert berlin.read_text("utf-8") == "e\u0308\nb"
    with open(str(berlin), "rb") as file:
        assert file.name == str(berlin)
        assert (file.read(2), file.peek(1)[:1], file.read()) == (b"e\xcc", b"\x88", b"\x88\r\nb")
    with open(berlin.parent / ".." / "data" / "berlin", encoding="utf-8", newline="") as file:
        assert list(file) == ["e\u0308\r\n", "b"]
    assert open(berlin, "rb", buffering=0).read() == b"e\xcc\x88\r\nb"
    assert json.loads(pkgutil.get_data("zones", "data/deep/a.json")) == {"a": 1}
    data = importlib.resources.files("zones") / "data"
    assert sorted(one.name for one in data.iterdir()) == ["berlin", "deep"]
    assert json.loads((data / "deep" / "a.json").read_text()) == {"a": 1}
    assert importlib.metadata.version("zones") == "1.5"


def test_folders_of_packages_are_listed(kept):
    zones = kept / "zones"
    assert sorted(os.listdir(zones)) == ["__init__.py", "data", "more.py"]
    walked = {os.path.basename(folder): inner for folder, *inner in os.walk(zones)}
    assert walked["data"] == [["deep"], ["berlin"]] and walked["deep"] == [[], ["a.json"]]
    found = glob.glob(os.path.join(zones, "**", "*.json"), recursive=True)
    assert found == [str(zones / "data" / "deep" / "a.json")]
    assert zones.is_dir() and not zones.is_file() and not zones.is_symlink()
    assert (zones / "data" / "berlin").resolve().stat().st_size == 6
    with os.scandir(zones / "data") as entries:
        assert [(entry.name, entry.is_file(), os.fspath(entry)) for entry in entries] == [
            ("berlin", True, str(zones / "data" / "berlin")),
            ("deep", False, str(zones / "data" / "deep")),
        ]
    assert [module.name for module in pkgutil.iter_modules([str(zones)])] == ["more"]


def test_source_is_shown(kept):
    assert linecache.getline(str(kept / "zones" / "more.py"), 1) == "WORD = 'late'\n"


def test_a_module_that_a_function_of_a_package_imports_is_there(kept):
    assert importlib.import_module("zones").late() == "late"


def test_what_is_not_kept_is_left_to_python(kept, tmp_path):
    for missing in (kept / "large" / "a", kept / "none", tmp_path / "none"):
        with pytest.raises(FileNotFoundError):
            open(missing)
        assert not missing.exists()
    with pytest.raises(FileNotFoundError):
        open(kept / "zones" / "data" / "berlin", "w")
    other = pathlib.Path(tmp_path / "other")
    other.write_text("text")
    assert other.read_text() == "text" and "other" in os.listdir(tmp_path)
    with open(os.open(other, os.O_RDONLY)) as file:
        assert file.read() == "text"
