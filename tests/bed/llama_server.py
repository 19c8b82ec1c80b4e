"""llama.cpp's own HTTP server, as xllamacpp carries it, in a process of its own on loopback: others' real endpoint."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import xllamacpp
wish = xllamacpp.CommonParams()
wish.model.path = sys.argv[2]
wish.model_alias = {"small"}
wish.hostnames, wish.port = ["127.0.0.1"], 0
wish.n_ctx, wish.n_parallel, wish.n_gpu_layers = 1024, 2, 0
wish.cpuparams.n_threads, wish.warmup = 1, False
wish.api_keys = sys.argv[3:4]
if sys.argv[4:]:
    wish.embedding = True
    wish.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(wish)
print("serves", server.listening_address, flush=True)
sys.stdin.read()
"""
"""Arguments: where xllamacpp lies, the model, a key, and a word where it is to embed. It ends when stdin does."""


@contextmanager
def llama_server(site: Path, model: Path, key: str, *, embeds: bool = False) -> Iterator[str]:
    """Give the URL up to and with ``/v1``."""
    words = [sys.executable, "-c", PROGRAM, str(site), str(model), key, *(["embeds"] if embeds else [])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, text=True, **pipes) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            said = next((line for line in server.stdout if line.startswith("serves ")), "")
            assert said, "llama.cpp's server did not start"
            yield f"{said.split()[1]}/v1"
        finally:
            server.stdin.close()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
