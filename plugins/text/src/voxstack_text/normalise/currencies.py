"""Names of currencies, by the signs and ISO 4217 codes that amounts are written with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

_BY_CODE = Path(__file__).parents[1] / "data" / "currencies.tsv"


class Currency(NamedTuple):
    """Singular and plural of a currency and of its hundredth, which is empty where it has none in use."""

    singular: str
    plural: str
    cent: str = ""
    cents: str = ""


_CENTS = ("cent", "cents")
_PENCE = ("penny", "pence")
_DOLLARS = {
    "C": "canadian",
    "CA": "canadian",
    "Can": "canadian",
    "A": "australian",
    "AU": "australian",
    "NZ": "new zealand",
    "HK": "hong kong",
    "S": "singapore",
    "SG": "singapore",
    "NT": "new taiwan",
    "TT": "trinidad and tobago",
    "EC": "east caribbean",
    "J": "jamaican",
    "N": "namibian",
    "FJ": "fijian",
    "BZ": "belize",
    "B": "bahamian",
}
"""Words before "dollar", by the letters before its sign."""

SIGNS: dict[str, Currency] = {
    "$": Currency("dollar", "dollars", *_CENTS),
    **{f"{letters}$": Currency(f"{word} dollar", f"{word} dollars", *_CENTS) for letters, word in _DOLLARS.items()},
    "US$": Currency("dollar", "dollars", *_CENTS),
    "MX$": Currency("mexican peso", "mexican pesos", "centavo", "centavos"),
    "R$": Currency("real", "reais", "centavo", "centavos"),
    "£": Currency("pound", "pounds", *_PENCE),
    "€": Currency("euro", "euros", *_CENTS),
    "¥": Currency("yen", "yen"),
    "₹": Currency("rupee", "rupees", "paisa", "paise"),
    "₨": Currency("rupee", "rupees", "paisa", "paise"),
    "₩": Currency("won", "won"),
    "₽": Currency("ruble", "rubles", "kopeck", "kopecks"),
    "₺": Currency("lira", "lira", "kurus", "kurus"),
    "₤": Currency("lira", "lire"),
    "₪": Currency("shekel", "shekels", "agora", "agorot"),
    "฿": Currency("baht", "baht", "satang", "satang"),
    "₫": Currency("dong", "dong"),
    "₴": Currency("hryvnia", "hryvnias", "kopeck", "kopecks"),
    "₦": Currency("naira", "naira", "kobo", "kobo"),
    "₱": Currency("peso", "pesos", "centavo", "centavos"),
    "₡": Currency("colon", "colones", "centimo", "centimos"),
    "₲": Currency("guarani", "guaranis"),
    "₵": Currency("cedi", "cedis", "pesewa", "pesewas"),
    "₸": Currency("tenge", "tenge"),
    "₼": Currency("manat", "manats"),
    "₾": Currency("lari", "lari", "tetri", "tetri"),
    "₮": Currency("tugrik", "tugriks"),
    "₭": Currency("kip", "kip"),
    "៛": Currency("riel", "riels"),
    "৳": Currency("taka", "taka"),
    "֏": Currency("dram", "drams"),
    "؋": Currency("afghani", "afghanis"),
    "﷼": Currency("rial", "rials"),
    "₿": Currency("bitcoin", "bitcoin"),
}
"""Currencies by their signs, with the letters that belong to them."""

ABBREVIATED: dict[str, Currency] = {
    "Rs": SIGNS["₹"],
    "Rp": Currency("rupiah", "rupiah"),
    "RM": Currency("ringgit", "ringgit", "sen", "sen"),
    "KSh": Currency("kenyan shilling", "kenyan shillings", *_CENTS),
    "Ksh": Currency("kenyan shilling", "kenyan shillings", *_CENTS),
    "TSh": Currency("tanzanian shilling", "tanzanian shillings", *_CENTS),
    "USh": Currency("ugandan shilling", "ugandan shillings", *_CENTS),
    "Fr": Currency("franc", "francs", "centime", "centimes"),
    "zł": Currency("zloty", "zloty", "grosz", "groszy"),
    "zl": Currency("zloty", "zloty", "grosz", "groszy"),
    "kr": Currency("krona", "kronor"),
    "Kč": Currency("koruna", "koruny"),
    "Kc": Currency("koruna", "koruny"),
    "лв": Currency("lev", "leva"),
    "S/": Currency("sol", "soles", "centimo", "centimos"),
}
"""Currencies by abbreviations of letters, which may have a period."""

BEFORE = ("Rs", "Rp", "RM", "KSh", "Ksh", "TSh", "USh", "Fr", "S/", "kr")
"""Those of :data:`ABBREVIATED` that are written before the number."""

AFTER = ("zł", "zl", "kr", "Kč", "Kc", "лв", "Rs")
"""Those of :data:`ABBREVIATED` that are written after the number."""

_KNOWN_BY_ONE_WORD = {
    "EUR": SIGNS["€"],
    "GBP": SIGNS["£"],
    "JPY": SIGNS["¥"],
    "CNY": Currency("yuan", "yuan"),
    "RMB": Currency("yuan", "yuan"),
    "ILS": Currency("israeli shekel", "israeli shekels"),
    "BTC": Currency("bitcoin", "bitcoin"),
}
_STRONG = frozenset(
    "USD EUR GBP JPY CHF INR CNY RMB BTC AUD NZD SEK NOK DKK PLN CZK HUF ILS KRW BRL MXN ZAR SGD HKD".split()
)
"""Codes that are hardly anything else."""

_WORDS = frozenset("RON BSD CVE AMD PHP ALL TOP CUP TRY SOS GEL MAD PEN BAM COP SAR MOP BOB".split())
"""Codes that are words or other abbreviations too: they name a currency only after a number."""

_SHARED_CENTS = {"dollar": _CENTS, "pound": _PENCE, "franc": ("centime", "centimes"), "rupee": ("paisa", "paise")}


def is_strong(code: str) -> bool:
    """Return whether a code names its currency wherever it stands beside a number."""
    return code in _STRONG


def currency_of_code(code: str, before_number: bool) -> Currency | None:
    """Return the currency of an ISO 4217 code, or None where it stands for no currency.

    :param before_number: whether the code stands before the number.
    """
    if code in ("ALL", "TOP", "BAM", "MAD") or (before_number and code in _WORDS):
        return None
    return _KNOWN_BY_ONE_WORD.get(code) or _by_code().get(code)


@cache
def _by_code() -> dict[str, Currency]:
    lines = (line for line in _BY_CODE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    rows = (line.split("\t") for line in lines)
    return {code: Currency(one, many, *_SHARED_CENTS.get(one.split()[-1], ())) for code, one, many in rows}
