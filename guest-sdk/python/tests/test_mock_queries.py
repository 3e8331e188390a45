"""Rich queries of the mock ledger have the rows, orders, pages and refusals of a peer. The expected
values come from a peer."""

import json

import pytest

from wasmcc import Chaincode, PeerError, Response
from wasmcc.mock import MockLedger

DOCUMENTS = {
    "a0": {"size": 9, "owner": "tom", "tags": [], "n": {"x": 1, "z": [1, {"w": "q"}]}},
    "a1": {"size": 10, "owner": "ann", "tags": ["red", 1, None]},
    "a2": {"size": 100, "owner": "tom", "tags": ["red", "blue"], "f": 9007199254740993},
    "a3": {"size": 2, "owner": "bob", "tags": [["x"]], "f": 1e21},
    "a4": {"size": 33, "owner": "tom & <co>", "f": 4.0},
    "b0": {"size": "10", "owner": ["tom"], "s": "line\n", "f": -7},
    "b1": {"size": None, "owner": {"tom": 1}, "s": "Tom-1"},
    "b2": {"size": True, "f": 1.5e-9},
    "b3": {"size": [9], "a.b": 3},
}
# Documents without fields.
VALUES = {"c0": b"[1]", "c1": b"text", "c2": b'{"size":1e999}', "c3": b'{"size":NaN}'}
SIZE = '{"index":{"fields":["size"]},"ddoc":"sizes","name":"size","type":"json"}'
BOTH = '{"index":{"fields":["owner","size"]},"ddoc":"both"}'
PART = (
    '{"index":{"fields":["f"],"partial_filter_selector":{"f":{"$gt":0}}},"ddoc":"part","name":"f"}'
)


class Runs(Chaincode):
    """Runs a function of a test."""

    def invoke(self, stub):
        self.result = self.run(stub)
        return Response.success()


def ledger_of(*indexes):
    chaincode = Runs()
    ledger = MockLedger(chaincode, indexes=indexes)

    def fill(stub):
        for key, document in DOCUMENTS.items():
            stub.put_state(key, json.dumps(document))
        for key, value in VALUES.items():
            stub.put_state(key, value)

    def ask(run):
        chaincode.run = run
        ledger.submit("f")
        return chaincode.result

    ask(fill)
    return ask


def rows_of(ask, query):
    text = query if isinstance(query, str) else json.dumps(query)
    return ask(lambda stub: [(row.key, row.value) for row in stub.get_query_result(text)])


def keys_of(ask, query):
    return " ".join(key for key, _ in rows_of(ask, query))


def refused(ask, query):
    with pytest.raises(PeerError) as caught:
        raise ask(lambda stub: _error(stub, query))
    text = str(caught.value)
    assert text.startswith("GET_QUERY_RESULT failed: transaction ID: ")
    return caught.value.kind, text.partition("ID: ")[2].partition(": ")[2]


def _error(stub, query):
    try:
        stub.get_query_result(query if isinstance(query, str) else json.dumps(query))
    except PeerError as error:
        return error


