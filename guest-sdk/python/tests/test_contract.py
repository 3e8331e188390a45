"""Contracts on the mock ledger: routing, hooks, errors, metadata, the stub."""

import json
import logging
from dataclasses import dataclass
from typing import Annotated, Any, List, Optional, Protocol

import pytest

from wasmcc import (
    Chaincode,
    Context,
    Contract,
    ContractError,
    Defect,
    PeerError,
    Response,
    Role,
    Policy,
    evaluate,
    member,
    read_json,
    submit,
    transaction,
)
from wasmcc.chaincode import Contracts
from wasmcc.mock import MockLedger


@dataclass
class Asset:
    """An asset on the ledger."""

    id: str = member("ID")
    size: int = member("Size")
    owner: Optional[str] = member("Owner", default=None)


class Steps(Context):
    def __init__(self, stub):
        super().__init__(stub)
        self.steps = []


class Assets(Contract, name="Assets", version="1.2.0"):
    """Assets of organizations.

    More words."""

    context_class = Steps

    def before_transaction(self, ctx):
        ctx.steps.append("before " + ctx.stub.get_function_and_parameters()[0])

    def after_transaction(self, ctx, result):
        ctx.stub.set_event("steps", ",".join([*ctx.steps, f"after {result!r}"]))

    def unknown_transaction(self, ctx):
        if ctx.stub.get_args()[0] == b"Odd":
            return {"odd": True}
        return super().unknown_transaction(ctx)

    @transaction
    def create_asset(
        self, ctx: Context, id: Annotated[str, "Its key."], size: int, owner: Optional[str] = None
    ) -> Asset:
        """Makes an asset."""
        asset = Asset(id, size, owner)
        ctx.put(id, asset)
        return asset

    @evaluate
    def read_asset(self, ctx, id) -> Asset:
        asset = ctx.get(id, Asset)
        if asset is None:
            raise ContractError(f"the asset {id} does not exist", 404)
        return asset

    @transaction("evaluate", name="all")
    def everything(self, ctx) -> List[Asset]:
        with ctx.stub.get_state_by_range("", "") as rows:
            return [row.json(Asset) for row in rows]

    @transaction
    def fail(self, ctx, kind: str):
        if kind == "value":
            raise ValueError("no such thing")
        if kind == "own":
            raise Own("mine")
        if kind == "key":
            return {}["nothing"]
        if kind == "json":
            json.loads("{")
        raise ContractError("low", 200)

    @transaction
    def wrong(self, ctx) -> int:
        return "five"


class Own(KeyError):
    def __str__(self):
        return "own " + self.args[0]


class Other(Contract):
    @transaction
    def who(self, ctx: Context) -> str:
        client = ctx.client_identity
        return f"{client.get_msp_id()} {client.get_common_name()}"


def ledger():
    return MockLedger(Assets, Other)


def refused(call, *args, **options):
    with pytest.raises(ContractError) as caught:
        call(*args, **options)
    return caught.value.status, str(caught.value)


def test_calls_find_their_function():
    peer = ledger()
    made = peer.submit("CreateAsset", "a", 5)
    assert made.text() == '{"ID":"a","Size":5}'
    assert made.writes == {"a": b'{"ID":"a","Size":5}'}
    assert peer.evaluate("createAsset", "b", "6", "me").json()["Owner"] == "me"
    assert peer.evaluate("Assets:ReadAsset", "a").json() == {"ID": "a", "Size": 5}
    assert peer.evaluate("All").text() == '[{"ID":"a","Size":5}]'
    assert peer.evaluate("all").text() == '[{"ID":"a","Size":5}]'
    peer.client("Org2MSP", "bob")
    assert peer.evaluate("Other:who").text() == "Org2MSP bob"


def test_calls_that_find_nothing_have_fabrics_texts():
    peer = ledger()
    assert refused(peer.submit, "Nope") == (500, "Function Nope not found in contract Assets")
    assert refused(peer.submit, "No:Who") == (500, "Contract not found with name No")
    assert refused(peer.submit, "") == (500, "Blank function name passed")
    assert refused(peer.submit, "CreateAsset", "a") == (
        400,
        "incorrect number of params. Expected 2, received 1: parameter size is missing",
    )
    assert refused(peer.submit, "CreateAsset", "a", "b") == (
        400,
        'parameter size: "b" is not an int',
    )
    assert refused(peer.submit, "ReadAsset", "a") == (404, "the asset a does not exist")
    assert refused(peer.submit, "Wrong") == (500, "result of Wrong: expected an integer")


def test_hooks_run_around_a_function():
    peer = ledger()
    event = peer.submit("CreateAsset", "a", 5).event
    shown = "before CreateAsset,after Asset(id='a', size=5, owner=None)"
    assert (event.name, event.payload.decode()) == ("steps", shown)
    assert peer.submit("Odd").text() == '{"odd":true}'


