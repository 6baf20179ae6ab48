from __future__ import annotations

import subprocess
import sys


def test_importing_does_not_import_jsonschema():
    code = "import sys, voxstack_addon_spec; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=_environment()
    ).stdout.split()
    assert "voxstack_addon_spec" in loaded
    assert not {"jsonschema", "referencing", "rpds", "numpy"} & set(loaded)


def _environment() -> dict[str, str]:
    import os
    from pathlib import Path

    import voxstack_addon_spec

    source = str(Path(voxstack_addon_spec.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
