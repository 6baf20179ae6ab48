"""Importer of MeloTTS voices."""
