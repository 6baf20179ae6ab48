"""The table of homographs: their pronunciations, and the words that select each."""

from __future__ import annotations

from typing import NamedTuple

from voxstack_text.pronunciation.symbols import Pronunciation, checked

_BEFORE_VERB = frozenset(
    (
        "to will would can could shall should may might must do does did don't doesn't didn't won't wouldn't "
        "can't cannot couldn't shouldn't not i you we they let's please always never often who 'll i'll "
        "you'll we'll they'll he'll she'll it'll i'd you'd we'd"
    ).split()
)
"""Words that come before a verb."""

_BEFORE_NOUN = frozenset(
    (
        "the a an this that these those my your his her its our their no some any of in for with much little "
        "such good every"
    ).split()
)
_BEFORE_PARTICIPLE = frozenset(
    (
        "have has had having was were been be being is are i've you've we've they've he's she's it's already "
        "just he she it"
    ).split()
)
_INFINITIVE = frozenset(
    (
        "to will would can could shall should may might must do did does don't doesn't didn't won't can't let's please"
    ).split()
)
"""Words before the plain form of a verb."""

_AFTER_MOTION = frozenset("into in off down out over from under".split())


_OBJECTS = frozenset(
    (
        "the a an it them this that these those me us him her my your his our their its all each every both everything "
        "everyone any some only no two three"
    ).split()
)
"""Words that come after an imperative: its object, or the beginning of one."""


class Variant(NamedTuple):
    """One pronunciation, and what selects it; without anything, it is the default.

    :param before: words right before.
    :param after: words right after.
    :param near: words anywhere in the sentence.
    :param imperative: words right after, at the beginning of a clause.
    :param past: whether a word that names a time in the past, anywhere in the sentence, selects it.
    """

    phones: Pronunciation
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    imperative: frozenset[str] = frozenset()
    past: bool = False


Words = frozenset[str] | str


def _variant(
    phones: str, before: Words = "", after: Words = "", near: Words = "", imperative: Words = "", past: bool = False
) -> Variant:
    return Variant(checked(phones.split(), phones), _set(before), _set(after), _set(near), _set(imperative), past)


def _set(words: Words) -> frozenset[str]:
    return frozenset(words.split()) if isinstance(words, str) else words


def _verb_else_noun(verb: str, noun: str, after: Words = "") -> tuple[Variant, Variant]:
    return _variant(verb, _BEFORE_VERB, after, "", _OBJECTS), _variant(noun)


def _ate(stem: str) -> tuple[Variant, Variant]:
    """Return the variants of a word in -ate that is a verb, or an adjective or noun."""
    return _verb_else_noun(f"{stem} ey0 t", f"{stem} ax0 t")


