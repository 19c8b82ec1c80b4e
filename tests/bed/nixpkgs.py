"""Files in the published forms of NixOS: some names that everybody knows, with words of ours, and many made-up ones."""

from __future__ import annotations

import json
from typing import Any

PACKAGES = {
    "firefox": ("firefox", "141.0", "Web browser built from the source of the Firefox project", "MPL-2.0"),
    "firefox-esr": ("firefox-esr", "128.9.0", "Web browser, release with long support", "MPL-2.0"),
    "git": ("git", "2.50.1", "Distributed version control system", "GPL-2.0-only"),
    "ripgrep": ("ripgrep", "14.1.1", "Search tool that looks through folders for a pattern", "MIT"),
    "fd": ("fd", "10.2.0", "Simple and fast way to find files", "MIT"),
    "nginx": ("nginx", "1.28.0", "Reverse proxy and lightweight web server", "BSD-2-Clause"),
    "postgresql": ("postgresql", "17.5", "Relational database", "PostgreSQL"),
    "redis": ("redis", "8.0.3", "Key-value store in memory", "AGPL-3.0-only"),
    "podman": ("podman", "5.5.2", "Program for pods, containers and images", "Apache-2.0"),
    "llama-cpp": ("llama-cpp", "5840", "Inference of language models in plain C and C++", "MIT"),
    "vim": ("vim", "9.1", "The most popular clone of the editor vi", "Vim"),
    "neovim": ("neovim", "0.11.2", "Vim text editor fork, made to be extended", "Apache-2.0"),
    "python311Packages.requests": ("requests", "2.32.4", "HTTP library for people", "Apache-2.0"),
    "python311Packages.numpy": ("numpy", "2.3.1", "Arrays of numbers for Python", "BSD-3-Clause"),
    "nodePackages.typescript": ("typescript", "5.8.3", "Language that compiles to JavaScript", "Apache-2.0"),
    "hello": ("hello", "2.12.2", "Program that prints a friendly greeting", "GPL-3.0-or-later"),
}
OPTIONS: dict[str, tuple[str, Any, str]] = {
    "services.nginx.enable": ("boolean", False, "Whether to run the Nginx web server."),
    "services.nginx.virtualHosts": ("attribute set of (submodule)", {}, "The virtual hosts that are served."),
    "services.nginx.recommendedTlsSettings": ("boolean", False, "Turn on settings for TLS that are recommended."),
    "services.openssh.enable": ("boolean", False, "Whether to run the OpenSSH daemon for remote logins."),
    "services.openssh.ports": ("list of 16 bit unsigned integer", [22], "Ports on which the SSH daemon listens."),
    "services.openssh.settings.PermitRootLogin": (
        'one of "yes", "no"',
        "prohibit-password",
        "Whether root may log in.",
    ),
    "services.postgresql.enable": ("boolean", False, "Whether to run the PostgreSQL server."),
    "services.postgresql.ensureUsers": ("list of (submodule)", [], "Users that are made when they are missing."),
    "services.redis.servers": ("attribute set of (submodule)", {}, "Redis servers to run."),
    "networking.firewall.enable": ("boolean", True, "Whether to run the firewall."),
    "networking.firewall.allowedTCPPorts": ("list of 16 bit unsigned integer", [], "TCP ports that are open."),
    "networking.hostName": ("string", "nixos", "Name of the machine, without its domain."),
    "virtualisation.podman.enable": ("boolean", False, "Whether to make Podman available."),
    "users.users.<name>.isNormalUser": ("boolean", False, "Whether this is the account of a person."),
    "boot.loader.systemd-boot.enable": ("boolean", False, "Whether to use systemd's boot loader for EFI."),
    "environment.systemPackages": ("list of package", [], "Packages that everybody on the machine has."),
    "nix.settings.experimental-features": ("list of string", [], "Features of Nix that are not stable yet."),
}


def packages(more: int = 0, version: int = 2) -> bytes:
    """A ``packages.json`` with the known ones and ``more`` made-up ones."""
    every: dict[str, Any] = {
        name: {
            "name": f"{pname}-{number}",
            "pname": pname,
            "version": number,
            "system": "x86_64-linux",
            "outputName": "out",
            "meta": {
                "available": True,
                "description": text,
                "homepage": f"https://{pname}.example/",
                "license": {"spdxId": licence, "fullName": f"{licence} licence", "free": True},
                "position": f"pkgs/{pname}/package.nix:42",
            },
        }
        for name, (pname, number, text, licence) in PACKAGES.items()
    }
    for at in range(more):
        name = f"madeUpPackages.tool-{at}"
        text = f"Made-up tool number {at} for the {at % 97}th purpose"
        every[name] = {
            "name": f"tool-{at}-1.{at}",
            "pname": f"tool-{at}",
            "version": f"1.{at}",
            "meta": {"description": text},
        }
    return json.dumps({"version": version, "packages": every}).encode()


def options(more: int = 0) -> bytes:
    """An ``options.json`` with the known ones and ``more`` made-up ones."""
    every: dict[str, Any] = {
        name: {
            "declarations": [f"nixos/modules/{name.split('.')[0]}/{name.split('.')[1]}.nix"],
            "default": {"_type": "literalExpression", "text": json.dumps(default)},
            "description": text,
            "loc": name.split("."),
            "readOnly": False,
            "type": kind,
        }
        for name, (kind, default, text) in OPTIONS.items()
    }
    every["networking.hostName"]["example"] = {"_type": "literalExpression", "text": '"kiosk"'}
    every["services.nginx.enable"]["description"] = {"_type": "mdDoc", "text": OPTIONS["services.nginx.enable"][2]}
    for at in range(more):
        every[f"services.madeUp{at}.enable"] = {
            "type": "boolean",
            "description": f"Whether to run made-up service {at}.",
        }
    return json.dumps(every).encode()


MANUAL = b"""# NixOS Manual

## Installing

Write the image to a stick and start the machine from it.

## Changing the configuration

Edit configuration.nix and run nixos-rebuild switch; the old generation stays in the boot menu.

## Rolling back

Run nixos-rebuild switch --rollback.
"""
