"""Streams: chunk arithmetic, the schedule, the timeline, random numbers, and turns to compute."""
