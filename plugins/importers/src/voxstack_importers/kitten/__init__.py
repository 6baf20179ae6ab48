"""Importer of KittenTTS voices."""
