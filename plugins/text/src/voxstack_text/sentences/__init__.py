"""Sentences of a text of any length, and cuts of sentences that are too long."""
