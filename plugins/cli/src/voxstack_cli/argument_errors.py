"""An argument parser whose errors are one line that ends with what to do."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

_INVALID_CHOICE = re.compile(r"invalid choice: '(.*)' \(choose from (.*)\)$", re.DOTALL)

MEANT = {
    "o": "--out", "output": "--out", "wav": "--out", "save": "--out", "filename": "--out", "output-file": "--out",
    "f": "--file", "i": "--file", "input": "--file", "input-file": "--file", "t": "TEXT, without an option",
    "text": "TEXT, without an option", "v": "--voice", "m": "--voice", "model": "--voice", "name": "--voice",
    "speed": "--rate", "r": "--rate", "tempo": "--rate", "s": "--set", "speaker": "--set speaker=NAME",
    "volume": "--set volume=DB", "pitch": "--set pitch=SEMITONES", "seed": "--set seed=NUMBER", "control": "--set",
    "device": "--context", "runtime": "--context", "provider": "--context", "cuda": "--context onnx:cuda",
    "gpu": "--context onnx:cuda", "block": "--insert", "add": "--insert", "captions": "--srt", "subtitles": "--srt",
    "q": "--quiet", "silent": "--quiet", "p": "--port", "bind": "--host",
    "speak": "say", "synthesize": "say", "synthesise": "say", "synth": "say", "tts": "say", "run": "say",
    "list": "voices", "ls": "voices", "models": "voices", "show": "inspect", "info": "inspect", "convert": "import",
    "server": "serve", "benchmark": "bench", "test": "check", "devices": "contexts", "block-list": "blocks",
}  # fmt: skip
"""Words that users of other software try, with the option or the command that does the same here."""

EXTRAS = {"plot": "plot", "grade": "grade", "serve": "serve", "deploy-ray": "ray"}
"""Commands of distributions that are extras of voxstack, with the name of the extra."""


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line, with the closest name or option."""

    def error(self, message: str) -> NoReturn:
        """Print one line on stderr, and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {self._explained(message)}\n")

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Return the options; report one that is unknown with the parser of the command that it was given to."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = self._parser_of(args or ())
            parser.error(parser._unknown(unknown[0]))
        return options

    def _parser_of(self, args: Sequence[str]) -> Parser:
        """Return the parser of the command that the arguments name, or this one."""
        commands = self._commands()
        return next((commands[word] for word in args if word in commands), self)

    def _commands(self) -> dict[str, Any]:
        return next((dict(each.choices) for each in self._actions if isinstance(each, argparse._SubParsersAction)), {})

    def _unknown(self, word: str) -> str:
        if not word.startswith("-") or word == "-":
            return f"there is one argument too many, {word!r}; leave it out"
        option = word.partition("=")[0]
        return f"there is no option {option}" + self._instead(option, self._option_string_actions)

    def _explained(self, message: str) -> str:
        """Return a message of argparse with what to do."""
        choice = _INVALID_CHOICE.search(message)
        if choice is None:
            ends = ";" in message
            return message if ends else f"{message}; see {self.prog} --help"
        commands = self._commands()
        word = choice[1]
        if "argument COMMAND" in message:
            return f"there is no command {word!r}{self._instead(word, commands)}"
        name = message[: choice.start()].removeprefix("argument ").rstrip(": ")
        known = re.findall(r"'([^']*)'", choice[2])
        return f"{name}: {word!r} is not one of {', '.join(known)}" + _closest(word, known, "; choose one of them")

    def _instead(self, word: str, known: Iterable[str]) -> str:
        names = list(known)
        if word in EXTRAS and word not in names and self._commands():
            return f'; it is an extra: pip install ".[{EXTRAS[word]}]" in the folder of voxstack'
        meant = MEANT.get(word.lstrip("-"))
        if meant is not None and (meant.partition(" ")[0] in names or meant.startswith("TEXT")):
            return f"; did you mean {meant}?"
        commands = sorted(self._commands())
        listing = f"; there are {', '.join(commands)}" if commands else f"; {self.prog} --help lists them"
        return _closest(word, [name for name in names if name.startswith("--") or commands], listing)


def _closest(word: str, known: Sequence[str], otherwise: str) -> str:
    found = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]}?" if found else otherwise
