"""Recurrent networks: at any length and batch, packed or not, in both formats and in every runtime."""

from __future__ import annotations

import json

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from onnx import TensorProto, helper  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

import voxstack  # noqa: E402
from voxstack.networks.addon import Addon  # noqa: E402
from voxstack_packager import NetworkSource, OnnxSource, PackagingError, package  # noqa: E402

SIZE, HIDDEN = 16, 12
HEAD = {
    "name": "tiny",
    "version": "0.1.0",
    "license": "CC0-1.0",
    "languages": ["en"],
    "sample_rate": 16000,
    "hop_length": 200,
}
RUNTIMES = ("onnx", "openvino", "torch")
TOKENS = {"tokens": ("int64", ["batch", "tokens"])}
MASKED = {**TOKENS, "mask": ("float32", ["batch", "tokens"], True)}
KINDS = [
    ("LSTM", {}),
    ("LSTM", {"bidirectional": True, "num_layers": 2}),
    ("GRU", {"bidirectional": True}),
    ("GRU", {"num_layers": 2, "bias": False}),
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bidirectional": True, "num_layers": 2}),
]


class Encoder(nn.Module):
    """Tokens to the outputs of a recurrent module, batch first."""

    def __init__(self, kind, **options):
        super().__init__()
        self.embedding = nn.Embedding(20, SIZE)
        self.rnn = getattr(nn, kind)(SIZE, HIDDEN, batch_first=True, **options)
        self.rnn.flatten_parameters()

    def forward(self, tokens):
        return self.rnn(self.embedding(tokens))[0]


class Packed(Encoder):
    """The same with a mask, by a packed sequence, and all states after the last real token."""

    def forward(self, tokens, mask):
        lengths = mask.sum(1).to(torch.int64).cpu()
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        self.rnn.flatten_parameters()
        outputs, states = self.rnn(packed)
        last = torch.cat(states, 2) if isinstance(states, tuple) else states
        return pad_packed_sequence(outputs, batch_first=True, total_length=tokens.shape[1])[0], last.transpose(0, 1)


def tokens(rng, sizes):
    return {"tokens": rng.integers(0, 20, (sizes["batch"], sizes["tokens"]))}


def source(module, inputs=TOKENS, outputs=None, **changes):
    width = HIDDEN * (2 if getattr(getattr(module, "rnn", None), "bidirectional", False) else 1)
    given = {
        "name": "encoder",
        "role": "encoder",
        "module": module.eval(),
        "inputs": inputs,
        "outputs": outputs or {"encoded": ("float32", ["batch", "tokens", width])},
        "examples": tokens,
        "half": False,
    }
    return NetworkSource(**{**given, **changes})


def packed_source(module, **changes):
    rows = module.rnn.num_layers * (1 + module.rnn.bidirectional)
    width = HIDDEN * (1 + module.rnn.bidirectional)
    last = ["batch", rows, HIDDEN * (2 if module.rnn.mode == "LSTM" else 1)]
    outputs = {"encoded": ("float32", ["batch", "tokens", width]), "last": ("float32", last)}
    return source(module, MASKED, outputs, **changes)


def measured(folder, name="encoder"):
    return json.loads((folder / "addon.json").read_text())["networks"][name]["measured"]


def networks_of(folder, shapes=None):
    """Yield the network, opened in every runtime that is installed."""
    for runtime in RUNTIMES:
        pytest.importorskip(f"voxstack_{runtime}_runtime")
        context = {"runtime": runtime, **({"shapes": shapes} if shapes and runtime != "torch" else {})}
        yield Addon.open(folder, voxstack.Registry.installed(), context, trust=True).network("encoder")


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_recurrent_network_has_any_length(tmp_path, kind, options):
    torch.manual_seed(0)
    network = source(Encoder(kind, **options))
    package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    errors = measured(tmp_path / "tiny")
    assert max(errors["source_error"], errors["pt2_error"], errors["batch_error"]) < 2e-6
    for opened in networks_of(tmp_path / "tiny"):
        for batch, length in ((1, 1), (5, 2), (3, 29), (1, 150)):
            inputs = tokens(np.random.default_rng(length), {"batch": batch, "tokens": length})
            with torch.no_grad():
                expected = network.module(torch.from_numpy(inputs["tokens"])).numpy()
            np.testing.assert_allclose(opened(**inputs)["encoded"], expected, atol=2e-6)


