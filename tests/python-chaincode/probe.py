"""The chaincode of tests/chaincodes/probe: the same arguments, texts and calls of the peer."""

from itertools import islice

from wasmcc import Chaincode, ContractError, PeerError, Policy, Response, Role


def lines(rows):
    return "".join(f"{row}\n" for row in rows).encode()


def text(value):
    return value.decode("utf-8", "replace")


def rows(found, limit=None, show=lambda row: f"{row.key}={text(row.value)}"):
    with found:
        return lines(show(row) for row in islice(found, limit and int(limit)))


def page(found):
    shown = [f"{row.key}={text(row.value)}" for row in found]
    return lines([*shown, f"count={found.fetched_records_count} bookmark={found.bookmark}"])


def policy_of(word):
    """Returns the policy of an organization's peers; the text after `raw:` is used unchanged."""
    if word.startswith("raw:"):
        return word[4:].encode()
    return Policy.signed_by(Role.PEER, word) if word else b""


def put_many(stub, prefix, count):
    for index in range(int(count)):
        stub.put_state(f"{prefix}{index:05}", str(index))


def batch(stub, prefix, count):
    stub.start_write_batch()
    put_many(stub, prefix, count)
    stub.finish_write_batch()


def put_and_read(stub, key, value):
    stub.put_state(key, value)
    return stub.get_state(key)


def many(stub, *keys):
    values = stub.get_multiple_states(keys)
    return lines("-" if value is None else text(value) for value in values)


def composite(stub, object_type, *rest):
    *attributes, value = rest
    stub.put_state(stub.create_composite_key(object_type, attributes), value)


def split(stub):
    def show(row):
        object_type, attributes = stub.split_composite_key(row.key)
        return f"{object_type}/{'/'.join(attributes)}={text(row.value)}"

    return show


def history(stub, key, limit=None):
    def show(change):
        value = "deleted" if change.is_delete else text(change.value)
        return f"{change.tx_id} {change.timestamp.seconds} {value}"

    return rows(stub.get_history_for_key(key), limit, show)


def called(stub, channel, name, *args):
    answer = stub.invoke_chaincode(name, args, channel)
    shown = (f"status={answer.status}", f"message={answer.message}", text(answer.payload))
    return lines(shown)


def named(entries):
    return lines(f"{name}={value.hex()}" for name, value in sorted(entries.items()))


def log(stub, words, *fields):
    stub.log("info", words, **dict(field.split("=", 1) for field in fields))


OPERATIONS = {
    "noop": lambda stub, *_: None,
    "put": lambda stub, key, value: stub.put_state(key, value),
    "get": lambda stub, key: stub.get_state(key),
    "del": lambda stub, key: stub.del_state(key),
    "empty": lambda stub, key: stub.put_state(key, b""),
    "rmw": lambda stub, key, suffix: stub.put_state(
        key, (stub.get_state(key) or b"") + suffix.encode()
    ),
    "putread": put_and_read,
    "mput": put_many,
    "batch": batch,
    "mget": many,
    "event": lambda stub, name, payload: stub.set_event(name, payload),
    "log": log,
    "range": lambda stub, start, end, limit=None: rows(stub.get_state_by_range(start, end), limit),
    "page": lambda stub, start, end, size, bookmark: page(
        stub.get_state_by_range_with_pagination(start, end, int(size), bookmark)
    ),
    "comp": composite,
    "pcomp": lambda stub, kind, *attributes: rows(
        stub.get_state_by_partial_composite_key(kind, attributes), None, split(stub)
    ),
    "pcomppage": lambda stub, kind, attribute, size, bookmark: page(
        stub.get_state_by_partial_composite_key_with_pagination(
            kind, [attribute], int(size), bookmark
        )
    ),
    "query": lambda stub, selector, limit=None: rows(stub.get_query_result(selector), limit),
    "allcomppage": lambda stub, size, bookmark: page(
        stub.get_all_states_composite_key_with_pagination(int(size), bookmark)
    ),
    "querypage": lambda stub, selector, size, bookmark: page(
        stub.get_query_result_with_pagination(selector, int(size), bookmark)
    ),
    "history": history,
    "setmeta": lambda stub, key, word: stub.set_state_validation_parameter(key, policy_of(word)),
    "getmeta": lambda stub, key: stub.get_state_validation_parameter(key),
    "setentry": lambda stub, key, name, value: stub.put_state_metadata(key, name, value),
    "getentries": lambda stub, key: lines(
        f"{name}={text(value)}" for name, value in stub.get_state_metadata(key).items()
    ),
    "pput": lambda stub, collection, key, value: stub.put_private_data(collection, key, value),
    "pmget": lambda stub, collection, *keys: lines(
        "-" if value is None else text(value)
        for value in stub.get_multiple_private_data(collection, keys)
    ),
    "pput-transient": lambda stub, collection, key, name: stub.put_private_data(
        collection, key, stub.get_transient()[name]
    ),
    "pget": lambda stub, collection, key: stub.get_private_data(collection, key),
    "phash": lambda stub, collection, key: (
        (stub.get_private_data_hash(collection, key) or b"").hex().encode()
    ),
    "pdel": lambda stub, collection, key: stub.del_private_data(collection, key),
    "ppurge": lambda stub, collection, key: stub.purge_private_data(collection, key),
    "prange": lambda stub, collection, start, end: rows(
        stub.get_private_data_by_range(collection, start, end)
    ),
    "ppcomp": lambda stub, collection, kind, *attributes: rows(
        stub.get_private_data_by_partial_composite_key(collection, kind, attributes),
        None,
        split(stub),
    ),
    "pquery": lambda stub, collection, selector: rows(
        stub.get_private_data_query_result(collection, selector)
    ),
    "psetmeta": lambda stub, collection, key, word: stub.set_private_data_validation_parameter(
        collection, key, policy_of(word)
    ),
    "pgetmeta": lambda stub, collection, key: stub.get_private_data_validation_parameter(
        collection, key
    ),
    "cc2cc": lambda stub, name, *args: stub.invoke_chaincode(name, args).ok(),
    "cc2cc-on": lambda stub, channel, name, *args: stub.invoke_chaincode(name, args, channel).ok(),
    "called": called,
    "args": lambda stub, *_: lines(arg.hex() for arg in stub.get_args()),
    "creator": lambda stub: stub.get_creator(),
    "binding": lambda stub: stub.get_binding(),
    "proposal": lambda stub: stub.get_signed_proposal().proposal_bytes,
    "signature": lambda stub: stub.get_signed_proposal().signature,
    "transients": lambda stub: named(stub.get_transient()),
    "decorations": lambda stub: named(stub.get_decorations()),
    "transient": lambda stub, name: stub.get_transient().get(name),
}


