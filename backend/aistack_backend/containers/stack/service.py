"""One service of the file, read key by key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aistack_backend.containers.stack import schema
from aistack_backend.containers.stack.health import health
from aistack_backend.containers.stack.models import Build, Condition, Needs, ServiceDecl
from aistack_backend.containers.stack.mounts import mounts, secrets
from aistack_backend.containers.stack.pairs import arguments, environment, hosts, labels, words
from aistack_backend.containers.stack.place import Place, nearest
from aistack_backend.containers.stack.ports import exposed, published
from aistack_backend.containers.stack.resources import resources
from aistack_backend.containers.stack.tables import Tables, full_name
from aistack_backend.containers.stack.xblock import extra

ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")


def service(place: Place, tables: Tables, tiers: Sequence[str], prefix: str) -> ServiceDecl:
    """Read a service. Its container is called ``PREFIX-ID`` unless it says otherwise.

    Raises:
        ManifestError: whatever is not right in it.
    """
    place.mapping(None)
    if not ID.fullmatch(place.name):
        raise place.fault("is no id of a service: small letters, digits, _ . and -, the first a letter or digit.")
    for key in schema.FORBIDDEN:
        if key in place.value and place.value[key] not in schema.HARMLESS.get(key, ()):
            raise place.at(key).fault(f"is refused: {schema.FORBIDDEN[key]}.")
    place.mapping({*schema.SERVICE, *schema.FORBIDDEN}, schema.SERVICE_REFUSED)
    named = place.get("container_name")
    container = full_name(named) if named else f"{prefix}-{place.name}"
    mounted, used = mounts(place, tables), secrets(place, tables)
    fields: dict[str, Any] = {
        **_program(place, tables),
        **_walls(place),
        **_limits(place),
        "networks": _networks(place, tables, container),
    }
    return ServiceDecl(
        id=place.name,
        container=container,
        environment=environment(place, tables.folder, tables.env),
        publish=published(at) if (at := place.get("ports")) else (),
        expose=exposed(at) if (at := place.get("expose")) else (),
        mounts=mounted,
        needs=_needs(place),
        health=health(place),
        labels=labels(place),
        secrets=used,
        extra_hosts=hosts(at) if (at := place.get("extra_hosts")) else (),
        extra=extra(place, tables, tiers, mounted, used),
        **fields,
    )


def _program(place: Place, tables: Tables) -> dict[str, Any]:
    image, build, command = (place.get(key) for key in ("image", "build", "command"))
    if image is None and build is None:
        raise place.fault("needs image or build.")
    texts = {key: at.text() if (at := place.get(key)) else "" for key in ("user", "working_dir", "hostname")}
    entry = place.at("entrypoint") if "entrypoint" in place.value else None
    restart = place.get("restart")
    if restart is not None and not RESTART.fullmatch(restart.text()):
        raise restart.fault(f"is {restart.value!r}; it may be no, always, unless-stopped, on-failure or on-failure:N.")
    return {
        "image": _image(image) if image else f"localhost/{tables.project}-{place.name}:latest",
        "build": _build(build, tables) if build else None,
        "command": words(command) if command else (),
        "entrypoint": words(entry) if entry is not None and entry.value is not None else None,
        "restart": restart.text() if restart else "no",
        **texts,
    }


def _image(place: Place) -> str:
    name = place.text()
    if not name or re.search(r"[\s\x00-\x20]", name):
        raise place.fault(f"must be the name of an image, not {name!r}.")
    return name


def _build(place: Place, tables: Tables) -> Build:
    short = not isinstance(place.value, dict)
    if not short:
        place.mapping(schema.BUILD, schema.BUILD_REFUSED)
    context = place if short else place.get("context")
    file = None if short else place.get("dockerfile")
    folder = (tables.folder / (context.text() if context else ".")).resolve()
    args = None if short else place.get("args")
    return Build(
        context=str(folder),
        dockerfile=str((folder / (file.text() if file else "Dockerfile")).resolve()),
        args=arguments(args, tables.env) if args else (),
    )


def _walls(place: Place) -> dict[str, Any]:
    no_new = False
    for entry in at.entries() if (at := place.get("security_opt")) else ():
        match entry.text():
            case "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true":
                no_new = True
            case "no-new-privileges:false" | "no-new-privileges=false":
                no_new = False
            case other:
                raise entry.fault(f"is {other!r}; only no-new-privileges is supported here.")
    added = place.get("cap_add")
    for entry in added.entries() if added else ():
        if entry.text().upper().removeprefix("CAP_") in schema.DANGEROUS:
            raise entry.fault(f"adds {entry.value}, with which a container is as good as privileged.")
    dropped = place.get("cap_drop")
    return {
        "no_new_privileges": no_new,
        "cap_add": added.texts() if added else (),
        "cap_drop": dropped.texts() if dropped else (),
        **{key: at.flag() if (at := place.get(key)) else False for key in ("read_only", "init")},
    }


def _limits(place: Place) -> Mapping[str, Any]:
    grace = place.get("stop_grace_period")
    return {**resources(place), "stop_grace": grace.seconds() if grace else 10.0}


def _needs(place: Place) -> tuple[Needs, ...]:
    at = place.get("depends_on")
    if at is None:
        return ()
    if not isinstance(at.value, dict):
        return tuple(Needs(service=name) for name in dict.fromkeys(at.texts()))
    found = []
    for name, entry in at.items():
        entry.mapping({"condition", "required"}, {"restart": "self-heal is the one restarter"})
        condition, required = entry.get("condition"), entry.get("required")
        found.append(
            Needs(
                service=name,
                condition=Condition(condition.one_of(tuple(Condition))) if condition else Condition.STARTED,
                required=required is None or required.flag(),
            )
        )
    return tuple(found)


def _networks(place: Place, tables: Tables, container: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    at = place.get("networks")
    own = tuple(dict.fromkeys((place.name, container)))
    if at is None:
        return ((tables.networks["default"].name, own),)
    found = {}
    for name, entry in at.items() if isinstance(at.value, dict) else ((one.text(), one) for one in at.entries()):
        if name not in tables.networks:
            raise entry.fault(
                f"joins the network {name!r}; {nearest(name, tables.networks)} (see the top-level networks)"
            )
        aliases = None
        if isinstance(entry.value, dict):
            aliases = entry.mapping({"aliases"}, dict.fromkeys(("ipv4_address", "ipv6_address", "priority"), "")).get(
                "aliases"
            )
        found[tables.networks[name].name] = tuple(dict.fromkeys((*own, *(aliases.texts() if aliases else ()))))
    return tuple(found.items())