@pytest.mark.parametrize(("kind", "options"), [KINDS[1], KINDS[2], KINDS[5]])
def test_a_packed_sequence_ends_where_its_mask_ends(tmp_path, kind, options):
    torch.manual_seed(0)
    network = packed_source(Packed(kind, **options))
    package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    errors = measured(tmp_path / "tiny")
    assert max(errors["source_error"], errors["pt2_error"], errors["mask_error"]["tokens"]) < 2e-6
    opened = [*networks_of(tmp_path / "tiny"), *networks_of(tmp_path / "tiny", {"tokens": [16, 64]})]
    for lengths in ([1], [13], [3, 17, 9], [8, 8], [40, 2, 40, 1]):
        mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.float32)
        inputs = tokens(np.random.default_rng(3), {"batch": len(lengths), "tokens": max(lengths)}) | {"mask": mask}
        with torch.no_grad():
            expected = network.module(*(torch.from_numpy(array) for array in inputs.values()))
        for run in opened:
            found = run(**inputs)
            np.testing.assert_allclose(found["encoded"], expected[0].numpy(), atol=2e-6)
            np.testing.assert_allclose(found["last"], expected[1].numpy(), atol=2e-6)


def test_lengths_may_be_an_input_and_rows_sorted(tmp_path):
    class Sorted(Encoder):
        def forward(self, tokens, lengths):
            packed = pack_padded_sequence(self.embedding(tokens).transpose(0, 1), lengths)
            return pad_packed_sequence(self.rnn(packed)[0], padding_value=-2.0)[0].transpose(0, 1)

    def examples(rng, sizes):
        lengths = np.sort(rng.integers(1, sizes["tokens"] + 1, sizes["batch"]))[::-1].copy()
        lengths[0] = sizes["tokens"]
        return {**tokens(rng, sizes), "lengths": lengths}

    torch.manual_seed(0)
    module = Sorted("LSTM", bidirectional=True)
    module.rnn.batch_first = False
    network = source(module, {**TOKENS, "lengths": ("int64", ["batch"])}, examples=examples)
    package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    assert measured(tmp_path / "tiny")["source_error"] < 2e-6


def test_states_may_be_inputs_and_outputs(tmp_path):
    class Begun(Encoder):
        def forward(self, tokens, hidden, cell):
            outputs, (hidden, cell) = self.rnn(self.embedding(tokens), (hidden, cell))
            return outputs, hidden, cell

    def examples(rng, sizes):
        states = {name: rng.standard_normal((4, sizes["batch"], HIDDEN), np.float32) for name in ("hidden", "cell")}
        return {**tokens(rng, sizes), **states}

    torch.manual_seed(0)
    states = {name: ("float32", [4, "batch", HIDDEN]) for name in ("hidden", "cell")}
    outputs = {"encoded": ("float32", ["batch", "tokens", 2 * HIDDEN])}
    outputs |= {f"{name}_next": tensor for name, tensor in states.items()}
    module = Begun("LSTM", num_layers=2, bidirectional=True)
    package(
        tmp_path / "tiny",
        networks=[source(module, {**TOKENS, **states}, outputs, examples=examples)],
        progress=str,
        **HEAD,
    )
    errors = measured(tmp_path / "tiny")
    assert max(errors["source_error"], errors["pt2_error"]) < 2e-6


def test_many_of_them_in_one_process_and_in_one_network(tmp_path):
    class Several(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, SIZE)
            self.first = nn.LSTM(SIZE, 6, bidirectional=True, batch_first=True)
            self.second = nn.GRU(12, 12)
            self.third = nn.LSTM(12, 6, 2, bidirectional=True)

        def forward(self, tokens):
            x = self.first(self.embedding(tokens))[0]
            x = self.second(x.transpose(0, 1))[0]
            return self.third(x)[0].transpose(0, 1)

    torch.manual_seed(0)
    modules = {"first": Several(), "second": Encoder("LSTM"), "third": Encoder("LSTM"), "fourth": Several()}
    networks = [source(module, name=name, half=True) for name, module in modules.items()]
    package(tmp_path / "tiny", networks=networks, progress=str, **HEAD)
    for name in modules:
        errors = measured(tmp_path / "tiny", name)
        assert max(errors["source_error"], errors["pt2_error"]) < 2e-6


def test_a_mask_that_a_backward_direction_reads_past_is_refused(tmp_path):
    class Multiplied(Encoder):
        def forward(self, tokens, mask):
            return self.rnn(self.embedding(tokens) * mask[..., None])[0] * mask[..., None]

    forward = source(Multiplied("LSTM"), MASKED)
    package(tmp_path / "forward", networks=[forward], progress=str, **HEAD)
    assert measured(tmp_path / "forward")["mask_error"]["tokens"] < 2e-6
    both = source(Multiplied("LSTM", bidirectional=True), MASKED)
    with pytest.raises(PackagingError, match=r"an input padded along 'tokens'.*pack_padded_sequence"):
        package(tmp_path / "both", networks=[both], progress=str, **HEAD)


