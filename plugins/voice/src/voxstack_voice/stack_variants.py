"""Voices with another stack: over the same addon, with the same open networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from voxstack.blocks import Block, StreamableBlock, children
from voxstack.errors import RequestError, StackError
from voxstack.hookspecs import hookimpl
from voxstack.networks.addon import Addon
from voxstack.registry import Registry
from voxstack.schema import block_spec
from voxstack_voice.stack_places import SIDES, insert
from voxstack_voice.voice_stack import build_speaking, sample_rate_of

if TYPE_CHECKING:
    from voxstack.networks import Effective


class StackVariants:
    """The stack of a voice, and the voices that differ from it in the stack alone.

    :param stack: JSON, in which blocks may stand as objects; None: that of the addon.
    :param known: classes of blocks that no plugin registers, by name, from the stacks that led to this one.
    """

    def __init__(self, addon: Addon, stack: Any, known: Mapping[str, type[Block]]) -> None:
        self.addon = addon
        spec = addon.config.get("stack") if stack is None else checked_stack(stack)
        classes = {**known, **{type(block).__name__: type(block) for block in _objects(spec)}}
        self._known = {name: cls for name, cls in classes.items() if name not in addon.registry}
        self._stack: list[Any] = spec or []
        self._registry = _with_classes(addon.registry, self._known)
        self.block: StreamableBlock = build_speaking(addon, spec, self._registry)
        self.sample_rate: int = sample_rate_of(addon, self.block, own=stack is None)

    @property
    def stack(self) -> list[Any]:
        """The stack as JSON: a copy, which may be changed and passed to :meth:`with_stack`."""
        return list(block_spec(self._stack))

    def contexts(self) -> list[Effective]:
        """Return the effective context of each network of the stack: device, provider, threads, precision, sizes."""
        networks = {id(network): network for block in _blocks(self.block) for network in block.networks_opened}
        return [network.effective for network in networks.values()]

    def with_stack(self, stack: Any) -> Self:
        """Return a voice with another stack over the same addon; this one stays as it is.

        Open networks are shared. Context, scheduler, schedule, timeout and lexicon are those of this voice. If a block
        of the stack declares an ``output_rate``, that is the sample rate.

        :param stack: a list of blocks, from the head of the stream on, or one block: each its JSON, or a block made in
            Python, whose class needs no plugin.
        :raises StackError: if the blocks do not fit together, with the place.
        """
        return self._with(checked_stack(stack))

    def with_block(
        self,
        block: str | Mapping[str, Any] | Block,
        *,
        after: str | None = None,
        before: str | None = None,
        replace: str | None = None,
    ) -> Self:
        """Return a voice with one more block in its stack, as :meth:`with_stack` does; by default at its end.

        :param block: its JSON, the name of its type if it needs no fields, or a block made in Python, whose class needs
            no plugin.
        :param after: the block that it follows: the name of its type or of its network, or its path as in errors.
        :param before: the block that it precedes.
        :param replace: the block in whose place it is put.
        :raises RequestError: if there is no such block, or several.
        :raises StackError: if the block does not fit there.
        """
        sides = dict(zip(SIDES, (after, before, replace), strict=True))
        chosen = {side: name for side, name in sides.items() if name is not None}
        if len(chosen) > 1:
            raise RequestError(f"{' and '.join(chosen)} are given; a block goes to one place: keep one of them")
        side, name = next(iter(chosen.items()), (None, ""))
        networks = {each.stack_path: [one.spec.name for one in each.networks_opened] for each in _blocks(self.block)}
        return self._with(insert(self._stack, block, side, name, networks, self._registry))

    def _with(self, stack: list[Any]) -> Self:
        """Return a voice that differs from this one in its stack alone."""
        raise NotImplementedError


def checked_stack(stack: Any) -> list[Any]:
    """Return a stack as a list that is its own: its JSON is copied, blocks in it are not.

    :raises StackError: if it is no stack.
    """
    if isinstance(stack, Mapping) and isinstance(stack.get("stack"), list) and "type" not in stack:
        stack = stack["stack"]  # of a whole addon.json
    stack = [stack] if isinstance(stack, Mapping | Block) else stack
    if isinstance(stack, list | tuple) and stack:
        return [_copied(item) for item in stack]
    if isinstance(stack, str):
        problem = f"{stack!r:.80} is a str; read JSON first: json.loads(...)"
    else:
        problem = "it is empty" if stack in ([], ()) else f"{type(stack).__name__} is no stack"
    raise StackError("stack", f'{problem}; give a list of blocks, such as [{{"type": "Espeak"}}, {{"type": "Gain"}}]')


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value


def _objects(value: Any) -> Iterator[Block]:
    """Yield the blocks that stand in JSON as objects, and those inside them."""
    if isinstance(value, Block):
        yield from _blocks(value)
    elif isinstance(value, list | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _objects(item)


def _blocks(block: Block) -> Iterator[Block]:
    """Yield the blocks inside a block, and then itself: the order in which they are loaded."""
    for _, child in children(block, ""):
        yield from _blocks(child)
    yield block


def _with_classes(registry: Registry, classes: Mapping[str, type[Block]]) -> Registry:
    """Return a registry that also has some classes of blocks."""
    if not classes:
        return registry
    plugin = SimpleNamespace(voxstack_blocks=hookimpl(lambda: list(classes.values())))
    return registry.with_plugins({"blocks made in Python": plugin})
