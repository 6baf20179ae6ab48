"""Magnitudes: the words and letters that multiply the number before them."""

from __future__ import annotations

MAGNITUDES = {
    "hundred": "hundred",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
    "lakh": "lakh",
    "crore": "crore",
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "mn": "million",
    "mln": "million",
    "mio": "million",
    "M": "million",
    "MM": "million",
    "bn": "billion",
    "bln": "billion",
    "B": "billion",
    "b": "billion",
    "tn": "trillion",
    "trn": "trillion",
    "T": "trillion",
}
"""Words by the forms that stand after an amount of money."""
