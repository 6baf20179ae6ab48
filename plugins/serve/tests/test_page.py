"""The page in a browser: it is used as people use it, by Chromium."""

from __future__ import annotations

import http.client
import json
import shutil
import wave
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from serving import serving, until

import voxstack
from voxstack_serve import Service

TEXT = "Hello there, my friend. How are you today? I am well, and I have been waiting for you."
LONG = "The quick brown fox jumps over the lazy dog, and then it sleeps. " * 30
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RATE = 16_000

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Provide Chromium; only in this module, as the library runs an event loop on the main thread."""
    library = pytest.importorskip("playwright.sync_api", reason="no browser: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("no browser: apt install chromium")
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with library.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


@pytest.fixture(scope="module")
def own(voices: voxstack.Voices) -> Service:
    return Service(voices, ["amber", "cobalt"], contexts=["openvino:CPU"])


@pytest.fixture(scope="module")
def site(own: Service) -> Iterator[str]:
    with serving(own) as address:
        yield address


@pytest.fixture
def opened(browser: Any, site: str) -> Iterator[Open]:
    """Provide a function that opens the page; afterwards, nothing must have been reported in its console."""
    contexts, reports = [], []

    def open_page(address: str = site, **options: Any) -> Any:
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: reports.append(message.text))
        page.on("pageerror", lambda error: reports.append(str(error)))
        page.add_init_script(path=Path(__file__).parent / "page_probe.js")
        page.goto(address)
        return page

    yield open_page
    violations = [page.evaluate("probe.violations") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    noise = ("Failed to load resource", "Canvas2D: Multiple readback operations")  # of errors on purpose, and of tests
    assert not [report for report in reports if not report.startswith(noise)]
    assert violations == [[] for _ in violations]


@pytest.fixture
def page(opened: Open) -> Any:
    found = opened()
    found.wait_for_selector(".block")
    return found


def speak(page: Any, text: str = TEXT) -> None:
    page.fill("#text", text)
    page.click("#speak")


def wait(page: Any, condition: str, argument: Any = None) -> None:
    """Wait until a condition holds in the page, whose policy lets no library wait for it there."""
    until(lambda: page.evaluate(condition, argument), 60)


def is_complete(page: Any, side: str = "a") -> None:
    page.wait_for_selector(f".panel[data-side={side}] .download:enabled")


def hold(page: Any, position: float) -> None:
    """Stop the clock of Web Audio where a time in the first audio is heard, and wait until it is shown."""
    script = (
        "time => { probe.clock = null; probe.clock = probe.starts[0].when + time + (probe.context.outputLatency || 0) }"
    )
    page.evaluate(script, position)
    frames(page)


def frames(page: Any) -> None:
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
    )


def requested(address: str, **keys: Any) -> list[dict[str, Any]]:
    """Return the events of the API for what the page requests."""
    form = {"response_format": "pcm", "sample_rate": RATE, "stream_format": "sse", "words": True}
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request(
        "POST", "/v1/audio/speech", json.dumps({"model": "m", "voice": "amber", "input": TEXT, **form, **keys})
    )
    content = connection.getresponse().read()
    connection.close()
    return [json.loads(part.removeprefix(b"data: ")) for part in content.split(b"\n\n") if part]


def cancelled(address: str) -> float:
    """Return the number of streams of amber that were cancelled, as the service reports it."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    found = [line for line in lines if line.startswith("voxstack_streams_total{") and 'voice="amber"' in line]
    return sum(float(line.split()[-1]) for line in found if 'outcome="cancelled"' in line)


def words_of(address: str, **keys: Any) -> list[dict[str, Any]]:
    return [word for event in requested(address, **keys) for word in event.get("words", ())]


def samples_of(voices: voxstack.Voices, **keys: Any) -> np.ndarray:
    return np.round(32_768 * voices.synthesize("amber", TEXT, **keys).samples.astype(np.float64)).clip(-32_768, 32_767)


def test_audio_is_scheduled_before_the_response_is_complete(page: Any) -> None:
    speak(page, LONG)
    wait(page, "probe.order.includes('complete')")
    order = page.evaluate("probe.order")
    assert order[0] == "start"
    page.click("#stop")


def test_what_is_played_and_saved_is_what_the_service_sends(page: Any, voices: voxstack.Voices, tmp_path: Path) -> None:
    speak(page)
    is_complete(page)
    with page.expect_download() as download:
        page.click(".panel[data-side=a] .download")
    assert download.value.suggested_filename == "amber.wav"
    download.value.save_as(tmp_path / "saved.wav")
    with wave.open(str(tmp_path / "saved.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        saved = np.frombuffer(file.readframes(10**9), np.int16)
    assert np.abs(saved - samples_of(voices)).max() <= 1  # of rounding
    wait(page, "!document.querySelector('.panel.heard .now')")  # it has been spoken to its end
    starts = page.evaluate("probe.starts")
    np.testing.assert_array_equal(np.concatenate([start["samples"] for start in starts]), saved)
    for before, after in pairwise(starts):
        end = before["when"] + before["seconds"]
        came_too_late = end < after["at"]  # for a seamless join
        assert after["when"] == pytest.approx(end, abs=1e-9) or came_too_late
    assert page.inner_text("#status") == "Ready"


def test_words_light_up_at_their_time(page: Any, site: str) -> None:
    expected = words_of(site)
    speak(page)
    is_complete(page)
    for index, word in enumerate(expected):
        hold(page, (word["start"] + word["end"]) / 2)
        lit = page.evaluate("[...document.querySelectorAll('.word')].map(word => word.className)")
        assert [i for i, name in enumerate(lit) if "now" in name] == [index]
        assert [i for i, name in enumerate(lit) if "spoken" in name] == [*range(index + 1)]
    for before, word in pairwise(expected):
        hold(page, word["start"] - 0.002)
        assert page.inner_text(".word.now") == before["text"]
    assert page.inner_text(".panel[data-side=a] .transcript") == TEXT


def test_words_light_up_in_order_and_none_before_it_is_spoken(page: Any, site: str) -> None:
    starts = {word["text"]: word["start"] for word in words_of(site, input="Six sounds come one by one here.")}
    speak(page, "Six sounds come one by one here.")
    wait(page, "document.querySelector('#status').textContent === 'Ready' && probe.words.length")
    lit = page.evaluate("probe.words.map(({ text, position }) => ({ text, position }))")
    assert lit[-1]["text"] == "here"
    positions = [word["position"] for word in lit]
    assert positions == sorted(positions)
    assert all(word["position"] > starts[word["text"]] - 0.005 for word in lit if word["text"] != "one")


def test_the_spectrogram_shows_what_has_arrived_and_brightens_as_it_is_spoken(page: Any) -> None:
    inked = """([from, to]) => {
        const canvas = document.querySelector(".panel[data-side=a] canvas"), { width, height } = canvas;
        const pixels = canvas.getContext("2d").getImageData(from * width, 0, (to - from) * width, height * 0.8).data;
        const paper = canvas.getContext("2d").getImageData(width - 1, height - 1, 1, 1).data;
        let sum = 0;
        for (let i = 0; i < pixels.length; i++) sum += Math.abs(pixels[i] - paper[i % 4]);
        return sum / pixels.length;
    }"""
    assert page.evaluate(inked, [0, 1]) == 0
    speak(page)
    is_complete(page)
    hold(page, 0)
    ahead = page.evaluate(inked, [0.2, 0.4])
    assert ahead > 1
    hold(page, 3.9)
    assert page.evaluate(inked, [0.2, 0.4]) > 1.5 * ahead


def test_the_stack_is_a_graph_with_times(page: Any, site: str) -> None:
    stack = json.loads(page.request.get(f"{site}/v1/audio/voices/amber/stack").text())

    def leaves(node: dict[str, Any]) -> list[str]:
        return [name for inner in node["blocks"] for name in leaves(inner)] or [node["type"]]

    shown = page.eval_on_selector_all(".panel[data-side=a] .leaf > .head > .name", "all => all.map(e => e.textContent)")
    assert shown == leaves(stack["stack"])
    networks = page.eval_on_selector_all(".panel[data-side=a] .network b", "all => all.map(e => e.textContent)")
    assert sorted(networks) == sorted(stack["networks"])
    times = ".panel[data-side=a] .time"
    assert set(page.eval_on_selector_all(times, "all => all.map(e => e.textContent)")) == {""}
    speak(page)
    is_complete(page)
    found = page.eval_on_selector_all(times, "all => all.map(e => e.textContent)")
    assert all(time.endswith((" ms", " s")) for time in found)
    assert page.inner_text(".panel[data-side=a] .total") == f"{found[0]} in all blocks"
    page.click(".leaf .network summary")
    assert "letters (batch, letters)" in page.inner_text(".network dl")


def test_stop_cancels_the_request(page: Any, own: Service, site: str) -> None:
    before = cancelled(site)
    speak(page, LONG * 20)
    wait(page, "probe.order.length")
    page.keyboard.press("Escape")
    until(lambda: cancelled(site) == before + 1)
    until(lambda: own.limits.running == 0)
    assert page.inner_text("#status") == "Stopped"
    assert "complete" not in page.evaluate("probe.order")
    speak(page)
    is_complete(page)


def test_two_contexts_are_compared_and_switched_at_the_same_word(page: Any, site: str, voices: voxstack.Voices) -> None:
    page.check("#compare")
    page.wait_for_selector(".panel[data-side=b] .block")
    assert page.input_value("#context-b") == "openvino:CPU"
    speak(page)
    is_complete(page, "b")
    for side in "ab":
        figures = page.eval_on_selector_all(
            f".panel[data-side={side}] dd[data-figure]", "all => all.map(e => e.textContent)"
        )
        assert all(figure[:1].isdigit() for figure in figures)
    own, other = (words_of(site, **keys) for keys in ({}, {"context": "openvino:CPU"}))
    whole = samples_of(voices, context="openvino:CPU")
    for index in (3, 8):
        hold(page, (own[index]["start"] + own[index]["end"]) / 2)
        count = page.evaluate("probe.starts.length")
        page.click("#listen label:nth-of-type(2)")
        wait(page, "count => probe.starts.length > count", count)
        played = np.array(page.evaluate("count => probe.starts[count].samples", count))
        place = min(range(len(whole) - 800), key=lambda at: np.abs(whole[at : at + 800] - played[:800]).sum())
        assert other[index]["start"] < place / RATE < other[index]["end"]
        assert page.eval_on_selector_all(".panel.heard", "all => all.map(e => e.dataset.side)") == ["b"]
        page.click("#listen label:nth-of-type(1)")


def test_two_voices_are_compared(page: Any) -> None:
    page.check("#compare")
    page.select_option("#voice-b", "cobalt")
    page.select_option("#context-b", "")
    speak(page)
    is_complete(page, "b")
    assert page.inner_text(".panel[data-side=b] h2 .title") == "cobalt"
    page.click(".panel[data-side=b] .replay")
    page.wait_for_selector(".panel[data-side=b].heard .word.now")


def test_controls_follow_their_schemas(page: Any) -> None:
    speak(page)
    is_complete(page)
    duration = page.inner_text("[data-figure=duration]")
    names = page.eval_on_selector_all("#control-fields label", "all => all.map(e => e.firstChild.textContent)")
    assert names == ["Rate", "Pause", "Pitch", "Pitch range", "Energy", "Volume"]
    page.fill("#control-rate", "2")
    with page.expect_request("**/v1/audio/speech") as sent:
        page.click("#speak")
    assert sent.value.post_data_json["rate"] == 2
    assert "pitch" not in sent.value.post_data_json
    is_complete(page)
    assert page.inner_text("[data-figure=duration]") < duration
    page.click("#reset")
    assert page.input_value("#control-rate") == "1"
    page.select_option("#voice-a", "cobalt")
    wait(page, "document.querySelectorAll('#control-fields label').length === 1")
    assert page.inner_text(".panel[data-side=a] .title") == "cobalt"
    assert not page.inner_text("[data-figure=duration]")[:1].isdigit()  # those of another voice are gone
    assert page.is_disabled(".panel[data-side=a] .replay")


def test_markup_is_shown_by_its_words(page: Any) -> None:
    page.select_option("#markup", "ssml")
    speak(page, "<speak>One, <break time='10ms'/> two &amp; three.</speak>")
    is_complete(page)
    assert page.inner_text(".panel[data-side=a] .transcript").split()[:2] == ["One", "two"]
    assert "<" not in page.inner_text(".panel[data-side=a] .transcript")


def test_words_are_found_in_any_script(page: Any) -> None:
    """For spans count characters, and JavaScript counts UTF-16 units."""
    speak(page, "Well 😀😀, then \U0001d4bdello & <b>bye</b>.")
    is_complete(page)
    words = page.eval_on_selector_all(".panel[data-side=a] .word", "all => all.map(e => e.textContent)")
    assert words[0] == "Well"
    assert "then" in words
    assert page.inner_text(".panel[data-side=a] .transcript") == "Well 😀😀, then \U0001d4bdello & <b>bye</b>."


def test_errors_are_shown_as_text(page: Any) -> None:
    speak(page, "  ")
    page.wait_for_selector("#error:visible")
    assert page.inner_text("#error") == "input: the text is empty; write a text"
    assert page.inner_text("#status") == "Stopped by an error"
    speak(page)
    is_complete(page)
    assert page.is_hidden("#error")
    page.route("**/v1/audio/speech", lambda route: route.abort())
    page.click("#speak")
    page.wait_for_selector("#error:visible")
    assert "The service does not answer" in page.inner_text("#error")
    assert page.is_disabled("#stop")


def test_a_broken_stream_is_an_error(page: Any) -> None:
    event = json.dumps({"type": "speech.audio.delta", "audio": "AAAA", "words": []})
    page.route(
        "**/v1/audio/speech", lambda route: route.fulfill(body=f"data: {event}\n\n", content_type="text/event-stream")
    )
    speak(page)
    page.wait_for_selector("#error:visible")
    assert "broke off" in page.inner_text("#error")
    assert page.is_disabled(".panel[data-side=a] .download")


def test_what_arrived_before_a_stream_broke_off_is_spoken(page: Any, site: str) -> None:
    content = "".join(f"data: {json.dumps(event)}\n\n" for event in requested(site)[:-1])
    page.route("**/v1/audio/speech", lambda route: route.fulfill(body=content, content_type="text/event-stream"))
    speak(page)
    page.wait_for_selector("#error:visible")
    hold(page, 1.0)
    assert page.inner_text(".panel[data-side=a].heard .word.now") == words_of(site)[2]["text"]
    page.evaluate("probe.clock = null")
    wait(page, "!document.querySelector('.heard')")
    assert page.is_enabled(".panel[data-side=a] .replay")
    assert page.is_disabled(".panel[data-side=a] .download")


def test_a_long_text_stays_light(page: Any) -> None:
    speak(page, 2 * LONG)
    is_complete(page)
    words = 2 * LONG.count(" ")
    for position in (1, 60):
        hold(page, position)
        assert 10 < page.evaluate("document.querySelectorAll('.word').length") < words / 2
    assert page.inner_text(".panel[data-side=a] .transcript").endswith("…")


def test_no_voice_is_stated(opened: Open, voices: voxstack.Voices, tmp_path: Path) -> None:
    with serving(Service(voices, [str(tmp_path)])) as address:
        page = opened(address)
        page.wait_for_selector("#error:visible")
        assert "There is no voice" in page.inner_text("#error")
        assert page.is_disabled("#speak")


def test_a_key_is_asked_for(opened: Open, voices: voxstack.Voices) -> None:
    with serving(Service(voices, ["amber"]), keys=["secret"]) as address:
        page = opened(address)
        page.wait_for_selector("#key-form:visible")
        assert page.evaluate("document.activeElement.id") == "key"
        assert page.is_hidden("#error")
        assert page.is_hidden("#speech")
        page.fill("#key", "wrong")
        page.click("text=Use key")
        wait(page, "document.querySelector('#error').textContent.includes('does not accept')")
        page.fill("#key", "secret")
        page.keyboard.press("Enter")
        page.wait_for_selector(".block")
        assert page.is_hidden("#key-form")
        assert page.is_hidden("#error")
        speak(page)
        is_complete(page)
        page.reload()
        page.wait_for_selector(".block")  # the tab keeps it


def test_the_keyboard_does_all(page: Any) -> None:
    page.focus("#text")
    page.keyboard.press("Control+A")
    page.keyboard.type(TEXT)
    page.keyboard.press("Control+Enter")
    is_complete(page)
    hold(page, 1.0)
    page.focus(".panel[data-side=a] .scope")
    count = page.evaluate("probe.starts.length")
    page.keyboard.press("ArrowRight")
    wait(page, "count => probe.starts.length > count", count)
    assert page.get_attribute(".panel[data-side=a] .scope", "aria-valuetext") == "2 of 6 seconds"
    page.evaluate("probe.clock = null")
    page.keyboard.press("Escape")
    assert page.is_disabled("#stop")
    reached = []
    page.focus("#text")
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"voice-a", "context-a", "compare", "markup", "speak"} <= set(reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_scrolls_sideways(opened: Open, width: int, scheme: str) -> None:
    page = opened(viewport={"width": width, "height": 780}, color_scheme=scheme)
    page.wait_for_selector(".block")
    page.check("#compare")
    page.wait_for_selector(".panel[data-side=b] .block", state="attached")
    speak(page, "Pneumonoultramicroscopicsilicovolcanoconiosis " * 2 + "https://example.org/" + "a" * 80)
    is_complete(page, "b")
    page.eval_on_selector_all("details", "all => all.forEach(e => (e.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().height < 24).map(e => e.outerHTML)"
    assert page.eval_on_selector_all("button, select, summary, textarea, input:not([type=checkbox])", small) == []


def test_everything_has_a_name(page: Any) -> None:
    page.check("#compare")
    page.wait_for_selector(".panel[data-side=b] .block")
    named = "all => all.filter(e => !e.labels?.length && !e.textContent.trim() && !e.ariaLabel).map(e => e.outerHTML)"
    assert page.eval_on_selector_all("input, select, textarea, button, summary, [role=slider]", named) == []


def test_the_policy_blocks_other_hosts_and_markup(browser: Any, site: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(path=Path(__file__).parent / "page_probe.js")
    page.goto(site)
    page.evaluate("document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/other.png' }))")
    wait(page, "probe.violations.includes('img-src')")
    script = "() => { try { document.body.innerHTML = '<b>x</b>' } catch (error) { return error.name } }"
    assert page.evaluate(script) == "TypeError"
    context.close()
