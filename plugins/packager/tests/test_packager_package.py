"""Packaging, from a torch module to an addon that is opened and run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402

import voxstack  # noqa: E402
from voxstack import Registry  # noqa: E402
from voxstack.networks.addon import Addon  # noqa: E402
from voxstack_addon_spec import SPEC_VERSION, file_entry, open_addon  # noqa: E402
from voxstack_packager import Borrowed, NetworkSource, PackagingError, package, relative_error, upgrade  # noqa: E402
from voxstack_packager.export import onnx_export  # noqa: E402
from voxstack_packager.export.network_export import export_network  # noqa: E402
from voxstack_packager.runners import onnx_runner, pt2_runner  # noqa: E402

C = 48
FRAMES = {"frames": ("float32", ["batch", "frames", C]), "mask": ("float32", ["batch", "frames"], True)}
MEL = {"mel": ("float32", ["batch", "frames", 8])}
HEAD = {
    "name": "tiny",
    "version": "0.1.0",
    "license": "CC0-1.0",
    "languages": ["en"],
    "sample_rate": 16000,
    "hop_length": 200,
}


class Decoder(nn.Module):
    """(batch, frames, C) to (batch, frames, 8); field 3 left, 3 right."""

    def __init__(self):
        super().__init__()
        self.first = nn.utils.parametrizations.weight_norm(nn.Conv1d(C, C, 5, padding=2))
        self.second = nn.Conv1d(C, 8, 3, padding=1)

    def forward(self, frames, mask):
        mask = mask[:, None]
        x = torch.relu(self.first(frames.transpose(1, 2) * mask)) * mask
        return {"mel": self.second(x).transpose(1, 2)}


def frames(rng, sizes):
    return {"frames": rng.standard_normal((sizes["batch"], sizes["frames"], C)).astype(np.float32)}


def source(module=None, **changes):
    torch.manual_seed(0)
    given = {
        "name": "decoder",
        "role": "decoder",
        "module": (module or Decoder()).eval(),
        "inputs": FRAMES,
        "outputs": MEL,
    }
    return NetworkSource(**{**given, "examples": frames, "streaming": "frames", **changes})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return an addon with one network in both formats, and the module that it was made of."""
    network = source(description="A decoder.")
    folder = tmp_path_factory.mktemp("addons") / "tiny"
    lines = []
    (folder.parent / "table.txt").write_text("a table")
    files = {"tables/table.txt": folder.parent / "table.txt"}
    package(folder, networks=[network], stack=[{"type": "Decoder"}], files=files, progress=lines.append, **HEAD)
    return folder, network, lines


def test_addon_is_whole(made):
    folder, _, lines = made
    with open_addon(folder) as files:
        files.verify()
        spec = files.config["networks"]["decoder"]
        assert files.read("tables/table.txt") == b"a table"
    assert spec["streaming"] == {"axis": "frames", "left": 3, "right": 3, "hop": 1}
    assert [entry["format"] for entry in spec["exports"]] == ["onnx", "pt2"]
    assert spec["inputs"]["mask"] == {"dtype": "float32", "shape": ["batch", "frames"], "mask": True}
    assert files.config["golden"] == ["golden/decoder.npz"]
    assert any("exporting" in line for line in lines)
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_measurements_are_written_down(made):
    folder, _, _ = made
    measured = json.loads((folder / "addon.json").read_text())["networks"]["decoder"]["measured"]
    assert measured["deterministic"] is True
    assert measured["mask_error"]["frames"] < 1e-4
    assert set(measured["chunk_error"]) == {"1", "7", "16", "64"}
    assert max(*measured["chunk_error"].values(), measured["source_error"], measured["pt2_error"]) < 1e-5
    assert measured["scale"]["mel"] > 0


@pytest.mark.parametrize("sizes", [(1, 1), (1, 40), (3, 17)])
def test_exports_give_what_the_module_gives(made, sizes):
    folder, network, _ = made
    batch, length = sizes
    inputs = network.example_inputs({"batch": batch, "frames": length}, seed=3)
    with torch.no_grad():
        expected = {
            "mel": network.module(**{name: torch.from_numpy(array) for name, array in inputs.items()})["mel"].numpy()
        }
    program = pt2_runner(folder / "decoder.pt2", network.signature, folder / "decoder.onnx.data")
    for run in (onnx_runner(folder / "decoder.onnx"), program):
        assert 0 < relative_error(run(**inputs), expected) < 1e-3  # weights are rounded to half


