"""The pytest plugin of the contract kit: ``pytest --voxstack-contract PACKAGE``.

pytest imports it in every run, so it imports nothing of voxstack unless the option is given, and stands outside of the
package ``voxstack``, whose import takes longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("voxstack")
    group.addoption(
        "--voxstack-contract",
        metavar="PACKAGE",
        action="append",
        default=[],
        help="try the blocks, runtimes, wrappers and wires of an installed distribution by voxstack's contract kit; "
        "no test files are collected unless some are named",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect the clauses of the kit, if the option is given."""
    packages = config.getoption("--voxstack-contract")
    if not packages:
        return
    from voxstack.testing.collecting import ContractCollector

    if config.args_source is not config.ArgsSource.ARGS:
        config.args = []  # neither testpaths nor the folder
    config.pluginmanager.register(ContractCollector(packages), "voxstack-contract-trials")