HOMOGRAPHS: dict[str, tuple[Variant, ...]] = {
    "segment": _verb_else_noun("s eh0 g m eh1 n t", "s eh1 g m ax0 n t"),
    "impact": _verb_else_noun("ih0 m p ae1 k t", "ih1 m p ae0 k t"),
    "torment": _verb_else_noun("t ao0 r m eh1 n t", "t ao1 r m eh0 n t"),
    "refund": _verb_else_noun("r ih0 f ah1 n d", "r iy1 f ah0 n d"),
    "combine": _verb_else_noun("k ax0 m b ay1 n", "k aa1 m b ay0 n"),
    "exploit": _verb_else_noun("ih0 k s p l oy1 t", "eh1 k s p l oy0 t"),
    "contest": _verb_else_noun("k ax0 n t eh1 s t", "k aa1 n t eh0 s t"),
    "compress": _verb_else_noun("k ax0 m p r eh1 s", "k aa1 m p r eh0 s"),
    "reject": _verb_else_noun("r ih0 jh eh1 k t", "r iy1 jh eh0 k t"),
    "decrease": _verb_else_noun("d ih0 k r iy1 s", "d iy1 k r iy0 s"),
    "convert": _verb_else_noun("k ax0 n v er1 t", "k aa1 n v er0 t"),
    "contrast": _verb_else_noun("k ax0 n t r ae1 s t", "k aa1 n t r ae0 s t"),
    "extract": _verb_else_noun("ih0 k s t r ae1 k t", "eh1 k s t r ae0 k t"),
    "insert": _verb_else_noun("ih0 n s er1 t", "ih1 n s er0 t"),
    "export": _verb_else_noun("ih0 k s p ao1 r t", "eh1 k s p ao0 r t"),
    "import": _verb_else_noun("ih0 m p ao1 r t", "ih1 m p ao0 r t"),
    "abuse": _verb_else_noun("ax0 b y uw1 z", "ax0 b y uw1 s"),
    "advocate": _ate("ae1 d v ax0 k"),
    "alternate": _ate("ao1 l t er0 n"),
    "bass": (
        _variant(
            "b ae1 s",
            "sea striped largemouth smallmouth caught grilled",
            "fishing boat pond",
            "fish fished fishing lake river pond angler anglers bait trout perch hook hooked caught fillet",
        ),
        _variant("b ey1 s"),
    ),
    "bow": (
        _variant("b aw1", _BEFORE_VERB, "before down out", "take took takes taking deep stern ship polite audience"),
        _variant("b ow1"),
    ),
    "close": (
        _variant(
            "k l ow1 s",
            "so too very is was are were be get gets got came come how as stay stand",
            "to friend friends enough call by relationship range race",
        ),
        _variant("k l ow1 z"),
    ),
    "conduct": _verb_else_noun("k ax0 n d ah1 k t", "k aa1 n d ah0 k t"),
    "conflict": _verb_else_noun("k ax0 n f l ih1 k t", "k aa1 n f l ih0 k t"),
    "content": (
        _variant("k ax0 n t eh1 n t", "was is are be feel felt feels quite perfectly were", "with to"),
        _variant("k aa1 n t eh0 n t"),
    ),
    "contract": _verb_else_noun("k ax0 n t r ae1 k t", "k aa1 n t r ae0 k t"),
    "convict": _verb_else_noun("k ax0 n v ih1 k t", "k aa1 n v ih0 k t"),
    "delegate": _ate("d eh1 l ax0 g"),
    "desert": _verb_else_noun("d ih0 z er1 t", "d eh1 z er0 t"),
    "dove": (_variant("d ow1 v", "", _AFTER_MOTION), _variant("d ah1 v")),
    "duplicate": _ate("d uw1 p l ax0 k"),
    "elaborate": _ate("ih0 l ae1 b r"),
    "estimate": _ate("eh1 s t ax0 m"),
    "excuse": _verb_else_noun("ih0 k s k y uw1 z", "ih0 k s k y uw1 s"),
    "graduate": (
        _variant("g r ae1 jh uw0 ey0 t", _BEFORE_VERB, "from", "", _OBJECTS),
        _variant("g r ae1 jh ax0 w ax0 t"),
    ),
    "house": (
        _variant("hh aw1 z", "to will can could would must they we you may might should", "", "", _OBJECTS - {"two"}),
        _variant("hh aw1 s"),
    ),
    "increase": _verb_else_noun("ih0 n k r iy1 s", "ih1 n k r iy0 s"),
    "insult": _verb_else_noun("ih0 n s ah1 l t", "ih1 n s ax0 l t"),
    "invalid": (_variant("ih1 n v ax0 l ih0 d", "elderly helpless bedridden"), _variant("ih0 n v ae1 l ax0 d")),
    "lead": (
        _variant(
            "l eh1 d",
            "of molten contains containing",
            "pipe pipes paint poisoning bullet bullets acid weights exposure levels free",
            "metal zinc copper mercury toxic pencil",
        ),
        _variant("l iy1 d"),
    ),
    "live": (
        _variant(
            "l ay1 v",
            "a broadcast streamed went go goes going",
            "music show shows concert tv television broadcast stream audience performance wire coverage",
        ),
        _variant("l ih1 v"),
    ),
    "lives": (
        _variant("l ay1 v z", _BEFORE_NOUN | frozenset("many lost saved nine own human save".split())),
        _variant("l ih1 v z"),
    ),
    "minute": (
        _variant("m ay0 n uw1 t", "", "detail details amount amounts quantity quantities particles differences"),
        _variant("m ih1 n ax0 t"),
    ),
    "moderate": _ate("m aa1 d er0"),
    "object": (
        _variant("ax0 b jh eh1 k t", _BEFORE_VERB, "to strongly"),
        _variant("aa1 b jh eh0 k t"),
    ),
    "perfect": _verb_else_noun("p er0 f eh1 k t", "p er1 f ax0 k t"),
    "permit": _verb_else_noun("p er0 m ih1 t", "p er1 m ih0 t"),
    "present": _verb_else_noun("p r ih0 z eh1 n t", "p r eh1 z ax0 n t"),
    "produce": (
        _variant("p r ow1 d uw0 s", "fresh organic farm local", "aisle section market"),
        _variant("p r ax0 d uw1 s"),
    ),
    "progress": _verb_else_noun("p r ax0 g r eh1 s", "p r aa1 g r eh0 s"),
    "project": _verb_else_noun("p r ax0 jh eh1 k t", "p r aa1 jh eh0 k t"),
    "protest": _verb_else_noun("p r ax0 t eh1 s t", "p r ow1 t eh0 s t"),
    "read": (
        _variant("r iy1 d", _INFINITIVE),
        _variant("r eh1 d", _BEFORE_PARTICIPLE, "", "have has had haven't hasn't", "", past=True),
        _variant("r iy1 d"),
    ),
    "rebel": _verb_else_noun("r ih0 b eh1 l", "r eh1 b ax0 l"),
    "record": _verb_else_noun("r ih0 k ao1 r d", "r eh1 k er0 d"),
    "refuse": (_variant("r eh1 f y uw0 s", "the of household", "collection bin bins"), _variant("r ih0 f y uw1 z")),
    "resume": (_variant("r eh1 z ax0 m ey0", _BEFORE_NOUN), _variant("r ih0 z uw1 m")),
    "separate": _ate("s eh1 p r"),
    "sow": (_variant("s aw1", "the"), _variant("s ow1")),
    "subject": _verb_else_noun("s ax0 b jh eh1 k t", "s ah1 b jh ih0 k t"),
    "suspect": (_variant("s ah1 s p eh0 k t", _BEFORE_NOUN | frozenset({"prime"})), _variant("s ax0 s p eh1 k t")),
    "tear": (
        _variant("t eh1 r", _BEFORE_VERB, "up down apart off it through along", "paper fabric ligament", _OBJECTS),
        _variant("t ih1 r"),
    ),
    "transport": _verb_else_noun("t r ae0 n s p ao1 r t", "t r ae1 n s p ao0 r t"),
    "use": (_variant("y uw1 s", _BEFORE_NOUN, "of case cases"), _variant("y uw1 z")),
    "uses": (
        _variant("y uw1 s ax0 z", _BEFORE_NOUN | frozenset("many other several common".split()), "of for"),
        _variant("y uw1 z ax0 z"),
    ),
    "wind": (_variant("w ay1 n d", _INFINITIVE, "up down back the it", "", _OBJECTS), _variant("w ih1 n d")),
    "wound": (
        _variant(
            "w aw1 n d",
            "he she it they we i you who was were is are been had has have river road path snake tightly",
            "up down around round back tight tightly its the his her their through along",
        ),
        _variant("w uw1 n d"),
    ),
}
"""Variants by word: the first whose adjacent word is present is taken, otherwise the last."""
