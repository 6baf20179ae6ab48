"""Mistakes of the first hour, each with what its error says to do: the source of plugins/cli/ERRORS.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

import voxstack
from voxstack import Registry, SequenceBlock, StreamableBlock

Config = dict[str, Any]


class Mistake(NamedTuple):
    """A mistake, as it is written on the page, a part of its error, and what runs it, unless that is a command.

    :param run: a function of a voice, or for addon.json one that changes its content.
    """

    written: str
    remedy: str
    run: Callable[[Any], Any] | None = None


@dataclass
class Plain(StreamableBlock):
    """Passes samples on; its stream is replaced by what an author wrote."""

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from source


def variant(stream: Callable[..., Any], kind: type = StreamableBlock, **attributes: Any) -> Any:
    """Return a block of a class that an author has written."""
    method = "stream" if kind is StreamableBlock else "__call__"
    return dataclass(type("Mine", (kind,), {"__doc__": "A block.", method: stream, **attributes}))()


def each(change: Callable[[np.ndarray], Any]) -> Callable[..., Iterator[Any]]:
    """Return the method ``stream`` of a block that changes each chunk."""

    def stream(self: Any, source: Iterable[np.ndarray], utterance: Any) -> Iterator[Any]:
        for chunk in source:
            yield change(chunk)

    return stream


def heard(block: Any, **place: str) -> Callable[[voxstack.Voice], Any]:
    """Return what puts a block into the stack of a voice, and speaks."""
    return lambda voice: voice.with_block(block, **place).synthesize("Hi.")


def registered(**hooks: Any) -> Callable[[Any], None]:
    """Return what registers a plugin, and raises what is wrong with it."""

    def register(_: Any) -> None:
        raise voxstack.PluginError(*Registry({"mine": SimpleNamespace(**hooks)}).broken_plugins())

    return register


def stack_of(config: Config) -> list[Config]:
    """Return the innermost stack of the default voice."""
    return config["stack"][0]["block"]["streamable_block"]["stack"]


def setting(**values: Any) -> Callable[[Config], None]:
    """Return what sets keys of an addon.json."""
    return lambda config: config.update(values)


async def spoken(voice: voxstack.Voice, text: Any) -> None:
    async for _ in voice.astream(text):
        pass


async def written() -> Any:
    yield "Hi."


COMMAND_LINE = [
    Mistake("voxstack sya hi", "there is no command 'sya'; did you mean say?"),
    Mistake("voxstack synthesize hi", "there is no command 'synthesize'; did you mean say?"),
    Mistake("voxstack list", "there is no command 'list'; did you mean voices?"),
    Mistake("voxstack say hi --output a.wav", "there is no option --output; did you mean --out?"),
    Mistake("voxstack say hi --speed 1.2 --out a.wav", "there is no option --speed; did you mean --rate?"),
    Mistake("voxstack say hi --speaker bob --out a.wav", "did you mean --set speaker=NAME?"),
    Mistake("voxstack say hi --cuda --out a.wav", "did you mean --context onnx:cuda?"),
    Mistake("voxstack say hi --out", "argument --out: expected one argument; see voxstack say --help"),
    Mistake("voxstack voices amber", "one argument too many, 'amber'; leave it out"),
    Mistake("voxstack say hi --voice ambr --out a.wav", "no addon named 'ambr' is installed; did you mean 'amber'?"),
    Mistake("voxstack say hi --voice voxstack-voice-amber --out a.wav", "did you mean 'amber'?"),
    Mistake("voxstack say hi --voice mine --out a.wav", "or the path of a folder or .zip"),
    Mistake("voxstack say hi --voice en_US.onnx --out a.wav", "voxstack import en_US.onnx --out FOLDER"),
    Mistake("voxstack say hi --voice model.py --out a.wav", "make one of it: voxstack pack model.py"),
    Mistake("voxstack say hi --voice . --out a.wav", "open a folder that has an addon.json at its top"),
    Mistake("voxstack say hi --set speed=1.2 --out a.wav", "no control 'speed'; did you mean 'rate'?"),
    Mistake("voxstack say hi --set rate --out a.wav", "expected NAME=VALUE, such as rate=1.2"),
    Mistake("voxstack say hi --rate fast --out a.wav", "'fast' is not a number; write a number"),
    Mistake("voxstack say hi --rate 9 --out a.wav", "rate: 9 is too large; write 4 or less"),
    Mistake("voxstack say hi --file notes.txt --out a.wav", "both TEXT and --file are given; keep one of them"),
    Mistake(
        "voxstack say --file none.txt --out a.wav", "cannot read none.txt: No such file or directory; check the path"
    ),
    Mistake("voxstack say --file latin.txt --out a.wav", "convert it, for example with: iconv -t UTF-8"),
    Mistake("voxstack say --markup md hi --out a.wav", "'md' is not one of text, markdown, html, ssml, auto"),
    Mistake("voxstack say --ssml '<speak>hi' --out a.wav", "write <speak>...</speak>, close every element"),
    Mistake("voxstack say '...' --out a.wav", "finds nothing to pronounce in this text; it reads en-US"),
    Mistake("voxstack say hi --out none/a.wav", "there is no folder 'none'; create it first"),
    Mistake("voxstack say hi --srt a.txt --out a.wav", "--srt writes .srt files; name it 'a.srt'"),
    Mistake("voxstack say hi --lexicon none.tsv --out a.wav", "cannot read 'none.tsv'"),
    Mistake("voxstack say hi --insert Gian --out a.wav", "no block named 'Gian'; did you mean 'Gain'?"),
    Mistake("voxstack say hi --insert Gain:loud --out a.wav", "sets no fields; write Gain, Gain:db=-3,"),
    Mistake("voxstack say hi --insert Probe@after=Decoder --out a.wav", "name one by its network or path: stack[0]"),
    Mistake("voxstack say hi --stack none.json --out a.wav", "cannot read none.json: No such file or directory"),
    Mistake("voxstack blocks Decodr", "no block named 'Decodr'; did you mean 'Decoder'?"),
    Mistake("voxstack import notes.txt --out v", "voxstack import --help describes what each accepts"),
    Mistake("voxstack check amber --json none/r.json", "cannot write 'none/r.json': No such file or directory; check"),
    Mistake("voxstack validate", "name an addon: voxstack validate path/to/addon"),
]

CONTEXTS = [
    Mistake("voxstack say hi --context gpu --out a.wav", "no context named 'gpu'; did you mean 'onnx:cuda'?"),
    Mistake("voxstack say hi --context onnx --out a.wav", "no context named 'onnx'; did you mean 'onnx:cpu'?"),
    Mistake("voxstack say hi --context fixd --out a.wav", "no context named 'fixd'; did you mean 'fixed'?"),
    Mistake("voxstack say hi --context onx:cpu --out a.wav", "did you mean 'onnx'?"),
    Mistake("voxstack say hi --context '{runtime: onnx}' --out a.wav", 'write it as {"runtime": "onnx"}'),
    Mistake(
        """voxstack say hi --context '{"runtime": "onnx", "thread": 2}' --out a.wav""",
        "a context has no 'thread'; did you mean 'threads'?",
    ),
    Mistake(
        'voxstack.Voice("amber")',
        'give a voxstack.load("amber"), for example',
        lambda voice: voxstack.Voice("amber"),  # type: ignore[arg-type]
    ),
    Mistake(
        'voxstack.load("amber", context=["onnx:cpu"])',
        "['onnx:cpu'] is no context; give a name, 'onnx:cpu', or a mapping",
        lambda voice: voxstack.load("amber", context=["onnx:cpu"]),  # type: ignore[arg-type]
    ),
    Mistake(
        'voxstack.load("amber", context="onnx:gpu")',
        "ONNX Runtime has no device 'gpu'",
        lambda voice: voxstack.load("amber", context="onnx:gpu"),
    ),
    Mistake(
        'voxstack.load("amber", context="cuda:0")',
        "did you mean 'onnx:cuda'?",
        lambda voice: voxstack.load("amber", context="cuda:0"),
    ),
    Mistake(
        'voxstack.load("amber", context={"runtime": "onnx", "networks": {"decodr": "onnx:cpu"}})',
        "no such network or role; did you mean 'decoder'?",
        lambda voice: voxstack.load("amber", context={"runtime": "onnx", "networks": {"decodr": "onnx:cpu"}}),
    ),
]

PYTHON = [
    Mistake("voxstack.load(None)", "None (NoneType) is no addon; give the name", lambda v: voxstack.load(None)),  # type: ignore[arg-type]
    Mistake('voxstack.load(b"amber")', "(bytes) is no addon; give the name", lambda v: voxstack.load(b"amber")),  # type: ignore[arg-type]
    Mistake('voxstack.load("Ambre")', "did you mean 'amber'?", lambda v: voxstack.load("Ambre")),
    Mistake('voxstack.load("amber", schedule={"first": 8})', "give a voxstack.Schedule(first=16)",
            lambda v: voxstack.load("amber", schedule={"first": 8})),  # type: ignore[arg-type]
    Mistake("voice.synthesize(None)", "the text is None; give a str", lambda v: v.synthesize(None)),
    Mistake('voice.synthesize(b"Hi.")', "the text is bytes, not a str; decode it: text.decode()",
            lambda v: v.synthesize(b"Hi.")),
    Mistake("voice.synthesize(3)", "the text is of type int, 3; give a str", lambda v: v.synthesize(3)),
    Mistake('voice.synthesize(Path("notes.txt"))', "read the file first: path.read_text(encoding='utf-8')",
            lambda v: v.synthesize(Path("notes.txt"))),
    Mistake('voice.synthesize(["Hi.", 3])', "a part of the text is of type int, 3; give a str",
            lambda v: v.synthesize(["Hi.", 3])),
    Mistake("voice.synthesize(an_async_generator())", "which only astream() reads",
            lambda v: v.synthesize(written())),
    Mistake("async for chunk in voice.astream(None)", "the text is None; give a str",
            lambda v: asyncio.run(spoken(v, None))),
    Mistake('voice.synthesize("Hi.", speed=1.2)', "no control 'speed'; did you mean 'rate'?",
            lambda v: v.synthesize("Hi.", speed=1.2)),
    Mistake('voice.synthesize("Hi.", out="a.wav")', "voice.synthesize(...).save('hello.wav')",
            lambda v: v.synthesize("Hi.", out="a.wav")),
    Mistake('voice.synthesize("Hi.", device="cuda")', "voxstack.load(..., context='onnx:cuda')",
            lambda v: v.synthesize("Hi.", device="cuda")),
    Mistake('voice.synthesize("Hi.", markup="md")', "markup is one of 'text', 'markdown'",
            lambda v: v.synthesize("Hi.", markup="md")),
    Mistake('voice.synthesize("Hi.", lexicon={"Hi": 3})', "write phones, IPA between slashes",
            lambda v: v.synthesize("Hi.", lexicon={"Hi": 3})),
    Mistake('voice.stream("Hi.", timeout=0)', "give seconds, more than 0, or math.inf",
            lambda v: list(v.stream("Hi.", timeout=0))),
    Mistake('voxstack.build({"tpye": "Gain"})', 'expected an object such as {"type": "Gain", "db": -3}',
            lambda v: voxstack.build({"tpye": "Gain"})),
    Mistake('voxstack.build({"type": "Gain", "dB": -3})', "Gain has no field 'dB'; did you mean 'db'?",
            lambda v: voxstack.build({"type": "Gain", "dB": -3})),
    Mistake('voxstack.build({"type": "Gain"}, voice)', "give that of a voice: voxstack.load(...).addon",
            lambda v: voxstack.build({"type": "Gain"}, v)),
    Mistake('voice.with_block("Probe", after="Decodr")', "did you mean 'Decoder'?",
            lambda v: v.with_block("Probe", after="Decodr")),
    Mistake('voice.with_block("Gain:db=-3")', "in Python write {'type': 'Gain', ...} with its fields",
            lambda v: v.with_block("Gain:db=-3")),
    Mistake('voice.with_stack("stack.json")', "read JSON first: json.loads(...)",
            lambda v: v.with_stack("stack.json")),
]  # fmt: skip

ADDONS = [
    Mistake('"samplerate": 16000', "unknown key 'samplerate'; did you mean 'sample_rate'?", setting(samplerate=16_000)),
    Mistake('"sample_rate": "16000"', "'16000' is not an integer; write an integer", setting(sample_rate="16000")),
    Mistake('"name": "My Voice"', "A lower-case word: letters, digits, - and _", setting(name="My Voice")),
    Mistake('"version": "v1"', "starting with a digit, e.g. 1.0.2", setting(version="v1")),
    Mistake('"languages": ["English"]', "A BCP 47 tag, e.g. en or pt-BR", setting(languages=["English"])),
    Mistake('"spec_version": 4', "needs a newer voxstack", setting(spec_version=4)),
    Mistake('no "license"', "missing key 'license'; add it", lambda config: config.pop("license")),
    Mistake('"stack": [{"type": "Sentence", ...}]', "no block named 'Sentence'; did you mean 'Sentences'?",
            lambda config: config["stack"][0].update(type="Sentence")),
    Mistake('{"type": "Sparkle"} of a plugin that is not installed', "made with my-blocks 0.3 (not installed): ask",
            lambda config: config.update(plugins={"my-blocks": "0.3"}, stack=[*config["stack"], {"type": "Sparkle"}])),
    Mistake('{"type": "Decoder", "network": "vocodr"}', "no network named 'vocodr'; did you mean 'vocoder'?",
            lambda config: stack_of(config)[2].update(network="vocodr")),
    Mistake("a stack without Upsampler", "nothing in it starts a stream; begin it with a block such as Upsampler",
            lambda config: stack_of(config).pop(0)),
    Mistake("a stack without InverseSTFT", "this ends in 'spectra'; add what makes samples",
            lambda config: stack_of(config).pop(3)),
    Mistake("a vocoder before the decoder", "takes 'mel', but stack[0]",
            lambda config: stack_of(config).insert(1, stack_of(config).pop(2))),
    Mistake('{"type": "Upsampler", "positions": false}', "gives 192 of encoded + 1 of lf0 + 1 of level: correct",
            lambda config: stack_of(config)[0].update(positions=False)),
    Mistake("a Resample at the end", "ends in 24000 Hz, and sample_rate in addon.json is 16000; correct one",
            lambda config: config["stack"].append({"type": "Resample", "source_rate": 16_000, "target_rate": 24_000})),
    Mistake('"symbol": "decodr.onnx"', "is not listed in files; did you mean 'decoder.onnx'?",
            lambda config: config["networks"]["decoder"]["exports"][0].update(symbol="decodr.onnx")),
    Mistake('"dtype": "float"', "did you mean 'float64'?",
            lambda config: config["networks"]["decoder"]["inputs"]["frames"].update(dtype="float")),
    Mistake('"addon": "prizm" of a borrowed network', "did you mean 'prism'?",
            lambda config: config["networks"]["vocoder"].update(addon="prizm")),
    Mistake("a control whose default it refuses", "9 is too large; write 4 or less",
            lambda config: config["controls"]["rate"].update(default=9)),
]  # fmt: skip

BLOCKS = [
    Mistake("a class without @dataclass", "decorate its class with @dataclass",
            heard(type("Mine", (StreamableBlock,), {"stream": each(lambda chunk: chunk)})())),
    Mistake("the class instead of a block", "Plain is a class; give a block: Plain(...)", heard(Plain)),
    Mistake("a class of no blocks", "derives from StreamableBlock or SequenceBlock", heard(object())),
    Mistake("stream() without yield", "stream() returned NoneType; yield numpy arrays",
            heard(variant(lambda self, source, utterance: None))),
    Mistake("yield of a list", "gave a chunk of type list; yield numpy arrays", heard(variant(each(list)))),
    Mistake("samples as int16", "samples of type float32 in -1..1, and this one gave int16; convert them",
            heard(variant(each(lambda chunk: (chunk * 32767).astype(np.int16))))),
    Mistake("samples of shape (n, 1)", "a voice ends in samples, (samples,)",
            heard(variant(each(lambda chunk: chunk[:, None])))),
    Mistake("samples that are NaN", "gave NaN or infinity; add a Probe to find where",
            heard(variant(each(lambda chunk: chunk * np.float32("nan"))))),
    Mistake("def stream(self, source)", "blocks define stream(self, source, utterance)",
            heard(variant(lambda self, source: source))),
    Mistake('utterance["foo"]', "KeyError: 'foo'; if that is a name of the utterance, declare it in needs",
            heard(variant(lambda self, source, utterance: iter(utterance["foo"])))),
    Mistake('needs = "durations"', "must be a frozenset of names; correct the plugin",
            heard(variant(each(lambda chunk: chunk), needs="durations"))),
    Mistake('needs = frozenset({"duration"})', "needs 'duration', and nothing before it gives that; put what does",
            heard(variant(each(lambda chunk: chunk), needs=frozenset({"duration"})))),
    Mistake('addon.network("decodr")', "no network named 'decodr'; did you mean 'decoder'?",
            heard(variant(each(lambda chunk: chunk), load=lambda self, addon: addon.network("decodr")))),
    Mistake("a SequenceBlock that returns None", "return a dict of what the block adds, {} for nothing",
            heard(variant(lambda self, utterance: None, SequenceBlock), after="Pace")),
    Mistake("a SequenceBlock among StreamableBlocks", "only a StreamableBlock can stand here",
            heard(variant(lambda self, utterance: {}, SequenceBlock))),
    Mistake("def voxstack_blocks() without @voxstack.hookimpl", "decorate with @voxstack.hookimpl",
            registered(voxstack_blocks=lambda: [Plain])),
    Mistake("voxstack_blocks() that returns a class", "; return a list",
            registered(voxstack_blocks=voxstack.hookimpl(lambda: Plain))),
    Mistake("def voxstack_block()", "there is no hook voxstack_block; did you mean 'voxstack_blocks'?",
            registered(voxstack_block=voxstack.hookimpl(lambda: [Plain]))),
]  # fmt: skip

SERVE = [
    Mistake("voxstack serve --port 99999", "write a whole number from 0 to 65535"),
    Mistake("voxstack serve --voice ambr", "did you mean 'amber'?"),
    Mistake("voxstack serve --voice amber --port TAKEN", "give another --port, or 0 for a free one"),
    Mistake("voxstack serve --voice amber --alias nova", "'nova' is no alias; write NAME=VOICE"),
    Mistake("voxstack serve --alias nova=ambr", "there is no voice named 'ambr'; did you mean 'amber'?"),
    Mistake("voxstack serve --voice amber --context gpu", "did you mean 'onnx:cuda'?"),
    Mistake("voxstack serve --workres 2", "there is no option --workres; did you mean --workers?"),
]

GROUPS = {
    "On the command line": COMMAND_LINE,
    "Contexts": CONTEXTS,
    "In Python": PYTHON,
    "In addon.json": ADDONS,
    "In a block or a plugin of your own": BLOCKS,
    "When the service starts": SERVE,
}


def page() -> str:
    """Return the page that lists all mistakes."""
    lines = [
        "# Mistakes of the first hour",
        "",
        "Each of these gives one line that ends with what to do, and is tested. An error in Python is a kind of",
        "`voxstack.VoxstackError`; in a shell it is the last line on stderr, and `--debug` shows where it comes from.",
    ]
    for title, mistakes in GROUPS.items():
        lines += ["", f"## {title}", "", "| written | the error has |", "|---|---|"]
        lines += [f"| {_code(mistake.written, mistake)} | {_escaped(mistake.remedy)} |" for mistake in mistakes]
    return "\n".join(lines) + "\n"


def _code(text: str, mistake: Mistake) -> str:
    """Return what was written as code, unless it is a description."""
    is_code = mistake.run is None or any(sign in text for sign in '("{[=')
    return f"`` {text} ``" if is_code and "|" not in text else text


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")


if __name__ == "__main__":
    print(page(), end="")
