"""Measurements of networks: errors, receptive fields, streams and lengths, and the limits that packaging enforces."""
