"""Whether the networks of an addon, and its whole stack, give here what their golden vectors say."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack import AddonError, RequestError, Voice
from voxstack.networks.addon import Addon
from voxstack_addon_spec import AddonFiles, open_addon
from voxstack_bench import comparing, golden, speaking
from voxstack_bench.comparing import Arrays, Row


def stack(voice: Voice, text: str | None) -> tuple[list[Row], dict[str, float]]:
    """Compare what a voice says with the golden samples, and return figures of it (:meth:`voxstack_bench.work.Work.check`).

    :param text: is said for the figures, if there are none.
    """
    try:
        wanted = golden.speech(voice.addon.files)
    except AddonError as error:
        return [comparing.row("speech", problem=str(error))], {}
    try:
        if wanted is None:
            return [comparing.row("speech", note=f"it has no {golden.SPEECH}")], {} if text is None else _figures(
                voice, text
            )
        first, streamed = speaking.stream(voice, wanted.text, wanted.controls, whole=True)
        figures, samples = speaking.synthesize(voice, wanted.text, wanted.controls)
    except Exception as error:  # whatever a stack raises is its verdict
        return [comparing.failed("speech", error)], {}
    found = {"speech": samples, "speech, streamed": streamed}
    return [comparing.compared(what, made, wanted.samples) for what, made in found.items()], {
        "ttfa_s": first,
        **figures,
    }


def _figures(voice: Voice, text: str) -> dict[str, float]:
    try:
        first, _ = speaking.stream(voice, text, {}, whole=True)
        return {"ttfa_s": first, **speaking.synthesize(voice, text, {})[0]}
    except RequestError:  # it has nothing to say to this text, or wants a control that has no default
        return {}


def networks(addon: Addon) -> Iterator[Row]:
    """Compare every network, and its stateful form where the context takes that."""
    for name in addon.networks:
        yield from _network(addon, name)
    for file in golden.strangers(addon.config):
        yield comparing.row(file, problem="is listed as golden, and belongs to no network of this addon")


def _network(addon: Addon, name: str) -> Iterator[Row]:
    try:
        files, own = _owner(addon, name)
        inputs, outputs = golden.network(files, own, addon.networks[name])
        network = addon.network(name)
        made = network(**comparing.filled(network, inputs))
    except Exception as error:  # whatever a runtime raises is the verdict on this network
        yield comparing.failed(name, error)
        return
    yield comparing.worst(name, made, outputs)
    if network.spec.streaming is not None and not network.spec.streaming.states:
        yield from _stateful(addon, name, inputs, outputs)


def _stateful(addon: Addon, name: str, inputs: Arrays, outputs: Arrays) -> Iterator[Row]:
    what = f"{name}, stateful"
    try:
        network = addon.stream_network(name)
        if network.spec.streaming is None or not network.spec.streaming.states:
            return
        masks = [inputs[key] for key, tensor in addon.networks[name].inputs.items() if tensor.mask and key in inputs]
        if not all(mask.all() for mask in masks):
            yield comparing.row(what, note="its golden vectors are padded, and what carries state takes no masks")
            return
        made = comparing.stepped(network, inputs)
    except Exception as error:  # likewise
        yield comparing.failed(what, error)
        return
    yield comparing.worst(what, made, outputs)


def _owner(addon: Addon, name: str) -> tuple[AddonFiles, str]:
    """Files of the addon whose own a network is, and its name there."""
    config = addon.config["networks"][name]
    if "addon" not in config:
        return addon.files, name
    return open_addon(addon.registry.addon(config["addon"])), config["network"]
