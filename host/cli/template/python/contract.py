"""Assets: create, read, transfer and delete them.

All endorsers must write the same bytes: take the time from `ctx.stub.get_tx_timestamp()`, and write
JSON with `ctx.put`, which sorts the members.
"""

from dataclasses import dataclass
from typing import List

from wasmcc import Context, Contract, ContractError, evaluate, member, transaction


@dataclass
class Asset:
    """An asset in its form on the ledger."""

    id: str = member("ID")
    color: str = member("Color")
    owner: str = member("Owner")
    appraised_value: int = member("AppraisedValue")


class AssetTransfer(Contract, version="0.1.0"):
    """Assets of organizations. The ledger is the contract's only state."""

    @transaction
    def create_asset(self, ctx: Context, id: str, color: str, appraised_value: int) -> Asset:
        """Issues a new asset, which belongs to the caller's organization."""
        if ctx.stub.get_state(id) is not None:
            raise ContractError(f"the asset {id} already exists", 409)
        asset = Asset(id, color, ctx.client_identity.get_msp_id(), appraised_value)
        ctx.put(id, asset)
        ctx.stub.set_event("CreateAsset", id)
        return asset

    @evaluate
    def read_asset(self, ctx: Context, id: str) -> Asset:
        """Returns the asset with this id."""
        asset = ctx.get(id, Asset)
        if asset is None:
            raise ContractError(f"the asset {id} does not exist", 404)
        return asset

    @transaction
    def transfer_asset(self, ctx: Context, id: str, new_owner: str) -> str:
        """Transfers an asset of the caller's organization to another one; returns the old owner."""
        asset = self.own_asset(ctx, id)
        old_owner, asset.owner = asset.owner, new_owner
        ctx.put(id, asset)
        return old_owner

    @transaction
    def delete_asset(self, ctx: Context, id: str) -> None:
        """Deletes an asset of the caller's organization; its history stays on the ledger."""
        self.own_asset(ctx, id)
        ctx.stub.del_state(id)

    @evaluate
    def get_all_assets(self, ctx: Context) -> List[Asset]:
        """Returns all assets, sorted by id."""
        # Two empty bounds mean the whole namespace of this chaincode.
        with ctx.stub.get_state_by_range("", "") as rows:
            return [row.json(Asset) for row in rows]

    def own_asset(self, ctx, id):
        """Not a transaction: only the contract's own functions call it."""
        asset = self.read_asset(ctx, id)
        if asset.owner != ctx.client_identity.get_msp_id():
            raise ContractError(f"the asset {id} belongs to {asset.owner}", 403)
        return asset
