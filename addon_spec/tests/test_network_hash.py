from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from voxstack_addon_spec import AddonError, network_hash


def test_is_known(config: dict[str, Any]):
    """If the hash changed, addons everywhere would not recognise the networks that they borrow."""
    assert network_hash(config, "vocoder") == "e5ba2d064def72f214ad85d03dfe140b658e3fbc7f2c60f827fc13e1a90fc448"


def test_names_and_notes_do_not_matter(config: dict[str, Any]):
    other = copy.deepcopy(config)
    other["name"] = "opal"
    other["files"]["renamed.onnx"] = other["files"].pop("vocoder.onnx")
    spec = other["networks"]["renamed"] = other["networks"].pop("vocoder")
    spec["exports"][0]["symbol"] = "renamed.onnx"
    spec.update(description="The same.", measured={"speed": 3})
    spec["inputs"]["mel"] = dict(reversed(spec["inputs"]["mel"].items()))
    assert network_hash(other, "renamed") == network_hash(config, "vocoder")


@pytest.mark.parametrize(
    "edit",
    [
        lambda spec, files: spec.update(role="decoder"),
        lambda spec, files: spec["inputs"]["mel"].update(dtype="float16"),
        lambda spec, files: spec["outputs"]["audio"]["shape"].append(1),
        lambda spec, files: spec["streaming"].update(left=13),
        lambda spec, files: spec.pop("streaming"),
        lambda spec, files: spec["exports"][0].update(format="pt2"),
        lambda spec, files: spec["exports"][0].update(parameters="tables/lexicon.tsv"),
        lambda spec, files: files["vocoder.onnx"].update(sha256="0" * 64),
    ],
)
def test_everything_else_does(config: dict[str, Any], edit: Any):
    before = network_hash(config, "vocoder")
    edit(config["networks"]["vocoder"], config["files"])
    assert network_hash(config, "vocoder") != before


def test_the_content_of_a_first_state_matters_and_its_name_does_not():
    config = json.loads(
        (Path(__file__).parents[1] / "examples" / "valid" / "states_with_values.json").read_text("utf-8")
    )
    known = network_hash(config, "vocoder")
    states = config["networks"]["vocoder"]["streaming"]["states"]
    states["hidden"]["initial"] = "other.npy"
    config["files"]["other.npy"] = config["files"].pop("vocoder.hidden.npy")
    assert network_hash(config, "vocoder") == known
    config["files"]["other.npy"]["sha256"] = "8" * 64
    assert network_hash(config, "vocoder") != known


def test_stateful_form_matters_with_its_files():
    config = json.loads((Path(__file__).parents[1] / "examples" / "valid" / "streaming.json").read_text("utf-8"))
    known = network_hash(config, "decoder")
    edits: list[Any] = [
        lambda form, files: form["streaming"].update(right=4),
        lambda form, files: form["inputs"]["state_0"].update(dtype="float16"),
        lambda form, files: files["decoder.stateful.onnx"].update(sha256="0" * 64),
    ]
    for edit in edits:
        other = copy.deepcopy(config)
        edit(other["networks"]["decoder"]["stateful"], other["files"])
        assert network_hash(other, "decoder") != known
    noted = copy.deepcopy(config)
    noted["networks"]["decoder"]["stateful"]["measured"] = {"speed": 2}
    assert network_hash(noted, "decoder") == known


def test_no_such_network(config: dict[str, Any]):
    with pytest.raises(AddonError) as caught:
        network_hash(config, "vocodr")
    assert str(caught.value) == "prism: networks: no network 'vocodr'; did you mean 'vocoder'?"


def test_borrowed_network(config: dict[str, Any]):
    config["networks"]["vocoder"] = {"addon": "opal", "network": "vocoder", "sha256": "0" * 64}
    with pytest.raises(AddonError) as caught:
        network_hash(config, "vocoder")
    assert (
        str(caught.value)
        == "prism: networks.vocoder: is borrowed; take the hash from addon 'opal', which has the network"
    )
