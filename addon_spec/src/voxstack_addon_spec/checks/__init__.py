"""Rules for an addon.json beyond its JSON Schema: entries that refer to each other must agree."""
