"""Graphs of stacks and views in notebooks: what they show, and that nothing of an addon is taken for markup."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, plugin, tensor

import voxstack
from voxstack import EventTrace, Frames, PluginError, Registry, RequestError, SequenceBlock, StreamableBlock, Utterance
from voxstack_voice.display.notebook import notebook_view

EVIL = '</title><script>alert("1")</script>"><img src=x onerror=alert(2)>&#60;b'


@dataclass
class Count(SequenceBlock):
    """Gives what a network reads."""

    needs = frozenset({"text"})
    gives = frozenset({"frames", "unread"})

    def __call__(self, utterance: Utterance) -> Utterance:
        return {"frames": np.ones((len(utterance["text"]), 2), np.float32), "unread": 1}


@dataclass
class Net(StreamableBlock):
    """Runs a network on the whole.

    :param note: any text.
    :param sizes: numbers.
    """

    note: str = ""
    sizes: list[int] = field(default_factory=list)
    _net: Any = field(default=None, init=False)

    needs = frozenset({"frames"})
    head = True
    makes = "mel"

    def load(self, addon: Any) -> None:
        self._net = addon.network("net")

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        yield self._net.run_single(frames=utterance["frames"])["mel"]


@dataclass
class Sum(StreamableBlock):
    """Sums bands to samples."""

    takes = "mel"
    makes = "samples"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for chunk in source:
            yield chunk.sum(1)


@dataclass
class Reader(StreamableBlock):
    """Makes samples by itself, with a block that reads for it."""

    reader: SequenceBlock

    head = True
    makes = "samples"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        yield np.zeros(1, np.float32)


@dataclass
class Taught(SequenceBlock):
    """Gives more than the block in it."""

    inner: SequenceBlock
    note: str = ""

    gives = frozenset({"frames", "unread", "tokens"})

    def __call__(self, utterance: Utterance) -> Utterance:
        return {}


NET = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 3)})


def stack(**fields: Any) -> list[dict[str, Any]]:
    inner = {"type": "StreamableStack", "stack": [{"type": "Net", **fields}, {"type": "Sum"}]}
    return [{"type": "StreamablePipeline", "sequence_block": {"type": "Count"}, "streamable_block": inner}]


@pytest.fixture
def load(write_addon: Callable[..., Path]) -> Callable[..., voxstack.Voice]:
    def run(frames: np.ndarray) -> dict[str, np.ndarray]:
        return {"mel": np.ones((*frames.shape[:2], 3), np.float32)}

    registry = Registry({"test": plugin([Count, Net, Sum], {"net": run})})

    def load(fields: Any = {}, **config: Any) -> voxstack.Voice:  # noqa: B006
        folder = write_addon(config.pop("name", "tiny"), stack=stack(**fields), networks={"net": NET}, **config)
        return voxstack.load(folder, registry=registry)

    return load


class Checker(HTMLParser):
    """Collects the tags and attributes of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.add(tag)
        self.names.update(name for name, _ in attributes)


def tags_of(html: str) -> set[str]:
    checker = Checker()
    checker.feed(html)
    assert not {name for name in checker.names if name.startswith("on")}
    return checker.tags


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]


def test_a_graph_shows_blocks_shapes_and_networks(load: Callable[..., voxstack.Voice]) -> None:
    graph = load({"note": "soft", "sizes": [1, 2]}).graph()
    shown = texts(graph.svg())
    assert [*filter(shown.__contains__, ["Count", "Net", "Sum", "net"])] == ["Count", "Net", "Sum", "net"]
    assert {"note soft", "sizes [1, 2]", "python:cpu, float32", "on the whole utterance"} <= set(shown)
    assert {"frames (frames, 2) float32", "mel (frames, 3) float32", "samples (samples,) float32"} <= set(shown)
    assert not [text for text in shown if "unread" in text]  # nothing after it needs that
    mermaid = str(graph)
    assert mermaid.startswith("flowchart TD\n")
    assert 'b0 -->|"frames (frames, 2) float32"| b1' in mermaid
    assert 'b1 -.- b1n0("net<br/>python:cpu, float32<br/>on the whole utterance"):::network' in mermaid
    assert mermaid.count("subgraph ") == len(re.findall(r"^ *end$", mermaid, re.MULTILINE)) == 3
    assert repr(graph) == "<graph of tiny: 3 blocks>"


def test_boxes_do_not_overlap_and_are_in_the_picture(load: Callable[..., voxstack.Voice]) -> None:
    trace = EventTrace()
    voice = load({"note": "x" * 300})
    voice.synthesize("ab", trace=trace)
    layout = voice.graph(trace).layout
    boxes = [box for box in layout.boxes if box.kind != "group"]
    assert all(box.x >= 0 and box.x + box.width <= layout.width for box in layout.boxes)
    assert all(box.y >= 0 and box.y + box.height <= layout.height for box in layout.boxes)
    for index, one in enumerate(boxes):
        for two in boxes[index + 1 :]:
            beside = one.x + one.width <= two.x or two.x + two.width <= one.x
            assert beside or one.y + one.height <= two.y or two.y + two.height <= one.y
    for box in layout.boxes:
        assert max(len(line) for line in (box.title, *box.lines)) * 7.2 <= box.width