@pytest.mark.parametrize(
    "selector, keys",
    [
        ({"size": {"$gt": None}}, "a0 a1 a2 a3 a4 b0 b2 b3"),
        ({"size": {"$gt": 9}}, "a1 a2 a4 b0 b3"),
        ({"size": {"$lt": "a"}}, "a0 a1 a2 a3 a4 b0 b1 b2"),
        ({"size": {"$lte": True}}, "b1 b2"),
        ({"size": 1}, ""),
        ({"size": {"$in": [1, "10", 9]}}, "a0 b0 b3"),
        ({"size": {"$nin": [1, "10", 9]}}, "a1 a2 a3 a4 b1 b2"),
        ({"_id": {"$gt": "a3"}}, "a4 b0 b1 b2 b3 c0 c1 c2 c3"),
        ({"_id": {"$gt": None}, "f": {"$exists": False}}, "a0 a1 b1 b3 c0 c1 c2 c3"),
        ({}, "a0 a1 a2 a3 a4 b0 b1 b2 b3 c0 c1 c2 c3"),
        ({"owner": {"$ne": "tom"}}, "a1 a3 a4 b0 b1"),
        ({"owner": {"$not": {"$beginsWith": "tom"}}}, "a1 a3 b0 b1"),
        ({"$nor": [{"size": {"$gte": 9}}, {"owner": "bob"}]}, "b1"),
        ({"$nor": [{"size": {"$gt": 9}}, {"owner": "bob"}]}, "a0 b1"),
        ({"size": 9, "$or": []}, "a0"),
        ({"$or": []}, ""),
        ({"size": {"$or": []}}, ""),
        # Without a field name, conditions apply to the document, which also has its key.
        ({"$or": [{}, {"size": 9}]}, "a0"),
        ({"$and": [{"$gt": 5}], "size": 9}, "a0"),
        ({"$and": [1]}, ""),
        ({"$not": {"$and": []}}, ""),
        ({"$and": [{"$or": []}], "size": 9}, "a0"),
        ({"size.x": {"$exists": False}}, "c0 c1 c2 c3"),
        ({"n": {"x": 1}}, "a0"),
        ({"n.z.1.w": "q"}, "a0"),
        ({"a\\.b": 3}, "b3"),
        ({"a.b": 3}, ""),
        ({"tags": {"$size": 0}}, "a0"),
        ({"tags": {"$all": ["red", "blue"]}}, "a2"),
        ({"tags": {"$all": [["x"]]}}, "a3"),
        ({"tags": {"$elemMatch": {"$not": {"$type": "string"}}}}, "a1 a3"),
        ({"tags": {"$allMatch": {"$type": "string"}}}, "a2"),
        # Unlike a document, an element that lacks the field matches the negation.
        ({"n.z": {"$elemMatch": {"v": {"$not": {"$eq": 1}}}}}, "a0"),
        ({"n.z": {"$elemMatch": {"v": {"$ne": 1}}}}, ""),
        ({"n.z": {"$allMatch": {"$not": {"w": "q"}}}}, ""),
        ({"tags": {"$elemMatch": {"$nor": ["x"]}}}, ""),
        ({"tags": {"$elemMatch": {"$or": [{"$nor": ["x"]}]}}}, ""),
        ({"owner": {"$keyMapMatch": {"$eq": "tom"}}}, "b1"),
        ({"f": {"$mod": [4, 0]}}, "a2 a4"),
        ({"f": {"$mod": [4, -3]}}, "b0"),
        ({"s": {"$regex": "^(?:line|tom)$"}}, "b0"),
        ({"s": {"$regex": r"(?i)^tom-\d\z"}}, "b1"),
        ({"s": {"$regex": "[^e-]$"}}, "b0 b1"),
    ],
)
def test_selectors(selector, keys):
    assert keys_of(ledger_of(), {"selector": selector}) == keys


def test_a_sort_needs_an_index_and_has_couchdbs_order():
    by_size = {"selector": {"size": {"$gt": None}}, "sort": ["size"]}
    words = "No index exists for this sort, try indexing by the sort fields."
    kind, text = refused(ledger_of(), by_size)
    assert kind == "invalid-argument" and "Error:no_usable_index," in text and words in text
    ask = ledger_of(SIZE, BOTH, PART)
    assert keys_of(ask, by_size) == "b2 a3 a0 a1 a4 a2 b0 b3"
    descending = {**by_size, "sort": [{"size": "desc"}], "skip": 2, "limit": 1}
    assert keys_of(ask, descending) == "a2 a4 a1 a0 a3 b2"
    # Without a sort, the rows have the order of the index that is read.
    assert keys_of(ask, {"selector": {"size": {"$gte": 10}}}) == "a1 a4 a2 b0 b3"
    assert keys_of(ask, {"selector": {"size": 9, "owner": "tom"}, "sort": ["size"]}) == "a0"
    assert keys_of(ask, {"selector": {"_id": {"$lt": "a2"}}, "sort": [{"_id": "desc"}]}) == "a1 a0"
    assert keys_of(ask, {"selector": {"owner": "tom"}, "sort": ["size"]}) == "a0 a2"
    # An index contains no documents without its fields, so a selector must require them.
    assert "no_usable_index" in refused(ask, {"selector": {}, "sort": ["owner"]})[1]
    # The sort requires its fields.
    assert keys_of(ask, {"selector": {}, "sort": ["size"]}) == "b1 b2 a3 a0 a1 a4 a2 b0 b3"
    # The index that the selector restricts most is read.
    both = {"selector": {"size": {"$gt": None}, "owner": {"$gt": None}}}
    assert keys_of(ask, both) == "a1 a3 a0 a2 a4 b0"
    by_both = {"selector": {"f": {"$gt": 0}}, "sort": ["owner"]}
    assert "no_usable_index" in refused(ask, by_both)[1]
    by_part = {"selector": {"f": {"$gt": None}}, "sort": ["f"]}
    assert "no_usable_index" in refused(ask, by_part)[1]
    assert keys_of(ask, {**by_part, "use_index": "part"}) == "b2 a4 a2 a3"
    only = {"selector": {"size": 9}, "use_index": "part", "allow_fallback": False}
    words = "Error:invalid_index,  Status Code:400,  Reason:_design/part specified by `use_index`"
    assert words in refused(ask, only)[1]
    assert "_design/part, n specified by" in refused(ask, {**only, "use_index": "part/n"})[1]
    # A missing index for the sort comes first.
    unknown = {"use_index": "x", "allow_fallback": False}
    assert "no_usable_index" in refused(ask, {**by_both, **unknown})[1]
    no_choice = {"selector": {"f": 1}, "allow_fallback": False}
    assert "You must specify an index" in refused(ask, no_choice)[1]
    assert keys_of(ask, {"selector": {"size": 9}, "allow_fallback": False}) == "a0"
    assert "no_usable_index" in refused(ask, {"selector": {"f": 1}, "sort": ["_id"]})[1]
    with pytest.raises(ValueError, match="not an index definition: Invalid Entry.  Entry fields"):
        ledger_of('{"index":{"fields":["a"]},"fields":["a"]}')


