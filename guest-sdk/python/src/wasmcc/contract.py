"""Contracts: named groups of transaction functions, as in Fabric's contract API."""

import inspect
import re
import sys
import types
import typing
from dataclasses import dataclass

from .codecs import Anything, Codec, Mismatch, Text, codec_and_words, description_of
from .context import Context
from .errors import ContractError, Defect

_MARK = "_wasmcc_transaction"


@dataclass(frozen=True)
class _Mark:
    """The settings in a decorator of a function."""

    kind: str
    name: typing.Optional[str]


class Contract:
    """A group of transaction functions: methods with the decorator `transaction`.

    `class Assets(Contract, name="Assets", version="1.0.0")` sets the name that clients put before
    the colon; the default is the class's name. A contract has no state: it is instantiated for each
    transaction, and its state is the ledger.
    """

    contract_name = "Contract"
    contract_version = ""
    # The class of the first argument of each function.
    context_class = Context

    def __init_subclass__(cls, name=None, version=None, **options):
        super().__init_subclass__(**options)
        cls.contract_name = name or cls.__name__
        if version is not None:
            cls.contract_version = version

    def before_transaction(self, ctx):
        """Runs before every function, even before a missing one."""

    def after_transaction(self, ctx, result):
        """Runs after a function that succeeded, with its result. If it raises, the transaction is
        refused."""

    def unknown_transaction(self, ctx):
        """Runs if the called function does not exist; by default it raises an error."""
        name = ctx.stub.get_function_and_parameters()[0].rpartition(":")[2]
        raise ContractError(f"Function {name} not found in contract {self.contract_name}")


def transaction(kind=None, *, name=None):
    """Makes a method a transaction function: `@transaction`, or `@transaction("evaluate")` for one
    that only reads, so that clients need not submit it.

    Clients call `create_asset` by the name `CreateAsset` or `createAsset`, or by `name`.
    """
    if callable(kind):
        return _marked(kind, _Mark("submit", name))
    if kind not in (None, "submit", "evaluate"):
        raise Defect(f'a transaction is of the kind "submit" or "evaluate", not {kind!r}')
    return lambda function: _marked(function, _Mark(kind or "submit", name))


def submit(function=None, *, name=None):
    """The same as `@transaction`."""
    made = transaction("submit", name=name)
    return made(function) if function else made


def evaluate(function=None, *, name=None):
    """The same as `@transaction("evaluate")`."""
    made = transaction("evaluate", name=name)
    return made(function) if function else made


def _marked(function, mark):
    where = getattr(function, "__qualname__", function)
    if not inspect.isfunction(function):
        raise Defect(f"{where} is not a function: put @transaction directly above `def`")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise Defect(f"{where} is async: a transaction waits for nothing; write `def`")
    if inspect.isgeneratorfunction(function):
        raise Defect(f"{where} yields: a transaction returns one result")
    setattr(function, _MARK, mark)
    return function


@dataclass(frozen=True)
class Parameter:
    """A parameter of a transaction function."""

    name: str
    codec: Codec
    words: str
    optional: bool
    default: object


