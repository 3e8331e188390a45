"""An in-memory ledger for native tests: no component, no peer, no program.

    ledger = MockLedger(Assets)
    ledger.submit("CreateAsset", "a1", 5)
    assert ledger.evaluate("ReadAsset", "a1").json() == {"ID": "a1", "Value": 5}

It has the peer's rules for keys, reads and iterators. It does not check versions, policies or the
members of collections: `wasmcc.test` does.
"""

from .certificate import creator_of
from .ledger import MockLedger, Outcome

__all__ = ["MockLedger", "Outcome", "creator_of"]
