"""Errors of the packager."""

from __future__ import annotations

import copy
import pickle

import pytest

from voxstack import LocatedError
from voxstack_packager import NoStatefulForm, PackagingError


@pytest.mark.parametrize("error", [PackagingError("net", "does not run; correct it"), NoStatefulForm("net", "Pad 'p'")])
@pytest.mark.parametrize("clone", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_can_be_pickled(error, clone):
    again = clone(error)
    assert isinstance(again, LocatedError)
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


def test_a_missing_stateful_form_states_why():
    error = pickle.loads(pickle.dumps(NoStatefulForm("net", "Pad 'p' pads the stream with something else than zeros")))
    assert error.where == "net"
    assert error.why == "Pad 'p' pads the stream with something else than zeros"
    assert error.problem == f"has no stateful form: {error.why}. Leave 'stateful' out, and it streams in windows"
    assert str(error) == f"net: {error.problem}"
