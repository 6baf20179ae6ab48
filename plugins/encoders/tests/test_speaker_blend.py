from __future__ import annotations

import numpy as np
import pytest

from voxstack import RequestError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_encoders.speaker_blend import MAX_PARTS, SpeakerBlend

NAMES = ["alba", "bryn", "7", "a:b", "c+d"]


def weights(speaker=None, default=None):
    block = SpeakerBlend(NAMES, default)
    block.load(None)
    return block({} if speaker is None else {"speaker": speaker})["speaker_weights"].tolist()


@parametrize_with_checks([SpeakerBlend(NAMES), Case(SpeakerBlend(NAMES, "7"), {"speaker": "alba:0.6+bryn:0.4"})])
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    ("speaker", "expected"),
    [
        (None, [1, 0, 0, 0, 0]),
        ("bryn", [0, 1, 0, 0, 0]),
        ("a:b", [0, 0, 0, 1, 0]),
        ("c+d", [0, 0, 0, 0, 1]),
        ("alba:0.5+bryn:0.5", [0.5, 0.5, 0, 0, 0]),
        ("alba + bryn", [0.5, 0.5, 0, 0, 0]),
        ("alba:3+7", [0.75, 0, 0.25, 0, 0]),
        ("alba:1+alba:2+bryn:1", [0.75, 0.25, 0, 0, 0]),
        ("alba:2", [1, 0, 0, 0, 0]),
        (" a:b:1 + bryn:3", [0, 0.75, 0, 0.25, 0]),
    ],
)
def test_weights_have_the_sum_1(speaker, expected):
    assert weights(speaker) == expected


def test_weights_that_sum_to_1_are_the_float32_of_themselves():
    assert weights("alba:0.6+bryn:0.4")[:2] == [float(np.float32(0.6)), float(np.float32(0.4))]


def test_the_default_may_be_a_blend():
    assert weights(default="bryn:1+7:1") == [0, 0.5, 0.5, 0, 0]
    with pytest.raises(StackError, match="default: SpeakerBlend: there is no speaker 'nobody'"):
        weights(default="nobody")
    with pytest.raises(StackError, match="two speakers are named 'alba'"):
        SpeakerBlend(["alba", "alba"]).load(None)


@pytest.mark.parametrize(
    ("speaker", "problem"),
    [
        ("albe", "there is no speaker 'albe'; did you mean 'alba'"),
        ("alba+brin", "there is no speaker 'brin' in 'alba\\+brin'; did you mean 'bryn'"),
        ("alba+", "there is no speaker '' in"),
        ("alba:0", "'0' in 'alba:0' is no weight"),
        ("alba:-1+bryn", "'-1' in .* is no weight; write a number above 0"),
        ("alba:nan", "is no weight"),
        ("alba:inf", "is no weight"),
        ("alba:much", "is no weight"),
        ("+".join(["alba"] * (MAX_PARTS + 1)), f"at most {MAX_PARTS} speakers"),
        (1, "the speaker is 1; write a name, or a blend"),
    ],
)
def test_what_is_no_blend_is_refused(speaker, problem):
    with pytest.raises(RequestError, match=problem):
        weights(speaker)
