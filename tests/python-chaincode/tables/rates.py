"""A module that no other module names."""

RATE = 5
