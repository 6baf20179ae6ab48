"""Seeded, bounded searches for hangs, leaks and raw errors, over everything that comes from outside."""
