"""Importer of tiny-tts voices."""
