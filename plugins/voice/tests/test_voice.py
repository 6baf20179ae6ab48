from __future__ import annotations

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import (
    AddonError,
    ContextError,
    PluginError,
    Registry,
    RequestError,
    Schedule,
    StackError,
    StreamableBlock,
    VoxstackError,
)
from voxstack.networks.opening import available_devices


@dataclass
class Tone(StreamableBlock):
    """Says each letter as 100 samples of its number."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for letter in utterance["text"]:
            yield np.full(100, ord(letter) / 256 * utterance.get("volume", 1), np.float32)


@dataclass
class Mel(Tone):
    """Ends in mel."""

    makes = "mel"


@dataclass
class Filter(StreamableBlock):
    """Starts nothing."""

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from source


CONTROLS = {"volume": {"type": "number", "minimum": 0, "maximum": 2, "default": 1.0}}


@pytest.fixture
def registry() -> Registry:
    return Registry({"test": plugin([Tone, Mel, Filter])})


@pytest.fixture
def voice(write_addon: Callable[..., Path], registry: Registry) -> voxstack.Voice:
    return voxstack.load(write_addon(stack=[{"type": "Tone"}], controls=CONTROLS), registry=registry)


def test_streamed_equals_synthesized(voice: voxstack.Voice) -> None:
    chunks = list(voice.stream("abc"))
    assert [chunk.start for chunk in chunks] == [0, 100, 200]
    speech = voice.synthesize("abc")
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks]), speech.samples)
    assert speech.duration == pytest.approx(300 / 8000)


def test_chunks_are_made_when_they_are_asked_for(voice: voxstack.Voice) -> None:
    stream = voice.stream("a" * 10**9)
    assert len(next(stream).samples) == 100
    stream.close()


def test_a_request_has_the_text_and_all_controls(voice: voxstack.Voice) -> None:
    request = voice.request("Hi.", schedule=Schedule(first=7))
    assert {name: request[name] for name in ("text", "markup", "volume")} == {
        "text": "Hi.",
        "markup": "text",
        "volume": 1.0,
    }
    assert request["schedule"] == Schedule(first=7, playback=request["schedule"].playback)
    assert request.keys() == {"text", "markup", "lexicon", "volume", "schedule", "timeline", "trace"}
    assert voice.request("Hi.", volume=0.5)["volume"] == 0.5
    np.testing.assert_allclose(voice.synthesize("a", volume=0.5).samples, voice.synthesize("a").samples / 2)


@pytest.mark.parametrize(
    ("text", "controls", "problem"),
    [
        ("", {}, "tiny finds nothing to pronounce in this text; it reads en-US: give it words or numbers"),
        ("...", {}, "tiny finds nothing to pronounce in this text"),
        (None, {}, "tiny: the text is None; give a str"),
        (5, {}, "tiny: the text is of type int, 5; give a str"),
        (b"a", {}, "tiny: the text is bytes, not a str; decode it"),
        (Path("a.txt"), {}, "tiny: the text is a path, not a str; read the file first"),
        ({"text": "a"}, {}, "tiny: the text is of type dict"),
        ("a", {"markup": "xml"}, "markup is one of 'text', 'markdown', 'html', 'ssml', 'auto', not 'xml'"),
        (" \n", {}, "tiny finds nothing to pronounce in this text"),
        ("a", {"volum": 1}, "tiny has no control 'volum'; did you mean 'volume'.; it has volume"),
        ("a", {"volume": 3}, "tiny: volume: 3 is too large; write 2 or less"),
        ("a", {"volume": "loud"}, "tiny: volume: 'loud' is not a number; write a number"),
    ],
)
def test_a_bad_request_is_refused_at_once(
    voice: voxstack.Voice, text: str, controls: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RequestError, match=problem):
        voice.stream(text, **controls)


def test_speech_is_saved_as_wav_and_plays_in_a_notebook(voice: voxstack.Voice, tmp_path: Path) -> None:
    speech = voice.synthesize("az")
    speech.save(tmp_path / "az.wav")
    with wave.open(str(tmp_path / "az.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (8000, 1, 2, 200)
        heard = np.frombuffer(file.readframes(200), "<i2") / 32767
    np.testing.assert_allclose(heard, speech.samples, atol=1 / 32767)
    assert "data:audio/wav;base64,UklGR" in speech._repr_html_()
    with pytest.raises(RequestError, match="no audio format has the extension"):
        speech.save(tmp_path / "az.txt")


def test_samples_beyond_full_scale_are_clipped_not_wrapped() -> None:
    data = voxstack.Speech(np.array([2.0, -2.0], np.float32), 8000).wav()
    with wave.open(io.BytesIO(data)) as file:
        assert np.frombuffer(file.readframes(2), "<i2").tolist() == [32767, -32767]


@pytest.mark.parametrize(
    ("stack", "problem"),
    [
        ([{"type": "Mel"}], "a voice ends in 'samples', and this ends in 'mel'; add what makes samples"),
        ([{"type": "Filter"}], "nothing here starts a stream"),
        (None, "has no stack: it lends its networks"),
    ],
)
def test_an_addon_that_cannot_speak_is_refused(
    stack: Any, problem: str, write_addon: Callable[..., Path], registry: Registry
) -> None:
    with pytest.raises(StackError, match=problem):
        voxstack.load(write_addon(**({"stack": stack} if stack else {})), registry=registry)


def test_voices_load_by_name_folder_and_zip(write_addon: Callable[..., Path], tmp_path: Path) -> None:
    from voxstack_addon_spec import write_zip

    folder = write_addon(stack=[{"type": "Tone"}])
    registry = Registry({"test": plugin([Tone], voxstack_addons=lambda: [folder])})
    write_zip(folder, tmp_path / "tiny.zip")
    spoken = [
        voxstack.load(source, registry=registry).synthesize("a").samples
        for source in ("tiny", folder, str(folder), tmp_path / "tiny.zip")
    ]
    assert all((samples == spoken[0]).all() for samples in spoken)
    assert voxstack.load("tiny", registry=registry).addon.trust
    assert not voxstack.load(folder, registry=registry).addon.trust
    with pytest.raises(PluginError, match="did you mean 'tiny'"):
        voxstack.load("tinny", registry=registry)
    with pytest.raises(AddonError, match="nowhere"):
        voxstack.load(tmp_path / "nowhere", registry=registry)


@pytest.mark.parametrize("name", ["text", "live", "markup"])
def test_a_control_cannot_have_the_name_of_something_else(
    name: str, write_addon: Callable[..., Path], registry: Registry
) -> None:
    with pytest.raises(AddonError, match=rf"tiny: controls: \['{name}'\] mean something else"):
        voxstack.load(write_addon(stack=[{"type": "Tone"}], controls={name: {"type": "string"}}), registry=registry)


def test_a_missing_network_names_what_there_is(write_addon: Callable[..., Path], doubling: dict[str, Any]) -> None:
    @dataclass
    class Wants(Tone):
        """Wants a vocoder."""

        def load(self, addon: Any) -> None:
            addon.select(None, "vocoder")

    registry = Registry({"test": plugin([Wants])})
    with pytest.raises(
        StackError, match=r"stack\[0\]: Wants: tiny: no network of role 'vocoder'.*it has decoder: decoder"
    ):
        voxstack.load(write_addon(stack=[{"type": "Wants"}], networks={"decoder": doubling}), registry=registry)


def test_networks_are_borrowed_from_other_addons(write_addon: Callable[..., Path], doubling: dict[str, Any]) -> None:
    from tiny import double

    from voxstack_addon_spec import network_hash, open_addon

    lender = write_addon("lender", networks={"decoder": doubling})
    digest = network_hash(open_addon(lender).config, "decoder")
    registry = Registry({"test": plugin([Tone], {"mine": double}, voxstack_addons=lambda: [lender])})
    borrowed = {"addon": "lender", "network": "decoder", "sha256": digest}
    addon = voxstack.load(
        write_addon("voice", stack=[{"type": "Tone"}], networks={"mine": borrowed}), registry=registry
    ).addon
    assert addon.network("mine").run_single(frames=np.ones((2, 2), np.float32))["mel"].sum() == 8
    other = write_addon("other", stack=[{"type": "Tone"}], networks={"mine": {**borrowed, "sha256": "0" * 64}})
    problem = "has another version of it; install the 'lender' that other 1 was made with"
    with pytest.raises(AddonError, match=rf"other: networks\.mine: is borrowed .*{problem}"):
        voxstack.load(other, registry=registry)
    alone = Registry({"test": plugin([Tone])})
    with pytest.raises(PluginError, match=r"no addon named 'lender' is installed"):
        voxstack.load(other, registry=alone)


def test_a_voice_tells_where_each_network_runs(write_addon: Callable[..., Path], doubling: dict[str, Any]) -> None:
    from tiny import double

    @dataclass
    class Both(Tone):
        """Opens two networks, one in a context of its own."""

        def load(self, addon: Any) -> None:
            self._nets = [addon.stream_network("decoder"), addon.stream_network("second", "other")]

    contexts = {"default": {"runtime": "python"}, "other": {"runtime": "python", "device": "dsp"}}
    networks = {"decoder": doubling, "second": {**doubling, "role": "vocoder"}}
    folder = write_addon(stack=[{"type": "Both"}], networks=networks, contexts=contexts, spec_version=2)
    registry = Registry(
        {"test": plugin([Both], {"decoder": double, "second": double}, voxstack_devices=lambda: ["python:cpu"])}
    )

    def devices(context: Any = None) -> dict[str, str]:
        voice = voxstack.load(folder, registry=registry, context=context)
        return {effective.network: effective.device for effective in voice.contexts()}

    assert devices() == {"decoder": "cpu", "second": "dsp"}
    assert devices("python:gpu") == {"decoder": "gpu", "second": "dsp"}
    assert devices({"runtime": "python", "networks": {"decoder": "python:tpu"}}) == {"decoder": "tpu", "second": "dsp"}
    assert available_devices(registry) == {"python:cpu": "test"}
    for wrong, problem in [
        (
            {"runtime": "python", "shapes": {"frame": [4]}},
            r"'shapes' names 'frame', an axis that no network has; did you mean 'frames'\?",
        ),
        (
            {"runtime": "python", "networks": {"decodr": "python:tpu"}},
            "there is no such network or role; did you mean 'decoder'",
        ),
        (
            "nowhere:cpu",
            r"no runtime named 'nowhere' is installed; there are python",
        ),
        ("elsewhere", "has no context named 'elsewhere'"),
    ]:
        with pytest.raises(VoxstackError, match=problem):
            voxstack.load(folder, registry=registry, context=wrong)


def test_only_a_trusted_addon_gives_options_to_runtimes(
    write_addon: Callable[..., Path], doubling: dict[str, Any]
) -> None:
    from tiny import double

    contexts = {
        "default": {"runtime": "python"},
        "evil": {"runtime": "python", "options": {"library": "evil.so"}},
        "hidden": {"runtime": "python", "networks": {"decoder": "evil"}},
    }
    folder = write_addon(stack=[{"type": "Tone"}], networks={"decoder": doubling}, contexts=contexts, spec_version=2)
    registry = Registry({"test": plugin([Tone], {"decoder": double})})
    for context in ("evil", "hidden", {"runtime": "python", "networks": {"decoder": "evil"}}):
        with pytest.raises(ContextError, match=r"has 'options', .* load\(\.\.\., trust=True\)"):
            voxstack.load(folder, registry=registry, context=context)
        voxstack.load(folder, registry=registry, context=context, trust=True)
    with pytest.raises(ContextError, match="has 'options'"):
        voxstack.load(folder, registry=registry).addon.network("decoder", "evil")
    own = {"runtime": "python", "options": {"library": "mine.so"}}
    assert voxstack.load(folder, registry=registry, context=own).addon.context.options == {"library": "mine.so"}


def test_plugins_give_names_to_contexts(write_addon: Callable[..., Path]) -> None:
    def best(name: str, addon: Any) -> Any:
        return {"runtime": addon["name"], "description": "found"} if name == "best" else None

    registry = Registry({"test": plugin([Tone]), "best": plugin(voxstack_context=best)})
    context = voxstack.load(write_addon(stack=[{"type": "Tone"}]), registry=registry, context="best").addon.context
    assert (context.runtime, context.name, context.description) == ("tiny", "best", "found")


def test_a_voice_has_its_own_schedule_and_a_context_another(
    write_addon: Callable[..., Path], registry: Registry
) -> None:
    contexts = {"default": {"runtime": "python"}, "slow": {"runtime": "python", "schedule": {"largest": 64}}}
    folder = write_addon(
        stack=[{"type": "Tone"}], schedule={"first": 16, "largest": 128}, contexts=contexts, spec_version=2
    )
    load = lambda **options: voxstack.load(folder, registry=registry, **options).request("a")["schedule"]  # noqa: E731
    assert (load().first, load().largest, load().growth) == (16, 128, Schedule().growth)
    assert (load(context="slow").first, load(context="slow").largest) == (16, 64)
    assert load(schedule=Schedule(first=5)).first == 5
    voice = voxstack.load(folder, registry=registry)
    assert voice.request("a", schedule=Schedule(first=9))["schedule"].first == 9
