"""Voices from torch modules: examples, names and axes are found by running the modules on two texts."""
