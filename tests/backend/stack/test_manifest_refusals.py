"""Nothing is ignored: what is not right is told with file, line and key, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bed.composed import only_web, refusal

from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.place import ManifestError

KEYS = [
    ("imag: x", "is not a known key; did you mean image?"),
    ("logging: {driver: x}", "is not supported here; logs are read"),
    ("profiles: [full]", "chosen by tier"),
    ("tty: true", "is not supported here"),
    ("privileged: true", "owns the machine"),
    ("network_mode: host", "never the host's"),
    ("pid: host", "its own processes"),
    ("ipc: host", "never with the host"),
    ("devices: [/dev/dri]", "no device of the host"),
    ("cap_add: [SYS_ADMIN]", "as good as privileged"),
    ("cap_add: [cap_all]", "as good as privileged"),
    ("security_opt: [seccomp=unconfined]", "only no-new-privileges"),
    ("mem_limit: 1q", "must be a size like 512m"),
    ("mem_limit: 1.5", "must be a size like 512m"),
    ("mem_limit: 0", "must be more than 0"),
    ("mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}", "one of them is enough"),
    ("mem_limit: 1g\nmem_reservation: 2g", "reserves more memory"),
    ("cpus: many", "must be a number"),
    ("deploy: {replicas: 2}", "one container"),
    ("stop_grace_period: 1 minute", "must be a time like 30s"),
    ("healthcheck: {test: x, interval: 5 s}", "must be a time like 30s"),
    ("healthcheck: {interval: 5s}", "needs test"),
    ("healthcheck: {test: [curl, x]}", "must begin with CMD"),
    ("healthcheck: {test: x, retries: 1.5}", "must be a whole number"),
    ('ports: ["70000:80"]', "between 1 and 65535"),
    ('ports: ["80-82:80-81"]', "different lengths"),
    ('ports: ["1.2.3:80:80"]', "no IP address"),
    ('ports: ["80:80/sctp"]', "may be tcp or udp"),
    ('ports: ["80:80", "127.0.0.1:80:81"]', "it publishes twice"),
    ("ports: 80", "must be a list, not a number"),
    ("volumes: [dat:/d]", "did you mean data?"),
    ("volumes: [/d]", "its data would be lost"),
    ("volumes: ['data:d']", "an absolute path"),
    ("volumes: ['data:/d', 'data:/d']", "mounted already"),
    ("volumes: ['data:/d:ro,nocopy']", "may be ro, rw, z or Z"),
    ("volumes: ['/:/x']", "the whole file system"),
    ("volumes: ['/etc/passwd:/x']", "below /etc"),
    ("volumes: ['/proc:/x']", "below /proc"),
    ("volumes: ['/sys/fs:/x']", "below /sys"),
    ("volumes: ['/dev/null:/x']", "below /dev"),
    ("volumes: ['/usr/../etc:/x']", "below /etc"),
    ("volumes: ['/run/podman/podman.sock:/s']", "engine's socket"),
    ("volumes: ['/var/run/docker.sock:/s:ro']", "engine's socket"),
    ("volumes: ['/run:/x']", "as a whole"),
    ("volumes: ['/run/user/1000:/x']", "as a whole"),
    ("volumes: ['~:/x']", "as a whole"),
    ("volumes: ['/home/somebody:/x']", "as a whole"),
    ("volumes: [{type: bind, source: /etc, target: /x}]", "below /etc"),
    ("volumes: [{type: npipe, source: a, target: /x}]", "it may be bind, tmpfs, volume"),
    ("tmpfs: /x:mode=7", "it may be size"),
    ("secrets: [pas]", "did you mean pass?"),
    ("secrets: [{source: pass, mode: 444}]", "must be octal"),
    ("networks: [other]", "there is none here"),
    ("depends_on: [wep]", "did you mean web?"),
    ("depends_on: [web]", "closes a circle: web → web"),
    ("depends_on: {web: {condition: healthy}}", "did you mean service_healthy?"),
    ("restart: never", "it may be no, always"),
    ("command: 'a \"b'", "cannot be split"),
    ("environment: {A: true}", "must be text, not true or false"),
    ("environment: ['1A=2']", "no name of a variable"),
    ("env_file: none.env", "cannot be read"),
    ("labels: {io.aistack.managed: x}", "set by the console itself"),
    ("extra_hosts: [a]", "an IP address"),
    ("image: again", "stands twice, in line 4 again"),
    ("user: !!python/name:os.system x", "which is not supported"),
    ("x-aistack: {grupe: ai}", "did you mean group?"),
    ("x-aistack: {group: dat}", "did you mean data?"),
    ("x-aistack: {licence: all mine}", "SPDX"),
    ("x-aistack: {digest: 'sha256:12'}", "64 hexadecimal"),
    ("x-aistack: {data_volumes: [data]}", "does not mount"),
    ("x-aistack: {memory_expected: lots}", "must be a size"),
    ("x-aistack: {probes: [{rung: ready, kind: htp}]}", "no probe 'htp'"),
    ("x-aistack: {probes: [{rung: fine, kind: tcp, port: 1}]}", "it may be ready, useful"),
    ("x-aistack: {heal: {first_wait: 0}}", "first_wait"),
    ("secrets: [pass]\nx-aistack: {probes: [{rung: useful, kind: redis, secret: pas}]}", "did you mean pass?"),
    ("volumes: [{source: data, target: /d, type: bind, bind: {propagation: x}}]", "propagation is not supported"),
]


@pytest.mark.parametrize(("keys", "said"), KEYS, ids=[keys for keys, _ in KEYS])
def test_a_wrong_key_or_value_is_told(tmp_path: Path, keys: str, said: str) -> None:
    found = refusal(tmp_path, only_web(keys))
    assert said in found
    head, _, rest = found.partition(": ")
    assert head.startswith("compose.yml:")
    assert 2 <= int(head.split(":")[1]) <= 6
    assert rest.startswith("services.web")


FILES = [
    ("services: {}", "declares no services"),
    ("services: [a]", "services must be a mapping, not a list"),
    ("- a", "a Compose file is a mapping"),
    ("a: [", "not YAML"),
    ("service: {a: {image: x}}", "did you mean services?"),
    ("include: [x]\nservices: {a: {image: x}}", "include is not supported here"),
    ("services: {a: }", "services.a must be a mapping, not empty"),
    ("services: {A B: {image: x}}", "no id of a service"),
    ("services: {a: {command: x}}", "needs image or build"),
    ("services: {a: {image: x}}\nvolumes: {v: {driver: nfs}}", "only local is supported"),
    ("services: {a: {image: x}}\nvolumes: {v: {driver_opts: {}}}", "volumes.v.driver_opts is not supported here"),
    ("services: {a: {image: x}}\nsecrets: {s: {}}", "needs file, external"),
    ("services: {a: {image: x}}\nsecrets: {s: {environment: X}}", "no place for a secret"),
    ("services: {a: {image: x}}\nname: My Shop", "calls the project"),
    ("services: {a: {image: x, container_name: n}, b: {image: x, container_name: n}}", "which a has as well"),
    ("services: {a: {image: x, ports: ['1:1']}, b: {image: x, ports: ['1:2']}}", "which a publishes as well"),
    (
        "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [c]}, c: {image: x, depends_on: [a]}}",
        "closes a circle: a → b → c → a",
    ),
    ("x-aistack: {tiers: [small]}\nservices: {a: {image: x, x-aistack: {tiers: [smal]}}}", "did you mean small?"),
]


@pytest.mark.parametrize(("text", "said"), FILES, ids=[said for _, said in FILES])
def test_a_wrong_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "services: &a [*a, *a]",
        "x-a: &a [1, 1]\n"
        + "\n".join(f"x-{n}: &{n} [{f'*{p}, ' * 9}]" for p, n in zip("abcdefg", "bcdefgh", strict=True)),
    ],
    ids=["a ring of aliases", "a bomb of aliases"],
)
def test_aliases_cannot_eat_the_machine(tmp_path: Path, text: str) -> None:
    assert "compose.yml:" in refusal(tmp_path, text)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        load([tmp_path / "none.yml"], {})
    (tmp_path / "b").write_bytes(b"\xff\xfe\0")
    with pytest.raises(ManifestError):
        load([tmp_path / "b"], {})
    with pytest.raises(ManifestError, match="No Compose file"):
        load([], {})
