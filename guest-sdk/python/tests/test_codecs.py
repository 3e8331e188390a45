"""Arguments, results and JSON, by type."""

import datetime
import enum
import json
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple

import pytest

from wasmcc import ContractError, Defect, Timestamp, member, read_json, write_json
from wasmcc.codecs import Mismatch, codec_of
from wasmcc.metadata import Schemas


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Size(enum.IntEnum):
    S = 1
    L = 2


@dataclass
class Part:
    weight: float
    kind: Color = Color.RED


@dataclass
class Asset:
    """An asset."""

    id: str = member("ID")
    size: int
    tags: List[str] = field(default_factory=list)
    part: Optional[Part] = None
    next: Optional["Asset"] = None
    secret: bytes = b""


UTC = datetime.timezone.utc
MOMENT = datetime.datetime(2025, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "hint, argument, value",
    [
        (str, "ä", "ä"),
        (int, "-5", -5),
        (int, "+5", 5),
        (int, "", 0),
        (int, "123456789012345678901234567890", 123456789012345678901234567890),
        (float, "1.5e3", 1500.0),
        (float, "", 0.0),
        (bool, "T", True),
        (bool, "false", False),
        (bool, "", False),
        (Optional[int], "", None),
        (Optional[int], "null", None),
        (Optional[int], "5", 5),
        (List[int], "[1,2]", [1, 2]),
        (Tuple[int, str], '[1,"a"]', (1, "a")),
        (Tuple[int, ...], "[1,2,3]", (1, 2, 3)),
        (Dict[str, Any], '{"a":[null]}', {"a": [None]}),
        (list, '["a"]', ["a"]),
        (tuple, '["a",1]', ("a", 1)),
        (Color, "blue", Color.BLUE),
        (Level, "HIGH", Level.HIGH),
        (Literal["a", "b"], "b", "b"),
        (datetime.datetime, "2025-01-31T13:00:00.5+01:00", MOMENT),
        (Timestamp, "2025-01-31T12:00:00.123456789Z", Timestamp(1738324800, 123456789)),
        (Asset, '{"ID":"a","size":1}', Asset("a", 1)),
        (
            Asset,
            '{"ID":"a","size":1,"part":{"weight":2},"next":{"ID":"b","size":2},"secret":"/w=="}',
            Asset("a", 1, [], Part(2.0), Asset("b", 2), b"\xff"),
        ),
    ],
)
def test_an_argument_is_read_and_written_again(hint, argument, value):
    codec = codec_of(hint)
    assert codec.decode(argument.encode()) == value
    assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize(
    "hint, argument, words",
    [
        (int, "five", '"five" is not an int'),
        (int, "1_000", '"1_000" is not an int'),
        (int, "٣", "is not an int"),
        (int, "9" * 5000, "is not an int"),
        (int, "x" * 100, f'"{"x" * 32}..." is not an int'),
        (float, "nan", "is not a float"),
        (float, "1e999", "is not a float"),
        (bool, "yes", '"yes" is not a bool'),
        (List[int], "[1", "Expecting"),
        (List[int], '[1,"a"]', "expected an integer as 1"),
        (List[int], "[true]", "expected an integer as 0"),
        (List[float], "[NaN]", "NaN is not JSON"),
        (Any, "[" * 100_000, "nests too deep"),
        (Any, '{"a":[' * 200 + "[]" + "]}" * 200, "nests too deep"),
        (Any, '["\\' * 401, "Invalid"),
        (Tuple[int, str], "[1]", "expected an array of 2"),
        (Color, "green", "expected one of red, blue"),
        (datetime.datetime, "2025-02-29T00:00:00Z", "is not a time of RFC 3339"),
        (datetime.datetime, "2025-01-31", "is not a time of RFC 3339"),
        (Asset, "[]", "expected an object"),
        (Asset, '{"ID":"a"}', "member size is missing"),
        (Asset, '{"ID":"a","size":1,"x":2}', "unknown member x"),
        (Asset, '{"ID":"a","size":1,"part":{"weight":"2"}}', "expected a number as part.weight"),
        (Asset, '{"ID":"a","size":1,"tags":["b",5]}', "expected a string as tags.1"),
    ],
)
def test_what_is_wrong_with_an_argument_is_said(hint, argument, words):
    with pytest.raises(Mismatch) as caught:
        codec_of(hint).decode(argument.encode())
    assert words in str(caught.value)


