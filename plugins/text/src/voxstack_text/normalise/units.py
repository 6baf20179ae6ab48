"""Names of units of measurement, by their abbreviations."""

from __future__ import annotations

from collections.abc import Iterator

_PREFIXES = {
    "k": "kilo",
    "M": "mega",
    "G": "giga",
    "T": "tera",
    "P": "peta",
    "h": "hecto",
    "d": "deci",
    "c": "centi",
    "m": "milli",
    "μ": "micro",
    "u": "micro",
    "n": "nano",
    "p": "pico",
    "f": "femto",
    "Ki": "kibi",
    "Mi": "mebi",
    "Gi": "gibi",
    "Ti": "tebi",
}
_METRIC = """
m meter k d c m μ n p; g gram k m μ u n p; l liter d c m μ u; L liter h d c m μ u n; s second m μ u n p f
Hz hertz k M G T m; V volt k M m μ u; W watt k M G T m μ u; Wh watt-hour k M G T; J joule k M G m
A? amp m μ u n k; Ah amp-hour m k; F? farad m μ u n p; Ω ohm k M G m; Pa pascal h k M G; N newton k M
mol mole m μ u n p k; B? byte k M G T P Ki Mi Gi Ti; b? bit k M G T; bit bit k M G; eV electron-volt k M G T m
cal calorie k; Bq becquerel k M G; Sv sievert m μ u; Gy gray m; T? tesla m μ; H? henry m μ u; bar bar m
M? molar m μ u n; Da dalton k M; bps bit-per-second k M G; VA volt-amp k M; lm lumen; lx lux; cd candela; ha hectare
"""
"""Symbol, name and prefixes; a symbol with "?" is no unit without a prefix."""

_OTHER = """
mi mile; yd yard; lb pound; lbs pound; oz ounce; gal gallon; qt quart; qts quart; pts point; pt pint
tbsp tablespoon; tbsps tablespoon; Tbsp tablespoon; Tbsps tablespoon; tsp teaspoon; tsps teaspoon; Tsp teaspoon
sec second; secs second; min minute; mins minute; h hour; hr hour; hrs hour; wk week; wks week; mo month; mos month
yr year; yrs year; KB kilobyte; px pixel; mcg microgram; cc C-C; IU international-unit; dB decibel
dBm decibel-milliwatt
nmi nautical-mile; kn knot; kt knot; kts knot; ly light-year; au astronomical-unit; AU astronomical-unit
sqm square-meter; sqft square-foot; ac acre; bu bushel; ct carat; gr grain; atm atmosphere; rev revolution; dpi D-P-I
"""
_IRREGULAR = {"foot": "feet", "inch": "inches", "C C": "C C", "D P I": "D P I", "lux": "lux", "gray": "gray"}
_POWERED = {"m": "meter", "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "ft": "foot", "in": "inch"}
_POWERED |= {"mi": "mile", "yd": "yard", "μm": "micrometer", "dm": "decimeter"}


def _plural(name: str) -> str:
    """Return the plural: "watt hour" as "watt hours", "meter per second" as "meters per second"."""
    if name.endswith("hertz"):
        return name
    head, per, rest = name.partition(" per ")
    if per:
        return f"{_plural(head)}{per}{rest}"
    *first, last = head.split()
    return _IRREGULAR.get(head) or " ".join([*first, _IRREGULAR.get(last) or last + "s"])


def _metric() -> Iterator[tuple[str, str]]:
    for entry in _METRIC.replace("\n", ";").split(";"):
        symbol, name, *prefixes = entry.split() or ("", "")
        name = name.replace("-", " ")
        if symbol and not symbol.endswith("?"):
            yield symbol, name
        symbol = symbol.rstrip("?")
        for prefix in prefixes:
            spoken = _PREFIXES[prefix] + name
            yield (
                prefix + symbol,
                {"kiloohm": "kilohm", "megaohm": "megohm", "milliamp": "milliamp"}.get(spoken, spoken),
            )


def _named() -> Iterator[tuple[str, str]]:
    for entry in _OTHER.replace("\n", ";").split(";"):
        if entry.strip():
            symbol, name = entry.split()
            yield symbol, name.replace("-", " ")
    for symbol, name in _POWERED.items():
        for mark in ("", "^"):
            yield f"{symbol}{mark}2", f"square {name}"
            yield f"{symbol}{mark}3", f"cubic {name}"


UNITS: dict[str, tuple[str, str]] = {symbol: (name, _plural(name)) for symbol, name in (*_metric(), *_named())} | {
    "ft": ("foot", "feet"),
    "°C": ("degree celsius", "degrees celsius"),
    "°F": ("degree fahrenheit", "degrees fahrenheit"),
    "ºC": ("degree celsius", "degrees celsius"),
    "ºF": ("degree fahrenheit", "degrees fahrenheit"),
    "°": ("degree", "degrees"),
    "mph": ("mile per hour", "miles per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "fps": ("frame per second", "frames per second"),
    "psi": ("pound per square inch", "pounds per square inch"),
    "ppm": ("part per million", "parts per million"),
    "ppb": ("part per billion", "parts per billion"),
    "bpm": ("beat per minute", "beats per minute"),
    "hp": ("horsepower", "horsepower"),
    "mpg": ("mile per gallon", "miles per gallon"),
    "mmHg": ("millimeter of mercury", "millimeters of mercury"),
    "mm Hg": ("millimeter of mercury", "millimeters of mercury"),
    "inHg": ("inch of mercury", "inches of mercury"),
    "fl oz": ("fluid ounce", "fluid ounces"),
    "fl. oz": ("fluid ounce", "fluid ounces"),
    "sq ft": ("square foot", "square feet"),
    "sq. ft": ("square foot", "square feet"),
    "sq m": ("square meter", "square meters"),
    "sq km": ("square kilometer", "square kilometers"),
    "sq mi": ("square mile", "square miles"),
    "sq. mi": ("square mile", "square miles"),
    "sq in": ("square inch", "square inches"),
    "cu ft": ("cubic foot", "cubic feet"),
    "ft lb": ("foot pound", "foot pounds"),
    "N·m": ("newton meter", "newton meters"),
    "Nm": ("newton meter", "newton meters"),
    "kg·m": ("kilogram meter", "kilogram meters"),
}
"""Singular and plural names of units. Inches are missing, as "5 in" is mostly not about inches."""

PER = {
    word: word
    for word in (
        "second minute hour day night week month quarter year person gallon mile pound ounce piece unit"
        " decade serving liter share kilogram student capita"
    ).split()
} | {
    "s": "second",
    "sec": "second",
    "min": "minute",
    "h": "hour",
    "hr": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "yr": "year",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "lb": "pound",
    "oz": "ounce",
    "gal": "gallon",
    "mi": "mile",
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "μm": "micrometer",
    "L": "liter",
    "l": "liter",
    "dL": "deciliter",
    "dl": "deciliter",
    "mL": "milliliter",
    "ml": "milliliter",
    "μL": "microliter",
    "mol": "mole",
    "K": "kelvin",
    "Hz": "hertz",
    "ft": "foot",
    "in": "inch",
    "kWh": "kilowatt hour",
    "sq ft": "square foot",
    "ha": "hectare",
}
"""Names of units that may come after the slash of "$15/hr", "5 km/s" and "95 mg/dL"."""
