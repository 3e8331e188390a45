"""Operations of Python's library, exceptions and logging."""

import datetime
import decimal
import json
import logging
import pkgutil
import random
import time
import uuid
import xml.dom.minidom
from importlib import import_module, metadata, resources

import iniconfig

from wasmcc import ClientIdentity, Policy, Role

LOG = logging.getLogger("functions")


def identity(stub):
    client = ClientIdentity(stub.get_creator())
    return json.dumps(
        {
            "id": client.get_id(),
            "subject": client.get_subject(),
            "issuer": client.get_issuer(),
            "name": client.get_common_name(),
            "units": client.get_organizational_units(),
            "role": client.get_attribute_value("role"),
        }
    ).encode()


def dice(stub):
    numbers = [random.getrandbits(64), random.random(), uuid.uuid4().hex, time.time()]
    now = datetime.datetime.now(datetime.timezone.utc)
    return json.dumps([*numbers, now.isoformat()]).encode()


def library(stub):
    """Uses modules that the standard library imports on demand."""
    # This import is deliberately not at the top.
    import fractions

    day = datetime.datetime.strptime("2025-01-31", "%Y-%m-%d")
    parsed = iniconfig.IniConfig("a.ini", "[price]\nof = 5\n")
    return json.dumps(
        [
            day.isoformat(),
            str(decimal.Decimal("0.1") + decimal.Decimal("0.2")),
            str(fractions.Fraction(1, 3)),
            parsed["price"]["of"],
            "bücher.example".encode("idna").decode(),
            xml.dom.minidom.parseString("<a>b</a>").documentElement.firstChild.data,
            ((1 << 200_000) // ((1 << 90_000) + 1)).bit_length(),
        ]
    ).encode()


def files(stub):
    """Reads files of the contract's packages and of its requirements."""
    prices = resources.files("tables").joinpath("prices.json")
    names = sorted(path.name for path in resources.files("iniconfig").iterdir())
    return json.dumps(
        [
            json.loads(prices.read_text())["apple"],
            json.loads(pkgutil.get_data("tables", "prices.json"))["apple"],
            metadata.version("iniconfig"),
            "exceptions.py" in names,
            import_module("tables." + "rates").RATE,
        ]
    ).encode()


def encoded(stub, text, *encodings):
    return " ".join(text.encode(one).hex() for one in encodings).encode()


def prices(name):
    return {"a": 1}[name]


def mistake(stub, name):
    return str(prices(name)).encode()


def wrong_types(stub):
    """Passes values that no interface accepts; each becomes an exception, not a trap."""
    calls = {
        "key": lambda: stub.get_state(5),
        "none": lambda: stub.put_state(None, "x"),
        "value": lambda: stub.put_state("k", 5),
        "keys": lambda: stub.get_multiple_states([5]),
        "size": lambda: stub.get_state_by_range_with_pagination("", "", "x"),
        "large": lambda: stub.get_state_by_range_with_pagination("", "", 1 << 40),
        "attributes": lambda: stub.get_state_by_partial_composite_key("t", [5]),
        "policy": lambda: stub.set_state_validation_parameter("k", "OR('A.peer')"),
        "args": lambda: stub.invoke_chaincode("x", [5]),
        "event": lambda: stub.set_event(5),
        "level": lambda: stub.log("loud", "x"),
        "half": lambda: stub.put_state("\ud800", "x"),
    }
    answers = []
    for name, call in calls.items():
        try:
            call()
            answers.append(f"{name}: done")
        except Exception as error:
            answers.append(f"{name}: {type(error).__name__}: {error}")
    return "\n".join(answers).encode()


def deep(stub, levels):
    def down(level):
        return down(level - 1) + 1 if level else 0

    return str(down(int(levels))).encode()


def logged(stub, words):
    LOG.info("info %s", words)
    LOG.debug("debug %s", words)
    LOG.warning("warning %s", words)
    try:
        prices(words)
    except KeyError:
        LOG.exception("caught")
    print("printed", words)


def early(stub, start, end):
    """Closes a query after its first row."""
    with stub.get_state_by_range(start, end) as rows:
        return next(rows).key.encode()


def private_many(stub, collection, *keys):
    values = stub.get_multiple_private_data(collection, keys)
    return b",".join(value or b"-" for value in values)


def lock(stub, key):
    policy = Policy.parse("AND('Org1MSP.peer', 'Org2MSP.peer')")
    stub.set_state_validation_parameter(key, policy)
    return bytes(Policy.organizations(Role.PEER, ["Org2MSP", "Org1MSP"])) == bytes(policy) and b"1"


def leave(stub):
    raise SystemExit("left")


def hog(stub):
    hoard = []
    while True:
        hoard.append(bytearray(1 << 20))


FUNCTIONS = {
    "identity": identity,
    "dice": dice,
    "library": library,
    "files": files,
    "encoded": encoded,
    "mistake": mistake,
    "wrong-types": wrong_types,
    "deep": deep,
    "logged": logged,
    "early": early,
    "private-many": private_many,
    "lock": lock,
    "leave": leave,
    "hog": hog,
}
