"""The contract of tests/chaincodes/records: the same calls of the peer in the same order."""

from dataclasses import dataclass
from typing import List, Optional

from wasmcc import Context, Contract, ContractError, KeyValue, evaluate, member, transaction


@dataclass
class Record:
    """The value under a key."""

    text: str
    version: int


@dataclass
class Row:
    """A key and its record."""

    key: str
    record: Record


@dataclass
class RowPage:
    """A page of rows, with the bookmark of the next page."""

    bookmark: str
    count: int
    rows: List[Row]


@dataclass
class Change:
    """A change of a key."""

    is_delete: bool = member("isDelete")
    record: Optional[Record] = member("record")
    tx_id: str = member("txId")


class Records(Contract, version="0.1.0"):
    @transaction
    def put(self, ctx: Context, key: str, text: str) -> int:
        """Writes a record and returns its version."""
        before = ctx.get(key, Record)
        record = Record(text, before.version + 1 if before else 1)
        ctx.put(key, record)
        return record.version

    @evaluate
    def get(self, ctx: Context, key: str) -> str:
        """Returns the text of a record."""
        return existing(ctx, key).text

    @evaluate
    def read(self, ctx: Context, key: str) -> Record:
        """Returns a record."""
        return existing(ctx, key)

    @transaction
    def delete(self, ctx: Context, key: str) -> None:
        """Deletes a record."""
        existing(ctx, key)
        ctx.stub.del_state(key)

    @transaction
    def put_many(self, ctx: Context, prefix: str, count: int) -> None:
        """Writes `count` records whose keys begin with `prefix`."""
        for index in range(count):
            ctx.put(f"{prefix}{index:05}", Record(str(index), 1))

    @evaluate
    def rows(self, ctx: Context, start: str, end: str) -> List[Row]:
        """Returns the records from `start` to before `end`."""
        with ctx.stub.get_state_by_range(start, end) as found:
            return [row(one) for one in found]

    @evaluate
    def page(self, ctx: Context, start: str, end: str, size: int, bookmark: str) -> RowPage:
        """Returns a page of the records."""
        page = ctx.stub.get_state_by_range_with_pagination(start, end, size, bookmark)
        rows = [row(one) for one in page]
        return RowPage(page.bookmark, page.fetched_records_count, rows)

    @evaluate
    def history(self, ctx: Context, key: str) -> List[Change]:
        """Returns the changes of a key, newest first."""
        return [
            Change(
                change.is_delete,
                None if change.is_delete else row(KeyValue(key, change.value)).record,
                change.tx_id,
            )
            for change in ctx.stub.get_history_for_key(key)
        ]

    @transaction
    def announce(self, ctx: Context, name: str, text: str) -> None:
        """Writes a record and an event."""
        ctx.put(name, Record(text, 1))
        ctx.stub.set_event("first", "forgotten")
        ctx.stub.set_event(name, text)

    @transaction
    def call(self, ctx: Context, chaincode: str, args: List[str]) -> str:
        """Calls another chaincode of this channel; its arguments are a JSON array."""
        return ctx.stub.invoke_chaincode(chaincode, args).ok().decode("utf-8", "replace")

    @transaction
    def fail(self, ctx: Context, key: str, words: str) -> None:
        """Writes, then fails."""
        ctx.stub.put_state(key, "not to stay")
        raise Exception(words)

    @evaluate
    def who(self, ctx: Context) -> str:
        """Returns the caller's MSP id and the transaction id."""
        return f"{ctx.client_identity.get_msp_id()} {ctx.stub.get_tx_id()}"


def existing(ctx, key):
    record = ctx.get(key, Record)
    if record is None:
        raise ContractError(f"there is no {key}")
    return record


def row(found):
    return Row(found.key, found.json(Record))
