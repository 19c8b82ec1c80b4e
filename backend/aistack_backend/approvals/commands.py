"""The commands that the classifier knows, with the only flags that it lets pass. All others are high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, Unpack

from aistack_backend.wire.actions import Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one program may be given and stay at ``risk``."""

    flags: str = ""
    """Single letters without a value; they may be joined."""
    valued: str = ""
    """Single letters that take a value."""
    words: frozenset[str] = frozenset()
    """Long flags without a value."""
    valued_words: frozenset[str] = frozenset()
    """Long flags that take a value."""
    operands: int | None = None
    """Most operands; None: any number."""
    least: int = 0
    """Fewest operands."""
    operand: str = ""
    """Regular expression that every operand matches in full; empty: any."""
    number: bool = False
    """``-20`` is a count."""
    paths: bool = True
    """Operands are paths: secret places are refused."""
    risk: Risk = Risk.LOW


class _More(TypedDict, total=False):
    operands: int
    least: int
    operand: str
    number: bool
    paths: bool
    risk: Risk


def _cmd(flags: str = "", valued: str = "", words: str = "", valued_words: str = "", **more: Unpack[_More]) -> Command:
    long, long_valued = frozenset(words.split()), frozenset(valued_words.split())
    return Command(flags=flags, valued=valued, words=long, valued_words=long_valued, **more)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT: _More = {"paths": False}
_NONE: _More = {"operands": 0}
_RELATIVE = r"(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9_][A-Za-z0-9_./\-]*"
"""A path below the working directory."""
_GREP = _cmd(
    "inrvlLcHhowxEFsaqRP",
    "emABC",
    "ignore-case line-number recursive invert-match count files-with-matches only-matching no-filename quiet",
    "include exclude exclude-dir color max-count regexp context after-context before-context",
)
_HASH = _cmd("cbtw", "", "check quiet status")
_LISTING = _cmd(
    "aAlhrtSRd1FinpsGgomuXk",
    "I",
    "all almost-all human-readable recursive reverse directory size full-time group-directories-first",
    "color sort time-style",
)

COMMANDS: dict[str, Command] = {
    "arch": _cmd(**_NONE),
    "basename": _cmd("az", "s"),
    "cat": _cmd("nbAEsTvetu", words="number show-all squeeze-blank"),
    "cd": _cmd(operands=1, least=1, operand=_RELATIVE),
    "cksum": _HASH,
    "cmp": _cmd("bls", "n", words="quiet silent verbose"),
    "column": _cmd("t", "sc"),
    "comm": _cmd("123"),
    "cut": _cmd("sz", "dfcb", "complement only-delimited", "delimiter fields characters"),
    "date": _cmd("uIR", "d", "utc rfc-email", "date iso-8601", operands=1, operand=r"\+.*", paths=False),
    "df": _cmd("hTiaklPH", "t", "human-readable print-type inodes total"),
    "diff": _cmd("uqrwbBiNyacs", "U", "brief recursive unified ignore-all-space side-by-side", "color"),
    "dirname": _cmd("z"),
    "du": _cmd("shacxkmb", "d", "human-readable summarize total apparent-size", "max-depth exclude"),
    "echo": _cmd("neE", **_TEXT),
    "egrep": _GREP,
    "expr": _cmd(**_TEXT),
    "false": _cmd(**_NONE),
    "fgrep": _GREP,
    "file": _cmd("biLz", words="brief mime mime-type"),
    "fold": _cmd("s", "w"),
    "free": _cmd("hmgbktw", words="human total wide", **_NONE),
    "getconf": _cmd(operands=1, operand=r"[A-Z_]+", paths=False),
    "grep": _GREP,
    "groups": _cmd(**_NONE),
    "head": _cmd("qv", "nc", "quiet verbose", "lines bytes", number=True),
    "hostname": _cmd("fisIdA", **_NONE),
    "id": _cmd("ugnGr", operands=1, paths=False),
    "ls": _LISTING,
    "lsblk": _cmd("afpl", "o", words="all fs", **_NONE),
    "lscpu": _cmd("ae", **_NONE),
    "lsmem": _cmd("a", **_NONE),
    "md5sum": _HASH,
    "mkdir": _cmd("pv", words="parents verbose", operand=_RELATIVE, risk=Risk.MEDIUM),
    "nl": _cmd("", "bw"),
    "nproc": _cmd(words="all", **_NONE),
    "od": _cmd("cxvb", "ANtj"),
    "paste": _cmd("s", "d"),
    "pgrep": _cmd("lafcx", "u", **_TEXT),
    "pidof": _cmd("s", operand=r"[A-Za-z0-9_.\-]+", paths=False),
    "printf": _cmd(**_TEXT),
    "ps": _cmd(
        "AefljauxwHTLm", "oCpuU", "forest no-headers", "sort", operands=1, operand=r"[auxfwj]{1,6}", paths=False
    ),
    "pwd": _cmd("LP", **_NONE),
    "readlink": _cmd("fen"),
    "realpath": _cmd("esm"),
    "rev": _cmd(),
    "seq": _cmd("w", "sf", operand=r"-?[0-9.]+", paths=False),
    "sha1sum": _HASH,
    "sha256sum": _HASH,
    "sha512sum": _HASH,
    "sleep": _cmd(operands=1, operand=r"[0-9.]+[smh]?", paths=False),
    "sort": _cmd("nrufhVbdgisCcM", "kt", "numeric-sort reverse unique human-numeric-sort version-sort", "key"),
    "ss": _cmd("tulnpaxH46s", **_NONE),
    "stat": _cmd("Lft", "c", "terse dereference", "format"),
    "strings": _cmd("a", "n"),
    "tac": _cmd(),
    "tail": _cmd("qv", "nc", "quiet verbose", "lines bytes", number=True),
    "touch": _cmd("c", operand=_RELATIVE, risk=Risk.MEDIUM),
    "tr": _cmd("dscC", words="delete squeeze-repeats complement", **_TEXT),
    "tree": _cmd("adfhlpsD", "LPI", words="dirsfirst du"),
    "true": _cmd(**_NONE),
    "tty": _cmd("s", **_NONE),
    "type": _cmd("atp", operand=r"[A-Za-z0-9_.\-]+", paths=False),
    "uname": _cmd("asrmnpvio", words="all kernel-release machine", **_NONE),
    "uniq": _cmd("cduiz", "fsw", "count repeated unique ignore-case", operands=1),
    "uptime": _cmd("ps", words="pretty since", **_NONE),
    "vmstat": _cmd("sw", "S", operands=2, operand=r"[0-9]+", paths=False),
    "wc": _cmd("lwcmL", words="lines words bytes chars"),
    "which": _cmd("a", operand=r"[A-Za-z0-9_.\-]+", paths=False),
    "whoami": _cmd(**_NONE),
    "zcat": _cmd("f"),
    "zgrep": _cmd("inrvlcHhoE", "emABC"),
}
"""By program name. What writes elsewhere, runs others, or asks the network is not here."""