def test_only_the_fields_come_back_as_a_peer_writes_them():
    ask = ledger_of()
    for key, fields, value in [
        ("a4", ["size", "owner", "_id"], rb'{"owner":"tom \u0026 \u003cco\u003e","size":33}'),
        ("a4", ["f", "nothing"], b'{"f":4}'),
        ("a3", ["f"], b'{"f":1e+21}'),
        ("a2", ["f"], b'{"f":9007199254740992}'),
        ("b2", ["f"], b'{"f":1.5e-9}'),
        ("a0", ["n.z.1.w", "n.nothing", "size.x"], b'{"n":{"z":{"1":{"w":"q"}}}}'),
        ("a0", ["n.z.1", "n.z"], b'{"n":{"z":[1,{"w":"q"}]}}'),
        ("a0", [], b"{}"),
    ]:
        query = {"selector": {"_id": key}, "fields": fields}
        assert rows_of(ask, query) == [(key, value)]


def test_pages_follow_the_order_of_the_query():
    ask = ledger_of(SIZE)
    query = json.dumps({"selector": {"size": {"$gt": 1}}, "sort": [{"size": "desc"}]})

    def page(bookmark, text=query):
        found = ask(lambda stub: stub.get_query_result_with_pagination(text, 3, bookmark))
        return " ".join(row.key for row in found), found.bookmark

    keys, bookmark = page("")
    assert keys == "b3 b0 a2"
    # The bookmark is a position, not a number: deleted rows leave no gap.
    ask(lambda stub: stub.del_state("b0"))
    keys, second = page(bookmark)
    assert keys == "a4 a1 a0"
    keys, third = page(second)
    assert keys == "a3"
    assert page(third) == ("", third)
    assert page("", '{"selector":{"size":"none"}}') == ("", "nil")
    assert page("nil")[0] == "b3 a2 a4"
    assert keys_of(ask, {**json.loads(query), "bookmark": second}) == "a3"
    other = {"selector": {"size": {"$gt": 1}}, "sort": ["size"], "bookmark": second}
    for query_of in (other, {**other, "bookmark": "a3"}):
        assert "Error:invalid_bookmark," in refused(ask, query_of)[1]


@pytest.mark.parametrize(
    "query, words",
    [
        ("[]", "a rich query must be a JSON object: it is another value"),
        ("select", "a rich query must be a JSON object: "),
        ("{}", "Reason:Missing required key: selector"),
        ({"selector": 1}, "Reason:Selector must be a JSON object, not: 1 (at selector)"),
        (
            {"selector": {"a": {"$in": 5}}},
            "Error:bad_arg,  Status Code:400,  Reason:Bad argument for operator $in: 5 "
            "(at selector.a.$in)",
        ),
        (
            {"selector": {"$or": [{"a": {"$size": 2.0}}]}},
            "Bad argument for operator $size: 2 (at selector.$or.0.a.$size)",
        ),
        ({"selector": {"$not": 5}}, "Bad argument for operator $not: 5"),
        ({"selector": {"a": {"$elemMatch": 5}}}, "Bad argument for operator $elemMatch: 5"),
        ({"selector": {"a": {"$mod": [0, 1]}}}, "Bad argument for operator $mod: [0,1]"),
        ({"selector": {"a": {"$is": 5}}}, "Error:invalid_operator,"),
        ({"selector": {"a": {"$text": "b"}}}, "Error:not_supported,"),
        ({"selector": {"$gt": 5}}, "Reason:One or more conditions is missing a field name."),
        ({"selector": {"a..b": 5}}, "Error:invalid_field_name,"),
        ({"selector": {}, "fields": "a"}, "fields definition must be an array"),
        ({"selector": {}, "sort": [{"a": "up"}]}, "Error:invalid_sort_dir,"),
        ({"selector": {}, "sort": ["a", {"b": "desc"}]}, "Error:unsupported_mixed_sort,"),
        ({"selector": {}, "skip": True}, "true is not an integer greater than or equal to zero"),
        ({"selector": {}, "use_index": ["a", 1]}, 'Reason:Invalid index name: ["a",1]'),
        ({"selector": {}, "stable": 1}, "Error:invalid_boolean,"),
        ({"selector": {}, "where": 1}, "Reason:Invalid key where for this request."),
    ],
)
def test_what_couchdb_refuses(query, words):
    kind, text = refused(ledger_of(), query)
    assert kind == "invalid-argument" and words in text


