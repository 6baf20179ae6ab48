"""Small ONNX models with weights in other files, and faults that ONNX Runtime reports."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS, SECRET = np.array([2, 3], np.float32), np.array([7777, 7777], np.float32)
FILES = ("net.onnx.data", "secret.bin", "listed.bin", "deep/secret.bin")
LOCATIONS = (*FILES, "./net.onnx.data", "../secret.bin", "/etc/hostname", "deep/../net.onnx.data", "net.onnx", "", "\0")
LOCATIONS += ("*/_ORT_MEM_ADDR_/*", "NET.ONNX.DATA", "link.bin", "net.onnx.data/", "x" * 5000, "\ud7ff", ".")
NUMBERS = ("0", "4", "8", "-1", "16", "1e3", "", "x", str(2**31), str(2**63), str(2**64), "9" * 40)


def faulty_model(chance: Random) -> onnx.ModelProto:
    """Return a model with up to three faults, which multiplies its input by the weights if it has none."""
    model = chance.choice(_MODELS)()
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        chance.choice(_FAULTS)(model, chance)
    return model


def _weights(external: bool) -> TensorProto:
    weights = numpy_helper.from_array(WEIGHTS, "weights")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        for key, value in {"location": "net.onnx.data", "offset": "0", "length": "8"}.items():
            weights.external_data.add(key=key, value=value)
    return weights


def _value(name: str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "frames", 2])


def _model(nodes: list[Any], weights: list[TensorProto], functions: list[Any] | None = None) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "net", [_value("frames")], [_value("mel")], weights)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("here", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=functions or [])


def _scaled(external: bool) -> onnx.ModelProto:
    return _model([helper.make_node("Mul", ["frames", "weights"], ["mel"])], [_weights(external)])


def _branching() -> onnx.ModelProto:
    inner = helper.make_graph(
        [helper.make_node("Mul", ["frames", "weights"], ["y"])],
        "branch",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [_weights(True)],
    )
    test = helper.make_node("Constant", [], ["test"], value=numpy_helper.from_array(np.array(True), "test"))
    return _model([test, helper.make_node("If", ["test"], ["mel"], then_branch=inner, else_branch=inner)], [])


def _function() -> onnx.ModelProto:
    body = [helper.make_node("Mul", ["a", "b"], ["c"])]
    scale = helper.make_function("here", "Scale", ["a", "b"], ["c"], body, [helper.make_opsetid("", 18)])
    return _model([helper.make_node("Scale", ["frames", "weights"], ["mel"], domain="here")], [_weights(True)], [scale])


_MODELS: tuple[Callable[[], onnx.ModelProto], ...] = (
    lambda: _scaled(True),
    lambda: _scaled(True),
    lambda: _scaled(False),
    _branching,
    _function,
)


def _tensors(model: onnx.ModelProto) -> list[TensorProto]:
    found = list(model.graph.initializer)
    for node in model.graph.node:
        for attribute in node.attribute:
            found += [attribute.t] if attribute.HasField("t") else []
            found += list(attribute.g.initializer)
    return found


def _external(model: onnx.ModelProto, chance: Random) -> None:
    weights = chance.choice(_tensors(model) or [_weights(True)])
    weights.data_location = TensorProto.EXTERNAL
    kind = chance.randrange(4)
    if kind == 0 or not weights.external_data:
        weights.external_data.add(key="location", value=chance.choice(LOCATIONS))
    elif kind == 1:
        del weights.external_data[chance.randrange(len(weights.external_data))]
    else:
        entry = chance.choice(weights.external_data)
        entry.value = chance.choice(LOCATIONS if entry.key == "location" else NUMBERS)
    if kind == 2:
        weights.external_data.add(key=chance.choice(("checksum", "location", "offset", "x")), value="secret.bin")


def _inline(model: onnx.ModelProto, chance: Random) -> None:
    weights = chance.choice(_tensors(model) or [_weights(True)])
    weights.data_location = TensorProto.DEFAULT
    weights.raw_data = bytes(chance.choice((0, 1, 7, 8, 9, 16)))


def _attribute(model: onnx.ModelProto, chance: Random) -> None:
    weights = _weights(True)
    weights.external_data[0].value = chance.choice(LOCATIONS)
    model.graph.node.insert(0, helper.make_node("Constant", [], [chance.choice(("x", "weights"))], value=weights))


def _names(model: onnx.ModelProto, chance: Random) -> None:
    value = chance.choice(
        (*model.graph.input, *model.graph.output, *model.graph.node, *model.graph.initializer, _value("x"))
    )
    value.name = chance.choice(("", "x", "mel", "frames", "weights", "é", "a" * 5000))


def _types(model: onnx.ModelProto, chance: Random) -> None:
    value = chance.choice((*model.graph.input, *model.graph.output, _value("x")))
    value.type.tensor_type.elem_type = chance.choice((1, 2, 6, 7, 8, 9, 10, 11, 16))


def _shapes(model: onnx.ModelProto, chance: Random) -> None:
    shape = chance.choice((*model.graph.input, *model.graph.output, _value("x"))).type.tensor_type.shape
    if chance.random() < 0.3:
        shape.dim.add(dim_value=1)
    elif chance.random() < 0.5:
        shape.dim[chance.randrange(len(shape.dim))].dim_param = chance.choice(("x", "batch", "frames", ""))
    else:
        shape.dim[chance.randrange(len(shape.dim))].dim_value = chance.choice((0, 1, 2, 3, 1000))


def _nodes(model: onnx.ModelProto, chance: Random) -> None:
    node = chance.choice(model.graph.node or [onnx.NodeProto()])
    if chance.random() < 0.5:
        node.op_type = chance.choice(("", "Nothing", "EPContext", "Add", "Sub", "Scale"))
    else:
        node.domain = chance.choice(("com.microsoft", "here", "nowhere", "ai.onnx.ml"))


def _versions(model: onnx.ModelProto, chance: Random) -> None:
    if chance.random() < 0.5:
        model.ir_version = chance.choice((0, 3, 8, 10, 100, 2**40))
    else:
        model.opset_import[0].version = chance.choice((0, 1, 7, 18, 19, 99))


def _notes(model: onnx.ModelProto, chance: Random) -> None:
    text = chance.choice(("location", "EPContext", "a" * 100_000, "é", "ort_config"))
    model.metadata_props.add(key=text[:100], value=text)
    model.doc_string = model.graph.doc_string = model.producer_name = text


def _fewer(model: onnx.ModelProto, chance: Random) -> None:
    field = chance.choice((model.graph.node, model.graph.initializer, model.graph.input, model.graph.output))
    if field and chance.random() < 0.7:
        del field[chance.randrange(len(field))]
    elif field:
        field.add().CopyFrom(chance.choice(field))


_FAULTS = (
    _external,
    _external,
    _external,
    _inline,
    _attribute,
    _names,
    _types,
    _shapes,
    _nodes,
    _versions,
    _notes,
    _fewer,
)
