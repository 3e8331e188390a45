"""CouchDB's rich queries over the JSON objects of a namespace, as a peer answers them.

What this package does not know (some syntax of regular expressions) it refuses by its name.
"""

from .index import Index
from .query import Query
from .refusal import Refusal, Unknown

__all__ = ["Index", "Query", "Refusal", "Unknown"]
