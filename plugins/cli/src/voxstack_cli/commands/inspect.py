"""``voxstack inspect``: shows the contents of an addon."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from voxstack_cli.declarations import installed_version
from voxstack_cli.formatting import as_json, format_size, value_line
from voxstack_cli.lookahead import stack_lookahead
from voxstack_cli.registry import registry_of
from voxstack_cli.streamability import network_streamability, streamability_lines

if TYPE_CHECKING:
    from voxstack import Registry


def command(parser: argparse.ArgumentParser) -> None:
    """Show the contents of an addon.

    These are controls, networks and which of them stream exactly, stack, contexts and files. Nothing is loaded, and
    files are not verified.
    """
    parser.add_argument("addon", metavar="ADDON", help="an installed addon by name, or a folder or .zip")
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object: the addon.json, with sizes and the addon's location"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show one addon."""
    from voxstack_addon_spec import open_addon

    registry = registry_of(options)
    place, _ = registry.locate(options.addon)
    with open_addon(place) as files:
        config, location = files.config, files.location
    networks = _known_networks(config, registry)
    lookahead = stack_lookahead(config, networks, registry)
    if options.json:
        streams = {
            name: dict(zip(("how", "why"), network_streamability(network), strict=True))
            for name, network in networks.items()
        }
        fields = {"streams": streams, "lookahead": None if lookahead is None else lookahead._asdict()}
        print(as_json({"location": location, **with_sizes(config), **fields}))
    else:
        streaming = list(streamability_lines(networks, config.get("stack"), lookahead))
        print("\n".join(_lines(config, location, streaming)))
    return 0


def _known_networks(config: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the specs of an addon's own networks, and of borrowed ones whose lenders are installed."""
    from voxstack_addon_spec import open_addon

    known, places = {}, registry.addons()
    for name, network in config["networks"].items():
        if "addon" not in network:
            known[name] = network
        elif network["addon"] in places:
            with open_addon(places[network["addon"]]) as lender:
                lent = lender.config["networks"].get(network["network"])
            known |= {name: lent} if lent is not None and "addon" not in lent else {}
    return known


def with_sizes(config: dict[str, Any]) -> dict[str, Any]:
    """Return an addon.json in which every export has its ``size``, in bytes."""
    networks = {}
    for name, network in config["networks"].items():
        exports = [{**export, "size": _export_size(export, config)} for export in network.get("exports", [])]
        networks[name] = {**network, "exports": exports} if exports else network
    return {**config, "networks": networks}


def _export_size(export: Mapping[str, str], config: Mapping[str, Any]) -> int:
    return sum(config["files"][export[key]]["size"] for key in ("symbol", "parameters") if key in export)


def _lines(config: dict[str, Any], location: str, streaming: list[str]) -> Iterator[str]:
    yield f"{config['name']} {config['version']}  ({location})"
    if "description" in config:
        yield config["description"]
    languages = ", ".join(config["languages"]) or "no language"
    yield f"{languages}, {config['sample_rate']} Hz, {config['hop_length']} samples a frame, {config['license']}"
    sections: dict[str, list[str]] = {
        "controls": [value_line(name, schema) for name, schema in config["controls"].items()],
        "networks": [
            line for name, network in with_sizes(config)["networks"].items() for line in network_lines(name, network)
        ],
        "streaming": streaming,
        "stack": [line for index, block in enumerate(config.get("stack", [])) for line in tree(block, f"[{index}] ")],
        "plugins": [f"{name} {_with_installed(name, made)}" for name, made in config.get("plugins", {}).items()],
        "contexts": [f"{name}: {_pairs(context)}" for name, context in config.get("contexts", {}).items()],
        "files": _table({name: format_size(entry["size"]) for name, entry in config["files"].items()}),
    }
    if not sections["plugins"]:
        del sections["plugins"]  # most addons list none
    for title, lines in sections.items():
        yield ""
        yield title if lines else f"no {title}"
        yield from (f"  {line}" for line in lines)


def _with_installed(name: str, made: str) -> str:
    """Return the version of a plugin that an addon was made with, and the one that is installed if that is another."""
    found = installed_version(name)
    return made if found == made else f"{made} ({'not installed' if found is None else f'{found} is installed'})"


def network_lines(name: str, network: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines on a network.

    :param network: its spec, with the sizes of its exports.
    """
    if "addon" in network:
        yield f"{name}: borrowed, {network['network']!r} of {network['addon']!r}, sha256 {network['sha256'][:12]}..."
        return
    yield f"{name} ({network['role']})" + (f": {network['description']}" if "description" in network else "")
    for side in ("inputs", "outputs"):
        for key, tensor in network[side].items():
            axes = ", ".join(str(axis) for axis in tensor["shape"])
            yield f"  {side[:-1]:6} {key}: {tensor['dtype']} [{axes}]" + (", a mask" if tensor.get("mask") else "")
    if "autoregressive" in network:
        yield f"  autoregressive {_pairs(network['autoregressive'])}"
    else:
        yield f"  streaming {_streaming(network.get('streaming'))}"
    for export in network["exports"]:
        files = " + ".join(export[key] for key in ("symbol", "parameters") if key in export)
        yield f"  export {export['format']}: {files}, {format_size(export['size'])}"
    for key, value in network.get("measured", {}).items():
        yield f"  measured {key}: {_short(value)}"
    if "stateful" in network:
        form = network["stateful"]
        files = ", ".join(f"{export['format']} {export['symbol']}" for export in form["exports"])
        yield f"  also stateful, {_streaming(form['streaming'])}: {files}"
        for key, value in form.get("measured", {}).items():
            yield f"    measured {key}: {_short(value)}"


def _streaming(spec: Mapping[str, Any] | None) -> str:
    if spec is None:
        return "no: whole utterances only"
    axis = f"along {spec['axis']}" + (f" (input {spec['input']})" if "input" in spec else "")
    if "states" in spec:
        return f"{axis}: {len(spec['states'])} states, right context {spec['right']}, hop {spec['hop']}"
    return f"{axis}: left context {spec['left']}, right context {spec['right']}, hop {spec['hop']}"


def tree(block: Mapping[str, Any], label: str = "") -> Iterator[str]:
    """Yield the lines on a block of a stack and, indented, on the blocks inside it."""
    plain = {key: value for key, value in block.items() if key != "type" and not _blocks(value)}
    yield f"{label}{block['type']}" + (f" ({_pairs(plain)})" if plain else "")
    for key, value in block.items():
        for index, child in _blocks(value):
            yield from (f"  {line}" for line in tree(child, f"{key}{index}: "))


def _blocks(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the blocks in a field, each with its index; none if the field is a plain value."""
    items = [(f"[{index}]", item) for index, item in enumerate(value)] if isinstance(value, list) else [("", value)]
    are_blocks = all(isinstance(item, Mapping) and isinstance(item.get("type"), str) for _, item in items)
    return items if are_blocks else []


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_short(value)}" for key, value in values.items())


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _table(rows: Mapping[str, str]) -> list[str]:
    left, right = max(map(len, rows), default=0), max(map(len, rows.values()), default=0)
    return [f"{name:{left}}  {value:>{right}}" for name, value in rows.items()]
