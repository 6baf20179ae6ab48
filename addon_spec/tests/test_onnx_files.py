"""The files that an ONNX file refers to: all are found, wherever a tensor is, and weights are not read."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from voxstack_addon_spec import onnx_files
from voxstack_addon_spec.onnx_files import data_problem, file_problem

onnx = pytest.importorskip("onnx", reason="onnx makes the files of these tests")
helper = pytest.importorskip("onnx.helper")


def external(location: str = "secret", **more: str) -> Any:
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[2], data_location=1)
    for key, value in {"offset": "0", "location": location, "length": "8", **more}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def graph(*nodes: Any, **more: Any) -> Any:
    return helper.make_graph(list(nodes), "g", [], [], **more)


def branch(inner: Any) -> Any:
    return graph(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=graph()))


def functions(*nodes: Any) -> Any:
    function = helper.make_function("here", "F", [], [], list(nodes), [helper.make_opsetid("", 18)])
    return helper.make_model(graph(), functions=[function])


def sparse() -> Any:
    values, indices = external(), onnx.TensorProto(name="i", data_type=7, dims=[1], int64_data=[0])
    return helper.make_sparse_tensor(values, indices, [4])


def training() -> Any:
    model = helper.make_model(graph())
    model.training_info.add(algorithm=graph(initializer=[external()]))
    return model


def constant(**attributes: Any) -> Any:
    return helper.make_node("Constant", [], ["y"], **attributes)


def split_attribute() -> bytes:
    """Return a model whose attribute has its tensor in two parts, which readers of protocol buffers merge."""
    tensor = external()
    entries = onnx.TensorProto(external_data=tensor.external_data)
    rest = onnx.TensorProto(name="w", data_type=1, dims=[2], data_location=1)
    attribute = onnx.AttributeProto(name="value", type=4, t=rest).SerializeToString()
    attribute += onnx.AttributeProto(t=entries).SerializeToString()
    node = onnx.NodeProto(op_type="Constant", output=["y"]).SerializeToString() + field(5, attribute)
    return field(7, field(1, node))


def field(number: int, content: bytes) -> bytes:
    size, length = b"", len(content)
    while length >= 0x80:
        size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
    tag = number << 3 | 2
    head = bytes([tag]) if tag < 0x80 else bytes([tag & 0x7F | 0x80, tag >> 7])
    return head + size + bytes([length]) + content


def entry(*fields: bytes) -> bytes:
    """Return a model with a tensor whose one entry of external data has these fields."""
    return field(7, field(5, field(13, b"".join(fields))))


PLACES = {
    "initializer": helper.make_model(graph(initializer=[external()])),
    "sparse initializer": helper.make_model(graph(sparse_initializer=[sparse()])),
    "attribute": helper.make_model(graph(constant(value=external()))),
    "tensors": helper.make_model(graph(constant(value=[external()]))),
    "sparse attribute": helper.make_model(graph(constant(value=sparse()))),
    "subgraph": helper.make_model(branch(branch(graph(initializer=[external()])))),
    "node of a subgraph": helper.make_model(branch(graph(constant(value=external())))),
    "function": functions(constant(value=external())),
    "subgraph of a function": functions(
        helper.make_node("If", ["c"], ["y"], then_branch=graph(initializer=[external()]))
    ),
    "training": training(),
}
BYTES = {
    **{name: model.SerializeToString() for name, model in PLACES.items()},
    "split attribute": split_attribute(),
    "value first": entry(field(2, b"secret"), field(1, b"location")),
    "key twice": entry(field(1, b"location"), field(1, b"offset"), field(2, b"secret")),
    "value twice": entry(field(1, b"location"), field(2, b"weights"), field(2, b"secret")),
    "graph twice": field(7, b"") + entry(field(1, b"location"), field(2, b"secret")),
}


@pytest.mark.parametrize("name", BYTES)
def test_every_place_is_found(name: str):
    problem = data_problem(BYTES[name], ["weights"])
    assert problem == (
        "refers to the file 'secret' for its weights, and this export declares 'weights'; declare it as 'parameters', "
        "in the folder of the 'symbol'"
    )
    assert data_problem(BYTES[name], ["weights", "secret"]) is None


def test_the_messages_are_those_of_onnx():
    """The table names every field that leads to a tensor, in the version of ONNX that is installed."""
    messages: dict[str, dict[int, str]] = {}

    def visit(descriptor: Any) -> None:
        if descriptor.name not in messages:
            messages[descriptor.name] = {f.number: f.message_type.name for f in descriptor.fields if f.message_type}
            for field in descriptor.fields:
                if field.message_type:
                    visit(field.message_type)

    visit(onnx.ModelProto.DESCRIPTOR)
    leading: set[str] = {"TensorProto"}
    while more := {name for name, fields in messages.items() if leading & {*fields.values()}} - leading:
        leading |= more
    expected = {name: {n: to for n, to in messages[name].items() if to in leading} for name in leading}
    expected["TensorProto"] = {onnx.TensorProto.EXTERNAL_DATA_FIELD_NUMBER: "StringStringEntryProto"}
    assert expected == onnx_files._MESSAGES


def test_names_that_mean_the_same_file():
    data = helper.make_model(graph(initializer=[external("./weights")])).SerializeToString()
    assert data_problem(data, ["weights"]) is None
    for other in ("a/../weights", "weights/", "/weights", "Weights", " weights", "weights\0"):
        data = helper.make_model(graph(initializer=[external(other)])).SerializeToString()
        assert (data_problem(data, ["weights"]) or "").startswith("refers to the file ")


def test_compiled_nodes_are_refused():
    data = helper.make_model(branch(graph(helper.make_node("EPContext", [], [], domain="com.microsoft"))))
    assert "a node of type EPContext, which is compiled code" in (data_problem(data.SerializeToString(), []) or "")
    named = helper.make_model(graph(helper.make_node("Relu", ["x"], ["y"], name="EPContext location")))
    assert data_problem(named.SerializeToString(), []) is None


@pytest.mark.parametrize(
    "data",
    [b"<net>", b"ORTM", b"\x12\x05a", b"\x3a\x85", b"\x07", b"\x00\x00", b"\x3b", b"\x08" + b"\xff" * 12, b"\x0d1"],
)
def test_what_is_no_onnx_file(data: bytes):
    assert (data_problem(data, []) or "").startswith("is not an ONNX file that can be opened (")


def test_damage_is_an_answer():
    chance = random.Random(1)
    for data in BYTES.values():
        for _ in range(50):
            changed = bytearray(data)
            for _ in range(chance.choice([1, 1, 3])):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            for damaged in (bytes(changed), bytes(changed[: chance.randrange(len(changed))])):
                assert isinstance(data_problem(damaged, []), str | None)


def test_nesting_has_a_limit():
    inner = graph(constant(value=external())).SerializeToString()
    for _ in range(40):
        inner = field(1, field(5, field(6, inner)))
    assert "more than 100 messages inside each other" in (data_problem(field(7, inner), ["secret"]) or "")


def test_the_number_of_fields_has_a_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(onnx_files, "MAX_FIELDS", 100)
    assert "more than 100 fields" in (data_problem(field(7, field(11, b"") * 101), []) or "")


def test_weights_are_not_read(tmp_path: Path):
    """Of a tensor only the fields are visited, so a file of any size takes the time of its graph."""
    tensor = onnx.TensorProto(name="w", data_type=2, dims=[10**6], raw_data=bytes(10**6))
    data = helper.make_model(graph(initializer=[tensor])).SerializeToString()

    class Reads(bytes):
        count = 0

        def __getitem__(self, key: Any) -> Any:
            Reads.count += 1
            return super().__getitem__(key)

    assert data_problem(Reads(data), []) is None
    assert Reads.count < 100
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    assert file_problem(path, []) is None
    path.write_bytes(b"")
    assert file_problem(path, []) == "is empty; export the network again"