_GIT: dict[str, Command] = {
    "blame": _cmd("ws", "L"),
    "branch": _cmd("arv", words="list show-current all remotes verbose", **_NONE),
    "describe": _cmd(words="tags always dirty long", operands=1),
    "diff": _cmd("w", "U", "stat name-only name-status cached staged shortstat no-color no-ext-diff"),
    "log": _cmd(
        "p", "n", "oneline graph stat all decorate name-only no-color no-merges", "since until author grep", number=True
    ),
    "ls-files": _cmd("mosctd", words="others modified exclude-standard"),
    "remote": _cmd("v", **_NONE),
    "rev-parse": _cmd(words="abbrev-ref short show-toplevel verify is-inside-work-tree", operands=1),
    "show": _cmd("s", words="stat name-only oneline no-patch no-color"),
    "status": _cmd("sb", words="short branch porcelain long", valued_words="untracked-files"),
    "tag": _cmd("l", words="list", **_NONE),
}
_PODMAN: dict[str, Command] = {
    "images": _cmd("aqn", words="all quiet noheading", **_NONE),
    "info": _cmd(**_NONE),
    "ps": _cmd("aqs", "nf", "all quiet size noheading pod", "filter format", **_NONE),
    "stats": _cmd("a", words="no-stream all no-reset", paths=False),
    "version": _cmd(**_NONE),
}
_IP = dict.fromkeys(
    ("a", "addr", "address", "r", "route", "link", "neigh"), _cmd(operands=1, operand="show|list", paths=False)
)

NESTED: dict[str, tuple[dict[str, Command], Risk]] = {
    "git": (_GIT, Risk.MEDIUM),  # a repository's own configuration can name programs that these run
    "ip": (_IP, Risk.LOW),
    "podman": (_PODMAN, Risk.LOW),
}
"""Programs with a subcommand as the first word, and the least risk of them all."""

VERSIONED = _words(
    "bash cargo clang cmake curl docker gcc git go java jq make node npm perl pip pip3 podman psql python python3 "
    "redis-server ruby rustc sqlite3 tar uv"
)
"""Programs whose ``--version`` alone is harmless."""

SECRET_NAMES = _words(
    ".aws .docker .env .git-credentials .gnupg .htpasswd .kube .netrc .npmrc .pgpass .pypirc .ssh .vault-token "
    "authorized_keys cmdline credentials credentials.json environ gshadow id_dsa id_ecdsa id_ed25519 id_rsa "
    "kcore kmem master.key mem passwd- secrets shadow shadow- sudoers sudoers.d .bash_history .python_history"
)
"""Path components that hold secrets."""
SECRET_ROOTS = ("/dev", "/proc/kcore", "/proc/self", "/proc/sys", "/root", "/run", "/sys/firmware", "/var/run", "/boot")
"""Places from which nothing is read unasked, but for ``/dev/null``."""

FIND_TESTS = _words("-empty -print -print0 -not -o -a -or -and -xdev -mount -depth -daystart -follow")
FIND_VALUED = _words(
    "-name -iname -path -ipath -type -maxdepth -mindepth -size -mtime -mmin -atime -amin -ctime -cmin -newer "
    "-user -group -perm -links"
)
"""What find may be asked: nothing that runs, writes or deletes."""
