"""Names of units of measurement, by their abbreviations."""

from __future__ import annotations

_UNITS = """
km kilometer; m meter; cm centimeter; mm millimeter; μm micrometer; nm nanometer; mi mile; yd yard; ha hectare
kg kilogram; g gram; mg milligram; μg microgram; lb pound; lbs pound; oz ounce
l liter; L liter; ml milliliter; mL milliliter; gal gallon
s second; sec second; secs second; ms millisecond; μs microsecond; ns nanosecond; min minute; mins minute
h hour; hr hour; hrs hour
Hz hertz; kHz kilohertz; MHz megahertz; GHz gigahertz; THz terahertz; dB decibel
V volt; mV millivolt; kV kilovolt; W watt; mW milliwatt; kW kilowatt; MW megawatt; GW gigawatt
kWh kilowatt hour; J joule; kJ kilojoule
kcal kilocalorie; cal calorie; Pa pascal; hPa hectopascal; kPa kilopascal; mA milliamp; N newton
kB kilobyte; KB kilobyte; MB megabyte; GB gigabyte; TB terabyte; PB petabyte; kb kilobit; Mb megabit; Gb gigabit
px pixel
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
"""Singular and plural names of units. Inches are missing, as "5 in" is mostly not about inches."""

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
"""Names of units that may come after the slash of "$15/hr" and "5 km/s"."""
