"""Importer of models of Hugging Face transformers."""
