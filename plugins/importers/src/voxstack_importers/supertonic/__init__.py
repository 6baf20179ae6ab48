"""Importer of Supertonic voices."""
