"""Signatures of addons, and a policy of whose addons may be opened and may run code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from voxstack_addon_spec import AddonFiles

__all__ = ["voxstack_check_addon"]

hookimpl = pluggy.HookimplMarker("voxstack")  # voxstack.hookimpl, without the cost of importing voxstack and numpy


@hookimpl
def voxstack_check_addon(files: AddonFiles) -> bool | None:
    """Apply this user's policy to an addon; return True if the policy trusts its code.

    Without a policy, every addon may be opened and none may run code.

    :raises AddonError: if the policy refuses the addon, or its signature is wrong.
    :raises TrustError: if the policy is invalid: a policy that cannot be read permits nothing.
    """
    from voxstack_trust.policy import load_policy  # cryptography comes later still, with a signature of a trusted key

    policy = load_policy()
    return None if policy is None else policy.check(files)
