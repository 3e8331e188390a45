"""Exceptions with defects of their own: each becomes a refusal, none ends the transaction."""

import http

import pytest

from wasmcc import Chaincode, ContractError
from wasmcc.component import answer
from wasmcc.mock import MockLedger


class Missing(ContractError):
    """Does not call `super().__init__`."""

    def __init__(self, name):
        self.name = name


class Nameless(ContractError):
    status = 404

    def __init__(self):
        pass


class Spelled(Missing):
    def __init__(self, name, status):
        self.name, self.status = name, status

    def __str__(self):
        return f"no {self.name}"


class Mute(Exception):
    def __str__(self):
        raise ValueError("no words")


class Whim(BaseException):
    """Is not caught by `except Exception`."""


class MuteRefusal(Missing, Mute):
    """Has neither a message nor a text."""


class Raising(Chaincode):
    def __init__(self, make):
        self.make = make

    def invoke(self, stub):
        raise self.make()


def refusal(make):
    with pytest.raises(ContractError) as caught:
        MockLedger(Raising(make)).submit("f")
    return caught.value.status, caught.value.message


def test_a_refusal_of_a_class_of_ones_own_needs_no_call_of_its_base():
    assert refusal(lambda: Missing("a")) == (500, "a")
    assert refusal(Nameless) == (404, "Nameless")
    assert refusal(lambda: Spelled("b", 409)) == (409, "no b")
    # A status below 400 would be endorsed.
    assert refusal(lambda: Spelled("b", 200)) == (500, "no b")
    assert Missing("a").message == "a" and Missing("a").status == 500


def test_a_status_that_is_none_is_refused_where_it_is_made():
    for status in (10**12, 2**31):
        with pytest.raises(ValueError, match="^the status of a ContractError must have 32 bits$"):
            ContractError("m", status)
    for status in (404.5, "404", True, None):
        with pytest.raises(TypeError, match="^the status of a ContractError must be int, not "):
            ContractError("m", status)
    assert ContractError("m", http.HTTPStatus.CONFLICT).status == 409
    status, text = refusal(lambda: ContractError("m", 404.5))
    assert status == 500 and "test_mistakes.py" in text
    assert text.endswith("TypeError: the status of a ContractError must be int, not float")


@pytest.mark.parametrize("make", [Mute, lambda: MuteRefusal("a")])
def test_an_exception_that_cannot_be_shown_is_a_mistake_with_its_place(make, caplog):
    status, text = refusal(make)
    assert status == 500 and text.startswith("Traceback (most recent call last):\n")
    assert "raise self.make()" in text and text.endswith("str() failed>")
    assert text in caplog.text


def test_a_contract_that_exits_is_a_mistake_with_its_place():
    status, text = refusal(lambda: SystemExit("no configuration"))
    assert status == 500 and "raise self.make()" in text
    assert text.endswith("SystemExit: no configuration")
    # Ctrl-C ends the tests.
    with pytest.raises(KeyboardInterrupt):
        MockLedger(Raising(KeyboardInterrupt)).submit("f")


@pytest.mark.parametrize("make", [KeyboardInterrupt, GeneratorExit, Whim])
def test_no_exception_ends_a_component(make, caplog):
    def raising(stub):
        raise make("odd")

    response = answer(raising, None)
    where = f'raise make("odd")\n{make.__qualname__}: odd'
    assert response.status == 500
    # The last frame is the contract's own.
    assert response.message == "odd" if make is Whim else response.message.endswith(where)
    assert "in raising" in caplog.text


def test_a_status_that_a_class_sets_to_something_else_is_in_the_log(caplog):
    assert refusal(lambda: Spelled("b", "409")) == (500, "no b")
    assert "raise self.make()" in caplog.text
