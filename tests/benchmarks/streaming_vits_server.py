"""The generator of streaming-vits behind the server of ``voxstack serve``: ``MODEL FOLDER [--calibrate]``.

The path, the body and the response are those of ``POST /v1/audio/speech`` for a WAV file, and uvicorn has the settings
of :func:`voxstack_serve.server.make_server`. As many threads compute a call as there are cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from voxstack_serve.encoders.wav import pcm16, wav_header
from voxstack_serve.server import address_of, listening_socket, make_server

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def main() -> None:
    """Load the model, and serve it until a signal."""
    from starlette.applications import Starlette
    from starlette.routing import Route
    from streaming_vits import StreamingTTS

    model, folder = sys.argv[1:3]
    threads = len(os.sched_getaffinity(0))
    tts = StreamingTTS(model, config_path=f"{model}.json", threads=threads, cache=folder, verbose=False)
    if "--calibrate" in sys.argv:
        from streaming_vits.calibrate import calibrate

        tts.profile = calibrate(tts, verbose=False)
    list(tts.stream("One, two."))
    with listening_socket("127.0.0.1", 0) as listener:
        print(f"{address_of(listener)} serves streaming-vits, {tts.profile.schedule}", file=sys.stderr, flush=True)
        app = Starlette(routes=[Route("/v1/audio/speech", endpoint(tts), methods=["POST"])])
        make_server(app).run(sockets=[listener])


def endpoint(tts: Any) -> Any:
    """Return the function that answers a request by the chunks as they are computed, on a thread."""

    async def speech(request: Request) -> Response:
        from starlette.responses import StreamingResponse

        text = (await request.json())["input"]
        return StreamingResponse(_wav(tts, text), media_type="audio/wav")

    return speech


def _wav(tts: Any, text: str) -> Iterator[bytes]:
    header = wav_header(tts.sample_rate, None)
    for chunk in tts.stream(text):
        yield header + pcm16(chunk.audio)
        header = b""


if __name__ == "__main__":
    main()
