"""What requests may ask for beyond OpenAI's API: a context, words and traces in events; and the stacks of voices."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from serving import serving

import voxstack
from voxstack_serve import Service
from voxstack_serve.speech_events import LONGEST_PART

TEXT = "Hello there, my friend. How are you?"
SPEECH = "/v1/audio/speech"


@pytest.fixture(scope="module")
def offering(voices: voxstack.Voices) -> Iterator[str]:
    service = Service(voices, ["amber", "cobalt"], contexts=["openvino:CPU", "fixed", "torch:cuda:99"])
    with serving(service) as address:
        yield address


def ask(address: str, path: str, content: Any = None) -> tuple[int, bytes]:
    """Return the status of a response, and its content."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request("GET" if content is None else "POST", path, content and json.dumps(content))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def body(**keys: Any) -> dict[str, Any]:
    return {"model": "m", "voice": "amber", "input": TEXT, "response_format": "wav", **keys}


def events(address: str, **keys: Any) -> list[dict[str, Any]]:
    status, content = ask(address, SPEECH, body(stream_format="sse", **keys))
    assert status == 200, content
    return [json.loads(part.removeprefix(b"data: ")) for part in content.split(b"\n\n") if part]


def error(address: str, **keys: Any) -> tuple[str, str]:
    status, content = ask(address, SPEECH, body(**keys))
    found = json.loads(content)["error"]
    assert status == 400
    return found["param"], found["message"]


def test_words_come_with_their_audio(address: str, amber: voxstack.Voice) -> None:
    expected = [event for event in amber.synthesize(TEXT).events if event.kind == "word"]
    found = events(address, words=True, response_format="pcm", sample_rate=16_000)
    deltas = [event for event in found if event["type"] == "speech.audio.delta"]
    words = [word for delta in deltas for word in delta["words"]]
    assert [(word["text"], word["span"]) for word in words] == [(e.text, list(e.span or ())) for e in expected]
    assert [word["start"] for word in words] == pytest.approx([e.start for e in expected], abs=1e-4)
    assert [word["end"] - word["start"] for word in words] == pytest.approx([e.duration for e in expected], abs=2e-4)
    assert [TEXT[slice(*word["span"])] for word in words] == TEXT.replace(",", "").replace(".", "").replace(
        "?", ""
    ).split()
    heard = 0.0
    for delta in deltas:
        heard += len(base64.b64decode(delta["audio"])) / 2 / 16_000
        assert all(word["start"] < heard for word in delta["words"])
    assert len(deltas) > 1


@pytest.mark.parametrize("form", ["mp3", "flac", "opus", "pcm"])
def test_no_word_is_lost_in_an_encoder(address: str, form: str) -> None:
    found = events(address, words=True, response_format=form)
    assert sum(len(event.get("words", ())) for event in found) == 7
    assert found[-1]["type"] == "speech.audio.done"


def test_events_that_nothing_more_is_asked_of_are_those_of_openai(address: str) -> None:
    kinds = {event["type"]: set(event) for event in events(address)}
    assert kinds == {"speech.audio.delta": {"type", "audio"}, "speech.audio.done": {"type", "usage"}}


def test_a_trace_has_each_block_of_the_stack(address: str) -> None:
    *_, trace, done = events(address, trace=True)
    assert (trace["type"], done["type"]) == ("speech.trace", "speech.audio.done")
    rows = {row["path"]: row for row in trace["blocks"]}
    _, content = ask(address, "/v1/audio/voices/amber/stack")
    nodes = {node["path"]: node["type"] for node in walk(json.loads(content)["stack"])}
    assert rows.keys() <= nodes.keys()
    assert {nodes[path] for path in rows} >= {"Text", "Encoders", "Upsampler", "Decoder", "InverseSTFT", "Gain"}
    assert all(row["block"] == nodes[path] and row["calls"] > 0 for path, row in rows.items())
    assert all(0 <= row["first"] <= row["seconds"] for row in rows.values())
    spent = sum(row["seconds"] for row in rows.values())
    assert 0 < sum(row["first"] for row in rows.values()) < spent < trace["seconds"]  # one thread computes at a time
    assert 0 < trace["first_audio"] < trace["seconds"]
    assert trace["audio"] == pytest.approx(done["usage"]["output_tokens"] / 20, abs=0.05)


def test_an_event_of_a_complete_response_is_as_long_as_clients_read(address: str) -> None:
    keys = {"input": TEXT * 8, "response_format": "pcm", "sample_rate": 48_000, "complete": True}
    *deltas, _ = events(address, **keys)
    parts = [base64.b64decode(delta["audio"]) for delta in deltas]
    assert len(parts) > 1
    assert max(map(len, parts)) <= LONGEST_PART
    assert b"".join(parts) == ask(address, SPEECH, body(**keys))[1]