@pytest.mark.parametrize(
    "expression",
    ["a(?=b)", r"(a)\1", "a++", "(?m)^a", r"\p{L}", "[[:alpha:]]", r"\h", r"[\W]", "(", "[a"],
)
def test_expressions_that_python_reads_otherwise_are_refused_by_name(expression):
    kind, text = refused(ledger_of(), {"selector": {"a": {"$regex": expression}}})
    assert kind == "unsupported"
    assert text.startswith(f"the mock ledger cannot read the regular expression {expression!r}: ")


def test_expressions_mean_what_they_mean_to_a_peer():
    def is_match(expression, text):
        chaincode = Runs()
        ledger = MockLedger(chaincode)
        query = json.dumps({"selector": {"s": {"$regex": expression}}})
        chaincode.run = lambda stub: stub.put_state("k", json.dumps({"s": text}))
        ledger.submit("f")
        chaincode.run = lambda stub: list(stub.get_query_result(query))
        ledger.submit("f")
        return chaincode.result != []

    for expression, yes, no in [
        ("", ["", "a"], []),
        ("^abc$", ["abc", "abc\n"], ["abc\n\n", "abc\nd", "xabc"]),
        (r"\Aabc\z", ["abc"], ["abc\n", "\nabc"]),
        (r"^abc\Z", ["abc\n"], ["abc\n\n"]),
        ("a.c", ["abc", "aéc"], ["a\nc", "ac"]),
        ("(?s)a.c", ["a\nc"], ["ac"]),
        (r"^\d\D\w\W\s\S$", ["1aa- a"], ["٣aa- a"]),
        (r"\bé", ["aé"], ["é"]),
        ("^[]a]+$", ["]a"], ["b"]),
        ("^[a-c-e]+$", ["abc-e"], ["d"]),
        (r"^[\w-z]+$", ["a-z_"], ["é", "+"]),
        ("^[[a&&b~~]+$", ["[a&b~"], ["]"]),
        ("^a{2}b{1,}c{0,2}$", ["aabb", "aabcc"], ["ab", "aabccc"]),
        ("^a{,2}{x}}$", ["a{,2}{x}}"], ["aa"]),
        ("^a+?b*?c??$", ["aab", "ac"], ["b"]),
        (r"\x41\.\_\-# ~", ["A._-# ~"], ["A"]),
        ("^(a|bc)+$", ["abca"], ["b"]),
    ]:
        assert all(is_match(expression, text) for text in yes), expression
        assert not any(is_match(expression, text) for text in no), expression


def test_documents_with_fields_of_couchdb_are_refused():
    chaincode = Runs()
    for value, name in [('{"_id":1}', "_id"), ('{"a":1,"~version":1}', "~version")]:

        def run(stub, value=value):
            with pytest.raises(PeerError) as caught:
                stub.put_state("k", value)
            return str(caught.value)

        chaincode.run = run
        MockLedger(chaincode).submit("f")
        assert chaincode.result.startswith("PUT_STATE failed: transaction ID: ")
        words = f"field [{name}] is not valid for the CouchDB state database"
        assert chaincode.result.endswith(words)


def test_halves_of_surrogate_pairs_are_read_as_a_peer_reads_them():
    ask = ledger_of()
    values = [b'{"half":"\\ud83d"}', b'{"half":"\xff"}', b'{"half":"\\ud83d\\ude00"}']
    for at, value in enumerate(values):
        ask(lambda stub, at=at, value=value: stub.put_state(f"h{at}", value))
    for half, keys in [
        ('"\\ud83d"', ["h0", "h1"]),
        ('"\ufffd"', ["h0", "h1"]),
        ('"\U0001f600"', ["h2"]),
        ('{"$exists":true}', ["h0", "h1", "h2"]),
    ]:
        rows = rows_of(ask, f'{{"selector":{{"half":{half}}}}}')
        assert [key for key, _ in rows] == keys, half
    rows = rows_of(ask, {"selector": {"_id": "h0"}, "fields": ["half"]})
    assert rows == [("h0", '{"half":"\ufffd"}'.encode())]
