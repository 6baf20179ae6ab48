"""SSML documents: well-formed ones of every element, and mutations of them."""

# ruff: noqa: RUF001, RUF005 -- texts of all kinds are the subject
from __future__ import annotations

from collections.abc import Callable
from random import Random
from xml.sax.saxutils import escape, quoteattr

from tests.campaign.parts._texts import PHONES, text

RATES = ["slow", "x-fast", "120%", "+20%", "1.2", "0.5", "medium"]
VOLUMES = ["+3dB", "-60dB", "soft", "silent", "loud"]
PITCHES = ["+2st", "-10%", "high", "x-low"]
JUNK = ["", "9" * 400, "1e9", "-1", "٣", "x" * 3000, "nan", "inf", "0", "100000000%", "\ud83d", "&lt;", "'", "+99999st"]
SAID = {
    "characters": ["A1-B2", "123", "x" * 50, "$5", "%", ""],
    "spell-out": ["voxstack", "a b"],
    "cardinal": ["1,234", "-5.5", "XIV", "9" * 30],
    "ordinal": ["3", "22nd", "IV"],
    "date": ["7/4/2021", "2021-07-04", "July 4, 2021", "5/99"],
    "time": ["5:30pm", "17:45:10"],
    "telephone": ["+1 (555) 010-9999", "555-CALL-ME", "5" * 90],
}
"""Text by the value of ``interpret-as``."""

WRONG = {
    "characters": ["é"],
    "cardinal": ["two", "IIII", "M" * 9, "", "1" * 5000 + "."],
    "ordinal": ["9" * 16, ""],
    "date": ["13/13/13", "1" * 5000, "/"],
    "time": ["99:99", "noon"],
    "telephone": ["CALL-ME"],
    "address": ["1 Main St"],
}