@pytest.mark.parametrize("extra", ["words", "trace"])
def test_only_events_have_room_for_more(address: str, extra: str) -> None:
    assert error(address, **{extra: True}) == (
        extra,
        f'{extra}: only events have room for it; set "stream_format": "sse", or leave it out',
    )
    assert error(address, stream_format="sse", **{extra: "yes"})[1].endswith("is not valid; write true or false")


def test_a_request_names_its_context(offering: str, voices: voxstack.Voices) -> None:
    def samples(**keys: Any) -> np.ndarray:
        status, content = ask(offering, SPEECH, body(**keys))
        assert status == 200, content
        return np.frombuffer(content[44:], np.int16)

    other = samples(context="openvino:CPU")
    np.testing.assert_array_equal(other, samples(context="openvino:CPU"))
    own = samples()
    assert not np.array_equal(other, own)
    assert np.abs(other.astype(int) - own).max() < 0.02 * np.abs(own.astype(int)).max()
    loaded = {(status.name, status.context) for status in voices.status()}
    assert {("amber", None), ("amber", "openvino:CPU")} <= loaded


def test_other_contexts_are_refused(address: str, offering: str) -> None:
    assert error(address, context="onnx:cpu") == (
        "context",
        "context: 'onnx:cpu' is not on offer; none is on offer; leave it out",
    )
    param, message = error(offering, context="openvino:GPU")
    assert (param, message) == ("context", "context: 'openvino:GPU' is not on offer; did you mean 'openvino:CPU'?")
    assert "use one of: openvino:CPU, fixed, torch:cuda:99" in error(offering, context={"runtime": "onnx"})[1]


def test_a_context_that_is_unavailable_for_a_voice_is_a_bad_request(offering: str) -> None:
    assert "context 'torch:cuda:99': " in error(offering, context="torch:cuda:99")[1]
    status, content = ask(offering, "/v1/audio/voices/amber/stack?context=torch:cuda:99")
    assert (status, json.loads(content)["error"]["type"]) == (400, "invalid_request_error")


def test_contexts_on_offer_are_listed(address: str, offering: str) -> None:
    assert json.loads(ask(address, "/v1/audio/voices")[1])["contexts"] == []
    listed = json.loads(ask(offering, "/v1/audio/voices")[1])
    assert listed["contexts"] == ["openvino:CPU", "fixed", "torch:cuda:99"]
    assert [voice["id"] for voice in listed["voices"]] == ["amber", "cobalt"]


def test_controls_are_described(address: str, amber: voxstack.Voice) -> None:
    found = json.loads(ask(address, "/v1/audio/voices/anna/controls")[1])
    assert found == {"voice": "amber", "controls": amber.controls}
    for path in ("/v1/audio/voices/ambr/controls", f"/v1/audio/voices/{quote('../amber')}/controls"):
        assert ask(address, path)[0] == 404
    status, content = ask(address, "/v1/audio/voices/amber/stack?context=no")
    assert (status, json.loads(content)["error"]["param"]) == (400, "context")


def test_a_control_with_the_name_of_a_key_keeps_its_default(voices: voxstack.Voices) -> None:
    with serving(Service(voices, ["espeak"])) as address:
        controls = json.loads(ask(address, "/v1/audio/voices/espeak/controls")[1])["controls"]
        assert controls.keys() == {"rate", "pitch", "pitch_range", "volume"}
        status, content = ask(address, SPEECH, body(voice="espeak"))
    assert status == 200
    expected = voices.synthesize("espeak", TEXT).samples
    assert len(content) == 44 + 2 * len(expected)


def test_a_stack_has_the_networks_of_each_block(offering: str) -> None:
    found = json.loads(ask(offering, "/v1/audio/voices/amber/stack?context=openvino:CPU")[1])
    networks = {node["type"]: node["networks"] for node in walk(found["stack"]) if node["networks"]}
    assert networks == {
        "Text": ["pronunciation"],
        "Encoders": ["encoder", "durations", "prosody"],
        "Decoder": ["vocoder"],
    }
    assert found["networks"].keys() == {"pronunciation", "encoder", "durations", "prosody", "decoder", "vocoder"}
    assert all((row["runtime"], row["device"]) == ("openvino", "CPU") for row in found["networks"].values())
    decoder = found["networks"]["decoder"]
    assert decoder["inputs"]["frames"] == ["batch", "frames", 198]
    assert not any("state" in name for name in (*decoder["inputs"], *decoder["outputs"]))
    kinds = {node["type"]: node["kind"] for node in walk(found["stack"])}
    assert (kinds["Encoders"], kinds["Decoder"]) == ("sequence", "streamable")


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node["blocks"]:
        yield from walk(inner)
