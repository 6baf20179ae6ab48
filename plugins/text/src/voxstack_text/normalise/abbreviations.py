"""Abbreviations and acronyms, with the words that they are read as."""

from __future__ import annotations

ABBREVIATIONS = {
    "Mr": "mister",
    "Mrs": "missus",
    "Ms": "ms",
    "Messrs": "messers",
    "Prof": "professor",
    "Rev": "reverend",
    "Hon": "honorable",
    "Gen": "general",
    "Col": "colonel",
    "Capt": "captain",
    "Cmdr": "commander",
    "Lt": "lieutenant",
    "Sgt": "sergeant",
    "Maj": "major",
    "Gov": "governor",
    "Sen": "senator",
    "Rep": "representative",
    "Pres": "president",
    "Jr": "junior",
    "Sr": "senior",
    "Ave": "avenue",
    "Blvd": "boulevard",
    "Rd": "road",
    "Ln": "lane",
    "Hwy": "highway",
    "Mt": "mount",
    "Ft": "fort",
    "Inc": "incorporated",
    "Ltd": "limited",
    "Corp": "corporation",
    "Co": "company",
    "Bros": "brothers",
    "Dept": "department",
    "dept": "department",
    "Univ": "university",
    "Assn": "association",
    "etc": "et cetera",
    "vs": "versus",
    "approx": "approximately",
    "est": "established",
    "ext": "extension",
    "misc": "miscellaneous",
    "max": "maximum",
    "tel": "telephone",
    "Tel": "telephone",
    "avg": "average",
    "incl": "including",
    "cf": "compare",
    "ca": "circa",
    "Fig": "figure",
    "fig": "figure",
    "Vol": "volume",
    "vol": "volume",
    "Eq": "equation",
    "eq": "equation",
    "Sec": "section",
    "Ch": "chapter",
    "al": "al",
    "cont": "continued",
    "Apt": "apartment",
    "apt": "apartment",
    "Rte": "route",
    "Pkwy": "parkway",
    "Sq": "square",
}
"""Words of abbreviations that are followed by a period."""

WITHOUT_PERIOD = frozenset("Mr Mrs Ms Prof Blvd Jr Sr Lt Sgt Capt vs approx etc Dept dept Univ Inc Ltd Corp".split())
"""Those of :data:`ABBREVIATIONS` that are also read without a period."""

DOTTED = {
    "e.g.": "for example",
    "i.e.": "that is",
    "a.m.": "A M",
    "p.m.": "P M",
    "ph.d.": "P H D",
    "w/o": "without",
    "w/": "with",
}
"""Words of abbreviations with periods or slashes inside."""

SPELLED = frozenset(
    (
        "US USA AI PC TV IT EU UN UK ID IQ DJ PR HR GP MP VP AM PM DIY CEO FAQ AC DC LA DC ER IP OS URL TB "
        "CIA EST CO LED VIP"
    ).split()
)
"""Acronyms that are spelled although there are words with these letters."""

MIXED = {"iOS": "I O S", "macOS": "mac O S", "iPadOS": "ipad O S"}
"""Names written in small and capital letters."""
