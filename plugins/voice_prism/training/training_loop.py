"""The loop that all trainings share: a budget of steps, checkpoints, resumption and progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

Step = Callable[[int], Mapping[str, float]]
CHECKPOINT_EVERY = 250  # steps


def learning_rate_factor(
    step: int, steps: int, warm_up: int = 200, plateau: float = 0.4, minimum: float = 0.02
) -> float:
    """Return the factor on the full learning rate, 0 to 1: a linear warm-up, a plateau, and a linear decay.

    :param warm_up: steps of the warm-up.
    :param plateau: share of the run at which the plateau ends.
    :param minimum: factor at which the decay ends.
    """
    done = step / steps
    return min(1.0, (step + 1) / warm_up) * (1.0 if done < plateau else max(minimum, (1 - done) / (1 - plateau)))


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = value


def run_training(title: str, checkpoint: Path, steps: int, parts: Mapping[str, Any], step: Step) -> None:
    """Call ``step(number)`` for each step from that of ``checkpoint`` up to ``steps``, and save checkpoints.

    :param parts: modules and optimizers by name, whose state a checkpoint holds.
    :param step: makes one update, and returns the losses to show. It draws its data by its number alone, so that a
        resumed run equals an uninterrupted one.
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
                count = min(100, done - begin)
                bar.write(
                    f"{title} {done}: " + ", ".join(f"{name} {total / count:.4f}" for name, total in sums.items())
                )
                sums.clear()
            if done % CHECKPOINT_EVERY == 0 or done == steps:
                save_checkpoint(checkpoint, {"step": done, **{name: part.state_dict() for name, part in parts.items()}})


def save_checkpoint(path: Path, state: Any) -> None:
    """Write a checkpoint atomically."""
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.rename(path)


def load_weights(checkpoint: Path, part: str) -> Mapping[str, torch.Tensor]:
    """Return the state of one part of a checkpoint."""
    return torch.load(checkpoint, weights_only=True)[part]
