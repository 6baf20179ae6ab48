"""The parts of the campaign.

Each module has ``FULL`` and ``SHORT`` numbers of cases, ``LIMIT`` seconds a case, and ``run(report, cases)``.
"""
