"""Turn messages into the model's own prompt format. Runs in the child, which has jinja2 beside the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aistack_backend.inference.answers import CannotAnswer


class ChatFormat:
    """The compiled chat template of one model, and the texts that mean something special to it."""

    def __init__(self, source: str, special: Iterable[str], bos: str, eos: str) -> None:
        """Compile in jinja2's immutable sandbox.

        Raises:
            CannotAnswer: the template has a syntax error.
        """
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        world = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], autoescape=False
        )
        world.globals["raise_exception"] = _raise
        self._broken = TemplateError
        self._special = sorted((text for text in special if len(text) > 1), key=len, reverse=True)
        self._names: dict[str, Any] = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True}
        try:
            self._template = world.from_string(source)
        except TemplateError as error:
            raise CannotAnswer(f"The model's chat template is broken: {error}.") from error

    def render(self, turns: Sequence[tuple[str, str]]) -> str:
        """Return the prompt for ``(role, text)`` turns, ready for the answer.

        Raises:
            CannotAnswer: the template refuses these turns, or fails.
        """
        messages = [{"role": role, "content": self.neutral(text)} for role, text in turns]
        try:
            return str(self._template.render(messages=messages, **self._names))
        except (self._broken, TypeError, ValueError, OverflowError) as error:
            raise CannotAnswer(f"The model's chat template cannot render this chat: {error}.") from error

    def neutral(self, text: str) -> str:
        """Return ``text`` with every special token split by a space, so that it cannot end a turn or begin one."""
        for token in self._special:
            if token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return text


def _raise(message: str) -> None:
    raise CannotAnswer(message)
