"""What the mock ledger refuses has the kinds and texts of a peer."""

import pytest

from wasmcc import Chaincode, PeerError, Policy, Response, Role
from wasmcc.mock import MockLedger

FAILED = "{call} failed: transaction ID: {tx}: "
NO_KEY = FAILED + "invalid key. Empty string is not supported as a key by couchdb"
UNDERSCORE = FAILED + 'invalid key [_k], cannot begin with "_"'
MIXED = FAILED + "txid [{tx}]: unsuppored transaction. "
PAGES = MIXED + "Paginated queries are supported only in a read-only transaction"
AFTER_PAGE = MIXED + "Transaction has already performed a paginated query. Writes are not allowed"
PRIVATE = MIXED + "Queries on pvt data is supported only in a read-only transaction"
AFTER_PRIVATE = (
    MIXED + "Transaction has already performed queries on pvt data. Writes are not allowed"
)
NO_POLICY = (
    "the endorsement policy is not a serialized common.SignaturePolicyEnvelope that peers can "
    "read: nobody could change the key any more"
)
QUERY = '{"selector":{"a":1}}'


class Calls(Chaincode):
    """Makes calls of the stub; all but the last must succeed."""

    def __init__(self, calls):
        self.calls = calls

    def invoke(self, stub):
        *before, last = self.calls
        for name, *args in before:
            getattr(stub, name)(*args)
        self.tx = stub.get_tx_id()
        with pytest.raises(PeerError) as self.caught:
            getattr(stub, last[0])(*last[1:])
        return Response.success()


@pytest.mark.parametrize(
    "calls, message, words",
    [
        ([("get_state", "")], "GET_STATE", NO_KEY),
        ([("get_multiple_states", ["a", ""])], "GET_STATE", NO_KEY),
        ([("del_state", "")], "DEL_STATE", NO_KEY),
        ([("put_state", "", b"")], "", "key must not be an empty string"),
        ([("put_state", "_k", b"")], "PUT_STATE", UNDERSCORE),
        ([("get_state_metadata", "")], "GET_STATE_METADATA", NO_KEY),
        ([("put_state_metadata", "", "n", b"")], "PUT_STATE_METADATA", NO_KEY),
        ([("get_state_validation_parameter", "")], "GET_STATE_METADATA", NO_KEY),
        ([("set_state_validation_parameter", "", b"")], "PUT_STATE_METADATA", NO_KEY),
        ([("get_private_data", "c", "")], "GET_STATE", NO_KEY),
        ([("put_private_data", "c", "", b"")], "", "key must not be an empty string"),
        ([("put_private_data", "c", "_k", b"")], "PUT_STATE", UNDERSCORE),
        ([("del_private_data", "c", "")], "DEL_STATE", NO_KEY),
        ([("purge_private_data", "c", "")], "PURGE_PRIVATE_DATA", NO_KEY),
        ([("set_state_validation_parameter", "k", b"junk")], "", NO_POLICY),
        ([("set_private_data_validation_parameter", "c", "k", b"junk")], "", NO_POLICY),
    ],
)
def test_keys_and_policies(calls, message, words):
    chaincode = Calls(calls)
    MockLedger(chaincode).submit("f")
    assert str(chaincode.caught.value) == words.format(call=message, tx=chaincode.tx)
    assert chaincode.caught.value.kind == "invalid-argument"


@pytest.mark.parametrize(
    "calls, message, words",
    [
        (
            [("put_state", "k", b""), ("get_state_by_range_with_pagination", "", "", 2)],
            "GET_STATE_BY_RANGE",
            PAGES,
        ),
        (
            [("del_state", "k"), ("get_query_result_with_pagination", QUERY, 2)],
            "GET_QUERY_RESULT",
            PAGES,
        ),
        (
            [("get_all_states_composite_key_with_pagination", 2), ("put_state", "k", b"")],
            "PUT_STATE",
            AFTER_PAGE,
        ),
        (
            [
                ("get_state_by_partial_composite_key_with_pagination", "t", [], 2),
                ("set_state_validation_parameter", "k", b""),
            ],
            "PUT_STATE_METADATA",
            AFTER_PAGE,
        ),
        (
            [("put_private_data", "c", "k", b""), ("get_private_data_by_range", "c", "", "")],
            "GET_STATE_BY_RANGE",
            PRIVATE,
        ),
        (
            [("put_state", "k", b""), ("get_private_data_query_result", "c", QUERY)],
            "GET_QUERY_RESULT",
            PRIVATE,
        ),
        (
            [("get_private_data_by_partial_composite_key", "c", "t", []), ("del_state", "k")],
            "DEL_STATE",
            AFTER_PRIVATE,
        ),
    ],
)
def test_queries_for_transactions_that_write_nothing(calls, message, words):
    chaincode = Calls(calls)
    MockLedger(chaincode).submit("f")
    assert str(chaincode.caught.value) == words.format(call=message, tx=chaincode.tx)
    assert chaincode.caught.value.kind == "not-permitted"


def test_what_a_peer_takes():
    peers = [Policy.signed_by(Role.PEER, f"Org{number}MSP") for number in range(3)]
    nested = Policy.any_of(*peers, Policy.all_of(*peers))
    policies = [nested, Policy.signed_by(Role.ADMIN, "A"), b""]

    class Takes(Chaincode):
        def invoke(self, stub):
            for policy in policies:
                stub.set_state_validation_parameter("k", policy)
            # Without size and bookmark it is no page.
            stub.get_state_by_range_with_pagination("", "", 0)
            stub.put_state("k", b"v")
            stub.get_private_data("c", "k")
            return Response.success()

    assert MockLedger(Takes()).submit("f").writes == {"k": b"v"}
