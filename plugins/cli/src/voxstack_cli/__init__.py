"""The ``voxstack`` command. Its subcommands are entry points of the group ``voxstack.commands``."""
