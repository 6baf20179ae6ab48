"""The loop that all trainings share: a budget of steps, checkpoints, resuming, progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

Step = Callable[[int], Mapping[str, float]]
CHECKPOINT_EVERY = 250


def rate(step: int, steps: int, warm_up: int = 200, flat: float = 0.4, least: float = 0.02) -> float:
    """Share of the full learning rate: a linear warm-up, a plateau up to ``flat`` of the run, a linear fall to ``least``."""
    done = step / steps
    return min(1.0, (step + 1) / warm_up) * (1.0 if done < flat else max(least, (1 - done) / (1 - flat)))


def set_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = value


def fit(title: str, checkpoint: Path, steps: int, parts: Mapping[str, Any], step: Step) -> None:
    """Call ``step(number)`` for each step from where ``checkpoint`` left off, up to ``steps``.

    :param parts: modules and optimizers by name, whose state a checkpoint holds.
    :param step: makes one update, drawing its data by its number alone so that a resumed run equals an uninterrupted one, and
        returns the losses to show.
    """
    begin = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        begin = state.pop("step")
        for name, part in parts.items():
            part.load_state_dict(state[name])
    sums: Counter[str] = Counter()
    with tqdm(range(begin, steps), initial=begin, total=steps, desc=title, unit="step", mininterval=10) as bar:
        for number in bar:
            sums.update(step(number))
            done = number + 1
            if done % 100 == 0:
                bar.write(
                    f"{title} {done}: "
                    + ", ".join(f"{name} {value / min(100, done - begin):.4f}" for name, value in sums.items())
                )
                sums.clear()
            if done % CHECKPOINT_EVERY == 0 or done == steps:
                save(checkpoint, {"step": done, **{name: part.state_dict() for name, part in parts.items()}})


def save(path: Path, state: Any) -> None:
    """Write a checkpoint, all or nothing."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.rename(path)


def weights(checkpoint: Path, part: str) -> Mapping[str, torch.Tensor]:
    """State of one part of a checkpoint."""
    return torch.load(checkpoint, weights_only=True)[part]
