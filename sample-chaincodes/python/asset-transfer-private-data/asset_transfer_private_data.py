"""Assets whose price is private to their owner's organization, in Python.

Names, JSON and messages are those of `asset-transfer-private-data` in fabric-samples. Private
values arrive as transient data. `assetCollection` has the part for both organizations, each
organization's own collection the part for itself.
"""

import base64
import logging
from dataclasses import dataclass
from typing import List, Optional

from wasmcc import Context, Contract, ContractError, evaluate, member, read_json, transaction
from wasmcc import write_json

ASSETS = "assetCollection"
AGREEMENT = "transferAgreement"
LOG = logging.getLogger(__name__)


@dataclass
class Asset:
    """The part of an asset that both organizations may read."""

    type: str = member("objectType")
    id: str = member("assetID")
    color: str = member("color")
    size: int = member("size")
    owner: str = member("owner")


@dataclass
class AssetPrivateDetails:
    """The part of an asset that only one organization may read."""

    id: str = member("assetID", default="")
    appraised_value: int = member("appraisedValue", default=0)


@dataclass
class TransferAgreement:
    """A buyer's agreement to buy an asset."""

    id: str = member("assetID")
    buyer_id: str = member("buyerID")


@dataclass
class NewAsset:
    """The transient data of a new asset."""

    type: str = member("objectType", default="")
    id: str = member("assetID", default="")
    color: str = member("color", default="")
    size: int = member("size", default=0)
    appraised_value: int = member("appraisedValue", default=0)


@dataclass
class Sale:
    """The transient data of a transfer."""

    id: str = member("assetID", default="")
    buyer_msp: str = member("buyerMSP", default="")


@dataclass
class Named:
    """The transient data of a deletion."""

    id: str = member("assetID", default="")


class AssetTransfer(Contract, name="SmartContract", version="1.0.0"):
    """Assets in private data collections."""

    @transaction
    def create_asset(self, ctx: Context) -> None:
        """Creates an asset of the caller. Transient data: `asset_properties`."""
        missing = "asset not found in the transient map input"
        asset = read_json(transient(ctx, "asset_properties", missing), NewAsset, UNREADABLE)
        must_be_text("objectType", asset.type)
        must_be_text("assetID", asset.id)
        must_be_text("color", asset.color)
        must_be_positive("size", asset.size)
        must_be_positive("appraisedValue", asset.appraised_value)
        if ctx.stub.get_private_data(ASSETS, asset.id) is not None:
            raise ContractError(f"this asset already exists: {asset.id}")
        owner = client_id(ctx)
        must_be_of_this_peer(ctx, "CreateAsset")
        LOG.info("CreateAsset Put: collection %s, ID %s, owner %s", ASSETS, asset.id, owner)
        public = Asset(asset.type, asset.id, asset.color, asset.size, owner)
        ctx.stub.put_private_data(ASSETS, asset.id, write_json(public))
        details = AssetPrivateDetails(asset.id, asset.appraised_value)
        ctx.stub.put_private_data(own_collection(ctx), asset.id, write_json(details))

    @transaction
    def agree_to_transfer(self, ctx: Context) -> None:
        """Records the caller's agreement to buy an asset. Transient data: `asset_value`."""
        buyer = client_id(ctx)
        value = transient(ctx, "asset_value", "asset_value key not found in the transient map")
        details = read_json(value, AssetPrivateDetails, UNREADABLE)
        must_be_text("assetID", details.id)
        must_be_positive("appraisedValue", details.appraised_value)
        existing(self, ctx, details.id)
        must_be_of_this_peer(ctx, "AgreeToTransfer")
        # Unchanged: the hashes of both sides are compared.
        ctx.stub.put_private_data(own_collection(ctx), details.id, value)
        ctx.stub.put_private_data(ASSETS, agreement_key(ctx, details.id), buyer)

    @transaction
    def transfer_asset(self, ctx: Context) -> None:
        """Transfers an asset to the buyer that agreed. Transient data: `asset_owner`."""
        missing = "asset owner not found in the transient map"
        sale = read_json(transient(ctx, "asset_owner", missing), Sale, UNREADABLE)
        must_be_text("assetID", sale.id)
        must_be_text("buyerMSP", sale.buyer_msp)
        asset = existing(self, ctx, sale.id)
        must_be_of_this_peer(ctx, "TransferAsset")
        try:
            verify_agreement(ctx, asset, sale.buyer_msp)
        except ContractError as error:
            raise ContractError(f"failed transfer verification: {error}") from None
        agreement = self.read_transfer_agreement(ctx, sale.id)
        if agreement is None or not agreement.buyer_id:
            raise ContractError(f"BuyerID not found in TransferAgreement for {sale.id}")
        asset.owner = agreement.buyer_id
        ctx.stub.put_private_data(ASSETS, asset.id, write_json(asset))
        ctx.stub.del_private_data(own_collection(ctx), asset.id)
        ctx.stub.del_private_data(ASSETS, agreement_key(ctx, asset.id))

    @transaction
    def delete_asset(self, ctx: Context) -> None:
        """Deletes an asset of the caller's organization. Transient data: `asset_delete`."""
        missing = "asset to delete not found in the transient map"
        id = named(ctx, "asset_delete", missing)
        must_be_of_this_peer(ctx, "DeleteAsset")
        if ctx.stub.get_private_data(ASSETS, id) is None:
            raise ContractError(f"asset not found: {id}")
        collection = own_collection(ctx)
        if ctx.stub.get_private_data(collection, id) is None:
            text = f"asset not found in owner's private Collection {collection}: {id}"
            raise ContractError(text)
        ctx.stub.del_private_data(ASSETS, id)
        ctx.stub.del_private_data(collection, id)

    @transaction
    def purge_asset(self, ctx: Context) -> None:
        """Deletes an asset and all its earlier values. Transient data: `asset_purge`."""
        id = named(ctx, "asset_purge", "asset to purge not found in the transient map")
        must_be_of_this_peer(ctx, "PurgeAsset")
        ctx.stub.purge_private_data(ASSETS, id)
        ctx.stub.purge_private_data(own_collection(ctx), id)

    @transaction
    def delete_tranfer_agreement(self, ctx: Context) -> None:
        """Withdraws the caller's agreement. Transient data: `agreement_delete`. The misspelling is
        the sample's."""
        missing = "asset to delete not found in the transient map"
        entry = transient(ctx, "agreement_delete", missing)
        id = read_json(entry, Named, UNREADABLE).id
        if not id:
            raise ContractError("transient input ID field must be a non-empty string")
        must_be_of_this_peer(ctx, "DeleteTranferAgreement")
        key = agreement_key(ctx, id)
        if ctx.stub.get_private_data(ASSETS, key) is None:
            raise ContractError(f"asset's transfer_agreement does not exist: {id}")
        ctx.stub.del_private_data(own_collection(ctx), id)
        ctx.stub.del_private_data(ASSETS, key)

    @evaluate
    def read_asset(self, ctx: Context, asset_id: str) -> Optional[Asset]:
        """Returns the asset, or nothing."""
        value = ctx.stub.get_private_data(ASSETS, asset_id)
        return None if value is None else read_json(value, Asset, UNREADABLE)

    @evaluate
    def read_asset_private_details(
        self, ctx: Context, collection: str, asset_id: str
    ) -> Optional[AssetPrivateDetails]:
        """Returns the value in an organization's collection."""
        value = ctx.stub.get_private_data(collection, asset_id)
        return None if value is None else read_json(value, AssetPrivateDetails, UNREADABLE)

    @evaluate
    def read_transfer_agreement(self, ctx: Context, asset_id: str) -> Optional[TransferAgreement]:
        """A buyer's agreement to buy an asset."""
        buyer = ctx.stub.get_private_data(ASSETS, agreement_key(ctx, asset_id))
        return None if buyer is None else TransferAgreement(asset_id, buyer.decode())

    @evaluate
    def get_asset_by_range(self, ctx: Context, start_key: str, end_key: str) -> List[Asset]:
        """Returns the assets with ids from `start_key` (included) to `end_key` (excluded)."""
        with ctx.stub.get_private_data_by_range(ASSETS, start_key, end_key) as rows:
            return [row.json(Asset) for row in rows]

    @evaluate
    def query_asset_by_owner(self, ctx: Context, asset_type: str, owner: str) -> List[Asset]:
        """Returns the assets of one type and owner."""
        query = write_json({"selector": {"objectType": asset_type, "owner": owner}})
        return self.query_assets(ctx, query.decode())

    @evaluate
    def query_assets(self, ctx: Context, query_string: str) -> List[Asset]:
        """Returns the assets that match a CouchDB query."""
        with ctx.stub.get_private_data_query_result(ASSETS, query_string) as rows:
            return [row.json(Asset) for row in rows]


