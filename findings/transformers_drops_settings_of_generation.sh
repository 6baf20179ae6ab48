#!/usr/bin/env bash
# transformers writes the generation settings that were set on a fresh generation_config, and drops them when it reads them.
#
# Guess:    settings that are in the written generation_config.json are those of the model that from_pretrained returns.
# Versions: transformers 5.24.0, torch 2.13.0 (CPU), Python 3.11.
# Seen:     eos_threshold and num_flow_steps of a Pocket TTS, set as attributes of model.generation_config, are in the file,
#           beside "_from_model_config": true; from_pretrained returns a model without them, and says nothing. A
#           GenerationConfig made with them, and assigned, is read back.
# Matters:  a copy of a voice speaks with other limits than the original; assign a GenerationConfig before saving.
#
# Exits with 0 while the results are so, and with 1 if they have changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.24.0 torch==2.13.0
cat > "$work/settings.py" <<'PYTHON'
import json
import sys
import tempfile
from pathlib import Path

from transformers import GenerationConfig, PocketTTSConfig, PocketTTSForConditionalGeneration

SETTINGS = {"eos_threshold": 3.5, "num_flow_steps": 2}
sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
sizes |= {"intermediate_size": 32, "latent_dim": 4, "vocab_size": 40}
head = {"hidden_size": 16, "num_hidden_layers": 1, "latent_dim": 4, "condition_dim": 32}
found = {}
for way in ("attributes", "assigned"):
    model = PocketTTSForConditionalGeneration(PocketTTSConfig(flow_head_config=head, **sizes))
    if way == "assigned":
        model.generation_config = GenerationConfig(**SETTINGS)
    else:
        for name, value in SETTINGS.items():
            setattr(model.generation_config, name, value)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        written = json.loads((Path(folder) / "generation_config.json").read_text())
        read = PocketTTSForConditionalGeneration.from_pretrained(folder).generation_config
    found[way] = [all(written.get(name) == value for name, value in SETTINGS.items())]
    found[way].append(all(getattr(read, name, None) == value for name, value in SETTINGS.items()))
    print(f"{way}: in the file {found[way][0]}, read back {found[way][1]}")
sys.exit(0 if found == {"attributes": [True, False], "assigned": [True, True]} else 1)
PYTHON
"$work/venv/bin/python" "$work/settings.py" 2> "$work/log" || { status=$?; cat "$work/log" >&2; exit "$status"; }