def test_a_graph_shows_measured_times(load: Callable[..., voxstack.Voice]) -> None:
    voice, trace = load(), EventTrace()
    voice.synthesize("ab", trace=trace)
    shown = texts(voice.graph(trace).svg())
    assert len([text for text in shown if re.fullmatch(r"\d+\.\d ms in 1 call", text)]) == 1  # of the network
    assert len([text for text in shown if re.match(r"\d+\.\d ms in \d calls?", text)]) >= 4
    assert not [text for text in texts(voice.graph().svg()) if " ms in " in text]


@pytest.mark.parametrize("form", ["svg", "mermaid", "voice", "block", "addon"])
def test_texts_of_an_addon_are_no_markup(form: str, load: Callable[..., voxstack.Voice]) -> None:
    control = {EVIL: {"type": "number", "default": 1, "description": EVIL}}
    try:
        voice = load({"note": EVIL}, description=EVIL, license=EVIL, version=EVIL, controls=control)
    except voxstack.VoxstackError:  # the format refuses some of these by itself
        voice = load({"note": EVIL}, name="other", description=EVIL, license=EVIL)
    if form == "mermaid":
        assert "script" in str(voice.graph())
        assert not re.search(r"<(?!br/>)", str(voice.graph()))
        assert '"><' not in str(voice.graph())
        return
    svg, view = voice.graph().svg(), notebook_view
    views = {"svg": lambda: svg, "voice": lambda: view(voice)["text/html"], "block": lambda: view(voice.block)}
    html = {**views, "addon": lambda: view(voice.addon)["text/html"]}[form]()
    html = html["text/html"] if isinstance(html, dict) else html
    assert "script" in html
    drawn = {"svg", "title", "rect", "text", "polyline", "path"}
    assert tags_of(html) <= drawn | {"div", "b", "br", "table", "tr", "th", "td"}
    ElementTree.fromstring(svg)  # is well-formed


def test_notebooks_show_voices_blocks_and_addons(load: Callable[..., voxstack.Voice]) -> None:
    voice = load(description="Counts letters.", controls={"rate": {"type": "number", "minimum": 1, "maximum": 2}})
    assert "<svg" in voice._repr_mimebundle_()["text/html"]
    assert "Counts letters." in voice._repr_mimebundle_()["text/html"]
    assert "1 to 2" in voice._repr_mimebundle_()["text/html"]
    assert voice.block._repr_mimebundle_(include=None, exclude=None)["image/svg+xml"].startswith("<svg")
    assert "<td" in voice.addon._repr_mimebundle_()["text/html"]
    assert Sum()._repr_mimebundle_()["text/html"].startswith("<svg")  # also of a block that is in no stack
    assert voice.graph()._repr_svg_() == voice.graph().svg()
    assert "stack[0].streamable_block.stack[1]" in notebook_view(voice.addon)["text/html"]


def test_without_a_plugin_a_notebook_shows_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise PluginError("voxstack.notebook_view is part of voxstack-voice, which is not installed")

    monkeypatch.delitem(vars(voxstack), "notebook_view", raising=False)
    monkeypatch.setattr(voxstack, "__getattr__", missing)
    assert Sum()._repr_mimebundle_() == {}


def test_a_block_that_works_beside_those_in_it_is_drawn_after_them() -> None:
    layout = voxstack.graph(Reader(Taught(Count(), note="x"))).layout
    titles = [(box.kind, box.title) for box in layout.boxes]
    groups, leaves = ([title for kind, title in titles if (kind == "group") == wanted] for wanted in (True, False))
    assert groups == ["Reader", "Taught"]
    assert leaves == ["Count", "Taught", "Reader"]
    assert [box.lines for box in layout.boxes if box.title == "Taught"] == [(), ("note x",)]
    assert layout.arrows[-1].lines == ("samples (samples,) float32",)
    container = voxstack.SequenceBlockContainer([Count()])
    assert [box.title for box in voxstack.graph(container).layout.boxes] == ["SequenceBlockContainer", "Count"]


def test_graphs_are_saved(load: Callable[..., voxstack.Voice], tmp_path: Path) -> None:
    graph = load().graph()
    graph.save(tmp_path / "stack.svg")
    assert (tmp_path / "stack.svg").read_text() == graph.svg()
    graph.save(tmp_path / "stack.md")
    assert (tmp_path / "stack.md").read_text() == f"```mermaid\n{graph}```\n"
    with pytest.raises(RequestError, match=r"a graph is a \.svg, \.mmd or \.md file; for a \.png, use voxstack plot"):
        graph.save(tmp_path / "stack.png")
    with pytest.raises(RequestError, match="a graph shows a block or a voice, not a str"):
        voxstack.graph("tiny")
