"""Tables, which the contract finds by their names."""
