"""What training needs of the engine: tokens as the model's own template makes them, what flows into the last block's
``ffn_down``, and the loss by llama.cpp itself, with an adapter or without. Child only."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as ll
import numpy as np
import numpy.typing as npt

from aistack_backend.inference.answers import CannotAnswer
from aistack_backend.inference.ggml import Ggml
from aistack_backend.inference.llama import CHUNK, LoadedModel
from aistack_backend.inference.protocol import Do, Order

Floats = npt.NDArray[np.float32]
Turns = Sequence[tuple[str, str]]
CONTEXT = 1024
"""Tokens that one line of a dataset may fill."""


@dataclass(frozen=True, slots=True)
class Line:
    """A prompt and its answer in tokens; the answer alone is taught."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    """With the token that ends it."""


@dataclass(frozen=True, slots=True)
class Read:
    """What llama.cpp computed of one line: for each token of the answer the row that predicts it."""

    inner: Floats
    """Rows x the width of the feed-forward net: what goes into ``ffn_down``."""
    outer: Floats
    """Rows x the width of the model: what leaves the last block, before the last norm."""
    losses: Floats
    """Nats for each token, by llama.cpp's own logits."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands behind the last block, at 32 bits."""

    weights: Floats
    """Vocabulary x width."""
    norm: Floats
    epsilon: float


