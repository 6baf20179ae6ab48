"""Kana to the phonemes that Kokoro's Japanese voices were trained on.

The phonemes are those of misaki's Hepburn-like romanisation in IPA (https://github.com/hexgrad/misaki, Apache-2.0).
"""

from __future__ import annotations

_SYLLABLES = """
ぁ a   あ a   ぃ i   い i   ぅ ɯ   う ɯ   ぇ e   え e   ぉ o   お o   か ka   が ɡa   き kʲi
ぎ ɡʲi   く kɯ   ぐ ɡɯ   け ke   げ ɡe   こ ko   ご ɡo   さ sa   ざ ʣa   し ɕi   じ ʥi   す sɨ
ず zɨ   せ se   ぜ ʣe   そ so   ぞ ʣo   た ta   だ da   ち ʨi   ぢ ʥi   つ ʦɨ   づ zɨ   て te
で de   と to   ど do   な na   に ɲi   ぬ nɯ   ね ne   の no   は ha   ば ba   ぱ pa   ひ çi
び bʲi   ぴ pʲi   ふ ɸɯ   ぶ bɯ   ぷ pɯ   へ he   べ be   ぺ pe   ほ ho   ぼ bo   ぽ po   ま ma
み mʲi   む mɯ   め me   も mo   ゃ ja   や ja   ゅ jɯ   ゆ jɯ   ょ jo   よ jo   ら ɾa   り ɾʲi
る ɾɯ   れ ɾe   ろ ɾo   ゎ βa   わ βa   ゐ i   ゑ e   を o   ゔ vɯ   ゕ ka   ゖ ke   ヷ va
ヸ vʲi   ヹ ve   ヺ vo   いぇ je   うぃ βi   うぇ βe   うぉ βo   きぇ kʲe   きゃ kʲa   きゅ kʲɨ
きょ kʲo   ぎゃ ɡʲa   ぎゅ ɡʲɨ   ぎょ ɡʲo   くぁ kᵝa   くぃ kᵝi   くぇ kᵝe   くぉ kᵝo   ぐぁ ɡᵝa
ぐぃ ɡᵝi   ぐぇ ɡᵝe   ぐぉ ɡᵝo   しぇ ɕe   しゃ ɕa   しゅ ɕɨ   しょ ɕo   じぇ ʥe   じゃ ʥa   じゅ ʥɨ
じょ ʥo   ちぇ ʨe   ちゃ ʨa   ちゅ ʨɨ   ちょ ʨo   ぢゃ ʥa   ぢゅ ʥɨ   ぢょ ʥo   つぁ ʦa   つぃ ʦʲi
つぇ ʦe   つぉ ʦo   てぃ tʲi   てゅ tʲɨ   でぃ dʲi   でゅ dʲɨ   とぅ tɯ   どぅ dɯ   にぇ ɲe   にゃ ɲa
にゅ ɲɨ   にょ ɲo   ひぇ çe   ひゃ ça   ひゅ çɨ   ひょ ço   びゃ bʲa   びゅ bʲɨ   びょ bʲo   ぴゃ pʲa
ぴゅ pʲɨ   ぴょ pʲo   ふぁ ɸa   ふぃ ɸʲi   ふぇ ɸe   ふぉ ɸo   ふゅ ɸʲɨ   ふょ ɸʲo   みゃ mʲa   みゅ mʲɨ
みょ mʲo   りゃ ɾʲa   りゅ ɾʲɨ   りょ ɾʲo   ゔぁ va   ゔぃ vʲi   ゔぇ ve   ゔぉ vo   ゔゅ bʲɨ   ゔょ bʲo
"""
"""Each kana, or two that are one syllable, with its phonemes."""

SYLLABLES: dict[str, str] = dict(zip(*[iter(_SYLLABLES.split())] * 2, strict=True))

MARKS = {
    **dict(zip("。、？！：；（）《》【】，", ".,?!:;()()[],", strict=True)),
    **dict.fromkeys("「『«", "\u201c"),
    **dict.fromkeys("」』»", "\u201d"),
    **dict.fromkeys("～〜—", "—"),
    "・": " ",
}
"""Punctuation as the voices read it."""

SMALL = frozenset("ゃゅょぁぃぅぇぉ")
"""Kana that change the syllable before them."""

_SYMBOLS = {**SYLLABLES, **MARKS}
_LONG, _GEMINATE, _NASAL = "ー", "っ", "ん"
_NASALS = (("mpb", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾz", "n"))
"""The first phonemes of a syllable, and the nasal before them."""


def to_hiragana(text: str) -> str:
    """Return a text with its katakana as hiragana; what has no hiragana stays."""
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" or c in "ヽヾ" else c for c in text)


def phonemes_of(reading: str) -> str:
    """Return the phonemes of a word's reading in hiragana; characters that are none are left out."""
    found = []
    for index, kana in enumerate(reading):
        previous, following = reading[index - 1 : index], reading[index + 1 : index + 2]
        found.append(_phonemes(previous, kana, following))
    return "".join(found)


def _phonemes(previous: str, kana: str, following: str) -> str:
    """Return the phonemes of one kana between its neighbours; those of a pair are returned for its second."""
    if kana in "ゝゞ々〃":
        return _repeated(previous, kana)
    if previous and previous + kana in SYLLABLES:
        return SYLLABLES[previous + kana]
    if following and kana + following in SYLLABLES:
        return ""
    if following in SMALL and following:
        return "" if kana == _GEMINATE else _SYMBOLS.get(kana, "")[:-1] + SYLLABLES[following]
    if kana in SMALL:
        return ""
    if kana == _LONG:
        return "ː"
    if kana == _GEMINATE:
        return "ʔ"
    if kana == _NASAL:
        first = _SYMBOLS.get(following, "")[:1]
        return next((nasal for group, nasal in _NASALS if first and first in group), "ɴ")
    return _SYMBOLS.get(kana, "")


def _repeated(previous: str, mark: str) -> str:
    """Return what a mark of repetition stands for, as misaki writes it."""
    if mark == "ゝ":
        return previous
    voiced = dict(
        zip("かきくけこさしすせそたちつてとはひふへほ", "がぎぐげござじずぜぞだぢづでどばびぶべぼ", strict=True)
    )
    return SYLLABLES.get(voiced.get(previous, ""), "") if mark == "ゞ" else ""
