"""The tokens of KittenTTS 1, which its files do not contain: those of StyleTTS 2."""

from __future__ import annotations

import string

_MARKS = ';:,.!?¡¿—…"«»"" '
_IPA = (
    "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃˈˌːˑʼʴʰʱʲʷˠˤ˞↓↑→↗↘'\u0329'ᵻ"
)
_ALL = f"${_MARKS}{string.ascii_uppercase}{string.ascii_lowercase}{_IPA}"

SYMBOLS = {symbol: [token] for token, symbol in enumerate(_ALL)}
"""The token of each symbol; of one that the table has twice the last."""
