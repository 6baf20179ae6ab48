"""Placement: choosing the context of an addon and of each of its networks, and storing the choice."""
