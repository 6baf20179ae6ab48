"""Measurements that were made before on this machine, and what they depend on."""