def test_bytes_that_are_not_text_are_refused_where_there_must_be_text():
    for hint in (str, Color, Any):
        with pytest.raises(Mismatch, match="not UTF-8"):
            codec_of(hint).decode(b"\xff")
    assert codec_of(bytes).decode(b"\xff") == b"\xff"


@pytest.mark.parametrize(
    "hint, value, payload",
    [
        (float, 2.0, b"2"),
        (float, 0.5, b"0.5"),
        (bool, True, b"true"),
        (None, None, b""),
        (Optional[str], None, b""),
        (datetime.datetime, MOMENT, b"2025-01-31T12:00:00.5Z"),
        (Asset, Asset("a", 1), b'{"ID":"a","secret":"","size":1,"tags":[]}'),
        (Dict[str, int], {"b": 1, "a": 2}, b'{"a":2,"b":1}'),
        (Any, {"b": [Part(1.0)], "a": MOMENT}, None),
    ],
)
def test_a_result_is_text_or_canonical_json(hint, value, payload):
    encoded = codec_of(hint).encode(value)
    if payload is None:
        payload = b'{"a":"2025-01-31T12:00:00.5Z","b":[{"kind":"red","weight":1.0}]}'
    assert encoded == payload


@pytest.mark.parametrize(
    "hint, value, words",
    [
        (int, "5", "expected an integer"),
        (int, True, "expected an integer"),
        (float, float("inf"), "finite"),
        (str, "\ud800", "half a character"),
        (None, 5, "expected None"),
        (Asset, {"ID": "a"}, "a value of the class Asset"),
        (datetime.datetime, datetime.datetime(2025, 1, 1), "has no time zone"),
        (List[Asset], [Asset("a", "1")], "expected an integer as 0.size"),
    ],
)
def test_a_result_of_another_type_is_an_error(hint, value, words):
    with pytest.raises(Mismatch, match=words):
        codec_of(hint).encode(value)


@pytest.mark.parametrize("hint", [set, Dict[int, str], complex, object, Literal[1], "x"])
def test_types_that_a_transaction_cannot_have_are_defects(hint):
    with pytest.raises(Defect):
        codec_of(hint)


def test_json_of_the_ledger_is_read_as_a_type():
    asset = read_json(b'{"ID":"a","size":1,"later":[],"part":{"weight":1,"x":2}}', Asset)
    assert asset.part == Part(1.0)
    asset.part = None
    assert asset == Asset("a", 1)
    assert json.loads(write_json(asset)) == {"ID": "a", "secret": "", "size": 1, "tags": []}
    assert write_json({"ü": "<&>", "a": None}) == '{"a":null,"ü":"<&>"}'.encode()
    with pytest.raises(ContractError, match="^value of k: expected an object$"):
        read_json(b"5", Asset, "value of k")
    for value in ({"a": float("nan")}, {"a": {1, 2}}, {5: 1}):
        with pytest.raises(ContractError, match="no JSON form"):
            write_json(value if 5 not in value else {(1, 2): 3})


@dataclass
class Node:
    name: str = "["
    next: Optional["Node"] = None


def test_an_enum_of_numbers_is_written_as_it_is_read():
    @dataclass
    class Shirt:
        size: Size

    written = write_json({"size": Size.L})
    assert written == write_json(Shirt(Size.L)) == b'{"size":"L"}'
    assert read_json(written, Shirt) == Shirt(Size.L)
    assert write_json([Size.S, Color.RED, Level.LOW, 1, True]) == b'["S","red","LOW",1,true]'
    assert codec_of(Any).encode([Size.L]) == b'["L"]'


def test_notes_inside_of_a_type_may_be_anything():
    noted = Annotated[int, {"min": 1}, ["words"]]
    for hint, argument, value in [
        (noted, b"5", 5),
        (List[noted], b"[5]", [5]),
        (Dict[str, List[noted]], b'{"a":[5]}', {"a": [5]}),
        (Tuple[noted, str], b'[5,"a"]', (5, "a")),
    ]:
        assert codec_of(hint).decode(argument) == value
    with pytest.raises(Defect, match="has no order"):
        codec_of(List[set])


