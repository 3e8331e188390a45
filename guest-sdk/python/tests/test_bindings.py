"""Both versions of the WIT package, as componentize-py makes modules of them."""

import enum
from types import SimpleNamespace

import pytest

from wasmcc import ChaincodeStub, PeerError, Timestamp
from wasmcc.bindings import INTERFACES, Bindings, First


class Err(Exception):
    def __init__(self, value):
        self.value = value


class Error_LimitExceeded(SimpleNamespace):
    pass


ROW = SimpleNamespace(key="k", value=b"v")
TIME = SimpleNamespace(seconds=5, nanos=7)
ANSWER = SimpleNamespace(status=201, message="m", payload=b"p")


def stub_of(version, types=None, **interfaces):
    modules = {name: SimpleNamespace(**interfaces.get(name, {})) for name in INTERFACES}
    return ChaincodeStub(version(modules, types, Err))


def test_the_first_version_has_pages_entries_and_answers_of_its_own():
    lines = []
    stub = stub_of(
        First,
        transaction={
            "get_transient": lambda: [("a", b"1")],
            "get_tx_timestamp": lambda: TIME,
            "get_peer_msp_id": lambda: "Org1MSP",
        },
        state={
            "MetadataEntry": lambda name, value: (name, value),
            "put_state_metadata": lambda key, entry: lines.append((key, entry)),
            "get_state_metadata": lambda key: [SimpleNamespace(name="n", value=b"x")],
        },
        query={
            "get_query_result_with_pagination": lambda query, size, bookmark: SimpleNamespace(
                rows=[ROW], fetched_records_count=size, bookmark=bookmark + "!"
            )
        },
        private_data={"get_private_data": lambda collection, key: key.encode()},
        invocation={"invoke_chaincode": lambda name, args, channel: ANSWER},
        log={
            "Level": enum.Enum("Level", "DEBUG INFO"),
            "log": lambda level, message: lines.append((level.name, message)),
        },
    )
    assert stub.get_transient() == {"a": b"1"}
    assert stub.get_tx_timestamp() == Timestamp(5, 7) and stub.get_peer_msp_id() == "Org1MSP"
    stub.put_state_metadata("k", "n", "x")
    assert stub.get_state_metadata("k") == {"n": b"x"}
    page = stub.get_query_result_with_pagination("{}", 3)
    assert (page.bookmark, page.fetched_records_count, page.rows[0].key) == ("!", 3, "k")
    assert stub.get_multiple_private_data("c", ["a", "b"]) == [b"a", b"b"]
    assert stub.invoke_chaincode("x", ["f"]).status == 201
    stub.log("trace", "words")
    assert lines == [("k", ("n", b"x")), ("DEBUG", "words")]


def test_the_second_version_says_what_is_none():
    def full(*_):
        raise Err(Error_LimitExceeded(value="too much"))

    stub = stub_of(
        Bindings,
        transaction={"get_tx_timestamp": lambda: None, "get_peer_msp_id": lambda: None},
        query={
            "get_state_by_range_with_pagination": lambda start, end, size, bookmark: (
                SimpleNamespace(rows=[ROW], bookmark=bookmark)
            )
        },
        private_data={"get_multiple_private_data": lambda collection, keys: [None] * len(keys)},
        invocation={"invoke_chaincode": full},
        state={"get_state": full},
    )
    for call, kind in [
        (stub.get_tx_timestamp, "invalid-argument"),
        (stub.get_peer_msp_id, "unsupported"),
        (lambda: stub.get_state("k"), "limit-exceeded"),
        (lambda: stub.get_state_by_range_with_pagination("", "", -1), "invalid-argument"),
    ]:
        with pytest.raises(PeerError) as caught:
            call()
        assert caught.value.kind == kind
    page = stub.get_state_by_range_with_pagination("", "", 0)
    assert (page.bookmark, page.fetched_records_count) == ("", 1)
    assert stub.get_multiple_private_data("c", ["a"]) == [None]
    answer = stub.invoke_chaincode("x", [])
    assert (answer.status, answer.message, answer.payload) == (500, "", b"too much")
