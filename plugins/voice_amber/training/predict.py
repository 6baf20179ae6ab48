"""Mels of the training corpus as the acoustic model predicts them, to train the vocoder on its future input.

They are predicted with the teacher's durations, pitch and level, so that their frames match those of WORK/slt.npz one
by one. They are written to WORK/slt_predicted.npy, (frames, 80) float16.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from acoustic_examples import make_example
from acoustic_networks import Acoustic
from speech_corpus import SpeechCorpus
from tqdm import tqdm
from training_loop import load_weights


def predict(corpus: SpeechCorpus, model: Acoustic) -> np.ndarray:
    """Return the predicted log-mels, (frames, 80), of all utterances."""
    mels = np.zeros(corpus.mel.shape, np.float16)
    with torch.inference_mode():
        for index in tqdm(range(len(corpus)), desc="predicted mels", unit="utt", mininterval=10):
            example = make_example(corpus, index)
            encoded = model.encoder(torch.from_numpy(example.tokens)[None], torch.ones(1, len(example.tokens)))
            frames = torch.cat(
                [encoded[:, torch.from_numpy(example.index)], torch.from_numpy(example.places)[None].float()], 2
            )
            mels[corpus.span(index)] = model.decoder(frames, torch.ones(frames.shape[:2]))[0].numpy()
    return mels


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the speech and of the checkpoint")
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = options.work / "slt_predicted.npy"
    if not path.exists():
        model = Acoustic().eval()
        model.load_state_dict(load_weights(options.work / "acoustic.pt", "model"))
        partial = path.with_suffix(".part.npy")
        np.save(partial, predict(SpeechCorpus.load(options.work / "slt.npz"), model))
        partial.rename(path)