class Transaction:
    """A transaction function with its parameters and result."""

    def __init__(self, function, mark, context_class=Context):
        self.function = function
        self.name = mark.name or wire_name(function.__name__)
        self.is_evaluate = mark.kind == "evaluate"
        self.description = description_of(function)
        where = function.__qualname__
        try:
            hints = _hints_of(function)
        except NameError as error:
            raise Defect(f"a type of {where} is unknown: {error}") from None
        all_parameters = list(inspect.signature(function).parameters.values())
        if len(all_parameters) < 2:
            raise Defect(f"{where} must have the parameters self and ctx")
        _check_context(all_parameters[1].name, hints, where, context_class)
        self.parameters = [_parameter(one, hints, where) for one in all_parameters[2:]]
        self.returns = None
        if "return" in hints:
            self.returns = codec_and_words(hints["return"], f"the result of {where}")[0]
        needed = [index for index, one in enumerate(self.parameters, 1) if not one.optional]
        self.required = max(needed, default=0)

    def arguments(self, args):
        """Returns the values of the arguments. Surplus ones are ignored, as in
        fabric-contract-api-go."""
        if len(args) < self.required:
            raise ContractError(
                f"incorrect number of params. Expected {self.required}, received {len(args)}: "
                f"parameter {self.parameters[len(args)].name} is missing",
                400,
            )
        values = []
        for index, parameter in enumerate(self.parameters):
            if index >= len(args):
                values.append(parameter.default)
                continue
            try:
                values.append(parameter.codec.decode(args[index]))
            except Mismatch as mismatch:
                raise ContractError(f"parameter {parameter.name}: {mismatch}", 400) from None
        return values

    def payload(self, result):
        """Returns the bytes of a result."""
        try:
            return (self.returns or _ANY).encode(result)
        except Mismatch as mismatch:
            raise ContractError(f"result of {self.name}: {mismatch}") from None


_ANY = Anything()
_TEXT = Text()


def _hints_of(function):
    """Returns the types of a function's parameters and of its result, as written."""
    if sys.version_info >= (3, 11):
        return typing.get_type_hints(function, include_extras=True)
    # Before 3.11, a default of None made a type optional. This namespace has no defaults.
    written = types.SimpleNamespace(__annotations__=function.__annotations__)
    names = inspect.unwrap(function).__globals__
    return typing.get_type_hints(written, names, include_extras=True)


def _check_context(name, hints, where, context_class):
    """Refuses a first parameter that is obviously an argument: it would receive the context, and
    every other parameter its neighbour's argument."""
    hint = hints.get(name, context_class)
    if hint is typing.Any or hint in context_class.__mro__ or _is_context(hint):
        return
    try:
        codec_and_words(hint, where)
    except Defect:
        return  # A type of the contract's own, such as a protocol.
    raise Defect(f"{where}, {name}: the context must be here, directly after self")


def _is_context(hint):
    return Context in getattr(hint, "__mro__", ())


def _parameter(parameter, hints, where):
    if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        raise Defect(f"{where} has the parameter {parameter}; arguments of a call have an order")
    codec, words = _TEXT, ""
    if _is_context(hints.get(parameter.name)):
        raise Defect(f"{where}, {parameter.name}: the context must come directly after self")
    if parameter.name in hints:
        codec, words = codec_and_words(hints[parameter.name], f"{where}, {parameter.name}")
    has_default = parameter.default is not parameter.empty
    default = parameter.default if has_default else None
    # `from_` means `from`, which is a keyword of Python.
    name = parameter.name.rstrip("_")
    return Parameter(name, codec, words, has_default or codec.optional, default)


def wire_name(name):
    """Returns `CreateAsset` for `create_asset`; other names only get a capital first letter."""
    if "_" in name.strip("_"):
        return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return capitalized(name)


def capitalized(name):
    """Capitalizes a name as fabric-contract-api-go does to find a function."""
    return name[:1].upper() + name[1:]


def transactions_of(contract):
    """Returns the transaction functions of a contract by name, in the order of the source; those of
    base classes come first."""
    found, attributes = {}, {}
    for base in reversed(type(contract).__mro__):
        for attribute, function in vars(base).items():
            if hasattr(function, _MARK):
                attributes[attribute] = None
    for attribute in attributes:
        function = getattr(type(contract), attribute)
        mark = getattr(function, _MARK, None)
        if mark is None:
            continue
        one = Transaction(function, mark, contract.context_class)
        if not re.fullmatch(r"[^\s:]+", one.name):
            raise Defect(f"{one.name!r} is not a valid transaction name")
        if capitalized(one.name) in found:
            raise Defect(f"{type(contract).__name__} has two transactions {one.name}")
        found[capitalized(one.name)] = one
    return found
