"""Requests and messages as the clients send them, member by member; tests compare them with the clients themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

OPENAI = "openai 3.57.0"
LIVEKIT = "LiveKit Agents 1.8.9"
PIPECAT = "pipecat 1.14.0"
ELEVENLABS = "elevenlabs 2.78.0"
WYOMING = "Home Assistant 2026.11"
OPEN_WEBUI = "Open WebUI"

OPENAI_VOICES = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip
"""The only voices that pipecat requests from OpenAI's interface."""

Message = dict[str, Any]


def pipecat_speech(text: str, voice: str) -> Message:
    """Return the body that pipecat's OpenAITTSService posts."""
    return {"input": text, "model": "gpt-4o-mini-tts", "voice": voice, "response_format": "pcm"}


def livekit_speech(text: str, voice: str) -> Message:
    """Return the body that LiveKit's OpenAI plugin posts."""
    return {
        "input": text,
        "model": "gpt-4o-mini-tts",
        "voice": voice,
        "response_format": "mp3",
        "speed": 1.0,
        "stream_format": "sse",
    }


def pipecat_query(rate: int = 24_000) -> dict[str, str]:
    """Return the parameters of the address that pipecat's ElevenLabsTTSService connects to."""
    return {"model_id": "eleven_flash_v2_5", "output_format": f"pcm_{rate}", "auto_mode": "true"}


def livekit_query(encoding: str = "mp3_22050_32") -> dict[str, str]:
    """Return the parameters of the address that LiveKit's ElevenLabs plugin connects to."""
    return {
        "model_id": "eleven_turbo_v2_5",
        "output_format": encoding,
        "enable_ssml_parsing": "false",
        "enable_logging": "true",
        "inactivity_timeout": "180",
        "apply_text_normalization": "auto",
        "sync_alignment": "true",
        "auto_mode": "true",
    }


def pipecat_turn(context: str, sentences: Sequence[str]) -> list[Message]:
    """Return the messages of a turn of pipecat."""
    return [
        {"text": " ", "context_id": context},
        *({"text": sentence, "context_id": context} for sentence in sentences),
        {"context_id": context, "flush": True},
        pipecat_close(context),
    ]


def pipecat_close(context: str) -> Message:
    """Return the message by which pipecat ends a turn, and by which it interrupts one."""
    return {"context_id": context, "close_context": True}


def pipecat_keepalive(context: str = "") -> Message:
    """Return the message by which pipecat keeps a connection alive, and a context if it has one."""
    return {"text": "", "context_id": context} if context else {"text": ""}


def livekit_turn(context: str, sentences: Sequence[str]) -> list[Message]:
    """Return the messages of a turn of LiveKit, each sentence with a space at its end."""
    return [
        {"text": " ", "voice_settings": {}, "context_id": context},
        *({"text": f"{sentence} ", "context_id": context, "flush": True} for sentence in sentences),
        {"text": "", "context_id": context, "flush": True},
        {"context_id": context, "close_context": True},
    ]


def elevenlabs_turn(parts: Sequence[str]) -> list[Message]:
    """Return the messages of the official client's ``convert_realtime``, for parts that end with a space."""
    return [
        {
            "text": " ",
            "try_trigger_generation": True,
            "voice_settings": None,
            "generation_config": {"chunk_length_schedule": [50]},
        },
        *({"text": part, "try_trigger_generation": True} for part in parts),
        {"text": ""},
    ]
