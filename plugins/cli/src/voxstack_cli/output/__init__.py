"""Outputs of ``voxstack say``: audio, captions, events, playback and progress."""
