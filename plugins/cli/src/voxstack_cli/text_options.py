"""Options of commands that read a text with a voice."""

from __future__ import annotations

import argparse

MARKUP = ("text", "markdown", "html", "ssml", "auto")


def add_text_options(parser: argparse.ArgumentParser, from_stdin: str) -> None:
    """Add the text, ``--file``, ``--markup`` and ``--ssml``.

    :param from_stdin: what the command does with text from stdin.
    """
    parser.add_argument(
        "text", nargs="*", metavar="TEXT", help=f'the text; "-", or no text, reads stdin and {from_stdin}'
    )
    parser.add_argument("--file", metavar="FILE", help="read the text from a file, UTF-8")
    parser.add_argument(
        "--markup",
        choices=MARKUP,
        default="text",
        help="format of the text; auto: its beginning decides (default: text)",
    )
    parser.add_argument("--ssml", action="store_const", dest="markup", const="ssml", help="the same as --markup ssml")


def add_voice_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--voice``."""
    parser.add_argument(
        "--voice",
        default="amber",
        metavar="VOICE",
        help="an installed voice by name, or a folder or .zip (default: amber)",
    )


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust``."""
    parser.add_argument(
        "--trust", action="store_true", help="allow code in the voice to run; voices installed with pip are trusted"
    )


def add_lexicon_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--lexicon``."""
    parser.add_argument(
        "--lexicon",
        action="append",
        metavar="FILE",
        help="pronunciations of words: W3C PLS, or lines of a word, a tab and its pronunciation; of several files, the "
        "last one that has a word counts",
    )
