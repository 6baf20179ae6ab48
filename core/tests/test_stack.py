"""The interpreter: what it builds, and what it says of what it cannot build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tiny import network, plugin, tensor

import voxstack
from voxstack import Registry, SequenceBlock, StackError, StreamableBlock, StreamablePipeline, StreamableStack, build
from voxstack_addon_spec.validation import strict_validator


@dataclass
class Letters(SequenceBlock):
    """Gives the letters of the text.

    :param upper: in upper case.
    """

    upper: bool = False
    needs = frozenset({"text"})
    gives = frozenset({"letters"})

    def __call__(self, utterance: Any) -> Any:
        return {"letters": utterance["text"].upper() if self.upper else utterance["text"]}


@dataclass
class Spell(StreamableBlock):
    """Starts a stream: one frame a letter.

    :param step: frames given at a time.
    """

    step: int = field(default=2, metadata={"minimum": 1})
    needs = frozenset({"letters"})
    head = True
    makes = "frames"

    def stream(self, source: Any, utterance: Any) -> Any:
        letters = np.array([[ord(letter)] for letter in utterance["letters"]], np.float32)
        for start in range(0, len(letters), self.step):
            yield letters[start : start + self.step]


@dataclass
class Add(StreamableBlock):
    """Adds to each frame.

    :param amount: how much.
    """

    amount: float = 1.0
    takes = "frames"
    makes = "frames"

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk + np.float32(self.amount)


@dataclass
class Sound(StreamableBlock):
    """Turns mel into samples."""

    takes = "mel"
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from source


@pytest.fixture
def registry() -> Registry:
    return Registry({"test": plugin([Letters, Spell, Add, Sound])})


PIPELINE: dict[str, Any] = {
    "type": "StreamablePipeline",
    "sequence_block": {"type": "Letters"},
    "streamable_block": {"type": "StreamableStack", "stack": [{"type": "Spell"}, {"type": "Add"}]},
}


def join(block: StreamableBlock, **utterance: Any) -> list[float]:
    return np.concatenate(list(block.stream(iter(()), utterance)))[:, 0].tolist()


def test_builds_a_tree_and_runs_it(registry: Registry) -> None:
    block = build(PIPELINE, registry=registry)
    assert block == StreamablePipeline(Letters(), StreamableStack([Spell(), Add()]))
    assert join(block, text="ab") == [98, 99]


def test_a_list_is_a_stack(registry: Registry) -> None:
    assert build([PIPELINE, {"type": "Add", "amount": 2}], registry=registry) == StreamableStack(
        [build(PIPELINE, registry=registry), Add(2)]
    )


def test_a_whole_pipeline_can_stand_where_a_streamable_block_can(registry: Registry) -> None:
    inner = {
        "type": "StreamablePipeline",
        "sequence_block": {"type": "Letters", "upper": True},
        "streamable_block": {"type": "Add"},
    }
    stack = [
        {
            **PIPELINE,
            "streamable_block": {"type": "StreamableStack", "stack": [{"type": "Spell"}, inner, {"type": "Add"}]},
        }
    ]
    assert join(build(stack, registry=registry), text="ab") == [99, 100]


def with_stack(*stack: Any) -> list[Any]:
    return [{**PIPELINE, "streamable_block": {"type": "StreamableStack", "stack": list(stack)}}]


@pytest.mark.parametrize(
    ("spec", "path", "problem"),
    [
        (
            with_stack({"type": "Spel"}),
            "stack[0].streamable_block.stack[0]",
            "no block named 'Spel'; did you mean 'Spell'?",
        ),
        (
            with_stack({"type": "Zzz"}),
            "stack[0].streamable_block.stack[0]",
            "no block named 'Zzz'; voxstack blocks lists those of the installed plugins",
        ),
        (
            with_stack({"type": "Letters"}),
            "stack[0].streamable_block.stack[0]",
            "Letters is a SequenceBlock, and only a StreamableBlock",
        ),
        (
            [{**PIPELINE, "sequence_block": {"type": "Add"}}],
            "stack[0].sequence_block",
            "Add is a StreamableBlock, and only a SequenceBlock",
        ),
        (
            with_stack({"type": "Spell", "stp": 3}),
            "stack[0].streamable_block.stack[0]",
            "Spell has no field 'stp'; did you mean 'step'?",
        ),
        (
            with_stack({"type": "Spell", "step": 0}),
            "stack[0].streamable_block.stack[0].step",
            "Spell: 0 is too small; write 1 or more",
        ),
        (
            with_stack({"type": "Spell", "step": 2.0}),
            "stack[0].streamable_block.stack[0].step",
            "Spell: 2.0 is not an integer; write an integer",
        ),
        (
            with_stack({"type": "Add", "amount": "2"}),
            "stack[0].streamable_block.stack[0].amount",
            "Add: '2' is not a number; write a number",
        ),
        ([{"type": "StreamablePipeline"}], "stack[0]", "StreamablePipeline: missing key 'sequence_block'; add it"),
        (with_stack(), "stack[0].streamable_block.stack", "StreamableStack: is empty; give at least 1 entry"),
        (["Spell"], "stack[0]", 'expected an object such as {"type"'),
        ({"type": "StreamableStack", "stack": [["Spell"]]}, "stack.stack[0]", "expected an object such as"),
        ("Spell", "stack", "expected an object such as"),
    ],
)
def test_what_cannot_be_built_is_named_with_its_place(spec: Any, path: str, problem: str, registry: Registry) -> None:
    with pytest.raises(StackError) as caught:
        build(spec, registry=registry)
    assert str(caught.value).startswith(f"{path}: ")
    assert problem in caught.value.problem


def test_needs_are_checked_where_blocks_meet(open_tiny: Callable[..., Any]) -> None:
    addon = open_tiny([Letters, Spell, Add, Sound])
    assert join(build([PIPELINE], addon), text="a") == [98]
    lacking = [
        {
            "type": "StreamablePipeline",
            "sequence_block": {"type": "SequenceBlockContainer", "blocks": []},
            "streamable_block": {"type": "Spell"},
        }
    ]
    with pytest.raises(
        StackError, match=r"stack\[0\]\.streamable_block: Spell needs 'letters', and nothing before it gives that"
    ) as caught:
        build(lacking, addon)
    assert "the utterance gives 'text'" in str(caught.value)
    build(lacking, addon, available=["letters"])


def test_what_gives_a_name_is_told_with_its_place(open_tiny: Callable[..., Any]) -> None:
    @dataclass
    class Picky(StreamableBlock):
        """Needs more."""

        needs = frozenset({"letters", "style"})

        def stream(self, source: Any, utterance: Any) -> Any:
            yield from source

    spec = with_stack({"type": "Spell"}, {"type": "Picky"})
    with pytest.raises(
        StackError,
        match=r"stack\[1\]: Picky needs 'style'(.|\n)*stack\[0\]\.sequence_block \(Letters\) gives 'letters'",
    ):
        build(spec, open_tiny([Letters, Spell, Picky]))


def test_streams_that_do_not_fit_are_named_at_both_ends(open_tiny: Callable[..., Any]) -> None:
    here = r"stack\[0\]\.streamable_block\.stack"
    with pytest.raises(StackError, match=rf"{here}\[1\]: Sound takes 'mel', but {here}\[0\] \(Spell\) gives 'frames'"):
        build(with_stack({"type": "Spell"}, {"type": "Sound"}), open_tiny([Letters, Spell, Sound]))


def test_a_head_cannot_stand_behind_others(open_tiny: Callable[..., Any]) -> None:
    with pytest.raises(StackError, match=r"stack\[1\]: Spell starts a stream of its own"):
        build(with_stack({"type": "Spell"}, {"type": "Spell"}), open_tiny([Letters, Spell]))


def test_an_error_while_loading_names_the_block(open_tiny: Callable[..., Any]) -> None:
    @dataclass
    class Greedy(StreamableBlock):
        """Wants a network."""

        def load(self, addon: Any) -> None:
            addon.select("decodr", "decoder")

        def stream(self, source: Any, utterance: Any) -> Any:
            yield from source

    streaming = {"axis": "frames", "left": 0, "right": 0, "hop": 1}
    one = network(
        "decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)}, streaming=streaming
    )
    addon = open_tiny([Greedy], {}, networks={"decoder": one})
    with pytest.raises(
        StackError, match=r"stack\[0\]: Greedy: tiny: there is no network named 'decodr'; did you mean 'decoder'\?"
    ) as caught:
        build([{"type": "Greedy"}], addon)
    assert isinstance(caught.value.__cause__, voxstack.AddonError)


def test_an_entry_that_was_valid_is_not_validated_again(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXSTACK_CACHE", str(tmp_path))
    validated: list[None] = []
    real = strict_validator
    monkeypatch.setattr("voxstack.stack.strict_validator", lambda: (validated.append(None), real())[1])
    registry = Registry({"own": plugin([Add])})
    for _ in range(3):
        assert build({"type": "Add", "amount": 2}, registry=registry).amount == 2
    assert len(validated) == 1
    for _ in range(2):
        with pytest.raises(StackError, match="amount"):
            build({"type": "Add", "amount": "2"}, registry=registry)
    assert len(validated) == 3, "what is not valid is never known"

    @dataclass
    class Other(Add):
        amount: float = field(default=1.0, metadata={"maximum": 1.0})

    Other.__name__ = "Add"
    with pytest.raises(StackError, match="amount"):
        build({"type": "Add", "amount": 2}, registry=Registry({"own": plugin([Other])}))
