# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here
from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded

import voxstack
from voxstack_text.passage import Passage
from voxstack_text.ssml.elements import ELEMENTS
from voxstack_text.ssml.parser import parse_ssml
from voxstack_text.text import Text

TEXT = loaded(Text(), addon())
README = (Path(__file__).parents[1] / "README.md").read_text()


def passages(body: str, controls: Any = ()) -> list[Passage]:
    return list(parse_ssml(f"<speak>{body}</speak>", dict.fromkeys(controls)).passages(200, 500))


def read(body: str) -> list[dict[str, Any]]:
    return [dict(TEXT({"text": passage.text, "passage": passage})) for passage in passages(body)]


def spoken(body: str) -> str:
    """Return the phones of a document; a silence is its requested seconds, or a comma."""
    phones = []
    for entries in read(body):
        for phone, seconds in zip(entries["phones"], entries["pauses"], strict=True):
            phones.append(phone if phone != "pau" else "," if math.isnan(seconds) else f"{seconds:g}")
    return " ".join(phones)


def refusal(body: str) -> str:
    """Return the error of a document that is refused; it begins with a place."""
    with pytest.raises(voxstack.RequestError, match=r"^SSML, line \d+, column \d+: ") as caught:
        passages(body)
    return str(caught.value)


def test_plain_text_in_a_document_is_read_as_ever() -> None:
    assert [passage.text for passage in passages("Hello there. How are\n you?")] == ["Hello there.", "How are  you?"]
    namespace = "http://www.w3.org/2001/10/synthesis"
    source = f'<?xml version="1.0"?>\n<speak version="1.1" xmlns="{namespace}" xml:lang="en-US">Yes.</speak>'
    assert [passage.text for passage in parse_ssml(source, {}).passages(200, 500)] == ["Yes."]


def test_paragraphs_and_sentences_end_where_their_elements_do() -> None:
    found = passages("<p>One is here</p><p><s>Two is</s> <s>not: It Is</s></p> on")
    assert [passage.text for passage in found] == ["One is here", "Two is", "not: It Is", "on"]


@pytest.mark.parametrize(
    "body, words",
    [
        ("Dr. Smith &amp; <![CDATA[<b> & so]]> on", ["Dr.", "Smith", "&amp;", "<", "b", ">", "&", "so", "on"]),
        ("a <![CDATA[&]]> b; c <![CDATA[&]]>", ["a", "&", "b", "c", "&"]),
        ("Łódź &#65;&#x42;C, <p>naïve “é”</p>", ["Łódź", "&#65;&#x42;C", "naïve", "é"]),
        ("a<prosody rate='fast'>b c</prosody>d <!-- no --> e", ["a", "b", "c", "d", "e"]),
        (
            "the <sub alias='world wide web'>WWW</sub> is <say-as interpret-as='characters'>on</say-as>.",
            ["the", "WWW", "is", "on"],
        ),
        ("It costs $3.50\r\nin <phoneme ph='ˈpæɹɪs'>Paris</phoneme>", ["It", "costs", "$3.50", "in", "Paris"]),
    ],
)
def test_words_come_from_their_place_in_the_source(body: str, words: list[str]) -> None:
    source = f"<speak>{body}</speak>"
    found = []
    for passage in parse_ssml(source, {}).passages(200, 500):
        words_of_passage = TEXT({"text": passage.text, "passage": passage})["words"]
        found += [source[passage.start + word.start : passage.start + word.end] for word in words_of_passage]
    assert found == words


