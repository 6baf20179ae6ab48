"""Importer of Matcha-TTS voices."""
