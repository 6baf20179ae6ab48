"""Audio outside of voices: files of many formats, playback, loudness."""