@pytest.mark.parametrize(
    "body, expected",
    [
        ('One<break time="500ms"/> two.', ", w ah n 0.5 t uw ,"),
        ('One, <break time="1.5s"/>two.', ", w ah n 1.5 t uw ,"),
        ('One <break time="1s"/><break time="250ms"/> two.', ", w ah n 1.25 t uw ,"),
        ("One <break/> two.", ", w ah n , t uw ,"),
        ('One <break strength="strong"/> two.', ", w ah n 0.35 t uw ,"),
        ('One, <break strength="none"/> two.', ", w ah n t uw ,"),
        ('<break time="2s"/>One.', "2 w ah n ,"),
        ('One.<break time="2s"/>', ", w ah n 2"),
        ('<s>One</s> <break time="1s"/> <s>two</s>', ", w ah n 1 0 t uw ,"),
        ('<s>One <break time="1s"/></s><s>two</s>', ", w ah n 1 0 t uw ,"),
        ('<s>One</s><s> <break time="1s"/>two</s>', ", w ah n 1 0 t uw ,"),
        ('<s>One</s><break strength="medium"/><s>two</s>', ", w ah n , , t uw ,"),
        ('<s>One</s><break strength="none"/><s>two</s>', ", w ah n 0 0 t uw ,"),
        ('<break time="3s"/>', "3 0"),
        ("", ""),
    ],
)
def test_breaks_are_silences_of_their_length(body: str, expected: str) -> None:
    assert spoken(body) == expected


def test_prosody_holds_for_the_words_inside_also_across_sentences() -> None:
    one, two = read(
        'One <prosody rate="slow" volume="-6dB">two. '
        '<prosody rate="50%" volume="soft">Three</prosody> four</prosody> five.'
    )
    phones = {name: np.flatnonzero([phone == name for phone in two["phones"]])[0] for name in ("th", "f")}
    assert set(one["rates"][1:4]) == {1.0}
    assert (one["rates"][4], one["volumes"][4]) == (0.75, -6.0)
    assert (two["rates"][phones["th"]], two["volumes"][phones["th"]]) == (0.375, -12.0)
    assert (two["rates"][phones["f"]], two["volumes"][phones["f"]]) == (0.75, -6.0)
    assert (two["rates"][-2], two["volumes"][-2]) == (1.0, 0.0)


@pytest.mark.parametrize(
    "attribute, rate",
    [
        ("2", 2),
        ("150%", 1.5),
        ("+20%", 1.2),
        ("-20%", 0.8),
        ("x-slow", 0.5),
        ("medium", 1),
        ("x-fast", 1.75),
        (".5", 0.5),
    ],
)
def test_rates(attribute: str, rate: float) -> None:
    assert read(f'<prosody rate="{attribute}">yes</prosody>')[0]["rates"][1] == pytest.approx(rate)


@pytest.mark.parametrize(
    "attribute, db", [("+6dB", 6), ("-3.5dB", -3.5), ("silent", -math.inf), ("x-soft", -12), ("loud", 3)]
)
def test_volumes(attribute: str, db: float) -> None:
    assert read(f'<prosody volume="{attribute}">yes</prosody>')[0]["volumes"][1] == db


def test_pitch_is_for_voices_that_have_it_and_for_whole_sentences() -> None:
    assert "no control 'pitch'" in refusal('<prosody pitch="high">Yes.</prosody>')
    found = passages('One. <prosody pitch="+2st">Two. <prosody pitch="+100%">Three.</prosody></prosody>', ["pitch"])
    assert [passage.pitch for passage in found] == [0.0, 2.0, 14.0]
    with pytest.raises(voxstack.RequestError, match="changes inside a sentence"):
        passages('One <prosody pitch="high">two</prosody>', ["pitch"])


@pytest.mark.parametrize(
    "body, expected",
    [
        ('<phoneme ph="təˈmɑːtoʊ">tomato</phoneme>', "t ax m aa t ow"),
        ('<phoneme alphabet="x-voxstack" ph="hh ax0 l ow1">hello</phoneme>', "hh ax l ow"),
        ('<phoneme ph="tʃiːz"/>', "ch iy z"),
        ('<sub alias="Doctor Who">Dr. W.</sub>', "d aa k t er hh uw"),
        ('<say-as interpret-as="characters">a1</say-as>', "ey w ah n"),
        ("[[s ey1]]", "s ey"),
    ],
)
def test_what_is_spoken_instead_of_what_is_written(body: str, expected: str) -> None:
    assert spoken(body) == f", {expected} ,"


