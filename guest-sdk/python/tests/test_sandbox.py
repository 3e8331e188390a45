"""The pipe to `wasmcc sandbox`, with a program that returns a test's answers."""

import json
import stat
import sys

import pytest

from wasmcc.test import Sandbox, SandboxError, build
from wasmcc.test.pipe import PROTOCOL, link

PROGRAM = """\
#!{python}
import json, sys
GREETING, ANSWERS = {greeting!r}, {answers!r}
out = sys.stdout.buffer
def say(message, blobs=()):
    message = dict(message, blobs=[len(blob) for blob in blobs])
    out.write(json.dumps(message).encode() + b"\\n" + b"".join(blobs))
    out.flush()
say(GREETING)
with open({calls!r}, "ab") as calls:
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        blobs = [sys.stdin.buffer.read(length).decode() for length in request["blobs"]]
        calls.write(json.dumps([request, blobs]).encode() + b"\\n")
        calls.flush()
        if request["do"] in ANSWERS:
            answer, pieces = ANSWERS[request["do"]]
            say(dict(answer, id=request["id"]), pieces)
        elif request["do"] != "end":
            break
"""
GOOD = {"wasmcc": "9.9", "sandbox": PROTOCOL}


@pytest.fixture
def program(tmp_path, monkeypatch):
    def make(greeting, **answers):
        path, calls = tmp_path / "wasmcc", tmp_path / "calls"
        text = PROGRAM.format(
            python=sys.executable, greeting=greeting, answers=answers, calls=str(calls)
        )
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("WASMCC", str(path))
        monkeypatch.setattr("wasmcc.test.pipe._STARTED", [])

        def made():
            # It has written them all when it has ended.
            link()._end()
            return [json.loads(line) for line in calls.read_text().splitlines()]

        return made

    monkeypatch.delenv("WASMCC_TWICE", raising=False)
    return make


def kind_and_text(function, *args, **options):
    with pytest.raises(SandboxError) as caught:
        function(*args, **options)
    return caught.value.kind, str(caught.value)


def test_requests_and_answers_carry_bytes_beside_them(program):
    response = {"status": 200, "message": "", "payload": 1}
    write = {"key": "k", "value": 0, "is_delete": False}
    answer = {"ok": {"response": response, "rwset": {"a_b": {"writes": [write]}}, "kept": 3}}
    endorsed = (answer, [b"\xff", b'{"x":1}'])
    calls = program(
        GOOD,
        new=({"ok": None}, []),
        endorse=endorsed,
        height=({"ok": 7}, []),
        commit=({"ok": [{"code": "VALID"}]}, []),
        get_state=({"ok": 0}, [b"v"]),
    )
    with Sandbox(orgs=2, timeout=1.5) as sandbox:
        one = sandbox.endorse("cc", "F", "a", 5, {"b": 1}, transient={"t": b"\x01"}, org="Org2MSP")
        assert one.json() == {"x": 1} and one.text() == '{"x":1}'
        assert one.rwset["a_b"].writes[0].value == b"\xff"
        assert sandbox.height() == 7
        assert sandbox.commit(one)[0].code == "VALID"
        assert sandbox.get_state("cc", "k") == b"v"
    new, endorse, _, commit, _, end = calls()
    assert new[0]["execute_timeout_ms"] == 1500 and len(new[0]["network"]["orgs"]) == 2
    assert endorse[1] == ["F", "a", "5", '{"b":1}', "\x01"]
    call = endorse[0]["call"]
    assert (call["args"], call["transient"], call["org"]) == ([0, 1, 2, 3], {"t": 4}, "Org2MSP")
    assert commit[0]["endorsed"] == [3] and end[0]["do"] == "end"


def test_collections_indexes_and_a_policy_go_together_by_either_lifecycle(program):
    done = ({"ok": {}}, [])
    calls = program(GOOD, new=({"ok": None}, []), deploy=done, deploy_by_lifecycle=done)
    given = {"collections": [{"name": "c"}], "indexes": ["{}", {"index": {}}], "policy": "P"}
    with Sandbox() as sandbox:
        sandbox.deploy("cc", b"\x01", **given)
        sandbox.deploy_by_lifecycle("cc", b"\x01", **given)
        sandbox.deploy_by_lifecycle("cc", b"\x01", "P")
        with pytest.raises(TypeError, match="^indexes must be a list, not '{}'$"):
            sandbox.deploy("cc", b"\x01", indexes="{}")
        with pytest.raises(TypeError, match="^peers must be a list, not 'Org1MSP'$"):
            Sandbox(peers="Org1MSP")
    _, *deployed, last, _ = calls()
    assert [request["do"] for request, _ in deployed] == ["deploy", "deploy_by_lifecycle"]
    for request, pieces in deployed:
        assert (request["name"], request["component"], pieces) == ("cc", 0, ["\x01"])
        assert request["collections"] == '[{"name": "c"}]'
        assert request["indexes"] == ["{}", '{"index": {}}']
        assert request["policy"] == "P"
    names = ["collections", "indexes", "policy"]
    assert [last[0][name] for name in names] == [None, None, "P"]


def test_errors_have_a_kind_and_what_else_is_known(program, monkeypatch):
    response = {"status": 404, "message": "no", "payload": 0}
    error = {"error": {"kind": "refused", "text": "no", "response": response}}
    program(GOOD, new=({"ok": None}, []), submit=(error, [b""]))
    sandbox = Sandbox()
    with pytest.raises(SandboxError, match="^no$") as caught:
        sandbox.submit("cc", "F")
    assert (caught.value.kind, caught.value.response.status) == ("refused", 404)
    # The program ends at a request that it does not know.
    assert kind_and_text(sandbox.height)[0] == "program"
    assert kind_and_text(sandbox.height)[0] == "program"
    # The next sandbox starts it again.
    assert kind_and_text(Sandbox().submit, "cc", "F") == ("refused", "no")
    assert kind_and_text(sandbox.height)[0] == "program"


def test_a_program_that_does_not_fit_is_told(program, monkeypatch):
    for greeting, words in [
        ({"wasmcc": "0.0.1", "sandbox": PROTOCOL - 1}, "the program is older"),
        ({"wasmcc": "9.9", "sandbox": PROTOCOL + 1}, "the package wasmcc is older"),
        ({"hello": 1}, "does not answer `wasmcc sandbox`"),
    ]:
        program(greeting)
        kind, text = kind_and_text(Sandbox)
        assert kind == "program" and words in text
    monkeypatch.setenv("WASMCC", "/nowhere/wasmcc")
    monkeypatch.setattr("wasmcc.test.pipe._STARTED", [])
    assert "cannot be run" in kind_and_text(link)[1]
    monkeypatch.delenv("WASMCC")
    monkeypatch.setenv("PATH", "")
    assert "is not on the PATH" in kind_and_text(link)[1]


def test_a_component_that_is_built_is_not_built_again(tmp_path, monkeypatch):
    component = tmp_path / "a.wasm"
    component.write_bytes(b"wasm")
    monkeypatch.setenv("WASMCC_COMPONENT", str(component))
    monkeypatch.setenv("WASMCC_CONTRACT", str(tmp_path))
    assert build(tmp_path) == b"wasm"
    monkeypatch.setenv("WASMCC", "/nowhere/wasmcc")
    assert kind_and_text(build, tmp_path / "..")[0] == "build"
