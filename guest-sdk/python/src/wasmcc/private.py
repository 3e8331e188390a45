"""Collections: data that only some organizations store, with hashes on the channel's ledger.

Only the hash of a private value becomes part of the transaction.
"""

from .checks import as_bytes, text, texts
from .policy import Policy


class PrivateData:
    """The stub's functions for collections."""

    def get_private_data(self, collection, key):
        """Returns the committed value; None if the key does not exist."""
        return self._call(self._wit.private_data.get_private_data, collection, key)

    def get_multiple_private_data(self, collection, keys):
        """Returns the values of `keys`, in their order; None for a key that does not exist."""
        collection = text(collection, "the collection")
        return list(self._wit.multiple_private_data(collection, texts(keys, "the keys")))

    def get_private_data_hash(self, collection, key):
        """Returns the SHA-256 of the value, which every peer of the channel has; None if the key is
        missing."""
        return self._call(self._wit.private_data.get_private_data_hash, collection, key)

    def put_private_data(self, collection, key, value):
        """Writes at commit. An empty value deletes the key."""
        rest = (as_bytes(value, "the value"),)
        self._call(self._wit.private_data.put_private_data, collection, key, rest=rest)

    def del_private_data(self, collection, key):
        """Deletes at commit."""
        self._call(self._wit.private_data.del_private_data, collection, key)

    def purge_private_data(self, collection, key):
        """Deletes at commit, and removes all earlier values of the key."""
        self._call(self._wit.private_data.purge_private_data, collection, key)

    def get_private_data_by_range(self, collection, start, end):
        """As `get_state_by_range`, for transactions that write nothing. The rows are not checked at
        commit."""
        return self._rows(self._wit.private_data.get_private_data_by_range, collection, start, end)

    def get_private_data_by_partial_composite_key(self, collection, object_type, attributes):
        """As `get_state_by_partial_composite_key`, with the restrictions of a private range."""
        function = self._wit.private_data.get_private_data_by_partial_composite_key
        rest = (texts(attributes, "the attributes"),)
        return self._rows(function, collection, object_type, rest=rest)

    def get_private_data_query_result(self, collection, query):
        """As `get_query_result`, with the restrictions of a private range."""
        function = self._wit.private_data.get_private_data_query_result
        return self._rows(function, collection, query)

    def get_private_data_validation_parameter(self, collection, key):
        """Returns the key's own endorsement policy; None if the policy of the collection or
        chaincode applies. With the collection "" the key is a public one, as in Fabric's shim."""
        if collection == "":
            return self.get_state_validation_parameter(key)
        function = self._wit.private_data.get_private_data_validation_parameter
        return self._call(function, collection, key)

    def set_private_data_validation_parameter(self, collection, key, policy):
        """As `set_state_validation_parameter`, for a key of a collection. With the collection ""
        the key is a public one, as in Fabric's shim."""
        if collection == "":
            self.set_state_validation_parameter(key, policy)
            return
        function = self._wit.private_data.set_private_data_validation_parameter
        self._call(function, collection, key, rest=(policy_bytes(policy),))


def policy_bytes(policy):
    """Returns a policy in the ledger's form."""
    if not isinstance(policy, (Policy, bytes, bytearray)):
        raise TypeError(f"the policy must be Policy or bytes, not {type(policy).__name__}")
    return bytes(policy)
