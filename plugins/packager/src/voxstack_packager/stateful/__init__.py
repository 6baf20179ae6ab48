"""Stateful forms of networks: the same graph with state in and state out, in which every step is computed once."""
