"""The cost of importing a module, measured in another process."""

from __future__ import annotations

import functools
import json
import subprocess
import sys

MOST_MODULES = 400
"""Modules that the import of a block's module may add to those of ``import voxstack``."""

HEAVY = (
    "torch", "tensorflow", "jax", "onnxruntime", "onnx", "openvino", "transformers", "scipy", "sklearn", "pandas",
    "matplotlib", "librosa", "numba", "soundfile", "av", "spacy", "nltk", "pedalboard", "pyloudnorm", "IPython",
)  # fmt: skip
"""Packages that are imported where they are used, never with a plugin."""

_MEASURE = """
import importlib, json, os, sys
sys.path[:] = json.loads(sys.argv[1])
import voxstack
before = set(sys.modules)
heavy, found = json.loads(sys.argv[2]), {}
for name in json.loads(sys.argv[3]):
    for other in set(sys.modules) - before:  # each module is measured by itself; what C code keeps is kept
        del sys.modules[other]
    try:
        importlib.import_module(name)
        new = set(sys.modules) - before
        found[name] = [[each for each in heavy if each in new], len(new)]
    except BaseException as error:
        found[name] = [[], f"{type(error).__name__}: {error}"]
    if found[name][0]:
        break  # heavy packages are not imported twice
print(json.dumps(found))
"""


def import_cost(module: str) -> str:
    """Return what is wrong with the cost of importing a module; empty if nothing is, or it cannot be measured.

    :param module: the modules of tests, of ``__main__`` and of voxstack's core are not measured.
    """
    parts = module.split(".")
    is_test = parts[-1].startswith("test_") or parts[-1] == "conftest" or "tests" in parts
    if is_test or parts[0] in ("__main__", "voxstack") or module not in sys.modules:
        return ""
    heavy, count = _measured(module)
    if heavy:
        return f"importing {module!r} imports {', '.join(heavy)}; import it in the function that uses it"
    if isinstance(count, str):
        return f"the module {module!r} cannot be imported in a process of its own: {count}"
    if count > MOST_MODULES:
        return f"importing {module!r} imports {count} modules, and {MOST_MODULES} are allowed; import them in functions"
    return ""


@functools.cache
def _measured(module: str) -> tuple[list[str], int | str]:
    """Return the heavy packages that a module imports, and the number of modules, or the error of its import.

    The modules with blocks of the same package are measured along with it.
    """
    if module in _RESULTS:
        return _RESULTS[module]
    from voxstack.blocks import SequenceBlock, StreamableBlock

    package, known, rest = module.partition(".")[0], {module}, [SequenceBlock, StreamableBlock]
    while rest:
        found = rest.pop().__subclasses__()
        rest += found
        known.update(cls.__module__ for cls in found if cls.__module__.partition(".")[0] == package)
    names = [module, *sorted(name for name in known - {module} - _RESULTS.keys() if name in sys.modules)]
    command = [sys.executable, "-c", _MEASURE, json.dumps(sys.path), json.dumps(HEAVY), json.dumps(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        results = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return [], f"the process ended with {done.returncode}: {done.stderr[-300:]}"
    _RESULTS.update({name: (heavy, count) for name, (heavy, count) in results.items()})
    return _RESULTS[module]


_RESULTS: dict[str, tuple[list[str], int | str]] = {}