SAY_AS = """
characters | AbC-1 | A B C dash one
spell-out | x.y | X dot Y
cardinal | 1,234 | one thousand two hundred thirty four
cardinal | -5.5 | minus five point five
cardinal | XIV | fourteen
cardinal | 1985 | one thousand nine hundred eighty five
ordinal | 3 | third
ordinal | 22nd | twenty second
ordinal | IV | fourth
date | 7/4/2021 | july fourth twenty twenty one
date | 2021-07-04 | july fourth twenty twenty one
date:dmy | 4.7.2021 | the fourth of july twenty twenty one
date:md | 12/25 | december twenty fifth
date:my | 5/99 | may nineteen ninety nine
date:y | 1066 | ten sixty six
date | July 4, 2021 | July fourth twenty twenty one
time | 5:30pm | five thirty P M
time | 17:45:10 | seventeen forty five and ten seconds
telephone | +1 (555) 010-9999 | plus one , five five five , zero one zero , nine nine nine nine
"""


@pytest.mark.parametrize("row", SAY_AS.strip().splitlines())
def test_say_as(row: str) -> None:
    kind, written, expected = (part.strip() for part in row.split(" | "))
    kind, _, form = kind.partition(":")
    attributes = f'interpret-as="{kind}"' + f' format="{form}"' * bool(form)
    spelled = re.sub(r"\b([A-Z])\b", r'<say-as interpret-as="characters">\1</say-as>', expected)
    assert spoken(f"It is <say-as {attributes}>{written}</say-as> now") == spoken(f"It is {spelled} now")


def test_marks_are_reached_with_the_word_or_break_behind_them() -> None:
    body = (
        '<mark name="a"/>One <mark name="b"/>two <break time="1s"/><mark name="c"/> three<mark name="d"/>'
        '<break time="1s"/> four. '
    )
    (one, two) = read(body + '<mark name="e"/>Five.<mark name="f"/>')
    assert one["phones"] == "pau w ah n t uw pau th r iy pau f ao r pau".split()
    assert [(mark.text, mark.token) for mark in one["marks"]] == [("a", 1), ("b", 4), ("c", 7), ("d", 10)]
    assert [(mark.text, mark.token) for mark in two["marks"]] == [("e", 1), ("f", len(two["phones"]) - 1)]


def test_marks_beside_a_break_between_sentences() -> None:
    one, two = read('<s>One</s><mark name="a"/><break time="1s"/><mark name="b"/><s>two</s>')
    assert [(mark.text, mark.token) for mark in one["marks"]] == [("a", len(one["phones"]) - 1)]
    assert [(mark.text, mark.token) for mark in two["marks"]] == [("b", 1)]


@pytest.mark.parametrize(
    "body, match",
    [
        ("<break time='long'/>", 'time="long" is not a time such as 500ms'),
        ("<break time='61s'/>", "60 s at most"),
        ("<break time='1s'>now</break>", "<break> holds no text"),
        ("<break strength='huge'/>", "none, x-weak, weak"),
        ("<prosody rate='quick'>now</prosody>", 'rate="quick" is not supported; write a number'),
        ("<prosody rate='0'>now</prosody>", "between 0.1 and 10"),
        ("<prosody rate='5'><prosody rate='5'>now</prosody></prosody>", "make 25"),
        ("<prosody volume='11'>now</prosody>", "decibels such as -6dB"),
        ("<phoneme>now</phoneme>", 'no effect without ph="..."'),
        ("<phoneme ph='naʊ' alphabet='x-sampa'>now</phoneme>", "is not supported; write ipa, or x-voxstack"),
        ("<phoneme ph='yː'>now</phoneme>", "'y' stands for no phone"),
        ("<phoneme ph='n au' alphabet='x-voxstack'>now</phoneme>", "there is no phone 'au'; this voice has aa1"),
        ("<say-as>now</say-as>", "interpret-as"),
        ("<sub alias='x'>a <break/></sub>", "<sub> holds only text; close it before <break>"),
        ("<sub>now</sub>", "alias"),
        ("<mark/>", "name"),
        ("<speak>now</speak>", "one <speak>"),
        ("<prosody volume='40dB'><prosody volume='40dB'>now</prosody></prosody>", "make 80 dB"),
    ],
)
def test_what_is_not_known_is_refused_by_name_and_place(body: str, match: str) -> None:
    assert match in refusal(body)


