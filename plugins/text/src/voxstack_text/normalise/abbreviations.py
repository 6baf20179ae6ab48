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
        "CIA EST CO LED VIP ASP FBI USB "
        "UFO CEO CFO CTO CIO NBA ATM UAE IRS GDP DNA HIV ETA FYI AKA"
    ).split()
)
"""Acronyms that are spelled although there are words with these letters."""

ALSO_WORDS = frozenset("US IT AM WHO AI LED OR ME IN AID HE LA CO EST ER OS ID HR".split())
"""Those acronyms that are words too, in a run of capitals."""

MIXED = {"iOS": "I O S", "macOS": "mac O S", "iPadOS": "ipad O S"}
"""Names written in small and capital letters."""

REFERENCES = {
    "ch": "chapter",
    "chs": "chapters",
    "chap": "chapter",
    "chaps": "chapters",
    "art": "article",
    "arts": "articles",
    "par": "paragraph",
    "para": "paragraph",
    "paras": "paragraphs",
    "sec": "section",
    "secs": "sections",
    "sect": "section",
    "fig": "figure",
    "figs": "figures",
    "eq": "equation",
    "eqs": "equations",
    "eqn": "equation",
    "tab": "table",
    "tabs": "tables",
    "vol": "volume",
    "vols": "volumes",
    "pt": "part",
    "pts": "parts",
    "bk": "book",
    "ed": "edition",
    "ex": "example",
    "exs": "examples",
    "cl": "clause",
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "l": "line",
    "ll": "lines",
    "vv": "verses",
    "app": "appendix",
    "ref": "reference",
    "refs": "references",
    "iss": "issue",
    "ep": "episode",
    "eps": "episodes",
    "ste": "suite",
    "rm": "room",
    "apt": "apartment",
    "bldg": "building",
    "fl": "floor",
    "hwy": "highway",
    "rte": "route",
    "ver": "version",
    "prop": "proposition",
    "thm": "theorem",
    "def": "definition",
    "tel": "telephone",
    "ext": "extension",
    "col": "column",
    "cols": "columns",
    "rev": "revision",
    "max": "maximum",
    "min": "minimum",
    "approx": "approximately",
    "avg": "average",
}
"""Words of abbreviations that have a period and a number after them; a capital may begin them."""

BEFORE_YEAR = {
    "b": "born",
    "d": "died",
    "c": "circa",
    "ca": "circa",
    "r": "reigned",
    "fl": "flourished",
    "est": "established",
}
"""Words of abbreviations that have a period and a year after them."""

_BOOKS = """
genesis Gen Gn; exodus Exod Exo Ex; leviticus Lev Lv; numbers Num Nm; deuteronomy Deut Dt; joshua Josh Jos
judges Judg Jdg; ruth Ru; samuel Sam Sm; kings Kgs Kin; chronicles Chron Chr; ezra Ezr; nehemiah Neh; esther Esth Est
job Jb; psalm Psa; psalms Ps Pss; proverbs Prov Prv; ecclesiastes Eccles Eccl; isaiah Isa Is; jeremiah Jer
lamentations Lam; ezekiel Ezek Ez; daniel Dan Dn; hosea Hos; joel Jl; amos Am; obadiah Obad; jonah Jon; micah Mic
nahum Nah; habakkuk Hab; zephaniah Zeph; haggai Hag; zechariah Zech; malachi Mal
matthew Matt Mt; mark Mk; luke Lk; john Jn; acts; romans Rom; corinthians Cor; galatians Gal; ephesians Eph
philippians Phil; colossians Col; thessalonians Thess Thes; timothy Tim; titus Tit; philemon Philem; hebrews Heb
james Jas; peter Pet Pt; jude; revelation Rev Rv; sirach Sir; wisdom Wis; tobit Tob; judith Jdt; maccabees Macc
"""
BOOKS = {
    form: name
    for name, *forms in (entry.split() for entry in _BOOKS.replace("\n", ";").split(";") if entry.strip())
    for form in (name.capitalize(), *forms)
}
"""Names of the books of the Bible, by these and their abbreviations."""