def test_exceptions_are_refusals_and_mistakes_keep_their_place(caplog):
    peer = ledger()
    assert refused(peer.submit, "Fail", "value") == (500, "no such thing")
    assert refused(peer.submit, "Fail", "own") == (500, "own mine")
    assert refused(peer.submit, "Fail", "low") == (500, "low")
    for kind, error in (("key", "KeyError: 'nothing'"), ("json", "JSONDecodeError: ")):
        status, text = refused(peer.submit, "Fail", kind)
        assert status == 500 and error in text
        assert text.startswith("Traceback (most recent call last):\n")
        assert "test_contract.py" in text and ", in fail\n" in text
        assert "/src/wasmcc/" not in text
    assert "no such thing" in caplog.text


def test_metadata_has_fabrics_form():
    metadata = ledger().evaluate("org.hyperledger.fabric:GetMetadata").json()
    assert metadata["info"] == {"title": "Assets", "version": "1.2.0"}
    contract = metadata["contracts"]["Assets"]
    assert contract["default"] and not metadata["contracts"]["Other"]["default"]
    assert contract["info"]["description"] == "Assets of organizations."
    make, read, every, *_ = contract["transactions"]
    reference = {"$ref": "#/components/schemas/Asset"}
    assert make == {
        "name": "CreateAsset",
        "description": "Makes an asset.",
        "tag": ["submit", "SUBMIT"],
        "parameters": [
            {
                "name": "id",
                "required": True,
                "schema": {"type": "string"},
                "description": "Its key.",
            },
            {"name": "size", "required": True, "schema": {"type": "integer"}},
            {"name": "owner", "required": False, "schema": {"type": "string"}},
        ],
        "returns": reference,
    }
    assert read["tag"] == ["evaluate", "EVALUATE"] and read["parameters"][0]["name"] == "id"
    assert every["name"] == "all" and every["returns"] == {"type": "array", "items": reference}
    asset = metadata["components"]["schemas"]["Asset"]
    assert asset["$id"] == "Asset" and asset["required"] == ["ID", "Size"]
    assert asset["additionalProperties"] is False
    system = metadata["contracts"]["org.hyperledger.fabric"]
    assert system["transactions"][0]["name"] == "GetMetadata"


def test_the_context_stands_first_and_no_argument_takes_its_place():
    class Text(Contract):
        @submit
        def f(self, key: str, value: str): ...

    class Class(Contract):
        @submit
        def f(self, asset: Asset): ...

    class Second(Contract):
        @submit
        def f(self, key, ctx: Steps): ...

    for contract, words in [
        (Text, r"Text\.f, key: the context must be here, directly after self$"),
        (Class, r"Class\.f, asset: the context must be here, directly after self$"),
        (Second, r"Second\.f, ctx: the context must come directly after self$"),
    ]:
        with pytest.raises(Defect, match=words):
            Contracts([contract])

    class Many(Contract):
        @submit
        def f(self, keys: List[str]): ...

    with pytest.raises(Defect, match=r"Many\.f, keys: the context must be here"):
        Contracts([Many])

    class Shape(Protocol):
        stub: Any

    class Fits(Contract):
        context_class = Steps

        @submit
        def bare(self, ctx, key): ...

        @submit
        def own(self, ctx: Steps, key): ...

        @submit
        def base(self, ctx: Context, key): ...

        @submit
        def every(self, ctx: Any, key): ...

        @submit
        def other(self, ctx: Probe, key): ...

        @submit
        def protocol(self, ctx: Shape, key): ...

    assert b'"Other"' in Contracts([Fits]).metadata


def test_a_dataclass_refuses_values_by_itself():
    class Refusal(ContractError, ValueError):
        """Has a status of its own."""

    @dataclass
    class Part:
        size: int

        def __post_init__(self):
            if self.size < 0:
                raise ValueError(f"{self.size} is negative")
            if self.size > 9:
                raise Refusal("too large", 422)

    @dataclass
    class Whole:
        part: Part

    class Parts(Contract):
        @evaluate
        def size(self, ctx, whole: Whole) -> int:
            return whole.part.size

    peer = MockLedger(Parts)
    assert peer.evaluate("Size", '{"part":{"size":5}}').text() == "5"
    words = "parameter whole: -1 is negative as part"
    assert refused(peer.evaluate, "Size", '{"part":{"size":-1}}') == (400, words)
    assert refused(peer.evaluate, "Size", '{"part":{"size":10}}') == (422, "too large")
    with pytest.raises(ContractError, match="^value: -1 is negative as part$"):
        read_json(b'{"part":{"size":-1}}', Whole)


