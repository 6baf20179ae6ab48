"""The parts of the campaign: each module has ``FULL`` and ``SHORT`` numbers of cases, ``LIMIT`` seconds a case, and ``run``."""