def document(draw: Random, longest: int) -> str:
    """Return a document of about ``longest`` characters of content, half of the time with mutations."""
    body = _content(draw, draw.randint(1, longest), draw.choice([1, 2, 4]))
    if draw.random() < 0.25:
        body += _many(draw)
    head = draw.choice(["", "", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>'])
    lang = draw.choice(["", ' xml:lang="en-US"', ' xmlns="http://www.w3.org/2001/10/synthesis"', ' version="1.1"'])
    whole = f"{head}<speak{lang}>{body}</speak>"
    for _ in range(draw.choice([0, 0, 0, 1, 1, 2, 5])):
        whole = draw.choice(MUTATIONS)(draw, whole)
    return whole


def _content(draw: Random, longest: int, depth: int) -> str:
    found: list[str] = []
    size = 0
    while size < longest:
        found.append(draw.choice(MAKERS)(draw, max(1, (longest - size) // 2), depth))
        size += len(found[-1]) + 1
    return "".join(found)


def _text(draw: Random, room: int, depth: int) -> str:
    plain = "".join(character for character in text(draw, room) if character >= " " or character in "\n\t\r")
    if draw.random() < 0.98:
        plain = plain.encode("utf-8", "ignore").decode().replace("\uffff", "").replace("\ufffe", "")
    way = draw.random()
    if way < 0.05:
        return f"<![CDATA[{plain.replace(']]>', '')}]]>"
    if way < 0.1:
        return "".join(f"&#{ord(character)};" for character in plain[:50])
    return escape(plain)


def _wrapped(draw: Random, room: int, depth: int) -> str:
    name = draw.choice(["p", "s", "prosody", "prosody"])
    chosen = {"rate": RATES, "volume": VOLUMES, "pitch": PITCHES} if name == "prosody" else {}
    attributes = "".join(f' {key}="{draw.choice(of)}"' for key, of in chosen.items() if draw.random() < 0.4)
    return f"<{name}{attributes}>{_content(draw, room, depth - 1) if depth else ''}</{name}>"


def _empty(draw: Random, room: int, depth: int) -> str:
    return draw.choice(
        [
            f'<break time="{draw.choice(["300ms", "1.5s", "60s", "0s", ".5s"])}"/>',
            f'<break strength="{draw.choice(["none", "strong", "medium"])}"/>',
            f'<mark name="m{draw.randint(0, 9)}"/>',
            "<!-- no -->",
            "<?pi x?>",
        ]
    )


def _said(draw: Random, room: int, depth: int) -> str:
    table = WRONG if draw.random() < 0.03 else SAID
    kind = draw.choice(list(table))
    written = draw.choice(table[kind])
    written = escape(written * draw.choice([1, 1, 1, max(1, min(room, 9000) // (len(written) or 1))]))
    form = f' format="{draw.choice(["mdy", "dmy", "my", "y", "x"])}"' if draw.random() < 0.05 else ""
    return f'<say-as interpret-as="{kind}"{form}>{written}</say-as>'


def _replaced(draw: Random, room: int, depth: int) -> str:
    long = draw.choice([1, 1, 1, min(room, 1500)])
    if draw.random() < 0.4:
        alias = text(draw, 40 * long).encode("utf-8", "ignore").decode()
        alias = "".join(character for character in alias if character.isprintable())
        return f"<sub alias={quoteattr(alias)}>{escape('W3C' * draw.choice([0, 1, 30]))}</sub>"
    if draw.random() < 0.5:
        return f'<phoneme ph="{"ˈpæɹɪs həˈloʊ "[: draw.randint(1, 13)] * long}">Paris &amp; x</phoneme>'
    return f'<phoneme alphabet="x-voxstack" ph="{" ".join(draw.choices(PHONES, k=4 * long))}">x</phoneme>'


MAKERS: list[Callable[[Random, int, int], str]] = [_text, _text, _text, _wrapped, _wrapped, _empty, _said, _replaced]


def _many(draw: Random) -> str:
    """Return very many of one thing, or elements deep inside each other."""
    count = draw.choice([10, 100, 1000])
    unit = draw.choice(
        ['<mark name="a"/>', '<break time="20ms"/>', "<s>a</s>", "<s/>", "<p></p>", '<prosody rate="fast">a</prosody>']
        + [
            "<sub alias='x y'>a</sub>",
            "&amp;",
            "\n",
            "<!---->",
            "a<mark name='b'/>",
            "<phoneme ph='a'/>",
            "<![CDATA[a]]>",
        ]
        + ["<sub alias='x'>" + "a\n" * 9 + "</sub>", '<say-as interpret-as="characters">1</say-as> ', "]]&gt;", "&#97;"]
    )
    if draw.random() < 0.2:
        element = draw.choice(['prosody rate="medium"', "s", 'prosody volume="soft"', "p"])
        return f"<{element}>" * count + "a" + f"</{element.split()[0]}>" * count
    return unit * count


def _change_value(draw: Random, whole: str) -> str:
    before, quote, after = whole.partition('="')
    for _ in range(draw.randint(0, 3)):
        if '="' in after:
            more, quote, after = after.partition('="')
            before += '="' + more
    return before + quote + draw.choice(JUNK) + '"' + after.partition('"')[2]


def _delete(draw: Random, whole: str) -> str:
    start = draw.randrange(len(whole))
    return whole[:start] + whole[start + draw.randint(1, 30) :]


def _repeat(draw: Random, whole: str) -> str:
    start = draw.randrange(len(whole))
    end = start + draw.randint(1, 60)
    return whole[:end] + whole[start:end] * draw.choice([1, 2, 20]) + whole[end:]


def _insert(draw: Random, whole: str) -> str:
    pieces = [
        "<",
        ">",
        "&",
        "&x;",
        "</s>",
        "<s>",
        "<emphasis>",
        "]]>",
        "<![CDATA[",
        "<!--",
        "\x00",
        "\ud800",
        "<speak>",
        "'",
    ]
    pieces += ['<sub alias="x">', "<break>now</break>", ' a="b"', "<?xml?>", "&#0;", "&#xD800;", "&#x110000;", "<x:y/>"]
    pieces += [
        "<" + "x" * 5000 + "/>",
        '<audio src="x"/>',
        '<p xml:lang="de">',
        "<p " + 'q="1" ' * 500 + "/>",
        "\ufeff",
    ]
    place = draw.randrange(len(whole) + 1)
    return whole[:place] + draw.choice(pieces) + whole[place:]


def _declare(draw: Random, whole: str) -> str:
    bomb = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(12))
    kinds = [f'<!DOCTYPE speak [<!ENTITY e0 "ha">{bomb}]>', '<!DOCTYPE speak SYSTEM "file:///etc/hostname">']
    return draw.choice(kinds) + whole.replace("</speak>", "&e12;</speak>")


def _swap(draw: Random, whole: str) -> str:
    a, b, c = sorted(draw.randrange(len(whole) + 1) for _ in range(3))
    return whole[:a] + whole[b:c] + whole[a:b] + whole[c:]


MUTATIONS: list[Callable[[Random, str], str]] = [
    _change_value,
    _delete,
    _repeat,
    _insert,
    _insert,
    _repeat,
    _delete,
    _change_value,
    _change_value,
    _swap,
    _declare,
]
