#!/usr/bin/env bash
# sentencex finds no sentence inside an item of a list that a second item follows, so a later item changes earlier ends.
#
# Guess:    where sentences end depends on the words around the end: "Wash it. Dry it well." has two, in a list or not.
# Versions: sentencex 1.0.32, Python 3.11.
# Seen:     with one "1)" in a paragraph, its sentences end as ever; once a "2)" follows, "1) Wash it. Dry it well." is one
#           sentence, and so is all from "2)" to the end of the paragraph. "a)" and "b)" do the same, "1." and "2." do not.
# Matters:  of a text that arrives in parts, an end that was certain is none later; a list in one paragraph is one long
#           sentence for each item.
#
# Exits with 0 while the results are so, and with 1 if they have changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q sentencex==1.0.32
cat > "$work/items.py" <<'PYTHON'
import sys

from sentencex import segment

EXPECTED = {
    "Steps. 1) Wash it. Dry it well.": ["Steps. ", "1) Wash it. ", "Dry it well."],
    "Steps. 1) Wash it. Dry it well. 2) Fold it. Then rest.": [
        "Steps. ",
        "1) Wash it. Dry it well. ",
        "2) Fold it. Then rest.",
    ],
    "Steps. a) Wash it. Dry it well. b) Fold it. Then rest.": [
        "Steps. ",
        "a) Wash it. Dry it well. ",
        "b) Fold it. Then rest.",
    ],
    "Steps. 1. Wash it. Dry it well. 2. Fold it. Then rest.": [
        "Steps. ",
        "1. ",
        "Wash it. ",
        "Dry it well. ",
        "2. ",
        "Fold it. ",
        "Then rest.",
    ],
}
seen = {text: list(segment("en", text)) for text in EXPECTED}
for text, sentences in seen.items():
    print(f"{text!r}: {sentences}")
sys.exit(0 if seen == EXPECTED else 1)
PYTHON
"$work/venv/bin/python" "$work/items.py"
