"""Importer of Kokoro voices."""
