"""Signal processing blocks, which need no network."""

from __future__ import annotations

import voxstack
from voxstack_dsp.fade import Fade
from voxstack_dsp.gain import Gain
from voxstack_dsp.gaussian_sample import GaussianSample
from voxstack_dsp.inverse_stft import InverseSTFT
from voxstack_dsp.limiter import Limiter
from voxstack_dsp.noise import Noise
from voxstack_dsp.pace import Pace
from voxstack_dsp.prosody import Prosody
from voxstack_dsp.resample import Resample


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [Fade, Gain, GaussianSample, InverseSTFT, Limiter, Noise, Pace, Prosody, Resample]
