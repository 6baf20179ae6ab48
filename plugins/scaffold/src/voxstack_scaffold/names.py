"""The names of a new plugin: checked, and free."""

from __future__ import annotations

import importlib.util
import keyword
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from string import Template
from typing import TYPE_CHECKING, Any

from voxstack import VoxstackError
from voxstack_scaffold.kinds import Kind

if TYPE_CHECKING:
    from voxstack import Registry

MAX_LENGTH = 40
RESERVED = frozenset(
    {
        "effects",
        "espeak",
        "flite",
        "grade",
        "japanese",
        "openvino-runtime",
        "pedalboard",
        "plot",
        "serve",
        "serve-ray",
        "torch-runtime",
    }
)
"""Distributions of voxstack itself, without ``voxstack-``, that the default installation does not have."""
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


class ScaffoldError(VoxstackError):
    """A plugin cannot be written: what is wrong with its name or folder, and what to do."""


@dataclass(frozen=True)
class Names:
    """The names of one plugin.

    :param name: as it was requested: ``slow-robot``, in lower case.
    :param distribution: what pip calls it: ``voxstack-slow-robot``.
    :param kind: the kind of plugin.
    """

    name: str
    distribution: str
    kind: str

    @classmethod
    def of(cls, kind: Kind, name: str, registry: Registry | None = None) -> Names:
        """Return the names for a plugin.

        :param registry: the installed plugins, whose names are taken; found if it is None.
        :raises ScaffoldError: if the name cannot be one, or is taken.
        """
        name = name.removeprefix("voxstack-")
        _check_form(name, kind)
        dashed = name.replace("_", "-")
        names = cls(name, Template(kind.distribution).substitute(dashed=dashed), kind.name)
        names._check_free(registry)
        return names

    @property
    def folder(self) -> str:
        """Its folder."""
        return self.name

    @property
    def module(self) -> str:
        """The name as a module: ``slow_robot``."""
        return self.name.replace("-", "_")

    @property
    def package(self) -> str:
        """The package that it imports as: ``voxstack_slow_robot``."""
        return self.distribution.replace("-", "_")

    @property
    def title(self) -> str:
        """The name as a class: ``SlowRobot``."""
        return "".join(word.capitalize() for word in self.module.split("_"))

    def values(self) -> dict[str, str]:
        """Return what templates may substitute."""
        fields = {field: getattr(self, field) for field in ("name", "distribution", "module", "package", "title")}
        return {**fields, "dashed": self.name.replace("_", "-"), "version": distribution("voxstack-core").version}

    def _check_free(self, registry: Registry | None) -> None:
        """Refuse names that would hide something that is installed, or that voxstack has itself."""
        import voxstack

        if self.distribution.removeprefix("voxstack-") in RESERVED:
            raise self._taken(f"{self.distribution} is a distribution of voxstack itself")
        try:
            found = distribution(self.distribution)
        except PackageNotFoundError:
            if importlib.util.find_spec(self.package) is not None:
                raise self._taken(f"a module {self.package} can be imported already") from None
        else:
            raise self._taken(f"{self.distribution} {found.version} is installed already")
        registry = registry or voxstack.Registry.installed()
        if self.kind == "block":
            if self.title in registry:
                raise self._taken(f"there is a block {self.title} already, of {_owner(registry, self.title)}")
            if keyword.iskeyword(self.title) or self.title in dir(voxstack):
                raise self._taken(f"its class would be called {self.title}, which has a meaning already")
        if self.kind in ("block", "voice") and self.name in registry.addons():
            raise self._taken(f"an addon {self.name} is installed already")
        if self.kind == "runtime" and self.name in _runtimes(registry):
            raise self._taken(f"there is a runtime {self.name} already")

    def _taken(self, problem: str) -> ScaffoldError:
        return ScaffoldError(f"new {self.kind} {self.name}: {problem}; choose another name")


def _owner(registry: Any, block: str) -> str:
    owner: str = registry.distributions_of(block)
    return owner


def _runtimes(registry: Registry) -> set[str]:
    """Return the runtimes of this machine's devices."""
    answers = [registry.call(impl, formats=None) for impl in registry.implementations("voxstack_devices")]
    return {device.partition(":")[0] for devices in answers for device in devices or ()}


def _check_form(name: str, kind: Kind) -> None:
    if keyword.iskeyword(name):
        raise ScaffoldError(
            f"new {kind.name} {name}: it is a word of Python, and no module can be called that; choose another"
        )
    if _NAME.fullmatch(name) and len(name) <= MAX_LENGTH:
        return
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    better = "-".join(words).lower().lstrip("-0123456789")[:MAX_LENGTH].strip("-")
    advice = f"such as {better if _NAME.fullmatch(better) else kind.example!r}"
    problem = (
        f"{name!r} cannot be its name; write at most {MAX_LENGTH} lower-case letters and digits, with - between words"
    )
    raise ScaffoldError(f"new {kind.name}: {problem}, {advice}")