class Probe(Chaincode):
    def __init__(self, functions):
        self.operations = {
            **OPERATIONS,
            **functions,
            "info": self.info,
            "then": self.then,
            "try": self.attempt,
            "caught": self.caught,
        }

    def init(self, stub):
        args = stub.get_string_args()
        if args[:1] == ["fail"]:
            return Response.error("init failed")
        if args[:1] == ["run"]:
            return Response.success(self.run(stub, args[1:]))
        stub.put_state("init", " ".join(args))
        return Response.success()

    def invoke(self, stub):
        operation, args = stub.get_function_and_parameters()
        if operation == "status":
            status, message, payload = [*args, "", ""][:3]
            return Response(int(status), message, payload.encode())
        return Response.success(self.run(stub, [operation, *args]))

    def run(self, stub, words):
        operation, *args = words
        return self.operations[operation](stub, *args) or b""

    def then(self, stub, *words):
        """`OPERATION [ARGUMENTS] ; OPERATION ...`: runs them in order, up to the first failure."""
        answers, operation = b"", []
        for word in (*words, ";"):
            if word != ";":
                operation.append(word)
                continue
            answers += self.run(stub, operation)
            operation = []
        return answers

    def attempt(self, stub, *words):
        try:
            return self.run(stub, words)
        except PeerError as error:
            kind = "".join(part.capitalize() for part in error.kind.split("-"))
            return f"refused {kind}: {error}\n".encode()
        except ContractError as error:
            return f"refused: {error}\n".encode()

    def caught(self, stub, *words):
        try:
            return self.run(stub, words)
        except ContractError as error:
            return f"{error}\n".encode()

    def info(self, stub):
        from wasmcc import ClientIdentity

        time, proposal = stub.get_tx_timestamp(), stub.get_signed_proposal()
        return lines(
            [
                f"tx_id={stub.get_tx_id()}",
                f"channel={stub.get_channel_id()}",
                f"binding={stub.get_binding().hex()}",
                f"timestamp={time.seconds}.{time.nanos:09}",
                f"creator={len(stub.get_creator())} bytes",
                f"client={ClientIdentity(stub.get_creator()).get_msp_id()}",
                f"transient={','.join(sorted(stub.get_transient()))}",
                f"decorations={','.join(sorted(stub.get_decorations()))}",
                f"proposal={len(proposal.proposal_bytes) if proposal else 0} bytes",
                f"peer={stub.get_peer_msp_id()}",
            ]
        )