def test_json_nests_as_deep_as_a_component_can_read_it():
    # Brackets in texts do not nest; neither do adjacent ones.
    for text in ("[" * 400 + "]" * 400, '["[\\"{{"' + ',"[{",[]' * 500 + "]"):
        assert write_json(read_json(text)) == text.encode()
        assert codec_of(Any).encode(codec_of(Any).decode(text.encode())) == text.encode()
    node, values = Node(), []
    for _ in range(399):
        node = Node(next=node)
    assert write_json(read_json(write_json(node), Node)) == write_json(node)
    for _ in range(400):
        values = [values]
    deeper = [values]
    for _ in range(3_000):
        deeper = [deeper]
    for deep in (values, Node(next=node), [node], [[values]] * 2, deeper):
        with pytest.raises(ContractError, match="^the value has no JSON form: it nests too deep$"):
            write_json(deep)
        with pytest.raises((ContractError, Mismatch), match="it nests too deep$"):
            codec_of(Any).encode(deep)
    with pytest.raises(ContractError, match="^value: it nests too deep$"):
        read_json("[" * 401 + "]" * 401)


@dataclass(frozen=True)
class Order:
    price: int
    count: int
    total: int = field(init=False)
    note: Optional[str] = member("Note", init=False, default=None)

    def __post_init__(self):
        object.__setattr__(self, "total", self.price * self.count)


def test_what_a_class_makes_is_written_and_read_again_but_not_taken_of_clients():
    order = Order(2, 3)
    assert write_json(order) == b'{"count":3,"price":2,"total":6}'
    object.__setattr__(order, "total", 5)
    object.__setattr__(order, "note", "cheaper")
    assert read_json(write_json(order), Order) == order
    assert read_json(b'{"count":3,"price":2}', Order) == Order(2, 3)
    with pytest.raises(ContractError, match="^value: expected an integer as total$"):
        read_json(b'{"count":3,"price":2,"total":"6"}', Order)
    assert codec_of(Order).decode(b'{"count":3,"price":2}') == Order(2, 3)
    with pytest.raises(Mismatch, match="member total cannot be set: the contract computes it"):
        codec_of(Order).decode(b'{"count":3,"price":2,"total":0}')
    schemas = Schemas()
    codec_of(Order).schema(schemas)
    schema = schemas.components["Order"]
    assert schema["properties"]["total"] == {"type": "integer", "readOnly": True}
    assert schema["properties"]["Note"] == {"type": "string", "readOnly": True}
    assert schema["required"] == ["price", "count"]


@dataclass
class Scaled:
    size: int
    scale: InitVar[int] = 2

    def __post_init__(self, scale):
        self.size *= scale


def test_a_class_that_cannot_be_made_of_its_fields_is_a_defect():
    @dataclass
    class Unmade:
        size: int
        scale: InitVar[int]

    with pytest.raises(Defect, match="^Unmade.scale is not a field, .*: give it a default$"):
        codec_of(Unmade).schema(Schemas())
    assert codec_of(Scaled).decode(b'{"size":3}').size == 6


def test_timestamps_are_rfc_3339():
    assert str(Timestamp(0)) == "1970-01-01T00:00:00Z"
    assert str(Timestamp(-1, 999_999_999)) == "1969-12-31T23:59:59.999999999Z"
    assert Timestamp.parse("2025-01-01T00:00:00.1234567899Z").nanos == 123_456_789
    assert Timestamp.of(MOMENT) == Timestamp.parse(str(Timestamp.of(MOMENT)))
    assert Timestamp(5) < Timestamp(5, 1)
    assert Timestamp.parse("1970-01-02T00:00:00+24:00") == Timestamp(0)
    assert Timestamp.parse("1969-12-31T23:00:00-00:60") == Timestamp(0)
    # The reason is not compared: texts of `datetime` depend on Python's version.
    for text in ("2025-01-31T24:00:00Z", "2025-01-31T12:00:00+25:00", "2025-01-31T12:00:00+01:61"):
        with pytest.raises(ContractError, match="is not a time of RFC 3339$"):
            Timestamp.parse(text)
