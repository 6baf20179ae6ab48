"""Words for what is written short: months, units, abbreviations, symbols."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

MONTHS = "january february march april may june july august september october november december".split()
MONTH_FORMS = {form: month for month in MONTHS for form in (month.capitalize(), month[:3].capitalize())} | {
    "Sept": "september"
}
WEEKDAY_FORMS = {
    "Mon": "monday",
    "Tue": "tuesday",
    "Tues": "tuesday",
    "Wed": "wednesday",
    "Thu": "thursday",
    "Thur": "thursday",
    "Thurs": "thursday",
    "Fri": "friday",
    "Sat": "saturday",
    "Sun": "sunday",
}

_UNITS = """
km kilometer; m meter; cm centimeter; mm millimeter; μm micrometer; nm nanometer; mi mile; yd yard; ha hectare
kg kilogram; g gram; mg milligram; μg microgram; lb pound; lbs pound; oz ounce
l liter; L liter; ml milliliter; mL milliliter; gal gallon
s second; sec second; secs second; ms millisecond; μs microsecond; ns nanosecond; min minute; mins minute; h hour; hr hour; hrs hour
Hz hertz; kHz kilohertz; MHz megahertz; GHz gigahertz; THz terahertz; dB decibel
V volt; mV millivolt; kV kilovolt; W watt; mW milliwatt; kW kilowatt; MW megawatt; GW gigawatt; kWh kilowatt hour; J joule; kJ kilojoule
kcal kilocalorie; cal calorie; Pa pascal; hPa hectopascal; kPa kilopascal; mA milliamp; N newton
kB kilobyte; KB kilobyte; MB megabyte; GB gigabyte; TB terabyte; PB petabyte; kb kilobit; Mb megabit; Gb gigabit; px pixel
"""
_INVARIABLE = {"hertz", "kilohertz", "megahertz", "gigahertz", "terahertz"}
UNITS: dict[str, tuple[str, str]] = {
    short: (full, full if full in _INVARIABLE else full + "s")
    for short, _, full in (
        entry.strip().partition(" ") for entry in _UNITS.replace("\n", ";").split(";") if entry.strip()
    )
} | {
    "ft": ("foot", "feet"),
    "°C": ("degree celsius", "degrees celsius"),
    "°F": ("degree fahrenheit", "degrees fahrenheit"),
    "°": ("degree", "degrees"),
    "mph": ("mile per hour", "miles per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "m/s": ("meter per second", "meters per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "fps": ("frame per second", "frames per second"),
    "psi": ("pound per square inch", "pounds per square inch"),
    "ppm": ("part per million", "parts per million"),
    "km2": ("square kilometer", "square kilometers"),
    "m2": ("square meter", "square meters"),
    "cm2": ("square centimeter", "square centimeters"),
    "m3": ("cubic meter", "cubic meters"),
    "cm3": ("cubic centimeter", "cubic centimeters"),
    "sq ft": ("square foot", "square feet"),
    "bpm": ("beat per minute", "beats per minute"),
    "hp": ("horsepower", "horsepower"),
    "sq. ft": ("square foot", "square feet"),
    "mpg": ("mile per gallon", "miles per gallon"),
    "tbsp": ("tablespoon", "tablespoons"),
    "tsp": ("teaspoon", "teaspoons"),
    "Ω": ("ohm", "ohms"),
    "km^2": ("square kilometer", "square kilometers"),
    "m^2": ("square meter", "square meters"),
    "cm^2": ("square centimeter", "square centimeters"),
    "mm^2": ("square millimeter", "square millimeters"),
    "ft^2": ("square foot", "square feet"),
    "in^2": ("square inch", "square inches"),
    "m^3": ("cubic meter", "cubic meters"),
    "cm^3": ("cubic centimeter", "cubic centimeters"),
}
"""Singular and plural; inch is not there, as "5 in" is mostly not of inches."""

PER = {
    word: word
    for word in "second minute hour day night week month quarter year person gallon mile pound ounce piece unit".split()
} | {
    "s": "second",
    "sec": "second",
    "min": "minute",
    "h": "hour",
    "hr": "hour",
    "wk": "week",
    "mo": "month",
    "yr": "year",
    "kg": "kilogram",
    "g": "gram",
    "lb": "pound",
    "oz": "ounce",
    "gal": "gallon",
    "mi": "mile",
    "m": "meter",
    "cm": "centimeter",
    "L": "liter",
    "l": "liter",
}
"""What may stand behind the stroke of "$15/hr" and "5 km/s"."""

VERSIONED = "version Version release Release Python Ubuntu Java Android iOS macOS Linux Node Ruby Rust PHP".split()
"""Words before numbers whose second part is a number too: "Python 3.12"."""

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
"""Read so where a period follows."""

WITHOUT_PERIOD = frozenset("Mr Mrs Ms Prof Blvd Jr Sr Lt Sgt Capt vs approx etc Dept dept Univ Inc Ltd Corp".split())
"""Abbreviations that are read so without a period as well."""

DOTTED = {
    "e.g.": "for example",
    "i.e.": "that is",
    "a.m.": "A M",
    "p.m.": "P M",
    "ph.d.": "P H D",
    "w/o": "without",
    "w/": "with",
}

SYMBOLS = {
    "&": "and",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "#": "number",
    "%": "percent",
    "°": "degrees",
    "§": "section",
    "©": "copyright",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "≤": "is less than or equal to",
    "≥": "is greater than or equal to",
    "≠": "is not equal to",
    "≈": "is approximately equal to",
    "√": "the square root of",
    "∞": "infinity",
    "<": "less than",
    ">": "greater than",
    "$": "dollars",
    "£": "pounds",
    "€": "euros",
    "¥": "yen",
    "¢": "cents",
}
ADDRESS_SYMBOLS = {
    ".": "dot",
    "/": "slash",
    "@": "at",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
}
"""In web addresses and e-mail addresses; others are silent."""

ADDRESS_WORDS = {"uk": "U K", "co": "co", "gov": "gov"}
"""Parts of addresses that are no words, or no letters, though they look so."""

SPELLED = frozenset(
    "US USA AI PC TV IT EU UN UK ID IQ DJ PR HR GP MP VP AM PM DIY CEO FAQ AC DC LA DC ER IP OS URL TB CIA EST CO LED VIP".split()
)
"""Capitals that are spelled though there are words of these letters."""

MIXED = {"iOS": "I O S", "macOS": "mac O S", "iPadOS": "ipad O S"}
"""Names that are written small and large."""

COUNTED = frozenset(
    "chapter part act book volume section appendix phase type class war article scene stage level title grade tier bowl".split()
)
"""Words that a Roman numeral follows as a number: "World War II"."""

REIGNING = frozenset(
    (
        "henry edward george charles james william louis richard elizabeth john paul pius benedict philip napoleon alexander "
        "catherine peter nicholas leo gregory innocent urban clement francis frederick wilhelm otto mary ivan ferdinand leopold "
        "haakon christian gustav carl margaret joseph franz rameses ramses ptolemy"
    ).split()
)
"""Names that a Roman numeral follows as an ordinal: "Henry VIII"."""