@pytest.mark.parametrize(
    "body, words, warning",
    [
        ("a<emphasis level='strong'>b</emphasis>c", "a b c", "<emphasis> has no effect here"),
        ("a <voice name='Joe'>b</voice>", "a b", "<voice> has no effect here"),
        ("<lang xml:lang='fr-FR'>b</lang>", "b", "<lang> has no effect here"),
        ("<audio src='x.wav'>beep<desc>a beep</desc></audio>", "beep", "<audio> has no effect here"),
        ("<brake time='1s'/>now", "now", "<brake> is not supported; did you mean <break>?"),
        ("<vendor:effect name='whispered'>now</vendor:effect> then", "now then", "<vendor_effect> is not supported"),
        ("a<break duration='1s'/>b", "a b", "<break> has no attribute 'duration' here"),
        ("<prosody contour='(0%,+20Hz)'>now</prosody>", "now", "<prosody> has no attribute 'contour' here"),
        ("<p xml:lang='de-DE'>Nein</p>", "Nein", "this voice reads English, and so the text in 'de-DE', too"),
        ("<say-as interpret-as='poem'>now</say-as>", "now", "interpret-as='poem' is not supported; write one of"),
        ("<say-as interpret-as='cardinal'>now</say-as>", "now", "'now' is not a number"),
        ("<say-as interpret-as='date' format='mdy'>13/13</say-as>", "13/13", "the format 'mdy' has 3; it is read as"),
        ("<say-as interpret-as='date' format='ddd'>now</say-as>", "now", "is not a format of dates"),
        ("<say-as interpret-as='time'>now</say-as>", "now", "is not a time such as 5:30"),
        ("<say-as interpret-as='telephone'>now</say-as>", "now", "is not a telephone number"),
        ("<say-as interpret-as='characters'>a一</say-as>", "a一", "has no name here"),
    ],
)
def test_elements_without_an_effect_are_warned_about_and_their_text_is_read(
    body: str, words: str, warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert " ".join(passage.written for passage in passages(body)) == words
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("SSML, line 1, column ")
    assert warning in caplog.messages[0]


@pytest.mark.parametrize("element", ["metadata", "desc", "lexicon", "meta"])
def test_elements_that_are_not_for_speech_are_silent(element: str, caplog: pytest.LogCaptureFixture) -> None:
    assert [passage.text for passage in passages(f"now <{element}>not this</{element}>")] == ["now"]
    assert not caplog.messages


@pytest.mark.parametrize(
    "body, words",
    [
        ("seven<break time='1s'/>eight", ["seven", "eight"]),
        ("one<mark name='m'/>two", ["one", "two"]),
        ("a<prosody rate='slow'>b</prosody>c", ["a", "b", "c"]),
        ("<emphasis>Done</emphasis>, he said<emphasis>.</emphasis>", ["Done", "he", "said"]),
        ("caf&#233;s", ["cafés"]),
        ("a<!-- no -->b", ["ab"]),
    ],
)
def test_elements_end_words_and_nothing_else_does(body: str, words: list[str]) -> None:
    assert [word.text for entries in read(body) for word in entries["words"]] == words


@pytest.mark.parametrize(
    "body",
    [
        "<{}>now</{}>",
        "<break {}='1s'/>",
        "<break time='{}'/>",
        "<break strength='{}'/>",
        "<prosody rate='{}'>now</prosody>",
        "<prosody volume='{}'>now</prosody>",
        "<phoneme ph='{}@' alphabet='x-voxstack'>now</phoneme>",
        "<phoneme ph='{}@'>now</phoneme>",
        "<phoneme ph='a' alphabet='{}'>now</phoneme>",
        "<say-as interpret-as='{}'>now</say-as>",
        "<say-as interpret-as='cardinal'>{}</say-as>",
        "<say-as interpret-as='ordinal'>{}</say-as>",
        "<say-as interpret-as='date' format='{}'>1</say-as>",
        "<say-as interpret-as='date' format='md'>1 {}1</say-as>",
        "<say-as interpret-as='time'>{}</say-as>",
        "<say-as interpret-as='telephone'>{}</say-as>",
        "<p xml:lang='{}'>Nein</p>",
    ],
)
@pytest.mark.parametrize("filling", ["1", "x", "I", "ab "], ids=repr)
def test_long_values_make_no_long_errors(body: str, filling: str) -> None:
    try:
        passages(
            body.replace("{}", filling.strip() + filling * 20_000 if "time='" in body else filling.strip() * 20_000)
        )
    except voxstack.RequestError as error:
        assert len(str(error)) < 600


def test_pitches_have_a_bound() -> None:
    for pitch in ("+25st", "-30st", "9" * 400 + "st", "+1000%"):
        with pytest.raises(voxstack.RequestError, match="not between -24 and 24"):
            passages(f'<prosody pitch="{pitch}">Yes.</prosody>', ["pitch"])


def test_half_characters_are_refused_with_their_place() -> None:
    with pytest.raises(voxstack.RequestError, match=r"^SSML, line 2, column 3: U\+D83D is half a character"):
        parse_ssml("<speak>é\nab\ud83d</speak>", {})


def test_errors_and_warnings_name_line_and_column(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(voxstack.RequestError, match=r"^SSML, line 3, column 21: <break>"):
        parse_ssml("<speak>\n one\n é <break time='1s'>two</break></speak>", {})
    parse_ssml("<speak>\n one\n é <emph>two</emph></speak>", {})
    assert caplog.messages == ["SSML, line 3, column 4: <emph> is not supported; its text is spoken"]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "now",
        "<speak>now",
        "<speak>now</p></speak>",
        "<speak>a & b</speak>",
        "<speak>&nbsp;</speak>",
        "<s>now</s>",
        "<speak/><speak/>",
    ],
)
def test_what_is_no_document_is_refused(source: str) -> None:
    with pytest.raises(voxstack.RequestError, match=r"^SSML, line \d+, column \d+: "):
        parse_ssml(source, {})


