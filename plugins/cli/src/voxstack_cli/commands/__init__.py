"""One module for each subcommand: ``add`` describes it without importing anything heavy, ``run`` does the work."""
