"""The voices and models of a service as clients of this protocol read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxstack_serve.elevenlabs.details import detail_response
from voxstack_serve.elevenlabs.http_request import resolve
from voxstack_serve.elevenlabs.messages import ProtocolError
from voxstack_serve.http_messages import json_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from voxstack_serve.catalogue import VoiceInfo
    from voxstack_serve.service import Service

MODELS = ("eleven_flash_v2_5", "eleven_turbo_v2_5", "eleven_multilingual_v2")
"""Names of models that clients choose from. All are equal, and any other is accepted, too: a voice is a model."""


class VoicePages:
    """The pages with the voices of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def voices(self, request: Request) -> Response:
        """Return the voices on offer now."""
        return json_response({"voices": [_voice(voice) for voice in self._service.voices()]})

    async def search(self, request: Request) -> Response:
        """Return the voices whose names or descriptions contain a text, on one page."""
        text = request.query_params.get("search", "").casefold()
        found = [
            _voice(voice) for voice in self._service.voices() if text in f"{voice.name} {voice.description}".casefold()
        ]
        return json_response({"voices": found, "has_more": False, "total_count": len(found), "next_page_token": None})

    async def voice(self, request: Request) -> Response:
        """Return one voice."""
        try:
            name = resolve(self._service, request.path_params["voice"])
        except ProtocolError as error:
            return detail_response(error)
        return json_response(next(_voice(voice) for voice in self._service.voices() if voice.id == name))


def models(service: Service) -> list[dict[str, Any]]:
    """Return the names of models."""
    return [
        {
            "model_id": name,
            "name": name,
            "can_do_text_to_speech": True,
            "can_do_voice_conversion": False,
            "maximum_text_length_per_request": service.limits.characters,
            "languages": [{"language_id": tag, "name": tag} for tag in _languages(service)],
        }
        for name in MODELS
    ]


def _languages(service: Service) -> list[str]:
    return sorted({tag.partition("-")[0] for voice in service.voices() for tag in voice.languages})


def _voice(voice: VoiceInfo) -> dict[str, Any]:
    return {
        "voice_id": voice.id,
        "name": voice.name,
        "category": "premade",
        "description": voice.description or None,
        "labels": {"language": ", ".join(voice.languages), "license": voice.license},
        "preview_url": None,
        "available_for_tiers": [],
        "settings": None,
        "high_quality_base_model_ids": list(MODELS),
    }
