"""Written text to spoken words: numbers, dates, money, abbreviations and other rules of US English."""