def test_exports_share_their_weights(made):
    folder, _, _ = made
    exports = json.loads((folder / "addon.json").read_text())["networks"]["decoder"]["exports"]
    assert [export["parameters"] for export in exports] == ["decoder.onnx.data"] * 2
    weights = 2 * (C * C * 5 + C * 8 * 3 + C)
    assert weights <= (folder / "decoder.onnx.data").stat().st_size < weights + 1000
    assert (folder / "decoder.onnx").stat().st_size < 10_000
    assert (folder / "decoder.pt2").stat().st_size < 10_000


@pytest.mark.parametrize("fixed", [False, True])
def test_the_torch_runtime_opens_what_shares_its_weights(made, fixed):
    folder, network, _ = made
    registry = Registry.installed()
    context = {"runtime": "torch", **({"shapes": {"frames": [16, 32]}} if fixed else {})}
    inputs = network.example_inputs({"batch": 1, "frames": 21}, seed=3)
    got = Addon.open(folder, registry, context, trust=True).network("decoder")(**inputs)
    expected = pt2_runner(folder / "decoder.pt2", network.signature, folder / "decoder.onnx.data")(**inputs)
    assert relative_error(got, expected) < (1e-6 if fixed else 1e-12)


def test_other_weights_than_it_was_exported_with_are_refused(made, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / "tiny")
    data = folder / "decoder.onnx.data"
    content = bytearray(data.read_bytes())
    content[100] ^= 1
    data.write_bytes(content)
    with pytest.raises(PackagingError, match=r"decoder\.pt2: its '.*' is not in decoder\.onnx\.data any more"):
        pt2_runner(folder / "decoder.pt2", made[1].signature, data)
    config = json.loads((folder / "addon.json").read_text())
    (folder / "addon.json").write_text(
        json.dumps({**config, "files": {**config["files"], data.name: file_entry(data)}})
    )
    with pytest.raises(
        voxstack.NetworkError,
        match=r"its weights '.*' are not those in decoder\.onnx\.data, which is of another export",
    ):
        Addon.open(folder, Registry.installed(), {"runtime": "torch"}, trust=True).network("decoder")


