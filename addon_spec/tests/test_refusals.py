from __future__ import annotations

import pytest

from voxstack_addon_spec.contexts import Context
from voxstack_addon_spec.refusals import find_refusal, read_refusals

CONTEXTS = {
    "openvino:cpu": {"passed": False, "error": 1.5, "version": "2026.4.1"},
    "onnx:cuda": {"passed": True, "error": 1e-6},
    "npu": {"passed": False, "problem": "the runtime crashed (SIGSEGV)"},
}


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (
            Context("openvino", "CPU"),
            "openvino:cpu: an output differs by 1.5 of its scale from the golden vectors (version 2026.4.1)",
        ),
        (Context("openvino", "NPU", name="npu"), "npu: the runtime crashed (SIGSEGV)"),
        (Context("onnx", "cuda"), None),
        (Context("openvino", "GPU"), None),
        (Context(), None),
    ],
)
def test_a_context_that_failed_is_refused(context, reason):
    refusal = find_refusal(read_refusals({"contexts": CONTEXTS}), context)
    assert (None if refusal is None else str(refusal)) == reason


@pytest.mark.parametrize(
    "measured",
    [{}, {"contexts": []}, {"contexts": {"a": 1}}, {"contexts": {"a": {"passed": 0}}}, {"contexts": {"a": {}}}],
)
def test_entries_of_other_forms_are_no_refusals(measured):
    assert read_refusals(measured) == ()


def test_long_entries_are_shortened():
    entry = {"passed": False, "problem": "x" * 10_000, "version": "1" * 10_000}
    (refusal,) = read_refusals({"contexts": {"a" * 10_000: entry}})
    assert len(str(refusal)) < 1000
