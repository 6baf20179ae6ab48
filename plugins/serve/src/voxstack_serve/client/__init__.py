"""A client that survives its server: speech that goes on at another one, byte for byte.

.. code-block:: python

    from voxstack_serve.client import resumable_speech

    with open("hello.wav", "wb") as file:
        for part in resumable_speech(["http://one:8000", "http://two:8000"], "Hello there.", voice="amber"):
            file.write(part)
"""

from voxstack_serve.client.errors import SpeechError
from voxstack_serve.client.speech import aresumable_speech, resumable_speech

__all__ = ["SpeechError", "aresumable_speech", "resumable_speech"]
