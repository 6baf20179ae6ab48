"""The original software of a voice, which its addon must reproduce."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from voxstack import Utterance
from voxstack.networks.addon import Addon


class Reference(ABC):
    """The software that a voice comes from. It synthesizes the request that the finished addon is compared in."""

    @abstractmethod
    def utterance(self, addon: Addon, request: Utterance) -> Utterance:
        """Return ``request`` with the inputs of the original that blocks of the addon compute: tokens, noise, ...

        :param addon: the finished addon, for blocks to be built with.
        :param request: an utterance as ``Voice.request`` returns it.
        """

    @abstractmethod
    def speech(self, addon: Addon, utterance: Utterance) -> np.ndarray:
        """Return the samples that the original synthesizes: (samples,) float32.

        :param utterance: as :meth:`utterance` returned it.
        """
