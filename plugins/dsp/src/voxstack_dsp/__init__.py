"""Signal processing blocks, which need no network."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return [
        "voxstack_dsp.cross_fade:CrossFade",
        "voxstack_dsp.fade:Fade",
        "voxstack_dsp.gain:Gain",
        "voxstack_dsp.gaussian_sample:GaussianSample",
        "voxstack_dsp.inverse_stft:InverseSTFT",
        "voxstack_dsp.limiter:Limiter",
        "voxstack_dsp.mix:Mix",
        "voxstack_dsp.noise:Noise",
        "voxstack_dsp.normalize_peak:NormalizePeak",
        "voxstack_dsp.pace:Pace",
        "voxstack_dsp.pitch_shift:PitchShift",
        "voxstack_dsp.prosody:Prosody",
        "voxstack_dsp.resample:Resample",
        "voxstack_dsp.shape_pauses:ShapePauses",
        "voxstack_dsp.time_stretch:TimeStretch",
        "voxstack_dsp.trim_silence:TrimSilence",
    ]
