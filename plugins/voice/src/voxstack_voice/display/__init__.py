"""Displays of voices, stacks, blocks and addons: graphs, and the views of a notebook."""
