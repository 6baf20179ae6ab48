"""Brings an addon that is there up to date, from its own files: stateful forms, version 2 of the format, borrowed hashes."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.networks import NetworkSpec
from voxstack_addon_spec import SPEC_VERSION, open_addon
from voxstack_packager.errors import NoStatefulForm, PackagingError
from voxstack_packager.forms import with_stateful_form
from voxstack_packager.packaging import whole, written
from voxstack_packager.signature import complete, cut_or_repeated
from voxstack_packager.sources import Borrowed


def upgrade(
    folder: str | os.PathLike[str],
    *,
    version: str | None = None,
    lenders: Iterable[str | os.PathLike[str]] = (),
    log: Callable[[str], None] = print,
) -> Path:
    """Give each windowed network of an addon its stateful form, and write the addon anew in its place.

    Examples for measuring are its golden vectors. A network that has no stateful form stays as it is, and the log says why; so
    does one whose form would be the same again.

    :param version: the addon's new version; the same, unless given.
    :param lenders: folders of addons that it borrows from, whose hashes have changed.
    :raises PackagingError: if a form is not exact; :raises AddonError: if the addon is not whole. It is then as it was.
    """
    with open_addon(folder) as files:
        files.verify()
        config = copy.deepcopy(files.config)
        contents = {name: files.read(name) for name in config["files"]}
    with whole(Path(folder), replace=True) as building:
        for name, content in contents.items():
            (building / name).parent.mkdir(parents=True, exist_ok=True)
            (building / name).write_bytes(content)
        for name, spec in config["networks"].items():
            if "addon" in spec:
                config["networks"][name] = _borrowed(spec, name, lenders)
            elif "left" in spec.get("streaming", {}):
                config["networks"][name] = _with_form(building, name, spec, log)
        config |= {"spec_version": SPEC_VERSION, "version": version or config["version"]}
        written(building, config)
    return Path(folder)


def _with_form(folder: Path, name: str, spec: Mapping[str, Any], log: Callable[[str], None]) -> Mapping[str, Any]:
    signed = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    path = folder / "golden" / f"{name}.npz"
    if not path.is_file():
        raise PackagingError(name, f"has no golden vectors ({path.name}) to take examples from; package it anew")
    with np.load(path, allow_pickle=False) as golden:
        shown = {key: golden[f"inputs.{key}"] for key, tensor in signed.inputs.items() if not tensor.mask}

    def examples(sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
        return complete(cut_or_repeated(shown, signed, sizes, seed, name), signed, sizes, name)

    before = _of_form(folder, spec)
    try:
        made = with_stateful_form(folder, name, {key: spec[key] for key in spec if key != "stateful"}, examples, log)
    except NoStatefulForm as error:
        log(str(error))
        return spec
    return spec if _of_form(folder, made) == before else made


def _of_form(folder: Path, spec: Mapping[str, Any]) -> Any:
    """What a stateful form is, if there is one: its JSON, without what was measured of it, and its graphs."""
    form = {key: value for key, value in spec.get("stateful", {}).items() if key != "measured"}
    return form, [(folder / export["symbol"]).read_bytes() for export in form.get("exports", ())]


def _borrowed(spec: Mapping[str, Any], name: str, lenders: Iterable[str | os.PathLike[str]]) -> Mapping[str, Any]:
    for lender in lenders:
        with open_addon(lender) as files:
            found = files.config["name"] == spec["addon"]
        if found:
            return Borrowed.of(lender, spec["network"], name).config
    return spec