UNREADABLE = "failed to unmarshal JSON"


def transient(ctx, name, missing):
    entry = ctx.stub.get_transient().get(name)
    if entry is None:
        raise ContractError(missing)
    return entry


def named(ctx, name, missing):
    id = read_json(transient(ctx, name, missing), Named, UNREADABLE).id
    must_be_text("assetID", id)
    return id


def must_be_text(field, value):
    if not value:
        raise ContractError(f"{field} field must be a non-empty string")


def must_be_positive(field, value):
    if value <= 0:
        raise ContractError(f"{field} field must be a positive integer")


def client_id(ctx):
    return base64.b64decode(ctx.client_identity.get_id()).decode()


def own_collection(ctx):
    return collection_of(ctx.client_identity.get_msp_id())


def collection_of(msp_id):
    return f"{msp_id}PrivateCollection"


def agreement_key(ctx, id):
    return ctx.stub.create_composite_key(AGREEMENT, [id])


def existing(contract, ctx, id):
    asset = contract.read_asset(ctx, id)
    if asset is None:
        raise ContractError(f"{id} does not exist")
    return asset


def must_be_of_this_peer(ctx, function):
    """Refuses clients of other organizations: their private data belong on their own peers."""
    client, peer = ctx.client_identity.get_msp_id(), ctx.stub.get_peer_msp_id()
    if client != peer:
        raise ContractError(
            f"{function} cannot be performed: Error client from org {client} is not authorized to "
            f"read or write private data from an org {peer} peer"
        )


def verify_agreement(ctx, asset, buyer_msp):
    """Fails unless the client owns the asset and the buyer has agreed to the same value."""
    if client_id(ctx) != asset.owner:
        raise ContractError("error: submitting client identity does not own asset")
    seller, buyer = own_collection(ctx), collection_of(buyer_msp)
    of_seller = ctx.stub.get_private_data_hash(seller, asset.id)
    if of_seller is None:
        text = f"hash of appraised value for {asset.id} does not exist in collection {seller}"
        raise ContractError(text)
    of_buyer = ctx.stub.get_private_data_hash(buyer, asset.id)
    if of_buyer is None:
        raise ContractError(
            f"hash of appraised value for {asset.id} does not exist in collection {buyer}. "
            "AgreeToTransfer must be called by the buyer first"
        )
    if of_seller != of_buyer:
        raise ContractError(
            f"hash for appraised value for owner {of_seller.hex()} does not value for seller "
            f"{of_buyer.hex()}"
        )
