"""The ways in which a network runs on less than a whole utterance: streaming and autoregression, and their states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voxstack_addon_spec.tensors import Tensor


@dataclass(frozen=True)
class State:
    """A state: an input that is an output of the call before. In the first call it is zeros, or a given value.

    :param next: the output that becomes the input of the next call.
    :param steps: length of its free axis before the first call.
    :param initial: file of the addon with the value before the first call.
    :param provided: whether the utterance has that value, under the name of the input.
    :param append: whether ``next`` has only the newest step of the free axis, which follows those of the input.
    """

    next: str
    steps: int = 0
    initial: str | None = None
    provided: bool = False
    append: bool = False


@dataclass(frozen=True)
class Streaming:
    """Streaming of a network: steps of ``axis`` go to ``input``, and ``hop`` steps come out for each.

    Without ``states`` it runs on windows: an output depends on ``left`` steps before and ``right`` steps after its own.
    With ``states`` it receives every step once; the first call returns ``right`` steps fewer than it receives, the last
    call as many more.

    :param states: by input name.
    :param end: the input that is 1 in the last call and 0 before, if ``right`` is more than 0.
    """

    axis: str
    left: int
    right: int
    hop: int
    input: str
    states: Mapping[str, State] = field(default_factory=dict)
    end: str | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> Streaming:
        """Parse the validated JSON of a network's ``streaming``.

        :param inputs: of the network; the stream is the first with the axis that is not filled in, unless named.
        """
        states, axis, end = _states(config.get("states", {})), config["axis"], config.get("end")
        first = next(
            name
            for name, tensor in inputs.items()
            if axis in tensor.shape and not tensor.mask and name not in {*states, end}
        )
        left, stream = config.get("left", 0), config.get("input", first)
        return cls(axis, left, config["right"], config["hop"], stream, states, end)


@dataclass(frozen=True)
class Autoregressive:
    """Autoregression of a network: it predicts frames from its earlier ones, one step per call.

    :param frames: output of (batch, frames per step, features).
    :param stop: output of (batch, 1), above 0 in the last step.
    :param states: by input name.
    :param attention: output of (batch, steps of an input), if the network reports its attention.
    :param noise: inputs drawn for each step, ``normal`` or ``uniform``.
    """

    frames: str
    stop: str
    states: Mapping[str, State]
    attention: str | None = None
    noise: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Autoregressive:
        """Parse the validated JSON of a network's ``autoregressive``."""
        attention, noise = config.get("attention"), config.get("noise", {})
        return cls(config["frames"], config["stop"], _states(config["states"]), attention, noise)


def _states(config: Mapping[str, Any]) -> dict[str, State]:
    return {name: State(**state) for name, state in config.items()}
