"""Requests to a voice: checked, and made into the utterances that its stack starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from voxstack.blocks import StreamableBlock
from voxstack.errors import AddonError, PluginError, RequestError
from voxstack.networks.addon import Addon
from voxstack.streaming.schedule import Schedule
from voxstack.streaming.timeline import Timeline
from voxstack.streaming.tracing import Trace
from voxstack.utterance import REQUEST, Utterance
from voxstack_addon_spec.validation import strict_validator
from voxstack_addon_spec.wording import problem
from voxstack_voice.control_names import unknown_control
from voxstack_voice.playback import Playback
from voxstack_voice.request_text import request_text

Markup = Literal["text", "markdown", "html", "ssml", "auto"]

LexiconLike = Mapping[str, str | Mapping[str, str]] | str | Path | Sequence[Any] | Any
"""A lexicon, or what one is read from; see :meth:`.Voice.stream`."""

RESERVED = frozenset({"self", "live", "timeout", "start", "skip", "horizon", "admitted", *REQUEST})
"""Names that no control may have."""


def check_kind(name: str, value: object, kind: type, example: str) -> None:
    """Check that a setting of a voice or a request is of its kind, or None.

    :param name: of the voice.
    :param example: what to give, without ``voxstack.``.
    :raises RequestError: if it is neither.
    """
    if value is not None and not isinstance(value, kind):
        raise RequestError(f"{name}: {value!r:.80} is no {kind.__name__}; give a voxstack.{example}, for example")


class Requests:
    """The requests that a voice accepts.

    :param addon: of the voice, which declares the controls.
    :param block: its stack, which may read by lexicons.
    :param schedule: of requests that set none.
    :param lexicon: for all requests.
    :raises AddonError: if a control has a name that is reserved.
    """

    def __init__(
        self, addon: Addon, block: StreamableBlock, schedule: Schedule, lexicon: LexiconLike | None = None
    ) -> None:
        self._addon, self._block, self._schedule = addon, block, schedule
        self.controls: Mapping[str, Any] = addon.config.get("controls", {})
        self.languages = ", ".join(addon.config.get("languages", ()))
        taken = self.controls.keys() & RESERVED
        if taken:
            reason = f"{sorted(taken)} mean something else in a request; rename these controls"
            raise AddonError(f"{addon.name}: controls", reason)
        self.lexicon = None if lexicon is None else self.read_lexicon(lexicon)

    def utterance(
        self,
        text: str | Iterable[str],
        markup: Markup,
        lexicon: LexiconLike | None,
        schedule: Schedule | None,
        playback: Playback,
        controls: Mapping[str, Any],
        trace: Trace | None = None,
    ) -> Utterance:
        """Return the utterance of a request: the text, and every control that the addon declares.

        :raises RequestError: for an empty text, or a control that is unknown or out of its bounds.
        """
        name = self._addon.name
        check_kind(name, schedule, Schedule, "Schedule(first=16)")
        checked = request_text(text, name, self.languages)
        if markup not in get_args(Markup):
            choices = ", ".join(map(repr, get_args(Markup)))
            raise RequestError(f"{name}: markup is one of {choices}, not {markup!r}")
        for control, value in controls.items():
            if control not in self.controls:
                raise RequestError(f"{name} {unknown_control(control, self.controls)}")
            self._check(control, value)
        defaults = {key: schema["default"] for key, schema in self.controls.items() if "default" in schema}
        request = {
            "text": checked,
            "markup": markup,
            "lexicon": self._with_own(lexicon),
            "schedule": replace(schedule or self._schedule, playback=playback),
            "timeline": Timeline(playback.sample_rate),
            "trace": trace,
        }
        return {**request, **defaults, **controls}

    def read_lexicon(self, lexicon: LexiconLike) -> Any:
        """Return a lexicon, read once for many requests; see :meth:`.Voice.read_lexicon`."""
        registry = self._addon.registry
        read = next(iter(registry.implementations("voxstack_lexicon")), None)
        if read is None:
            raise PluginError("no installed plugin reads lexicons; try: pip install voxstack-text")
        found = registry.call(read, source=lexicon)
        if not self._block.check_lexicon(found):
            reason = "this voice's reader takes no lexicon; write the words in the text as they are to be read"
            raise RequestError(f"{self._addon.name}: {reason}")
        return found

    def _with_own(self, lexicon: LexiconLike | None) -> Any:
        """Return a request's lexicon, whose words come before those of the voice's."""
        if lexicon is None:
            return self.lexicon
        found = self.read_lexicon(lexicon)
        return found if self.lexicon is None else found.over(self.lexicon)

    def _check(self, control: str, value: Any) -> None:
        from jsonschema.exceptions import best_match

        error = best_match(strict_validator()(dict(self.controls[control])).iter_errors(value))
        if error is not None:
            raise RequestError(f"{self._addon.name}: {control}: {problem(error)}")
