"""Assets with an event for each change, in Python.

Names, JSON and messages are those of `asset-transfer-events` in fabric-samples. Transient data with
the name `asset_properties` is stored in the implicit collection of the client's organization, if
its own peer endorses.
"""

from typing import Optional

from wasmcc import Context, Contract, ContractError, evaluate, read_json, transaction, write_json

PROPERTIES = "asset_properties"


class AssetTransferEvents(Contract, version="1.0.0"):
    """Assets with an event for each change."""

    @transaction
    def create_asset(
        self, ctx: Context, id: str, color: str, size: str, owner: str, appraised_value: str
    ) -> None:
        """Issues a new asset."""
        asset = {
            "ID": id,
            "Color": color,
            "Size": size,
            "Owner": owner,
            "AppraisedValue": appraised_value,
        }
        self.change(ctx, "CreateAsset", asset)

    @transaction
    def transfer_asset(self, ctx: Context, id: str, new_owner: str) -> None:
        """Transfers an asset to a new owner."""
        self.change(ctx, "TransferAsset", {**existing(ctx, id), "Owner": new_owner})

    @evaluate
    def read_asset(self, ctx: Context, id: str) -> dict:
        """Returns the asset, with its private properties if the client may read them."""
        asset = existing(ctx, id)
        collection = own_collection(ctx)
        properties = collection and ctx.stub.get_private_data(collection, id)
        if properties:
            asset[PROPERTIES] = read_json(properties)
        return asset

    @transaction
    def update_asset(
        self, ctx: Context, id: str, color: str, size: str, owner: str, appraised_value: str
    ) -> None:
        """Replaces all fields of an asset except its id."""
        asset = existing(ctx, id)
        asset.update(Color=color, Size=size, Owner=owner, AppraisedValue=appraised_value)
        self.change(ctx, "UpdateAsset", asset)

    @transaction
    def delete_asset(self, ctx: Context, id: str) -> None:
        """Deletes an asset."""
        asset = existing(ctx, id)
        collection = own_collection(ctx)
        if collection and ctx.stub.get_private_data(collection, id):
            ctx.stub.del_private_data(collection, id)
        ctx.stub.set_event("DeleteAsset", write_json(asset))
        ctx.stub.del_state(id)

    def change(self, ctx, event, asset):
        """Writes an asset and sets the event."""
        properties = ctx.stub.get_transient().get(PROPERTIES)
        collection = own_collection(ctx)
        if properties and collection:
            ctx.stub.put_private_data(collection, asset["ID"], properties)
        ctx.stub.set_event(event, write_json(asset))
        ctx.put(asset["ID"], asset)


def existing(ctx, id):
    asset = ctx.get(id)
    if asset is None:
        raise ContractError(f"The asset {id} does not exist")
    return asset


def own_collection(ctx) -> Optional[str]:
    """Returns the implicit collection of the peer's organization if it is the client's, too."""
    peer = ctx.stub.get_peer_msp_id()
    return f"_implicit_org_{peer}" if ctx.client_identity.get_msp_id() == peer else None
