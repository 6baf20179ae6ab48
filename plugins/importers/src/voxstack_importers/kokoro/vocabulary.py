"""The token of each phoneme of a Kokoro model."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from voxstack_importers.graphs import Graph
from voxstack_importers.importers import Progress
from voxstack_packager import PackagingError

Vocabulary = dict[str, list[int]]

STANDARD = "vocabulary.json"
"""The vocabulary of Kokoro-82M v1.0, which its files for other software leave out."""

METADATA = "kokoro_config"
"""Key under which newer exports have their config.json in the metadata of the graph."""


def read_vocabulary(vocab: str, path: Path, graph: Graph, progress: Progress) -> Vocabulary:
    """Return the token of each phoneme.

    :param vocab: file of the option; by default the metadata of the graph, the ``config.json`` beside the model, or the
        vocabulary of Kokoro-82M v1.0.
    :param path: the model.
    :raises PackagingError: if there is no such file, or if it holds no vocabulary.
    """
    file = Path(vocab) if vocab else path.with_name("config.json")
    if vocab and not file.is_file():
        raise PackagingError(
            "vocab", f"there is no file {vocab!r} with the vocabulary; give the config.json of the model"
        )
    if not vocab and METADATA in graph.metadata:
        return _parsed(graph.metadata[METADATA], path.name)
    if file.is_file():
        return _parsed(file.read_text(encoding="utf-8"), file.name)
    progress(f"{path.name}: no config.json beside it; reads phonemes by the vocabulary of Kokoro-82M v1.0")
    standard = resources.files(__package__).joinpath(STANDARD).read_text(encoding="utf-8")
    return _parsed(standard, STANDARD)


def check_vocabulary(vocabulary: Vocabulary, embedded: int | None, graph: Graph) -> None:
    """Check that a graph has an embedding for every token.

    :param embedded: how many it has; None if that is not known.
    :raises PackagingError: if it has fewer, so that the vocabulary is that of another model.
    """
    largest = max(token for ids in vocabulary.values() for token in ids)
    if embedded is not None and largest >= embedded:
        problem = (
            f"has embeddings for {embedded} tokens, and the vocabulary has one numbered {largest}: it is that of "
            "another model; give the config.json of this one as --vocab"
        )
        raise graph.refusal(problem)


def _parsed(content: str, file: str) -> Vocabulary:
    try:
        config: Any = json.loads(content)
        vocabulary = {symbol: [int(token)] for symbol, token in config["vocab"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        problem = f"has no 'vocab', which defines what the tokens mean ({error!r}); give the config.json of the model"
        raise PackagingError(file, problem) from error
    if not vocabulary or min(token for ids in vocabulary.values() for token in ids) < 0:
        raise PackagingError(file, "has an empty 'vocab', or negative tokens; give the config.json of the model")
    return vocabulary
