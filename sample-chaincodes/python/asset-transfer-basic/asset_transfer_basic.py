"""Fabric's first sample in Python: assets that are created, read, updated, transferred and deleted.

Names, JSON and messages are those of `asset-transfer-basic` in fabric-samples, so its client
applications work with this chaincode unchanged.
"""

from dataclasses import dataclass
from typing import List

from wasmcc import Context, Contract, ContractError, evaluate, member, transaction


@dataclass
class Asset:
    """An asset. It is stored under its own id, as JSON with sorted members, as in all languages of
    the samples."""

    id: str = member("ID")
    color: str = member("Color")
    size: int = member("Size")
    owner: str = member("Owner")
    appraised_value: int = member("AppraisedValue")


FIRST_ASSETS = (
    Asset("asset1", "blue", 5, "Tomoko", 300),
    Asset("asset2", "red", 5, "Brad", 400),
    Asset("asset3", "green", 10, "Jin Soo", 500),
    Asset("asset4", "yellow", 10, "Max", 600),
    Asset("asset5", "black", 15, "Adriana", 700),
    Asset("asset6", "white", 15, "Michel", 800),
)


class AssetTransfer(Contract, version="1.0.0"):
    """Assets and their owners."""

    @transaction
    def init_ledger(self, ctx: Context) -> None:
        """Puts six assets on the ledger."""
        for asset in FIRST_ASSETS:
            ctx.put(asset.id, asset)

    @transaction
    def create_asset(
        self, ctx: Context, id: str, color: str, size: int, owner: str, appraised_value: int
    ) -> None:
        """Issues a new asset."""
        if self.asset_exists(ctx, id):
            raise ContractError(f"the asset {id} already exists")
        ctx.put(id, Asset(id, color, size, owner, appraised_value))

    @evaluate
    def read_asset(self, ctx: Context, id: str) -> Asset:
        """Returns the asset with this id."""
        asset = ctx.get(id, Asset)
        if asset is None:
            raise does_not_exist(id)
        return asset

    @transaction
    def update_asset(
        self, ctx: Context, id: str, color: str, size: int, owner: str, appraised_value: int
    ) -> None:
        """Replaces all fields of an asset except its id."""
        if not self.asset_exists(ctx, id):
            raise does_not_exist(id)
        ctx.put(id, Asset(id, color, size, owner, appraised_value))

    @transaction
    def delete_asset(self, ctx: Context, id: str) -> None:
        """Deletes an asset; its history stays on the ledger."""
        if not self.asset_exists(ctx, id):
            raise does_not_exist(id)
        ctx.stub.del_state(id)

    @evaluate
    def asset_exists(self, ctx: Context, id: str) -> bool:
        """Returns true if an asset with this id exists."""
        return ctx.stub.get_state(id) is not None

    @transaction
    def transfer_asset(self, ctx: Context, id: str, new_owner: str) -> str:
        """Transfers an asset to a new owner; returns the old owner."""
        asset = self.read_asset(ctx, id)
        old_owner, asset.owner = asset.owner, new_owner
        ctx.put(id, asset)
        return old_owner

    @evaluate
    def get_all_assets(self, ctx: Context) -> List[Asset]:
        """Returns all assets, sorted by id."""
        with ctx.stub.get_state_by_range("", "") as rows:
            return [row.json(Asset) for row in rows]


def does_not_exist(id):
    return ContractError(f"the asset {id} does not exist")
