from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from voxstack import NetworkError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_encoders.length import Length


@parametrize_with_checks(
    [
        Case(Length("text", "characters"), {"text": "Hello"}),
        Case(Length("tokens", "count"), {"tokens": np.zeros((3, 2))}),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


@pytest.mark.parametrize(("value", "length"), [("Hello", 5), ("", 0), (["a", "b"], 2), (np.zeros((7, 3)), 7)])
def test_it_is_that_of_a_string_or_of_the_first_axis(value: Any, length: int) -> None:
    number = Length("it", "length")({"it": value})["length"]
    assert (number.dtype, number.shape, int(number)) == (np.int64, (), length)


@pytest.mark.parametrize("value", [1.0, np.array(3), None])
def test_what_has_no_length_is_refused(value: Any) -> None:
    with pytest.raises(NetworkError, match=r"Length: 'it' is a .*, which has no length"):
        Length("it", "length")({"it": value})