class Odd(nn.Module):
    """Weights of all sorts: tied, transposed by the export, too small to share, recurrent, a table, in three axes."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, C)
        self.start, self.table = nn.Conv1d(C, C, 3, bias=False), nn.Parameter(torch.randn(C))
        self.recurrent = nn.GRU(C, C, batch_first=True)
        self.out = nn.Linear(C, 50, bias=False)
        self.out.weight = self.embed.weight
        self.small = nn.Parameter(torch.randn(3))
        self.register_buffer("positions", torch.randn(2, C, 7))

    def forward(self, letters, mask):
        x = self.embed(letters) * mask[..., None] * self.table
        x = nn.functional.pad(x, (0, 0, 1, 1))
        x = torch.cat([x[:, :-2], x[:, 1:-1], x[:, 2:]], 2) @ self.start.weight.permute(2, 1, 0).reshape(3 * C, C)
        x, _ = self.recurrent((x + self.positions.sum((0, 2))).flatten(0, 1)[:, None])
        x = x[:, 0].reshape(*letters.shape, C)
        return {"scores": self.out(x) * self.small.sum()}


@pytest.mark.parametrize("half", [True, False])
def test_weights_of_all_sorts(tmp_path, half):
    torch.manual_seed(0)
    network = NetworkSource(
        name="odd",
        role="encoder",
        module=Odd().eval(),
        inputs={"letters": ("int64", ["batch", "letters"]), "mask": ("float32", ["batch", "letters"], True)},
        outputs={"scores": ("float32", ["batch", "letters", 50])},
        examples=lambda rng, sizes: {"letters": rng.integers(0, 50, (sizes["batch"], sizes["letters"]))},
        half=half,
    )
    exported, entries, _ = export_network(network, tmp_path, progress=str)
    inputs = network.example_inputs({"batch": 2, "letters": 9}, seed=1)
    expected = exported(**inputs)
    assert entries[1]["parameters"] == entries[0]["parameters"]
    assert (
        relative_error(
            pt2_runner(tmp_path / "odd.pt2", network.signature, tmp_path / "odd.onnx.data")(**inputs), expected
        )
        < 1e-6
    )
    with zipfile.ZipFile(tmp_path / "odd.pt2") as archive:
        (table,) = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith("parameters.json")]
    rows = {row["name"]: row for row in table}
    assert {"embed.weight", "start.weight", "table"} <= rows.keys()
    assert not [name for name in rows if name.startswith("recurrent") or name in ("small", "out.weight")]
    assert rows["embed.weight"]["kept"] == ("float16" if half else "float32")
    assert rows["start.weight"]["axes"] == [2, 1, 0]


def test_without_it_nothing_lies_beside(tmp_path):
    package(tmp_path / "tiny", networks=[source(formats=("onnx",))], progress=str, **HEAD)
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["addon.json", "decoder.onnx", "golden"]


class Stretched(nn.Module):
    """Three steps of one output for each letter, one more of another, and of a third as many as the letters say."""

    def forward(self, letters):
        x = letters.float()
        return x.repeat_interleave(3, 1), nn.functional.pad(x, (0, 1)), x[:, : x.shape[1] // 2]


def test_lengths_of_output_axes_are_measured(tmp_path):
    network = NetworkSource(
        name="stretched",
        role="encoder",
        module=Stretched().eval(),
        inputs={"letters": ("int64", ["batch", "letters"])},
        outputs={name: ("float32", ["batch", name]) for name in ("steps", "ends", "halves")},
        examples={"letters": np.arange(30)[None]},
        formats=("onnx",),
    )
    package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    spec = json.loads((tmp_path / "tiny" / "addon.json").read_text())["networks"]["stretched"]
    assert spec["lengths"] == {"steps": {"axis": "letters", "times": 3}}
    (tmp_path / "tiny" / "addon.json").write_text(
        json.dumps(
            {
                **json.loads((tmp_path / "tiny" / "addon.json").read_text()),
                "networks": {"stretched": _without(spec, "lengths")},
            }
        )
    )
    upgrade(tmp_path / "tiny", progress=str)
    assert json.loads((tmp_path / "tiny" / "addon.json").read_text())["networks"]["stretched"] == spec


def _without(spec, key):
    return {name: value for name, value in spec.items() if name != key}


def test_an_addon_that_is_there_gets_the_program_that_packaging_gives(made, tmp_path):
    folder, network, _ = made
    before = package(
        tmp_path / "tiny", networks=[source(formats=("onnx",))], stack=[{"type": "Decoder"}], progress=str, **HEAD
    )
    with pytest.raises(PackagingError, match="produces another output than the network in the addon"):
        upgrade(before, modules={"decoder": Decoder().eval()}, progress=str)
    with pytest.raises(
        PackagingError, match=r"modules\['vocoder'\]: belongs to no network of this addon; it has \['decoder'\]"
    ):
        upgrade(before, modules={"vocoder": network.module}, progress=str)
    upgrade(before, modules={"decoder": network.module}, progress=str)
    one, two = (json.loads((path / "addon.json").read_text())["networks"]["decoder"] for path in (before, folder))
    assert one["exports"] == two["exports"]
    assert "stateful" in one  # which it gets, too
    assert one["measured"]["pt2_error"] == two["measured"]["pt2_error"]
    assert (before / "decoder.pt2").read_bytes() == (folder / "decoder.pt2").read_bytes()


def test_axes_have_names_that_can_be_fixed(made):
    folder, network, _ = made
    run = onnx_runner(folder / "decoder.onnx", {"batch": 1, "frames": 32})
    assert run(**network.example_inputs({"batch": 1, "frames": 32}))["mel"].shape == (1, 32, 8)
    with pytest.raises(Exception, match=r"(?i)invalid dimensions"):
        run(**network.example_inputs({"batch": 1, "frames": 33}))


def test_golden_vectors_need_no_pickle(made):
    folder, _, _ = made
    with np.load(folder / "golden" / "decoder.npz", allow_pickle=False) as golden:
        assert sorted(golden) == ["inputs.frames", "inputs.mask", "outputs.mel"]
        made_now = onnx_runner(folder / "decoder.onnx")(frames=golden["inputs.frames"], mask=golden["inputs.mask"])
        assert relative_error(made_now, {"mel": golden["outputs.mel"]}) < 1e-6


def test_no_place_on_this_disk_is_reported(made):
    folder, _, _ = made
    for name in ("decoder.onnx", "decoder.pt2"):
        assert b"packager/tests" not in (folder / name).read_bytes()


def test_half_halves_the_size(tmp_path):
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide, self.narrow = nn.Linear(C, 4096), nn.Linear(4096, 8)

        def forward(self, frames, mask):
            return self.narrow(torch.tanh(self.wide(frames))) * mask[..., None]

    wide, sizes, runs = Wide(), {}, {}
    for half in (True, False):
        network = source(wide, half=half)
        folder = tmp_path / str(half)
        folder.mkdir()
        export_network(network, folder)
        sizes[half] = sum(path.stat().st_size for path in folder.iterdir())
        runs[half] = onnx_runner(folder / "decoder.onnx")
    assert sizes[True] < 0.56 * sizes[False]
    inputs = network.example_inputs({"batch": 1, "frames": 20})
    assert 0 < relative_error(runs[True](**inputs), runs[False](**inputs)) < 1e-3


def test_large_weights_lie_beside(tmp_path, monkeypatch):
    monkeypatch.setenv("VOXSTACK_CACHE", "")  # the same network may be there as it is below the limit
    monkeypatch.setattr(onnx_export, "INLINE_LIMIT", 1024)
    package(tmp_path / "tiny", networks=[source(formats=("onnx",))], progress=str, **HEAD)
    with open_addon(tmp_path / "tiny") as files:
        assert files.config["networks"]["decoder"]["exports"][0]["parameters"] == "decoder.onnx.data"
        files.verify()


def test_what_float16_cannot_hold_stays_as_it_is(tmp_path):
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv1d(C, 8, 9, padding=4), nn.BatchNorm1d(8)
            self.norm.running_var.fill_(1.37)
            self.scale = nn.Parameter(torch.full((C,), 1e5))

        def forward(self, frames, mask):
            return self.norm(self.conv((self.scale * frames * mask[..., None]).transpose(1, 2))).transpose(1, 2)

    lines = []
    network = source(Normed())
    package(tmp_path / "tiny", networks=[network], progress=lines.append, **HEAD)
    assert any("stay float32" in line for line in lines)


def test_weight_norm_of_both_kinds_is_computed_once(tmp_path):
    class Old(Decoder):
        def __init__(self):
            super().__init__()
            self.second = nn.utils.weight_norm(self.second)

    network = source(Old())
    export_network(network, tmp_path)
    inputs = network.example_inputs({"batch": 1, "frames": 9})
    with torch.no_grad():
        expected = network.module(*map(torch.from_numpy, inputs.values()))["mel"].numpy()
    assert relative_error(onnx_runner(tmp_path / "decoder.onnx")(**inputs), {"mel": expected}) < 1e-3
    assert (tmp_path / "decoder.onnx").stat().st_size < 1.2 * 2 * (C * C * 5 + C * 8 * 3)


def test_the_module_is_left_as_it_was(made):
    _, network, _ = made
    with torch.no_grad():
        assert network.module(torch.zeros(1, 4, C), torch.ones(1, 4))["mel"].shape == (1, 4, 8)
    assert nn.utils.parametrize.is_parametrized(network.module.first)


def test_borrowed_network(made, tmp_path):
    folder, _, _ = made
    lent = Borrowed.of(folder, "decoder", name="other")
    package(tmp_path / "second", networks=[lent], progress=str, **{**HEAD, "name": "second"})
    with open_addon(tmp_path / "second") as files:
        assert files.config["networks"]["other"] == {"addon": "tiny", "network": "decoder", "sha256": lent.sha256}
        assert files.config["files"] == {}
    with pytest.raises(PackagingError, match="no network 'vocoder'"):
        Borrowed.of(folder, "vocoder")


def test_what_is_there_is_replaced_only_when_asked(made, tmp_path):
    lent = Borrowed.of(made[0], "decoder")
    one = {"networks": [lent], "progress": str, **HEAD, "name": "second"}
    package(tmp_path / "second", **one)
    with pytest.raises(PackagingError, match="replace=True"):
        package(tmp_path / "second", **one)
    package(tmp_path / "second", **{**one, "version": "0.2.0"}, replace=True)
    assert json.loads((tmp_path / "second" / "addon.json").read_text())["version"] == "0.2.0"
    (tmp_path / "mine").mkdir()
    with pytest.raises(PackagingError, match="left alone"):
        package(tmp_path / "mine", **one, replace=True)


def test_arrays_serve_as_examples():
    arrays = {"frames": np.arange(7, dtype=np.float32)[None, :, None].repeat(C, 2)}
    made = source(examples=arrays).example_inputs({"batch": 2, "frames": 10})
    assert made["frames"].shape == (2, 10, C)
    assert made["mask"].all()
    np.testing.assert_array_equal(made["frames"][0, :, 0], [0, 1, 2, 3, 4, 5, 6, 0, 1, 2])
    np.testing.assert_array_equal(made["frames"][1, :3, 0], [5, 6, 0])


@pytest.fixture(scope="module")
def stateful(tmp_path_factory):
    """Return an addon whose decoder also has its stateful form."""
    folder = tmp_path_factory.mktemp("addons") / "tiny"
    return package(folder, networks=[source(stateful=True)], stack=[{"type": "Decoder"}], progress=str, **HEAD)


def test_stateful_form_shares_its_weights_and_is_measured(stateful):
    with open_addon(stateful) as files:
        files.verify()
        spec = files.config["networks"]["decoder"]
        assert files.config["spec_version"] == SPEC_VERSION
    form = spec["stateful"]
    assert spec["exports"][0]["parameters"] == form["exports"][0]["parameters"] == "decoder.onnx.data"
    assert form["streaming"]["right"] == spec["streaming"]["right"]
    assert "mask" not in form["inputs"]
    assert set(form["measured"]["chunk_error"]) == {"1", "7", "16", "64", "ramp", "whole"}
    assert max(form["measured"]["source_error"], *form["measured"]["chunk_error"].values()) < 1e-5
    assert form["measured"]["deterministic"] is True
    assert (
        (stateful / "decoder.onnx").stat().st_size
        < 10_000
        < 2 * C * C * 5
        < (stateful / "decoder.onnx.data").stat().st_size
    )


def test_an_addon_that_is_there_gets_the_form_that_packaging_gives(stateful, made, tmp_path):
    before = package(tmp_path / "tiny", networks=[source()], stack=[{"type": "Decoder"}], progress=str, **HEAD)
    config = json.loads((before / "addon.json").read_text())
    (before / "addon.json").write_text(json.dumps({**_without(config, "plugins"), "spec_version": 1}))
    borrower = tmp_path / "other"
    package(borrower, networks=[Borrowed.of(before, "decoder")], progress=str, **{**HEAD, "name": "other"})
    upgrade(before, version="0.2.0", progress=str)
    one, two = (json.loads((folder / "addon.json").read_text()) for folder in (before, stateful))
    expected = _without(two, "plugins") | {"networks": one["networks"]}
    assert {**one, "version": two["version"], "files": two["files"]} == expected
    for key in ("inputs", "outputs", "streaming", "exports"):
        assert one["networks"]["decoder"]["stateful"][key] == two["networks"]["decoder"]["stateful"][key]
    assert (before / "decoder.onnx.data").read_bytes() == (stateful / "decoder.onnx.data").read_bytes()
    upgrade(borrower, lenders=[before], progress=str)
    assert (
        json.loads((borrower / "addon.json").read_text())["networks"]["decoder"]
        == Borrowed.of(before, "decoder").config
    )


def test_upgrading_twice_changes_nothing_an_older_form_is_replaced_and_a_missing_one_is_reported(stateful, tmp_path):
    class Continued(nn.Module):
        """Padded with its first and last frame, which no stream knows before it ends."""

        def __init__(self):
            super().__init__()
            self.only = nn.Conv1d(C, 8, 5, padding=2, padding_mode="replicate")

        def forward(self, frames):
            return self.only(frames.transpose(1, 2)).transpose(1, 2)

    again = shutil.copytree(stateful, tmp_path / "again")
    upgrade(again, progress=str)
    assert (again / "addon.json").read_bytes() == (stateful / "addon.json").read_bytes()
    form = again / "decoder.stateful.onnx"
    now = form.read_bytes()
    older = onnx.load_from_string(now)
    older.graph.node[0].doc_string = "made by an older packager"
    form.write_bytes(older.SerializeToString())
    config = json.loads((again / "addon.json").read_text())
    (again / "addon.json").write_text(json.dumps({**config, "files": {**config["files"], form.name: file_entry(form)}}))
    upgrade(again, progress=str)
    assert form.read_bytes() == now
    lines = []
    package(
        tmp_path / "continued",
        networks=[source(Continued(), inputs={"frames": FRAMES["frames"]})],
        progress=str,
        **HEAD,
    )
    upgrade(tmp_path / "continued", progress=lines.append)
    assert any("decoder: has no stateful form: Pad" in line and "it streams in windows" in line for line in lines)
    with open_addon(tmp_path / "continued") as files:
        files.verify()
        assert "stateful" not in files.config["networks"]["decoder"]


def test_importing_pulls_in_nothing_heavy():
    heavy = ("torch", "onnx", "onnxscript", "onnxruntime")
    code = f"import sys, voxstack_packager; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
