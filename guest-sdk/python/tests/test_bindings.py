"""The WIT package in the form of componentize-py's modules."""

from types import SimpleNamespace

import pytest

from wasmcc import ChaincodeStub, PeerError
from wasmcc.bindings import INTERFACES, Bindings


class Err(Exception):
    def __init__(self, value):
        self.value = value


class Error_LimitExceeded(SimpleNamespace):
    pass


ROW = SimpleNamespace(key="k", value=b"v")


def stub_of(**interfaces):
    modules = {name: SimpleNamespace(**interfaces.get(name, {})) for name in INTERFACES}
    return ChaincodeStub(Bindings(modules, None, Err))


def test_what_is_none_or_refused_is_said():
    def full(*_):
        raise Err(Error_LimitExceeded(value="too much"))

    stub = stub_of(
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
    assert (page.bookmark, page.fetched_records_count, len(page.rows)) == ("", 0, 1)
    page = stub.get_state_by_range_with_pagination("", "", 1)
    assert (page.bookmark, page.fetched_records_count) == ("", 1)
    assert stub.get_multiple_private_data("c", ["a"]) == [None]
    answer = stub.invoke_chaincode("x", [])
    assert (answer.status, answer.message, answer.payload) == (500, "", b"too much")
