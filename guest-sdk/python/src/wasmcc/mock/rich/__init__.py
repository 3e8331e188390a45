"""CouchDB's rich queries over the JSON objects of a namespace, with a peer's results.

Unsupported parts (some syntax of regular expressions) are refused by name.
"""

from .index import Index
from .query import Query
from .refusal import Refusal, Unknown

__all__ = ["Index", "Query", "Refusal", "Unknown"]
