"""What a client of OpenAI's API may ask, field by field; ``reading.py`` says what becomes of other fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

MOST_TOKENS = 8192
USUAL_TOKENS = 512
"""Of a chat's answer whose request names no limit."""
Limit = Annotated[int, Meta(ge=1)]
Warmth = Annotated[float, Meta(ge=0, le=2)]
Stops = Annotated[str, Meta(min_length=1)] | Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One part of a message."""

    type: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Which tool was called with what."""

    name: str
    arguments: str = "{}"
    """JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that the model made in an earlier answer."""

    id: str
    function: Called
    type: str = "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Content] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function that the model may call."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    description: str = ""
    parameters: dict[str, Any] | None = None
    """JSON Schema of its arguments; None = it takes none."""
    strict: bool | None = None
    """The arguments must be held to the schema, or the request refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that the model may call."""

    type: Literal["function"]
    function: Function


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The name of the function that must be called."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which function must be called."""

    type: Literal["function"]
    function: Chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaForm:
    """The schema that an answer must satisfy."""

    schema: dict[str, Any]
    name: str = "answer"
    description: str = ""
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFormat:
    """What form the answer must have."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: SchemaForm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What else a stream tells."""

    include_usage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAsked:
    """The body of ``POST /v1/chat/completions``."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    temperature: Warmth = 0.3
    stop: Stops | None = None
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | Choice | None = None
    parallel_tool_calls: bool = True
    """Either way an answer has one call at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAsked:
    """The body of ``POST /v1/completions``."""

    prompt: Annotated[str, Meta(min_length=1)] | list[str]
    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Limit = 16
    temperature: Warmth = 0.3
    stop: Stops | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedAsked:
    """The body of ``POST /v1/embeddings``."""

    input: str | Annotated[list[str | int | list[int]], Meta(max_length=2048)]
    """A text or several; tokens are refused."""
    model: str = ""
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Limit | None = None
    """Must be those of the model."""


def limit_of(asked: ChatAsked) -> int:
    """Return the most tokens of a chat's answer."""
    return min(asked.max_completion_tokens or asked.max_tokens or USUAL_TOKENS, MOST_TOKENS)


def stops_of(stop: str | list[str] | None) -> tuple[str, ...]:
    """Return the texts before which an answer ends."""
    return (stop,) if isinstance(stop, str) else tuple(stop or ())