def test_defects_of_a_contract_are_found_before_it_runs():
    with pytest.raises(Defect, match="is async"):

        class Async(Contract):
            @transaction
            async def f(self, ctx): ...

    with pytest.raises(Defect, match='"submit" or "evaluate"'):
        transaction("query")

    class Twice(Contract):
        @submit
        def make_it(self, ctx): ...

        @submit
        def makeIt(self, ctx): ...

    class Sets(Contract):
        @submit
        def f(self, ctx, values: set): ...

    class Rest(Contract):
        @submit
        def f(self, ctx, *values): ...

    class Bare(Contract):
        @submit
        def f(self): ...

    class Late(Contract):
        @submit
        def f(self, ctx, value: "Missing"): ...  # noqa: F821

    for contract, words in [
        (Twice, "two transactions MakeIt"),
        (Sets, "values: set has no order"),
        (Rest, r"\*values"),
        (Bare, "the parameters self and ctx"),
        (Late, "Missing"),
    ]:
        with pytest.raises(Defect, match=words):
            Contracts([contract])
    for contracts, words in [
        ([], "no contract"),
        ([Other, Other], "two contracts"),
        ([dict], "is not a Contract"),
    ]:
        with pytest.raises(Defect, match=words):
            Contracts(contracts)


class Probe(Chaincode):
    """Runs a Python function of a test."""

    def __init__(self, function=None):
        self.function = function

    def invoke(self, stub):
        return Response.success(str(self.function(stub)))


def ask(function, **options):
    return MockLedger(Probe(function)).evaluate("f", **options).text()


def test_the_stub_refuses_what_a_peer_refuses():
    def refusal(function):
        with pytest.raises(PeerError) as caught:
            ask_raising(function)
        return caught.value.kind, str(caught.value)

    def ask_raising(function):
        caught = []

        def run(stub):
            try:
                function(stub)
            except PeerError as error:
                caught.append(error)

        ask(run)
        raise caught[0]

    assert refusal(lambda stub: stub.put_state("", "x")) == (
        "invalid-argument",
        "key must not be an empty string",
    )
    assert refusal(lambda stub: stub.get_query_result("{}"))[0] == "invalid-argument"
    kind, text = refusal(lambda stub: list(stub.get_state_by_range("\0a", "")))
    assert kind == "invalid-argument" and "null character" in text


def test_values_of_other_types_are_mistakes():
    peer = MockLedger(Probe(lambda stub: stub.put_state("k", 5)))
    assert "the value must be bytes or str, not int" in refused(peer.submit, "f")[1]
    peer = MockLedger(Probe(lambda stub: stub.create_composite_key("t", "abc")))
    assert "a list of texts, not a text" in refused(peer.submit, "f")[1]


def test_rows_are_fetched_when_they_are_needed():
    class Cursor:
        def __init__(self):
            self.asked, self.closed = [], 0

        def next_batch(self, count):
            self.asked.append(count)
            rows = {1: [1, 2], 2: [3]}.get(len(self.asked), [])
            if len(self.asked) == 4:
                raise ValueError("gone")
            return rows

        def __exit__(self, *_):
            self.closed += 1

    from wasmcc.rows import Rows

    def rows(cursor):
        return Rows(cursor, lambda function, *args: function(*args), lambda row: row)

    cursor = Cursor()
    found = rows(cursor)
    assert cursor.asked == []
    assert [next(found), next(found)] == [1, 2] and cursor.asked == [100]
    assert list(found) == [3] and cursor.asked == [100] * 3 and cursor.closed == 1
    assert list(found) == [] and cursor.closed == 1
    with rows(cursor) as broken:
        with pytest.raises(ValueError):
            next(broken)
        assert list(broken) == [] and cursor.closed == 2
    early = Cursor()
    with rows(early) as found:
        next(found)
    assert early.closed == 1 and list(found) == []


def test_queries_pages_history_and_keys():
    def fill(stub):
        for index in range(5):
            stub.put_state(f"k{index}", '{"n":%d,"even":%s}' % (index, str(index % 2 == 0).lower()))
        stub.put_state(stub.create_composite_key("t", ["a", "b"]), b"\0")

    seen = {}

    def look(stub):
        rows = stub.get_state_by_range("k1", "k4")
        seen["range"] = [row.key for row in rows]
        first = stub.get_state_by_range_with_pagination("", "", 2)
        second = stub.get_state_by_range_with_pagination("", "", 2, first.bookmark)
        seen["pages"] = [[row.key for row in page] for page in (first, second)]
        seen["count"] = first.fetched_records_count
        even = stub.get_query_result('{"selector":{"even":true,"n":{"$gt":0}}}')
        seen["query"] = [row.key for row in even]
        keys = stub.get_state_by_partial_composite_key("t", ["a"])
        every = stub.get_all_states_composite_key_with_pagination(5)
        assert [row.key for row in every] == ["\0t\0a\0b\0"] and every.bookmark == ""
        seen["keys"] = [stub.split_composite_key(row.key) for row in keys]
        seen["history"] = [(one.is_delete, one.value) for one in stub.get_history_for_key("k0")]
        seen["many"] = stub.get_multiple_states(["k0", "none"])

    probe = Probe(fill)
    peer = MockLedger(probe)
    peer.submit("f")
    probe.function = lambda stub: stub.del_state("k0")
    peer.submit("f")
    probe.function = look
    peer.evaluate("f")
    assert seen["range"] == ["k1", "k2", "k3"]
    assert seen["pages"] == [["k1", "k2"], ["k3", "k4"]] and seen["count"] == 2
    assert seen["query"] == ["k2", "k4"]
    assert seen["keys"] == [("t", ["a", "b"])]
    assert [deleted for deleted, _ in seen["history"]] == [True, False]
    assert seen["many"] == [None, None]


