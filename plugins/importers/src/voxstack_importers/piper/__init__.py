"""Importer of Piper voices."""
