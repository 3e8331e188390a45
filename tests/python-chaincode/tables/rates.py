"""A module that no other names."""

RATE = 5
