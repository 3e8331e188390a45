"""Tables, which the contract finds by name."""
