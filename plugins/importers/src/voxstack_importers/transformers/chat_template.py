"""The preparation of a text that a chat template does, found by trying what it makes of some texts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voxstack_importers.transformers.pretrained import Pretrained, library, read_json
from voxstack_packager import PackagingError

Render = Callable[[str], str]

CHARACTERS = "–—‐’‘“”«»…;:"  # noqa: RUF001
"""Characters that a template may replace."""

PROBES = (
    "One two three four five six.",
    "well, yes",
    "  two   spaces\nand a line ",
    "Is it?",
    "and then, ",
    "she said 'no'",
    "A",
)
"""Texts that tell preparations apart."""


def prepared_fields(pretrained: Pretrained, placeholders: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Return the fields of ``Subwords`` that prepare a text as the model's chat template does, and what they leave out.

    :param placeholders: texts that stand for audio, which are no part of the text.
    :returns: fields, empty without a template, and a line about the first text that they prepare otherwise, if any.
    :raises PackagingError: if the template cannot be rendered.
    """
    template = _template(pretrained)
    if template is None:
        return {}, ""

    def render(text: str) -> str:
        rendered = _rendered(template, text, pretrained)
        for placeholder in placeholders:
            rendered = rendered.replace(placeholder, "")
        return rendered

    replace = {character: found for character in CHARACTERS if (found := _replacement(render, character)) != character}
    switches = itertools.product((False, True), (False, True), ("", "."))
    candidates = [{"squeeze": squeeze, "capitalize": capital, "final": final} for squeeze, capital, final in switches]
    best = min(candidates, key=lambda fields: len(_differences(render, fields)))
    differences = _differences(render, best)
    note = ""
    if differences:
        note = f"the chat template prepares {differences[0]!r} as {render(differences[0])!r}, which Subwords does not"
    fields = {name: value for name, value in best.items() if value}
    return {**fields, **({"replace": replace} if replace else {})}, note


def _template(pretrained: Pretrained) -> str | None:
    """Return the chat template of a model: a file of its own, or an entry of its other files."""
    own = pretrained.folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text("utf-8")
    for name in ("processor_config.json", "tokenizer_config.json", "chat_template.json"):
        path = pretrained.folder / name
        template = read_json(path).get("chat_template") if path.is_file() else None
        if isinstance(template, str):
            return template
    return None


def _rendered(template: str, text: str, pretrained: Pretrained) -> str:
    """Return what a template makes of one message without audio. transformers renders it in a sandbox."""
    conversation = [{"role": "user", "content": [{"type": "text", "text": text}]}]
    render = library("transformers.utils.chat_template_utils").render_jinja_template
    try:
        rendered, _ = render(conversations=[conversation], chat_template=template)
    except Exception as error:  # whatever the template does
        problem = f"its chat template cannot be rendered ({error}); copy the template of this model"
        raise PackagingError(str(pretrained.folder), problem) from error
    return str(rendered[0])


def _replacement(render: Render, character: str) -> str:
    """Return what stands for a character between two letters."""
    rendered = render(f"A{character}b.").strip()
    return rendered[1:-2] if rendered[:1] == "A" and rendered[-2:] == "b." else character


def _differences(render: Render, fields: Mapping[str, Any]) -> list[str]:
    """Return the texts that fields of ``Subwords`` prepare otherwise than a template, but for blanks at the ends."""
    import voxstack

    prepare = voxstack.build({"type": "Subwords", **fields}).prepare
    return [text for text in PROBES if prepare(text).text.strip() != render(text).strip()]