def test_a_size_that_was_computed_as_a_number_is_refused(tmp_path):
    class Averaged(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, HIDDEN)

        def forward(self, tokens):
            return self.embedding(tokens).sum(1) / int(tokens.shape[1])  # the export divides by 29 whatever comes

    network = source(Averaged(), outputs={"encoded": ("float32", ["batch", HIDDEN])}, formats=("onnx",))
    with pytest.raises(PackagingError, match="with 'tokens' of 13 it produces other values than its module"):
        package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, HIDDEN)
        self.cell = nn.LSTMCell(HIDDEN, HIDDEN)

    def forward(self, tokens):
        x = self.embedding(tokens)
        hidden = cell = torch.zeros(x.shape[0], HIDDEN)
        outputs = []
        for step in range(x.shape[1]):
            hidden, cell = self.cell(x[:, step], (hidden, cell))
            outputs.append(hidden)
        return torch.stack(outputs, 1)


class LastCell(Cells):
    def forward(self, tokens):
        return super().forward(tokens)[:, -1]


@pytest.mark.parametrize(("module", "formats"), [(Cells, ("onnx",)), (LastCell, ("onnx", "pt2"))])
def test_a_loop_over_steps_is_refused_by_its_axis(tmp_path, module, formats):
    shape = ["batch", "tokens", HIDDEN] if module is Cells else ["batch", HIDDEN]
    network = source(module(), outputs={"encoded": ("float32", shape)}, formats=formats)
    with pytest.raises(PackagingError, match=r"encoder: .*'tokens' (of|at).*") as caught:
        package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    assert "nn.LSTMCell" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch: its scripts and their exporter
def test_a_scripted_loop_has_any_length(tmp_path):
    class Scripted(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, HIDDEN)
            self.cell = nn.LSTMCell(HIDDEN, HIDDEN)

        def forward(self, scale: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
            x = self.embedding(tokens)
            hidden = torch.zeros(x.shape[0], x.shape[2])
            cell = hidden
            outputs: list[torch.Tensor] = []
            for step in range(x.shape[1]):
                hidden, cell = self.cell(x[:, step], (hidden, cell))
                outputs.append(hidden * scale)
            return torch.stack(outputs, 1)

    def examples(rng, sizes):
        return {**tokens(rng, sizes), "scale": rng.random((sizes["batch"], 1), np.float32)}

    torch.manual_seed(0)
    network = source(
        torch.jit.script(Scripted().eval()),
        {**TOKENS, "scale": ("float32", ["batch", 1])},
        {"encoded": ("float32", ["batch", "tokens", HIDDEN])},
        examples=examples,
        half=True,
    )
    with pytest.raises(PackagingError, match=r"encoder: the module is scripted.*leave 'pt2' out of formats"):
        package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    network.formats = ("onnx",)
    package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    assert measured(tmp_path / "tiny")["source_error"] < 2e-6


def test_a_projection_is_refused(tmp_path):
    with pytest.raises(PackagingError, match=r"encoder: 'rnn' has a proj_size, for which ONNX has no operator"):
        package(tmp_path / "tiny", networks=[source(Encoder("LSTM", proj_size=3))], progress=str, **HEAD)


class TestDeclarations:
    """Graphs that declare something else than they compute."""

    def graph(self, node, length):
        """Return a graph of float32 x (batch, tokens, 4) to y (batch, tokens, 4), which declares y with this length."""
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", "t", 4])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", length, 4])
        starts = [helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in (("s", 0), ("e", 29))]
        one = helper.make_tensor("one", TensorProto.INT64, [1], [1])
        return helper.make_model(
            helper.make_graph([node], "g", [x], [y], [*starts, one]),
            opset_imports=[helper.make_opsetid("", 18)],
            ir_version=9,
        )

    def source(self, model):
        shape = ("float32", ["batch", "tokens", 4])
        examples = {"x": np.random.default_rng(0).standard_normal((1, 29, 4), np.float32)}
        return OnnxSource("encoder", "encoder", model, {"x": shape}, {"y": shape}, examples)

    def test_an_output_that_has_any_length_is_declared_so(self, tmp_path):
        lines = []
        model = self.graph(helper.make_node("Tanh", ["x"], ["y"]), 29)
        package(tmp_path / "tiny", networks=[self.source(model)], progress=lines.append, **HEAD)
        written = onnx.load(tmp_path / "tiny" / "encoder.onnx").graph.output[0].type.tensor_type.shape.dim
        assert [dimension.dim_param for dimension in written][:2] == ["batch", "tokens"]
        assert any("declares 'tokens' of outputs.y as 29; the graph computes any size" in line for line in lines)

    @pytest.mark.parametrize("length", [29, "t"])
    def test_an_output_that_has_one_length_is_refused(self, tmp_path, length):
        model = self.graph(helper.make_node("Slice", ["x", "s", "e", "one"], ["y"]), length)
        with pytest.raises(PackagingError, match="encoder: 'y' has 29 where 'tokens' is declared, which is 48 in this"):
            package(tmp_path / "tiny", networks=[self.source(model)], progress=str, **HEAD)
