"""Networks, secrets, volumes, images and the containers of services, by the API of a real Podman."""

from __future__ import annotations

import fnmatch
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from aistack_backend.containers import service_spec
from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.ladder import listeners
from aistack_backend.containers.listing import whole
from aistack_backend.containers.models import Image, Volume
from aistack_backend.containers.podman import EFFECT, ApiPodman
from aistack_backend.containers.provision import HostInfo, Network, Progress, Secret, ServiceSpec
from aistack_backend.containers.stream import Stream
from aistack_backend.errors import BadInput, NotFound

FILES = 3600.0
"""Seconds that files may take to be read or written."""
INFO = 15.0
LAST = 8
"""Lines of a failed build that are told."""


class ApiProvisioner:
    """Works on the socket of an ``ApiPodman``."""

    def __init__(self, podman: ApiPodman) -> None:
        self._podman = podman

    def info(self) -> HostInfo:
        """Ask ``/info``, which takes up to 0.4 s."""
        return _host(self._get("/info", "tell about its host", timeout=INFO))

    def networks(self) -> tuple[Network, ...]:
        """List all."""
        return whole(lambda: tuple(_network(one) for one in self._get("/networks/json", "list networks")))

    def create_network(self, name: str, labels: Mapping[str, str], *, internal: bool = False) -> None:
        """A bridge with name resolution; one that exists is left as it is."""
        wish = {"name": name, "driver": "bridge", "dns_enabled": True, "internal": internal, "labels": dict(labels)}
        try:
            self._post("/networks/create", wish, "create the network")
        except PodmanSays as said:
            if "already" not in said.detail:
                raise

    def remove_network(self, ref: str) -> None:
        """Never forced."""
        self._gone(f"/networks/{quote(ref)}", "remove the network", "network")

    def secrets(self) -> tuple[Secret, ...]:
        """List all; Podman never gives a value."""
        return whole(lambda: tuple(_secret(one) for one in self._get("/secrets/json", "list secrets")))

    def create_secret(self, name: str, value: bytes, labels: Mapping[str, str]) -> None:
        """4.3 knows no labels of secrets and ignores them."""
        query = {"name": name, "labels": json.dumps(dict(labels))}
        path = f"/secrets/create?{urlencode(query)}"
        self._podman.call("post", path, data=value, kind="application/octet-stream", what="keep the secret")

    def remove_secret(self, name: str) -> None:
        """Gone is gone."""
        self._gone(f"/secrets/{quote(name)}", "remove the secret", "secret")

    def create_volume(self, name: str, labels: Mapping[str, str]) -> Volume:
        """Podman returns the existing one only since 5: we look first."""
        try:
            return self._podman.volume(name)
        except NotFound:
            with suppress(PodmanSays):  # what a killed backend asked for may be made meanwhile: the look tells
                self._post("/volumes/create", {"Name": name, "Labels": dict(labels)}, "create the volume")
            return self._podman.volume(name)

    def create_service(self, spec: ServiceSpec) -> str:
        """The specification is sent as it is (see ``service_spec``)."""
        return str(self._post("/containers/create", service_spec.document(spec), "create the container")["Id"])

    def rename(self, container: str, name: str) -> None:
        """By query, as the API wants it. Podman 5 tells of a taken name in the words of its database."""
        path = f"/containers/{container}/rename?{urlencode({'name': name})}"
        try:
            self._podman.call("post", path, what="rename it", timeout=EFFECT)
        except PodmanSays as said:
            if "UNIQUE constraint" not in said.detail:
                raise
            raise PodmanSays(f"Podman refused to rename it: the name {name} is already in use.") from said

    def pull(self, ref: str, progress: Progress, breaker: Breaker | None = None) -> Image:
        """The answer is 200 whatever happens: the stream of lines tells."""
        query = urlencode({"reference": ref, "policy": "always", "quiet": "false"})
        ident = ""
        for line in _guarded(self._podman.posted(f"/images/pull?{query}", f"pull {ref}"), breaker):
            if error := line.get("error"):
                raise PodmanSays(
                    f"Podman could not pull {ref}: {str(error).strip()}", "Look at the name, or the network."
                )
            if said := str(line.get("stream") or "").strip():
                progress(said)
            ident = str(line.get("id") or ident)
        if not ident:
            raise PodmanSays(f"Podman ended the pull of {ref} without an image.")
        return self._podman.image(ident)

    def build(
        self,
        context: str,
        dockerfile: str,
        tag: str,
        args: Mapping[str, str],
        progress: Progress,
        breaker: Breaker | None = None,
    ) -> Image:
        """The folder is packed here, so that it works for a Podman on another machine too."""
        name = "Containerfile.of-this-build"
        query = urlencode(
            {"t": tag, "dockerfile": name, "buildargs": json.dumps(dict(args)), "pull": "false", "forcerm": "true"}
        )
        body = packed(Path(context), Path(dockerfile), name)
        answer = self._podman.posted(f"/build?{query}", f"build {tag}", "application/x-tar", body)
        told: list[str] = []
        for line in _guarded(answer, breaker):
            if error := line.get("error"):
                tail = " | ".join([*told[-LAST:], str(error).strip()])
                raise PodmanSays(f"Podman could not build {tag}: {tail}")
            told += [said for said in str(line.get("stream") or "").splitlines() if said.strip()]
            if told:
                progress(told[-1])
        if breaker is not None and breaker.broken:
            raise PodmanSays(f"The build of {tag} was stopped.")
        return self._podman.image(tag)

    def tag(self, image: str, ref: str) -> None:
        """Name and tag are apart in the API."""
        path = f"/images/{image}/tag?{urlencode(_split(ref))}"
        self._podman.call("post", path, what="tag the image")

    def remove_image(self, ref: str) -> None:
        """Never forced."""
        self._podman.call("delete", f"/images/{quote(ref, safe='')}", what="remove the image", timeout=EFFECT)

    def untag(self, image: str, ref: str) -> None:
        """By the image's id, so that a name which moved is refused."""
        path = f"/images/{image}/untag?{urlencode(_split(ref))}"
        self._podman.call("post", path, what="take the image's name", timeout=EFFECT)

    def delete_image(self, image: str) -> None:
        """The call for many: only it leaves the parents alone. It answers 200 whatever happens."""
        path = f"/images/remove?{urlencode({'images': image, 'noprune': 'true'})}"
        answer = json.loads(self._podman.call("delete", path, what="remove the image", timeout=EFFECT))
        if faults := answer.get("Errors"):
            text = str(faults[0])
            if "image not known" in text:
                raise NotFound(f"Podman knows no such object: {text}.", "Look at the list again.")
            raise PodmanSays(f"Podman refused to remove the image: {text}.")

    def read_files(self, container: str, path: str) -> Iterator[bytes]:
        """Read whole: bounded by the volume, and by the caller's own limits."""
        query = urlencode({"path": path})
        yield self._podman.call("get", f"/containers/{container}/archive?{query}", what="read its files", timeout=FILES)

    def write_files(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        """Unpack by Podman's archive call."""
        query = urlencode({"path": path, "noOverwriteDirNonDir": "true"})
        self._podman.call(
            "put",
            f"/containers/{container}/archive?{query}",
            data=b"".join(tar),
            kind="application/x-tar",
            what="write its files",
            timeout=FILES,
        )

    def listening(self, pid: int) -> frozenset[int] | None:
        """Read where this machine's kernel tells it."""
        return listeners.of_process(pid)

    def _get(self, path: str, what: str, timeout: float = 10.0) -> Any:
        return json.loads(self._podman.call("get", path, what=what, timeout=timeout))

    def _post(self, path: str, wish: object, what: str) -> Any:
        body = self._podman.call("post", path, data=json.dumps(wish).encode(), what=what, timeout=EFFECT)
        return json.loads(body or b"{}")

    def _gone(self, path: str, what: str, kind: str) -> None:
        try:
            self._podman.call("delete", path, what=what, timeout=EFFECT)
        except NotFound:
            return
        except PodmanSays as said:
            if not any(word in said.detail for word in (f"no such {kind}", f"{kind} not found", "unable to find")):
                raise


def packed(context: Path, dockerfile: Path, name: str) -> bytes:
    """Return a tar of a build's folder without what its ``.containerignore`` names, and the Containerfile as ``name``.

    Raises:
        BadInput: the folder or the Containerfile is not there.
    """
    if not context.is_dir() or not dockerfile.is_file():
        raise BadInput(
            f"There is nothing to build at {dockerfile}.", "A checkout holds it; an installed wheel does not."
        )
    ignored = _ignored(context)
    buffer = io.BytesIO()
    with closing(tarfile.open(fileobj=buffer, mode="w")) as tar:
        for path in sorted(context.rglob("*")):
            inside = path.relative_to(context).as_posix()
            if path.is_file() and not path.is_symlink() and not ignored(inside):
                tar.add(path, inside, recursive=False)
        tar.add(dockerfile, name, recursive=False)
    return buffer.getvalue()


def _ignored(context: Path) -> Callable[[str], bool]:
    file = next((context / name for name in (".containerignore", ".dockerignore") if (context / name).is_file()), None)
    rules = [line.strip() for line in file.read_text().splitlines()] if file else []
    rules = [rule.strip("/") for rule in (*rules, ".git", ".venv", ".cache") if rule and not rule.startswith("#")]

    def hit(inside: str) -> bool:
        gone = False
        for rule in rules:
            keep, pattern = rule.startswith("!"), rule.lstrip("!").strip("/")
            parts = inside.split("/")
            if any(fnmatch.fnmatch("/".join(parts[:depth]), pattern) for depth in range(1, len(parts) + 1)):
                gone = not keep
        return gone

    return hit


def _split(ref: str) -> dict[str, str]:
    """Return a reference as the API wants it: without its digest, name and tag apart."""
    repo, _, label = ref.rpartition(":") if ":" in ref.rpartition("/")[2] else (ref, "", "latest")
    return {"repo": repo, "tag": label}


def _guarded(answer: Stream[Any], breaker: Breaker | None) -> Stream[Any]:
    if breaker is not None:
        breaker.guard(answer.close)
    return answer


def _host(doc: Mapping[str, Any]) -> HostInfo:
    host, store = doc.get("host") or {}, doc.get("store") or {}
    return HostInfo(
        version=str((doc.get("version") or {}).get("Version") or ""),
        rootless=bool((host.get("security") or {}).get("rootless")),
        memory_total=int(host.get("memTotal") or 0),
        cpus=int(host.get("cpus") or 0),
        graph_root=str(store.get("graphRoot") or ""),
        network_backend=str(host.get("networkBackend") or ""),
        cgroup_version=str(host.get("cgroupVersion") or ""),
    )


def _network(doc: Mapping[str, Any]) -> Network:
    return Network(
        name=str(doc["name"]),
        id=str(doc.get("id") or ""),
        labels=dict(doc.get("labels") or {}),
        internal=bool(doc.get("internal")),
        created=str(doc.get("created") or ""),
    )


def _secret(doc: Mapping[str, Any]) -> Secret:
    spec = doc.get("Spec") or {}
    return Secret(
        name=str(spec.get("Name") or ""),
        id=str(doc.get("ID") or ""),
        created=str(doc.get("CreatedAt") or ""),
        labels=dict(spec.get("Labels") or {}),
    )
