"""The items of ``pytest --voxstack-contract``."""

from __future__ import annotations

import unittest
from typing import Any

import pytest

from voxstack.errors import PluginError
from voxstack.testing.finding import Trial, trials_of


class ContractItem(pytest.Item):
    """One trial of an installed distribution."""

    def __init__(self, *, trial: Trial, package: str, **more: Any) -> None:
        super().__init__(nodeid=f"{package}::{trial.name}", **more)
        self._trial, self._package = trial, package

    def runtest(self) -> None:
        """Run the trial; skip it where it says that it cannot be judged."""
        try:
            self._trial.run()
        except unittest.SkipTest as reason:
            pytest.skip(str(reason))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what is wrong; a traceback only where that is no finding of the kit."""
        if isinstance(excinfo.value, AssertionError):
            cause = excinfo.value.__cause__
            trace = "" if cause is None else f"\n\n{pytest.ExceptionInfo.from_exception(cause).getrepr(style='short')}"
            return f"{self._trial.name}: {excinfo.value}{trace}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return where the item stands: in no file."""
        return self.path, None, f"{self._package} {self._trial.name}"


class ContractCollector:
    """A plugin of pytest that collects the trials of installed distributions.

    :param packages: their names.
    """

    def __init__(self, packages: list[str]) -> None:
        self._packages = packages

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the trials to the tests of the files that were named, if any.

        :raises UsageError: for a distribution that is not installed.
        """
        for package in self._packages:
            try:
                trials = list(trials_of(package))
            except PluginError as error:
                raise pytest.UsageError(str(error)) from error
            items += [
                ContractItem.from_parent(session, name=trial.name, trial=trial, package=package) for trial in trials
            ]
