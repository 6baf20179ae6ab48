from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import double, plugin

import voxstack
from voxstack import AddonError, ContextError, PluginError, Registry, StackError, StreamableBlock, build
from voxstack.networks.addon import Addon
from voxstack.networks.opening import available_devices


def block(name: str, module: str = "somewhere") -> type[StreamableBlock]:
    @dataclass
    class Same(StreamableBlock):
        """Passes on."""

        def stream(self, source: Any, utterance: Any) -> Any:
            yield from source

    Same.__name__, Same.__module__ = name, module
    return Same


def test_the_cores_composites_come_in_like_anybodys() -> None:
    assert set(Registry({})) == {"SequenceBlockContainer", "StreamableStack", "StreamablePipeline"}


def test_two_plugins_with_one_name_are_an_error_only_for_that_name() -> None:
    plugins = {"a": plugin([block("Twin", "first"), block("Other")]), "b": plugin([block("Twin", "second")])}
    registry = Registry(plugins, distribution_of={"a": "voxstack-a", "b": "b-of-somebody"}.__getitem__)
    with pytest.raises(
        StackError, match=r"two plugins bring a block named 'Twin': voxstack-a \(first\) and b-of-somebody \(second\)"
    ):
        build({"type": "Twin"}, registry=registry)
    assert type(build({"type": "Other"}, registry=registry)).__name__ == "Other"


def test_one_class_from_two_plugins_is_no_conflict() -> None:
    same = block("Shared")
    assert Registry({"a": plugin([same]), "b": plugin([same])})["Shared"] is same


def test_a_plugin_that_fails_to_register_is_reported_and_the_rest_works() -> None:
    @voxstack.hookimpl
    def voxstack_blocks() -> Any:
        raise RuntimeError("no licence key")

    registry = Registry(
        {"bad": type("bad", (), {"voxstack_blocks": staticmethod(voxstack_blocks)}), "good": plugin([block("Good")])}
    )
    assert "no licence key" in str(registry.broken["bad"])
    assert type(build({"type": "Good"}, registry=registry)).__name__ == "Good"
    with pytest.raises(StackError, match=r"plugin 'bad'.*is broken: .*no licence key"):
        build({"type": "FromBad"}, registry=registry)


def test_something_that_is_no_block_class_is_refused_with_its_plugin() -> None:
    registry = Registry({"odd": plugin([int])})
    assert "give classes of SequenceBlock or StreamableBlock" in str(registry.broken["odd"])


