"""Worker processes: one for each context, so that contexts cannot influence each other."""