BOMB = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(12))


@pytest.mark.parametrize(
    "source",
    [
        f'<!DOCTYPE speak [<!ENTITY e0 "ha">{BOMB}]><speak>&e12;</speak>',
        '<!DOCTYPE speak [<!ENTITY file SYSTEM "file:///etc/hostname">]><speak>&file;</speak>',
        '<!DOCTYPE speak SYSTEM "file:///etc/hostname"><speak>now</speak>',
        '<!DOCTYPE speak [<!ENTITY % more SYSTEM "file:///etc/hostname"> %more;]><speak>now</speak>',
    ],
)
def test_nothing_is_expanded_or_fetched(source: str) -> None:
    begin = time.perf_counter()
    with pytest.raises(voxstack.RequestError, match="leave them out"):
        parse_ssml(source, {})
    assert time.perf_counter() - begin < 1


def test_deep_nesting_is_no_trouble() -> None:
    depth = 20_000
    assert len(passages("<prosody rate='medium'>" * depth + "now" + "</prosody>" * depth)) == 1


def test_a_long_document_takes_time_in_proportion() -> None:
    body = (
        '<p>One <prosody rate="fast">two</prosody>, <mark name="m"/>three. <break time="1s"/>'
        'Four <sub alias="five">5</sub>.</p>' * 3000
    )
    found = passages(body)
    assert len(found) == 6000
    assert sum(len(passage.bookmarks) + len(passage.breaks) + len(passage.inserts) for passage in found) == 9000


def test_what_the_readme_shows_is_read() -> None:
    (source,) = re.findall(r"```xml\n(.*?)```", README, re.DOTALL)
    assert len(list(parse_ssml(source, {}).passages(200, 500))) > 2
    assert all(f"`{name}`" in README for name in ELEMENTS)
    assert {name for name in ELEMENTS if f"<{name}" in source} == set(ELEMENTS)