def test_a_block_is_imported_when_a_stack_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "import voxstack, dataclasses\n@dataclasses.dataclass\nclass Late(voxstack.SequenceBlock):\n"
    source = f"{head} level: int = 1\n def __call__(self, utterance): return {{}}\n"
    (tmp_path / "late_block.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry({"late": plugin(["late_block:Late"]), "twin": plugin(["twin.module:Twin", block("Other")])})
    assert "Late" in registry
    assert "late_block" not in sys.modules
    assert build({"type": "Late", "level": 2}, registry=registry).level == 2
    again = registry.with_plugins({"same": plugin([registry["Late"]])})
    assert again["Late"] is registry["Late"], "one class, by two ways"
    with pytest.raises(StackError, match=r"block 'twin.module:Twin' of plugin 'twin' .*No module named 'twin'"):
        build({"type": "Twin"}, registry=registry)


@pytest.mark.parametrize("reference", ["odd_block:Missing", "odd_block:number", "odd_block:Alias"])
def test_a_reference_to_something_else_is_an_error(
    reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import voxstack, dataclasses\n@dataclasses.dataclass\nclass Late(voxstack.StreamableBlock): pass\n"
    (tmp_path / "odd_block.py").write_text(source + "number = 1\nAlias = Late\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_block", raising=False)
    with pytest.raises(StackError, match=f"block '{reference}' of plugin 'odd' .* cannot be imported"):
        build({"type": reference.partition(":")[2]}, registry=Registry({"odd": plugin([reference])}))


def test_a_text_that_is_no_reference_is_refused() -> None:
    registry = Registry({"odd": plugin(["voxstack_dsp.gain.Gain"])})
    assert "references such as 'package.module:Class'" in str(registry.broken["odd"])


def test_a_plugin_that_raises_at_import_is_reported_and_the_rest_works(tmp_path: Path) -> None:
    """Real entry points, in a process of their own."""
    sources = {
        "good": "def f(): pass",
        "bad": "raise ImportError('needs a lucky day')",
        "second": "raise ImportError('a namesake')",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}_plugin.py").write_text(source)
        info = tmp_path / f"{name}_dist-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[voxstack]\n{'bad' if name == 'second' else name} = {name}_plugin\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import voxstack; r = voxstack.Registry.installed(); "
        "print('StreamableStack' in r, 'good' in r.broken, r.broken_plugins_note())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith("True False")
    assert out.count("plugin 'bad") == 2, "two plugins of one name are both there"
    assert "(bad-dist) is broken: ImportError('needs a lucky day')" in out
    assert "(second-dist) is broken: ImportError('a namesake')" in out


def test_a_plugin_whose_addons_cannot_be_listed_is_reported_and_the_rest_works(tmp_path: Path) -> None:
    def lost() -> Any:
        raise OSError("the disk is gone")

    registry = Registry(
        {"lost": plugin(voxstack_addons=lost), "voice": plugin(voxstack_addons=lambda: [tmp_path / "amber"])}
    )
    assert registry.addon("amber") == tmp_path / "amber"
    assert "the disk is gone" in str(registry.broken["lost"])


def test_nothing_of_a_broken_plugin_stays() -> None:
    registry = Registry({"half": plugin([block("First"), int])})
    assert "First" not in registry
    assert set(registry.broken) == {"half"}


def test_a_hook_without_its_mark_is_reported() -> None:
    bare = type("bare", (), {"voxstack_blocks": staticmethod(lambda: [block("Never")])})
    registry = Registry({"bare": bare})
    assert "voxstack_blocks would never be called; decorate with @voxstack.hookimpl" in str(registry.broken["bare"])


def test_a_module_under_two_names_keeps_its_first() -> None:
    same = plugin([block("Kept")], voxstack_addons=lambda: ["amber"])
    registry = Registry({"one": same, "two": same})
    assert set(registry.broken) == {"two"}
    assert "Kept" in registry
    assert "amber" in registry.addons()


def test_addons_are_found_by_name_and_misspelt_ones_get_a_hint(tmp_path: Path) -> None:
    registry = Registry({"voice": plugin(voxstack_addons=lambda: [tmp_path / "amber"])})
    assert registry.addon("amber") == tmp_path / "amber"
    with pytest.raises(
        PluginError,
        match=r"no addon named 'ambr' is installed; did you mean 'amber'\? Give one of amber, or the path",
    ):
        registry.addon("ambr")


def test_a_network_is_opened_once_for_all_that_hold_it(open_tiny: Callable[..., Any], doubling: dict[str, Any]) -> None:
    addon = open_tiny([], {"one": double, "same": double}, networks={"one": doubling, "same": doubling})
    assert addon.network("one") is addon.network("same")
    assert addon.network("one", {"runtime": "python", "threads": 2}) is not addon.network("one")


def test_a_runtime_that_is_not_there_is_an_error_with_the_remedy(
    open_tiny: Callable[..., Any], doubling: dict[str, Any]
) -> None:
    addon = open_tiny([], {"decoder": double}, networks={"decoder": doubling})
    with pytest.raises(
        ContextError,
        match=r"no runtime named 'openvino' is installed; try: pip install voxstack-openvino-",
    ):
        addon.network("decoder", {"runtime": "openvino"})


def test_fixed_shapes_that_nobody_keeps_are_an_error(open_tiny: Callable[..., Any], doubling: dict[str, Any]) -> None:
    addon = open_tiny([], {"decoder": double}, networks={"decoder": doubling})
    with pytest.raises(ContextError, match=r"asks for fixed shapes.*pip install voxstack-fixed-shapes"):
        addon.network("decoder", {"runtime": "python", "shapes": {"frames": [64]}})


def test_a_wrapper_that_does_not_say_so_keeps_no_fixed_shapes(
    open_tiny: Callable[..., Any], doubling: dict[str, Any]
) -> None:
    context = {"runtime": "python", "shapes": {"frames": [64]}}

    def wrap(network: Any, spec: Any, context: Any) -> Any:
        def around(**tensors: Any) -> Any:
            return network(**tensors)

        around.fixed_shapes = "frames" in says  # type: ignore[attr-defined]
        return around

    says: set[str] = set()
    addon = open_tiny([], {"decoder": double}, {"voxstack_wrap_network": wrap}, networks={"decoder": doubling})
    with pytest.raises(ContextError, match="no plugin keeps to them"):
        addon.network("decoder", context)
    says.add("frames")
    assert addon.network("decoder", context)(frames=np.ones((1, 3, 2), np.float32))["mel"].shape == (1, 3, 2)


def test_plugins_can_wrap_networks(open_tiny: Callable[..., Any], doubling: dict[str, Any]) -> None:
    seen = []

    def voxstack_wrap_network(network: Any, spec: Any) -> Any:
        def traced(**tensors: Any) -> Any:
            seen.append((spec.name, tensors["frames"].shape))
            return network(**tensors)

        return traced

    addon = open_tiny(
        [], {"decoder": double}, {"voxstack_wrap_network": voxstack_wrap_network}, networks={"decoder": doubling}
    )
    made = addon.network("decoder").run_single(frames=np.ones((3, 2), np.float32))
    assert made["mel"].tolist() == [[2, 2]] * 3
    assert seen == [("decoder", (1, 3, 2))]


def test_a_plugin_that_cannot_tell_its_devices_leaves_the_others() -> None:
    def broken() -> list[str]:
        raise RuntimeError("no driver")

    found = Registry({"bad": plugin(voxstack_devices=broken), "good": plugin(voxstack_devices=lambda: ["x:1", "x:0"])})
    assert list(available_devices(found).items()) == [("x:0", "good"), ("x:1", "good")]
    assert repr(found.broken["bad"]) == "RuntimeError('no driver')"


def test_devices_are_those_for_the_formats_to_be_run() -> None:
    def some(formats: Collection[str] | None) -> list[str]:
        return ["x:0"] if formats is None or "x" in formats else []

    registry = Registry({"some": plugin(voxstack_devices=some), "any": plugin(voxstack_devices=lambda: ["y:0"])})
    assert list(available_devices(registry)) == list(available_devices(registry, ["x", "z"])) == ["x:0", "y:0"]
    assert list(available_devices(registry, ["z"])) == ["y:0"]
    assert not registry.broken


def test_more_plugins_stand_beside_those_of_a_registry_and_in_the_place_of_namesakes() -> None:
    first = Registry(
        {"one": plugin(voxstack_devices=lambda: ["x:1"]), "two": plugin(voxstack_devices=lambda: ["x:2"])},
        {"bad": OSError("no")},
    )
    more = first.with_plugins(
        {"two": plugin(voxstack_devices=lambda: ["x:3"]), "three": plugin(voxstack_devices=lambda: ["x:4"])}
    )
    assert available_devices(more) == {"x:1": "one", "x:3": "two", "x:4": "three"}
    assert list(more.broken) == ["bad"]
    assert available_devices(first) == {"x:1": "one", "x:2": "two"}


def test_plugins_check_addons_that_are_not_installed(
    write_addon: Callable[..., Path], doubling: dict[str, Any]
) -> None:
    seen: list[str] = []

    def check(files: Any) -> bool | None:
        seen.append(files.config["name"])
        if files.config["name"] == "stranger":
            raise AddonError(files.location, "is not trusted")
        return True if files.config["name"] == "friend" else None

    names = ("installed", "friend", "other", "stranger")
    folders = {name: write_addon(name, networks={"double": doubling}) for name in names}
    hooks = {"voxstack_addons": lambda: [folders["installed"]], "voxstack_check_addon": check}
    registry = Registry({"tiny": plugin(**hooks), "more": plugin(voxstack_check_addon=lambda files: None)})
    opened = [Addon.open(folders[name], registry) for name in ("friend", "other")]
    assert [addon.trust for addon in opened] == [True, False]
    assert [addon.networks["double"].trusted for addon in opened] == [True, False]
    assert Addon.open("installed", registry).trust
    assert seen == ["friend", "other"]
    with pytest.raises(AddonError, match="is not trusted"):
        Addon.open(folders["stranger"], registry, trust=True)