def test_private_data_transient_policies_and_calls():
    def run(stub):
        price = stub.get_transient()["price"]
        assert stub.get_private_data("c", "k") is None
        stub.put_private_data("c", "k", price)
        stub.set_state_validation_parameter("k", Policy.signed_by(Role.PEER, "Org1MSP"))
        stub.put_state("k", "x")
        stub.put_state_metadata("m", "name", b"v")
        stub.put_state("m", "x")
        answer = stub.invoke_chaincode("other", ["Who"])
        assert stub.invoke_chaincode("none", ["Who"]).status == 500
        return answer.ok().decode()

    def look(stub):
        policy = Policy.from_bytes(stub.get_state_validation_parameter("k"))
        values = stub.get_multiple_private_data("c", ["k", "none"])
        entries = stub.get_state_metadata("m")
        return policy, values, stub.get_private_data_hash("c", "k").hex()[:8], entries

    probe = Probe(run)
    peer = MockLedger(probe)
    peer.deploy("other", Other)
    done = peer.submit("f", transient={"price": b"7"})
    assert done.text() == "Org1MSP User1"
    assert done.private_writes == {"c": {"k": b"7"}} and "k" in done.writes
    assert peer.get_state("k", collection="c") == b"7"
    probe.function = look
    text = peer.evaluate("f").text()
    assert "OR('Org1MSP.peer')" in text and "[b'7', None], '7902699b'" in text
    assert "{'name': b'v'}" in text


def test_transient_entries_are_json_and_never_in_an_error():
    class Secrets(Contract):
        @transaction
        def price(self, ctx) -> int:
            return ctx.transient("price", int)

    peer = MockLedger(Secrets)
    assert peer.submit("Price", transient={"price": "7"}).text() == "7"
    assert refused(peer.submit, "Price") == (400, "price is missing in the transient data")
    status, text = refused(peer.submit, "Price", transient={"price": "secret"})
    assert (status, text) == (400, "price in the transient data does not have the expected form")


def test_logging_reaches_the_peer():
    from wasmcc import logs

    def run(stub):
        root, handlers = logging.getLogger(), logging.getLogger().handlers[:]
        try:
            root.handlers.clear()
            logs.prepare()
            # A contract's module may call this.
            logging.basicConfig(**options)
            logs.install(stub._wit)
            assert len(root.handlers) == 1
            logging.getLogger("assets").info("made %s", "a")
            logging.getLogger("assets").debug("at times")
            logging.warning("odd")
            stub.log("trace", "own", owner="ann")
        finally:
            root.handlers[:] = handlers
            root.setLevel(logging.WARNING)

    options = {}
    lines = [("info", "made a"), ("warn", "odd"), ("trace", "own")]
    assert MockLedger(Probe(run)).evaluate("f").log == lines
    options["level"] = logging.DEBUG
    lines.insert(1, ("debug", "at times"))
    assert MockLedger(Probe(run)).evaluate("f").log == lines


def test_a_default_of_none_makes_no_type_optional():
    class Defaults(Contract):
        @evaluate
        def both(self, ctx, name: str = None, size: Optional[int] = None) -> str:
            return repr((name, size))

    ledger = MockLedger(Defaults)
    assert ledger.evaluate("Both").text() == "(None, None)"
    assert ledger.evaluate("Both", "null", "null").text() == "('null', None)"
    assert ledger.evaluate("Both", "", "5").text() == "('', 5)"


def test_an_init_without_arguments_succeeds():
    contracts = Contracts([Other])

    class Stub:
        def __init__(self, *args):
            self.args = args

        def get_args(self):
            return list(self.args)

    assert contracts.init(Stub()).payload == b"Default initiator successful."
    assert contracts.init(Stub(b"")).status == 200
    with pytest.raises(ContractError):
        contracts.init(Stub(b"Nope:x"))
