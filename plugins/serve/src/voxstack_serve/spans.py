"""Spans of OpenTelemetry: one for each request, and in it one for each stream; nothing where it is not installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from voxstack_serve.request_info import RequestInfo

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from starlette.types import Scope


class StreamSpan:
    """The span of a stream, a child of what was current when the stream began.

    It is never current itself: a generator cannot be, as the code between its chunks is that of its caller.
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    def add_first_audio(self) -> None:
        """Record that the stream has its first audio."""
        self._span.add_event("first_audio")

    def end(self, *, outcome: str, reason: str, **attributes: str | float | None) -> None:
        """End the span with its attributes, of which those without a value are left out."""
        from opentelemetry.trace import StatusCode

        found = {"outcome": outcome, "reason": reason, **attributes}
        self._span.set_attributes({f"voxstack.{key}": value for key, value in found.items() if value not in ("", None)})
        if outcome == "failed":
            self._span.set_status(StatusCode.ERROR, reason)
        self._span.end()


class Tracing:
    """A source of spans, by the provider that the program around, or ``opentelemetry-instrument``, has set up.

    :param provider: of OpenTelemetry's tracers, instead of that one.
    """

    def __init__(self, provider: Any = None) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            self._tracer = None
        else:
            self._tracer = trace.get_tracer("voxstack.serve", tracer_provider=provider)

    @contextmanager
    def request(self, name: str, headers: Mapping[str, str], request: RequestInfo) -> Iterator[Span | None]:
        """Make the span of a request current in the block inside, and provide it; None where there are no spans.

        :param headers: of the request; its span is a child of that in ``traceparent``.
        """
        if self._tracer is None:
            yield None
            return
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, StatusCode, use_span

        span = self._tracer.start_span(name, extract(headers), SpanKind.SERVER, {"voxstack.request": request.id})
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except Exception as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)  # its message may have a text of the client
                raise

    @contextmanager
    def http(self, scope: Scope, request: RequestInfo) -> Iterator[None]:
        """Make the span of a request over HTTP, or of a connection of a WebSocket, current in the block inside."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self.request(_method(scope), headers, request) as span:
            try:
                yield
            finally:
                if span is not None:
                    _describe(span, scope, request.status)

    def stream(self) -> StreamSpan | None:
        """Return the span of a stream that begins; None where there are no spans."""
        return None if self._tracer is None else StreamSpan(self._tracer.start_span("speech"))


def _method(scope: Scope) -> str:
    return str(scope.get("method", "WEBSOCKET"))


def _describe(span: Span, scope: Scope, status: int) -> None:
    """State what is known of a request at its end: its route has a name that others share."""
    from opentelemetry.trace import StatusCode

    route = getattr(scope.get("route"), "path", None)
    span.set_attribute("http.request.method", scope.get("method", "GET"))
    if route is not None:
        span.update_name(f"{_method(scope)} {route}")
        span.set_attribute("http.route", route)
    if status:
        span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