class Taught(LoadedModel):
    """A model with a context of one sequence, of which the last block is watched."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load it.

        Raises:
            CannotAnswer: the file cannot be loaded, has no chat template, or its last block is not one that we know.
        """
        self._wanted: tuple[str, ...] = ()
        self._held: list[int] = []
        self._caught: dict[str, Floats] = {}
        self._on_node = ll.ggml_backend_sched_eval_callback(self._node)
        self._ggml = Ggml()
        self._path = path
        order = Order(do=Do.LOAD, path=str(path), context=CONTEXT, cells=CONTEXT, threads=threads, gpu_layers=0)
        super().__init__(order, 1, lambda: False, lambda _share: None)
        self._watch(False)
        last = self.layers[0] - 1
        self._inner, self._outer = f"ffn_swiglu-{last}", f"l_out-{last}"
        self._width = int(ll.llama_model_n_embd(self._model))
        self._vocabulary = int(ll.llama_vocab_n_tokens(self._vocab))
        self.target = f"blk.{last}.ffn_down.weight"
        """The tensor that an adapter is for."""
        self.architecture = self._said("general.architecture")

    def line(self, turns: Turns) -> Line:
        """Return a line's tokens; the last turn is the answer.

        Raises:
            CannotAnswer: too long for ``CONTEXT``, or the template refuses the turns.
        """
        before = self._format.render(turns[:-1])
        prompt = self._tokens(before)
        answer = self._tokens(self._format.neutral(turns[-1][1]), special=False)
        answer.append(self._end(before, self._format.render(turns)))
        if len(prompt) + len(answer) > CONTEXT:
            raise CannotAnswer(f"it has {len(prompt) + len(answer)} tokens; {CONTEXT} fit.")
        return Line(tuple(prompt), tuple(answer))

    def read(self, line: Line, watched: bool = True) -> Read:
        """Compute a line. What it shares with the one before is not computed again. ``watched`` False = losses alone.

        Raises:
            CannotAnswer: llama.cpp cannot, or its graph has other names than we know.
        """
        tokens = [*line.prompt, *line.answer[:-1]]
        first = len(line.prompt) - 1
        common = next((at for at, (a, b) in enumerate(zip(self._held, tokens, strict=False)) if a != b), None)
        kept = min(len(self._held), len(tokens), first) if common is None else min(common, first)
        if not self.forget(0, kept):
            kept = 0
        self._wanted = (self._inner, self._outer) if watched else ()
        parts = [self._part(line, tokens, at, first) for at in range(kept, len(tokens), CHUNK)]
        self._held = tokens
        inner, outer, losses = (np.concatenate(one) for one in zip(*parts, strict=True))
        if watched and (not len(inner) or len(inner) != len(outer)):
            raise CannotAnswer(f"This model's last block has no {self._inner} and {self._outer} to learn from.")
        return Read(inner, outer, losses)

    def head(self) -> Head:
        """Return what stands behind the last block, dequantised by ggml itself.

        Raises:
            CannotAnswer: the file has no such tensors, or in a form that ggml cannot read at 32 bits.
        """
        with self._ggml.tensors(self._path) as tensors:
            name = "output.weight" if tensors.has("output.weight") else "token_embd.weight"
            weights = tensors.floats(name).reshape(self._vocabulary, self._width)
            norm = tensors.floats("output_norm.weight")
        epsilon = self._said(f"{self.architecture}.attention.layer_norm_rms_epsilon")
        if not epsilon or norm.shape != (self._width,):
            raise CannotAnswer(f"A {self.architecture} model has no plain norm before its output.")
        return Head(weights, norm, float(epsilon))

    def adapt(self, adapter: str) -> None:
        """See ``LoadedModel.adapt``; what was computed without it is forgotten."""
        super().adapt(adapter)
        if self._held:
            self.forget(0, 0)
            self._held = []

    def _part(self, line: Line, tokens: list[int], at: int, first: int) -> tuple[Floats, Floats, Floats]:
        """Compute up to ``CHUNK`` tokens from ``at``; return the rows of those that predict a token of the answer."""
        batch, chunk = self._batch, tokens[at : at + CHUNK]
        for offset, token in enumerate(chunk):
            batch.token[offset], batch.pos[offset] = token, at + offset
            batch.n_seq_id[offset], batch.seq_id[offset][0] = 1, 0
            batch.logits[offset] = at + offset >= first
        batch.n_tokens = len(chunk)
        self._caught.clear()
        if code := int(ll.llama_decode(self._context, batch)):
            raise CannotAnswer(f"llama.cpp could not compute a line (code {code}).")
        losses = []
        for offset in range(max(0, first - at), len(chunk)):
            wanted = line.answer[at + offset - first]
            row = np.ctypeslib.as_array(ll.llama_get_logits_ith(self._context, offset), (self._vocabulary,))
            top = float(row.max())
            losses.append(top + float(np.log(np.exp(row - top).sum())) - float(row[wanted]))
        none = np.zeros(0, np.float32)
        inner = self._caught.get(self._inner, none).reshape(len(losses), -1)
        return inner, self._caught.get(self._outer, none).reshape(len(losses), -1), np.array(losses, np.float32)

    def _node(self, node: Any, asking: bool, _data: Any) -> bool:
        """llama.cpp asks of each node whether we want to see it, and shows those."""
        if not self._wanted or (name := self._ggml.name(node)) not in self._wanted:
            return False
        if not asking:
            self._caught[name] = self._ggml.values(node)
        return True

    def _end(self, before: str, whole: str) -> int:
        """Return the token that ends an answer, which the template writes after it."""
        rest = self._tokens(whole[len(before) :] if whole.startswith(before) else whole)
        ends = [token for token in rest if self.ends(token)]
        last = ends[0] if whole.startswith(before) and ends else int(ll.llama_vocab_eos(self._vocab))
        if last < 0:
            raise CannotAnswer("This model has no token that ends an answer.")
        return last

    def _said(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(256)
        count = ll.llama_model_meta_val_str(self._model, key.encode(), buffer, 256)
        return buffer.value.decode("utf-8", "replace") if count > 0 else ""

    def _context_settings(self, context: int, threads: int) -> Any:
        settings = super()._context_settings(context, threads)
        settings.cb_eval = self._on_node
        return settings


def losses(model: Taught, lines: Sequence[Line]) -> Iterator[float]:
    """Yield the loss of each line in nats a token, by llama.cpp."""
    for line in lines:
        yield float(model.read(line, watched=False).losses.mean())
