"""Cases of runtimes and of wrappers of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from voxstack.errors import ContextError, NetworkError
from voxstack.networks.network import Network, Runner
from voxstack.testing.feeding import own_arrays
from voxstack.testing.judging import Memo, Unjudged
from voxstack.testing.samples import SampleNetwork
from voxstack_addon_spec import Context

OpenNetwork = Callable[..., Runner | None]
"""An implementation of the hook ``voxstack_open_network`` or ``voxstack_wrap_network``."""


@dataclass
class RuntimeCase:
    """A runtime with a network that it can run.

    :param open_network: its ``voxstack_open_network``.
    :param sample: has an export that the runtime can run, and states what it computes.
    :param context: names the runtime and a device that this machine has.
    :param tolerance: allowed difference from what the sample computes, relative to the largest value.
    :param devices: its ``voxstack_devices``, if it has one.
    :param every_runtime: whether it opens networks for contexts of any runtime, as one that hands them on.
    """

    open_network: OpenNetwork
    sample: SampleNetwork
    context: Context
    tolerance: float = 1e-5
    devices: Callable[[], Any] | None = None
    every_runtime: bool = False
    memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)
    _opened: Runner | None = field(default=None, init=False, repr=False, compare=False)

    def open(self, **changed: Any) -> Runner | None:
        """Open the network, in the context or one that differs from it."""
        return self.open_network(self.sample.spec, replace(self.context, **changed))

    @property
    def runner(self) -> Runner:
        """The network, opened once.

        :raises Unjudged: if the runtime does not open it.
        """
        if self._opened is None:
            self._opened = self.open()
        if self._opened is None:
            raise Unjudged(f"the runtime opens no network in {self.context.runtime}:{self.context.device}")
        return self._opened

    @property
    def network(self) -> Network:
        """The network with the checks that blocks rely on."""
        return Network(self.sample.spec, self.context, self.runner)

    @property
    def reference(self) -> Runner:
        """The function of numpy that computes the same."""
        return self.sample.run


@dataclass
class WrapperCase:
    """A wrapper of networks with a network that it wraps.

    :param wrap_network: its ``voxstack_wrap_network``.
    :param sample: is run by numpy.
    :param context: in which the wrapper wraps.
    :param tolerance: allowed difference from what the sample computes, relative to the largest value.
    """

    wrap_network: OpenNetwork
    sample: SampleNetwork
    context: Context
    tolerance: float = 1e-6
    memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)
    _wrapped: Runner | None = field(default=None, init=False, repr=False, compare=False)

    def wrap(self, inner: Runner) -> Runner:
        """Return the wrapper around a runner.

        :raises Unjudged: if the wrapper leaves this network as it is in this context.
        """
        try:
            wrapped = self.wrap_network(inner, self.sample.spec, self.context)
        except ContextError as error:
            raise Unjudged(f"it refuses the network: {error}") from error
        if wrapped is None:
            raise Unjudged(f"it leaves the network {self.sample.spec.name!r} unwrapped in this context")
        return wrapped

    @property
    def runner(self) -> Runner:
        """The wrapper around the sample, made once."""
        if self._wrapped is None:
            self._wrapped = self.wrap(self.sample.run)
        return self._wrapped

    @property
    def reference(self) -> Runner:
        """The function of numpy that computes the same."""
        return self.sample.run


NetworkCase = RuntimeCase | WrapperCase


def sizes_of(case: NetworkCase) -> tuple[int, ...]:
    """Return lengths to run a network at: any, those that a runtime's context fixes, or those that a wrapper accepts.

    A wrapper must accept the sizes of its context, and may refuse others by a NetworkError.
    """
    fixed: tuple[int, ...] = tuple(case.context.shapes.get(case.sample.axis, ()))
    if not fixed:
        return (1, 2, 7, 64)
    if isinstance(case, RuntimeCase):
        return fixed
    return (*fixed, *(steps for steps in (1, fixed[0] + 1, 2 * fixed[-1] + 1) if _accepts(case, steps)))


def _accepts(case: WrapperCase, steps: int) -> bool:
    try:
        case.runner(**case.sample.inputs(steps))
    except NetworkError:
        return False
    return True


def outputs_of(run: Runner, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return copies of the outputs for inputs of which the runner receives copies."""
    return {name: np.array(array) for name, array in run(**own_arrays(inputs)).items()}
