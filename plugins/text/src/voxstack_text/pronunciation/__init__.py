"""Spoken words to phones: lexicon, homographs, syllables, and the network for unknown words."""
