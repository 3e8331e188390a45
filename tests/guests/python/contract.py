"""The tests' contract in Python; ../README.md lists its functions."""

import os
import random
import socket
import time

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import event, private_data, query, state, transaction
from wit_world.imports.types import Response


class Refused(Exception):
    """A refusal by the contract itself."""


def put(key, value):
    state.put_state(key, value.encode())


def get(key):
    value = state.get_state(key)
    if value is None:
        raise Refused(f"{key} does not exist")
    return value


def rows(start, end):
    found = []
    with query.get_state_by_range(start, end) as iterator:
        while batch := iterator.next_batch(100):
            found += batch
    return "".join(f"{row.key}={row.value.decode()}\n" for row in found).encode()


def transfer(source, target, amount):
    amount = int(amount)
    have, other = int(get(source)), int(get(target))
    if have < amount:
        raise Refused(f"{source} has only {have}")
    put(source, str(have - amount))
    put(target, str(other + amount))
    return f"{have - amount} {other + amount}".encode()


def fail(text):
    raise Refused(text)


def throw(text):
    raise ValueError(text)


def spin():
    while True:
        pass


def hog():
    hoard = []
    while True:
        hoard.append(bytearray(1 << 20))


def deep(levels):
    return deep(int(levels) - 1) + 1 if int(levels) else 0


def now():
    return f"{time.time():.3f} {time.monotonic():.3f}".encode()


def dice():
    return f"{random.getrandbits(64):x} {os.urandom(8).hex()} {hash('seed'):x}".encode()


def secret(collection, key, value):
    private_data.put_private_data(collection, key, value.encode())


def reveal(collection, key):
    return private_data.get_private_data(collection, key)


def connect(host, port):
    socket.socket().connect((host, int(port)))


FUNCTIONS = {
    "noop": lambda: None,
    "put": put,
    "get": get,
    "range": rows,
    "event": lambda name, payload: event.set_event(name, payload.encode()),
    "transfer": transfer,
    "fail": fail,
    "throw": throw,
    "spin": spin,
    "hog": hog,
    "deep": lambda levels: str(deep(levels)).encode(),
    "clock": now,
    "random": dice,
    "secret": secret,
    "reveal": reveal,
    "connect": connect,
}


class Contract(exports.Contract):
    def init(self):
        return Response(200, "", b"")

    def invoke(self):
        name, *args = (arg.decode() for arg in transaction.get_args())
        try:
            return Response(200, "", FUNCTIONS[name](*args) or b"")
        except Refused as refused:
            return Response(500, str(refused), b"")
