"""Refusals of the mock ledger have the kinds and texts of a peer."""

import datetime
import enum
from typing import List

import pytest

from wasmcc import (
    Chaincode,
    Contract,
    ContractError,
    PeerError,
    Policy,
    Response,
    Role,
    Timestamp,
    evaluate,
    transaction,
)
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
            [
                ("get_private_data_by_range", "c", "", ""),
                ("get_state_by_range_with_pagination", "", "", 2),
                # Its key would be refused, too.
                ("put_state", "_k", b""),
            ],
            "PUT_STATE",
            AFTER_PRIVATE,
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
            # Without size and bookmark it is not a page.
            stub.get_state_by_range_with_pagination("", "", 0)
            stub.put_state("k", b"v")
            stub.get_private_data("c", "k")
            return Response.success()

    assert MockLedger(Takes()).submit("f").writes == {"k": b"v"}


class Paint(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Echo(Contract):
    @evaluate
    def paint(self, ctx, value: Paint) -> Paint:
        return value

    @evaluate
    def level(self, ctx, value: Level) -> Level:
        return value

    @evaluate
    def moment(self, ctx, value: datetime.datetime) -> datetime.datetime:
        return value

    @evaluate
    def stamp(self, ctx, value: Timestamp) -> Timestamp:
        return value

    @evaluate
    def paints(self, ctx, value: List[Paint]) -> List[Paint]:
        return value

    @evaluate
    def now(self, ctx) -> Timestamp:
        return ctx.stub.get_tx_timestamp()

    @evaluate
    def secret(self, ctx) -> Paint:
        return ctx.transient("paint", Paint)


MOMENT = datetime.datetime(2025, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    "function, value, text",
    [
        ("Paint", Paint.RED, "red"),
        ("Level", Level.LOW, "LOW"),
        ("Moment", MOMENT, "2025-01-02T03:04:05Z"),
        ("Stamp", Timestamp(5), "1970-01-01T00:00:05Z"),
        ("Paints", [Paint.RED, Paint.BLUE], '["red","blue"]'),
    ],
)
def test_arguments_are_what_the_types_read(function, value, text):
    assert MockLedger(Echo).evaluate(function, value).text() == text


def test_an_argument_that_has_no_text_is_named():
    naive = MOMENT.replace(tzinfo=None)
    with pytest.raises(ContractError, match=r"datetime\(2025.* is not an argument: .*no time zone"):
        MockLedger(Echo).evaluate("Moment", naive)


def test_transient_data_are_json():
    assert MockLedger(Echo).evaluate("Secret", transient={"paint": Paint.RED}).text() == "red"


def test_the_time_of_a_transaction_may_be_a_datetime():
    assert MockLedger(Echo).evaluate("Now", timestamp=MOMENT).text() == "2025-01-02T03:04:05Z"


def test_a_contract_keeps_nothing_from_one_transaction_to_the_next():
    class Remembers(Contract):
        def __init__(self):
            self.seen = []

        @transaction
        def see(self, ctx, name: str) -> int:
            self.seen.append(name)
            return len(self.seen)

        @transaction
        def see_twice(self, ctx) -> int:
            for _ in range(2):
                answer = ctx.stub.invoke_chaincode("other", ["See", "a"])
            return int(answer.ok())

    ledger = MockLedger(Remembers)
    ledger.deploy("other", Remembers)
    assert [ledger.submit("See", name).json() for name in ("a", "b")] == [1, 1]
    assert ledger.submit("SeeTwice").json() == 1
    own = Remembers()
    ledger = MockLedger(own)
    ledger.submit("See", "a")
    assert own.seen == ["a"]


class Relay(Chaincode):
    """Calls what its arguments name: name, channel, and the arguments of the call."""

    def invoke(self, stub):
        name, channel, *args = stub.get_string_args()
        stub.set_event(name or "none", b"")
        answer = stub.invoke_chaincode(name, args, channel)
        text = "|".join([str(answer.status), answer.message, answer.payload.decode()])
        return Response.success(text.replace(stub.get_tx_id(), "TX").encode())


class Answers(Chaincode):
    def invoke(self, stub):
        return Response.success(stub.get_function_and_parameters()[0].encode())


REFUSED = "500||INVOKE_CHAINCODE failed: transaction ID: TX: "
NOT_FOUND = (
    REFUSED + "execute failed: invalid invocation: [channel mychannel] failed to get chaincode "
    "container info for "
)
RUNS = REFUSED + "execute failed: error sending: txid: TX(mychannel) exists"
BY = "original invocation for 'contract'"


@pytest.mark.parametrize(
    "called, answer",
    [
        ("answers  hello", "200||hello"),
        ("answers mychannel hello", "200||hello"),
        ("answers/mychannel  hello", "200||hello"),
        ("answers:9  hello", "200||hello"),
        ("answers:9/mychannel  hello", "200||hello"),
        ("answers far x", REFUSED + "Failed to get policy manager for channel [far]"),
        ("none  x", NOT_FOUND + "none: chaincode none not found"),
        (
            "  x",
            NOT_FOUND + ": could not retrieve state for chaincode : invalid key. Empty string is "
            "not supported as a key by couchdb",
        ),
        ("contract  x", RUNS),
        ("contract:1  x", RUNS),
        ("relay  contract  x", "200||" + RUNS),
        ("relay  relay  x", "200||" + RUNS),
        ("relay  answers  hello", "200||200||hello"),
        (
            "qscc  GetChainInfo mychannel",
            "500|Rejecting invoke of QSCC from another chaincode because of potential for "
            f"deadlocks, {BY}|",
        ),
        ("qscc  GetChainInfo", "500|Incorrect number of arguments, 1|"),
        ("cscc  GetChannels", f"500|Rejecting invoke of CSCC from another chaincode, {BY}|"),
        ("relay  cscc  JoinChain", "200||500|Incorrect number of arguments, 1|"),
        ("lscc  getchaincodes", "500|a chaincode may not call getchaincodes of lscc|"),
        (
            "_lifecycle  f",
            "500|lifecycle scc operations require exactly two arguments but received 1|",
        ),
        (
            "_lifecycle  f x",
            "500|Failed to authorize invocation due to failed ACL check: Unmapped policy for "
            "_lifecycle/f|",
        ),
    ],
)
def test_calls_of_chaincodes_have_the_answers_of_a_peer(called, answer):
    ledger = MockLedger(Relay)
    ledger.deploy("relay", Relay)
    ledger.deploy("answers", Answers)
    outcome = ledger.submit(*called.split(" "))
    assert outcome.text() == answer
    # The event of the called chaincode is dropped.
    assert outcome.event.name == (called.split(" ")[0] or "none")


def submit(ledger, calls):
    """Makes calls of the stub in one transaction; returns what they return."""
    answers = []

    class Does(Chaincode):
        def invoke(self, stub):
            for name, *args in calls:
                answers.append(getattr(stub, name)(*args))
            return Response.success()

    ledger.deploy("contract", Does)
    ledger.submit("f")
    return answers


def test_a_page_begins_at_its_bookmark_wherever_that_is():
    keys = ["\0t\0a\0", "\0t\0b\0", "a", "b", "c"]
    ledger = MockLedger(Answers)
    submit(ledger, [("put_state", key, b"v") for key in keys])
    pages = submit(
        ledger,
        [
            ("get_state_by_range_with_pagination", "b", "c", 5, "a"),
            ("get_state_by_range_with_pagination", "", "", 2, "\0t\0b"),
            (
                "get_state_by_partial_composite_key_with_pagination",
                "t",
                ["b"],
                5,
                "\0t\0a\0",
            ),
            ("get_all_states_composite_key_with_pagination", 1),
            ("get_all_states_composite_key_with_pagination", 1, "\0t\0b\0"),
            ("get_state_by_range_with_pagination", "a", "c", 2, "c"),
        ],
    )
    assert [([row.key for row in page], page.bookmark) for page in pages] == [
        (["a", "b"], ""),
        (["\0t\0b\0", "a"], "b"),
        (["\0t\0a\0", "\0t\0b\0"], ""),
        (["\0t\0a\0"], "\0t\0b\0"),
        (["\0t\0b\0"], ""),
        ([], ""),
    ]


def test_a_policy_that_was_removed_is_an_empty_one():
    ledger = MockLedger(Answers)
    submit(ledger, [("put_state", "k", b"v"), ("set_state_validation_parameter", "k", b"")])
    reads = [("get_state_validation_parameter", "k"), ("get_state_metadata", "k")]
    assert submit(ledger, reads) == [b"", {"VALIDATION_PARAMETER": b""}]


def test_a_private_policy_is_looked_up_by_a_hash():
    reads = [("get_private_data_validation_parameter", "c", key) for key in ("", "_k")]
    assert submit(MockLedger(Answers), reads) == [None, None]


def test_no_keys_of_no_collection():
    chaincode = Calls([("get_multiple_private_data", "", [])])
    MockLedger(chaincode).submit("f")
    assert str(chaincode.caught.value) == "collection must not be an empty string"


@pytest.mark.parametrize(
    "write",
    [("put_state", "_k", b"v"), ("put_state", "k", b'{"_a":1}'), ("del_state", "")],
)
def test_a_refused_write_is_a_write(write):
    class Writes(Chaincode):
        def invoke(self, stub):
            with pytest.raises(PeerError):
                getattr(stub, write[0])(*write[1:])
            with pytest.raises(PeerError, match="supported only in a read-only transaction"):
                stub.get_state_by_range_with_pagination("", "", 2)
            return Response.success()

    MockLedger(Writes).submit("f")


def test_init_runs_once_and_has_no_private_data():
    class Begins(Chaincode):
        def init(self, stub):
            stub.put_state("init", ",".join(stub.get_string_args()).encode())
            for call in (
                ("get_private_data", "c", "k"),
                ("put_private_data", "c", "k", b"v"),
                ("get_private_data_by_range", "c", "", ""),
                ("get_private_data_validation_parameter", "c", "k"),
            ):
                with pytest.raises(PeerError, match=r"private data APIs are not allowed") as caught:
                    getattr(stub, call[0])(*call[1:])
                assert caught.value.kind == "not-permitted"
            return Response.success()

        def invoke(self, stub):
            return Response.success(stub.get_private_data("c", "k") or b"none")

    ledger = MockLedger(Begins)
    ledger.init("a", 5)
    assert ledger.get_state("init") == b"a,5"
    assert ledger.submit("f").text() == "none"


def test_a_chaincode_that_init_calls_has_private_data():
    class Begins(Chaincode):
        def init(self, stub):
            response = stub.invoke_chaincode("other", ["put"])
            with pytest.raises(PeerError, match="private data APIs are not allowed"):
                stub.get_private_data("c", "k")
            return response

    class Other(Chaincode):
        def invoke(self, stub):
            stub.put_private_data("c", "k", b"v")
            return Response.success(b"put")

    ledger = MockLedger(Begins)
    ledger.deploy("other", Other)
    assert ledger.init().text() == "put"


@pytest.mark.parametrize("status", [-5, 0, 199])
def test_a_status_below_200_is_not_submitted(status):
    class Odd(Chaincode):
        def invoke(self, stub):
            stub.put_state("k", b"v")
            return Response(status, "odd", b"payload")

    ledger = MockLedger(Odd)
    words = f"^proposal response was not successful, error code {status}, msg odd$"
    with pytest.raises(ContractError, match=words):
        ledger.submit("f")
    assert ledger.get_state("k") is None
    assert ledger.evaluate("f").text() == "payload"
