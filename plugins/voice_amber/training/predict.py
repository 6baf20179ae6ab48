"""Mels of the training corpus as the acoustic model makes them, for the vocoder to learn what it will be given.

With the teacher's durations, pitch and level, so that frames belong together. They go to WORK/slt_predicted.npy, (frames, 80)
float16, frame by frame those of WORK/slt.npz.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from acoustic import Acoustic, example
from fitting import weights
from speech import Speech
from tqdm import tqdm


def predict(speech: Speech, model: Acoustic) -> np.ndarray:
    """Return (frames, 80) log-mels of all utterances."""
    made = np.zeros(speech.mel.shape, np.float16)
    with torch.inference_mode():
        for index in tqdm(range(len(speech)), desc="mels predicted", unit="utt", mininterval=10):
            shown = example(speech, index)
            encoded = model.encoder(torch.from_numpy(shown.tokens)[None], torch.ones(1, len(shown.tokens)))
            frames = torch.cat(
                [encoded[:, torch.from_numpy(shown.index)], torch.from_numpy(shown.places)[None].float()], 2
            )
            made[speech.span(index)] = model.decoder(frames, torch.ones(frames.shape[:2]))[0].numpy()
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = options.work / "slt_predicted.npy"
    if not path.exists():
        acoustic = Acoustic().eval()
        acoustic.load_state_dict(weights(options.work / "acoustic.pt", "model"))
        part = path.with_suffix(".part.npy")
        np.save(part, predict(Speech.load(options.work / "slt.npz"), acoustic))
        part.rename(path)
