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
    """Long flags that take a value; with ``=`` at the end: only as ``--flag=value``, or none."""
    operands: int | None = None
    """Most operands; None: any number."""
    least: int = 0
    """Fewest operands."""
    operand: str = ""
    """Regular expression that every operand matches in full; empty: any."""
    needs: str = ""
    """A single letter without which the program does more than read."""
    value: str = ""
    """Regular expression that every flag's value matches in full; empty: any that is no flag itself."""
    text: str = ""
    """Regular expression of the first operand, when that is a program or pattern and no path."""
    number: bool = False
    """``-20`` is a count."""
    paths: bool = True
    """Operands are paths: secret places are refused."""
    writes: bool = False
    """It makes files or folders."""
    risk: Risk = Risk.LOW


class _More(TypedDict, total=False):
    operands: int
    least: int
    operand: str
    needs: str
    value: str
    text: str
    number: bool
    paths: bool
    writes: bool
    risk: Risk


def _cmd(flags: str = "", valued: str = "", words: str = "", valued_words: str = "", **more: Unpack[_More]) -> Command:
    long, long_valued = frozenset(words.split()), frozenset(valued_words.split())
    return Command(flags=flags, valued=valued, words=long, valued_words=long_valued, **more)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT: _More = {"paths": False}
_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.@:+/\-]*"
"""The name of a container, a unit, a package: no path, no flag."""
_LOOPBACK = r"localhost|127\.0\.0\.1|::1"
_RELATIVE = r"(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9_][A-Za-z0-9_./\-]*"
"""A path below the working directory."""
_AWK = (
    r"(?!.*(?:system|getline|close|fflush|ENVIRON|ARG[VC]|PROCINFO|SYMTAB|FUNCTAB|extension))"
    r"(?!.*print.*>)(?!.*>.*print)[^|@`]*"
)
"""An awk program without pipes, files, other programs and the environment."""
_JQ = r"(?!.*\b(?:env|ENV|import|include|modulemeta|get_search_list|input_filename)\b).*"
"""A jq filter that reads only the documents it is given."""
_GREP = _cmd(
    "inrvlLcHhowxEFsaqRP",
    "emABC",
    "ignore-case line-number recursive invert-match count files-with-matches only-matching no-filename quiet",
    "include exclude exclude-dir color= max-count regexp context after-context before-context",
)
_HASH = _cmd("cbtw", "", "check quiet status")
_LISTING = _cmd(
    "aAlhrtSRd1FinpsGgomuXk",
    "I",
    "all almost-all human-readable recursive reverse directory size full-time group-directories-first",
    "color= sort time-style",
)

COMMANDS: dict[str, Command] = {
    "arch": _cmd(operands=0),
    "awk": _cmd("", "Fv", text=_AWK, value=r"[A-Za-z0-9_=:,;|. \t-]{1,40}", least=1),
    "base64": _cmd("", "w", operands=1),
    "basename": _cmd("az", "s"),
    "cal": _cmd("3my1", operands=2, operand=r"[0-9]+", paths=False),
    "cat": _cmd("nbAEsTvetu", words="number show-all squeeze-blank"),
    "cd": _cmd(operands=1, least=1, operand=_RELATIVE),
    "cksum": _HASH,
    "cmp": _cmd("bls", "n", words="quiet silent verbose"),
    "column": _cmd("t", "sc"),
    "comm": _cmd("123"),
    "curl": _cmd(
        "sfSIiv46",
        "m",
        "silent fail show-error head include",
        "max-time connect-timeout",
        operand=rf"(https?://)?({_LOOPBACK})(:[0-9]+)?(/[A-Za-z0-9_./\-]*)?",
        value=r"[0-9.]+",
        paths=False,
        risk=Risk.MEDIUM,
    ),
    "cut": _cmd("sz", "dfcb", "complement only-delimited", "delimiter fields characters"),
    "date": _cmd("uIR", "d", "utc rfc-email", "date iso-8601=", operands=1, operand=r"\+.*", paths=False),
    "df": _cmd("hTiaklPH", "t", "human-readable print-type inodes total"),
    "diff": _cmd("uqrwbBiNyacs", "U", "brief recursive unified ignore-all-space side-by-side", "color="),
    "dirname": _cmd("z"),
    "dmesg": _cmd("TrkxtuP", "lf", "ctime", "level facility color=", operands=0),
    "dpkg": _cmd("lLsS", operand=_WORD, paths=False),
    "du": _cmd("shacxkmb", "d", "human-readable summarize total apparent-size", "max-depth exclude"),
    "echo": _cmd("neE", **_TEXT),
    "egrep": _GREP,
    "expand": _cmd("i", "t"),
    "expr": _cmd(**_TEXT),
    "false": _cmd(operands=0),
    "fd": _cmd("igs", "edtE", words="ignore-case glob", valued_words="extension type max-depth", operands=2),
    "fgrep": _GREP,
    "file": _cmd("biLz", words="brief mime mime-type"),
    "findmnt": _cmd("lnrDJ", "ot", operands=1),
    "fold": _cmd("s", "w"),
    "free": _cmd("hmgbktw", words="human total wide", operands=0),
    "getconf": _cmd(operands=1, operand=r"[A-Z_]+", paths=False),
    "grep": _GREP,
    "groups": _cmd(operands=0),
    "head": _cmd("qv", "nc", "quiet verbose", "lines bytes", number=True),
    "hexdump": _cmd("Cbcdovx", "ns"),
    "hostname": _cmd("fisIdA", operands=0),
    "hostnamectl": _cmd(operands=1, operand="status", paths=False),
    "id": _cmd("ugnGr", operands=1, paths=False),
    "iostat": _cmd("cdhkmxyz", operands=3, operand=_WORD, paths=False),
    "join": _cmd("i", "12tjav", operands=2),
    "journalctl": _cmd(
        "rkbqx",
        "nupg",
        "no-pager reverse dmesg quiet boot user",
        "unit since until priority grep lines= output",
        operands=0,
        risk=Risk.MEDIUM,
    ),
    "jq": _cmd(
        "rcsSeMCanj", words="raw-output compact-output slurp sort-keys null-input exit-status", text=_JQ, least=1
    ),
    "last": _cmd("axFiwdR", "n", number=True, operands=1, operand=_WORD, paths=False),
    "locale": _cmd("a", operands=1, operand="charmap", paths=False),
    "locate": _cmd("icb", "n", operand=_WORD, paths=False),
    "ls": _LISTING,
    "lsblk": _cmd("afpl", "o", words="all fs", operands=0),
    "lscpu": _cmd("ae", operands=0),
    "lsmod": _cmd(operands=0),
    "lsmem": _cmd("a", operands=0),
    "lspci": _cmd("vnktmD", "sd", operands=0),
    "lsusb": _cmd("vt", "sd", operands=0),
    "md5sum": _HASH,
    "mkdir": _cmd("pv", words="parents verbose", operand=_RELATIVE, writes=True, risk=Risk.MEDIUM),
    "nc": _cmd(
        "zvn", "w", operands=2, operand=rf"{_LOOPBACK}|[0-9]+", value="[0-9]+", needs="z", paths=False, risk=Risk.MEDIUM
    ),
    "netstat": _cmd("tulnapers", operands=0),
    "nl": _cmd("", "bw"),
    "nproc": _cmd(words="all", operands=0),
    "nvidia-smi": _cmd(
        "qL",
        "i",
        "query list-gpus help-query-gpu",
        "query-gpu query-compute-apps format id display",
        value=r"[A-Za-z0-9_.,:]+",
        operands=0,
    ),
    "od": _cmd("cxvb", "ANtj"),
    "paste": _cmd("s", "d"),
    "pg_isready": _cmd("q", "hptdU", value=rf"{_LOOPBACK}|[0-9]+|[a-z]+", operands=0),
    "pgrep": _cmd("lafcx", "u", **_TEXT),
    "pidof": _cmd("s", operand=r"[A-Za-z0-9_.\-]+", paths=False),
    "ping": _cmd("qn", "cWiw", operands=1, operand=_LOOPBACK, value="[0-9.]+", needs="c", paths=False),
    "printf": _cmd(**_TEXT),
    "ps": _cmd(
        "AefljauxwHTLm", "oCpuU", "forest no-headers", "sort", operands=1, operand=r"[auxfwj]{1,6}", paths=False
    ),
    "pwd": _cmd("LP", operands=0),
    "readlink": _cmd("fen"),
    "realpath": _cmd("esm"),
    "rev": _cmd(),
    "rpm": _cmd("qa", needs="q", operand=_WORD, paths=False),
    "seq": _cmd("w", "sf", operand=r"-?[0-9.]+", paths=False),
    "sha1sum": _HASH,
    "sha256sum": _HASH,
    "sha512sum": _HASH,
    "shuf": _cmd("rz", "ni", operands=1),
    "sleep": _cmd(operands=1, operand=r"[0-9.]+[smh]?", paths=False),
    "sort": _cmd("nrufhVbdgisCcM", "kt", "numeric-sort reverse unique human-numeric-sort version-sort", "key"),
    "ss": _cmd("tulnpaxH46s", operands=0),
    "stat": _cmd("Lft", "c", "terse dereference", "format"),
    "strings": _cmd("a", "n"),
    "sysctl": _cmd("an", operand=r"[a-z0-9_.]+", paths=False),
    "tac": _cmd(),
    "tail": _cmd("qv", "nc", "quiet verbose", "lines bytes", number=True),
    "tar": _cmd("tvzjJ", "f", value=r"[A-Za-z0-9_.][A-Za-z0-9_./\-]*", needs="t", operands=0),
    "timedatectl": _cmd(operands=1, operand="status", paths=False),
    "top": _cmd("bcHi1", "nop", value=r"[A-Za-z0-9%+,]+", needs="b", operands=0),
    "touch": _cmd("c", operand=_RELATIVE, writes=True, risk=Risk.MEDIUM),
    "tr": _cmd("dscC", words="delete squeeze-repeats complement", **_TEXT),
    "tree": _cmd("adfhlpsD", "LPI", words="dirsfirst du"),
    "true": _cmd(operands=0),
    "tty": _cmd("s", operands=0),
    "type": _cmd("atp", operand=r"[A-Za-z0-9_.\-]+", paths=False),
    "ulimit": _cmd("a", needs="a", operands=0),
    "uname": _cmd("asrmnpvio", words="all kernel-release machine", operands=0),
    "uniq": _cmd("cduiz", "fsw", "count repeated unique ignore-case", operands=1),
    "unzip": _cmd("lvq", needs="l"),
    "uptime": _cmd("ps", words="pretty since", operands=0),
    "vmstat": _cmd("sw", "S", operands=2, operand=r"[0-9]+", paths=False),
    "w": _cmd("hsf", operands=1, operand=_WORD, paths=False),
    "wc": _cmd("lwcmL", words="lines words bytes chars"),
    "which": _cmd("a", operand=r"[A-Za-z0-9_.\-]+", paths=False),
    "whereis": _cmd("bms", operand=_WORD, paths=False),
    "who": _cmd("abHqrsTu", operands=0),
    "whoami": _cmd(operands=0),
    "xxd": _cmd("bEipu", operands=1),
    "zcat": _cmd("f"),
    "zgrep": _cmd("inrvlcHhoE", "emABC"),
}
"""By program name. What writes elsewhere, runs others, or asks the network is not here."""

_GIT: dict[str, Command] = {
    "blame": _cmd("ws", "L"),
    "branch": _cmd("arv", words="list show-current all remotes verbose", operands=0),
    "cat-file": _cmd("pts", operands=1),
    "config": _cmd(operands=1, least=1, operand=r"[a-z]+\.[A-Za-z.\-]+", paths=False),
    "config --get": _cmd(operands=1, least=1, operand=r"[a-z]+\.[A-Za-z.\-]+", paths=False),
    "config --list": _cmd(operands=0),
    "describe": _cmd(words="tags always dirty long", operands=1),
    "diff": _cmd("w", "U", "stat name-only name-status cached staged shortstat no-color no-ext-diff"),
    "grep": _cmd("nilcwEFvh", "eABC"),
    "log": _cmd(
        "p", "n", "oneline graph stat all decorate name-only no-color no-merges", "since until author grep", number=True
    ),
    "ls-files": _cmd("mosctd", words="others modified exclude-standard"),
    "remote": _cmd("v", operands=0),
    "reflog": _cmd(operands=0),
    "rev-list": _cmd("", "n", words="count all oneline"),
    "rev-parse": _cmd(words="abbrev-ref short show-toplevel verify is-inside-work-tree", operands=1),
    "show": _cmd("s", words="stat name-only oneline no-patch no-color"),
    "shortlog": _cmd("sne"),
    "stash list": _cmd(operands=0),
    "status": _cmd("sb", words="short branch porcelain long", valued_words="untracked-files="),
    "tag": _cmd("l", words="list", operands=0),
}
_OBJECTS = _cmd("", "f", valued_words="format type", least=1, risk=Risk.MEDIUM, operand=_WORD, paths=False)
_LISTED = _cmd("aqn", "f", "all quiet noheading", "filter format", operands=0)
_PS = _cmd("aqs", "nf", "all quiet size noheading pod", "filter format", operands=0)
_PODMAN: dict[str, Command] = {
    **dict.fromkeys(("ps", "container ls", "container ps", "pod ps"), _PS),
    **dict.fromkeys(("images", "image ls", "volume ls", "network ls"), _LISTED),
    **dict.fromkeys(("image inspect", "volume inspect", "network inspect"), _OBJECTS),
    "diff": _cmd(operands=1, least=1, operand=_WORD, paths=False),
    "events": _cmd("", "f", valued_words="since until filter format stream=", operands=0),
    "healthcheck run": _cmd(operands=1, least=1, risk=Risk.MEDIUM, operand=_WORD, paths=False),
    "history": _cmd(operands=1, least=1, operand=_WORD, paths=False),
    "info": _cmd(operands=0),
    "logs": _cmd(
        "t",
        "",
        "timestamps names",
        "tail since until",
        operands=1,
        least=1,
        risk=Risk.MEDIUM,
        operand=_WORD,
        paths=False,
    ),
    "port": _cmd(operands=1, least=1, operand=_WORD, paths=False),
    "stats": _cmd("a", words="no-stream all no-reset", paths=False),
    "system df": _cmd("v", operands=0),
    "top": _cmd(operands=1, least=1, risk=Risk.MEDIUM, operand=_WORD, paths=False),
    "version": _cmd(operands=0),
}
_UNIT = _cmd("l", "n", "no-pager full all failed plain no-legend", operand=_WORD, paths=False)
_SYSTEMCTL = dict.fromkeys(
    ("status", "is-active", "is-enabled", "is-failed", "list-units", "list-timers", "list-unit-files"), _UNIT
)
_PIP = {"list": _cmd(operands=0), "show": _cmd(operand=_WORD, paths=False), "freeze": _cmd(operands=0)}
_IP = dict.fromkeys(
    ("a", "addr", "address", "r", "route", "link", "neigh"), _cmd(operands=1, operand="show|list", paths=False)
)

NESTED: dict[str, tuple[dict[str, Command], Risk]] = {
    "apt": (
        {
            "list": _cmd(words="installed upgradable", operand=_WORD, paths=False),
            "show": _cmd(operand=_WORD, paths=False),
        },
        Risk.LOW,
    ),
    "getent": (
        {
            "hosts": _cmd(operands=1, least=1, operand=_LOOPBACK, paths=False),
            **dict.fromkeys(("passwd", "group"), _cmd(operands=1, operand=_WORD, paths=False)),
        },
        Risk.LOW,
    ),
    "git": (_GIT, Risk.MEDIUM),  # a repository's own configuration can name programs that these run
    "ip": (_IP, Risk.LOW),
    "pip": (_PIP, Risk.MEDIUM),
    "pip3": (_PIP, Risk.MEDIUM),
    "podman": (_PODMAN, Risk.LOW),
    "redis-cli": (dict.fromkeys(("ping", "dbsize"), _cmd(operands=0)), Risk.LOW),
    "systemctl": (_SYSTEMCTL, Risk.LOW),
}
"""Programs with a subcommand as the first word, and the least risk of them all."""

GLOBAL = {"git": _words("--no-pager"), "ip": _words("-4 -6 -br -brief -j -o -s"), "systemctl": _words("--user")}
"""Flags before the subcommand that change only what is shown."""

VERSIONED = _words(
    "bash cargo clang cmake curl docker gcc git go java jq make nix node npm perl pip pip3 podman psql python python3 "
    "redis-server ruby rustc sqlite3 systemctl tar uv"
)
"""Programs whose ``--version`` or ``--help`` alone is harmless."""
VERSIONS = frozenset(
    f"{program} {flag}"
    for flag, programs in {
        "-V": "cargo curl jq pip pip3 psql python python3 rustc uv",
        "version": "cargo docker go npm podman",
    }.items()
    for program in programs.split()
)
"""Other ways to ask for it. Not for all: ``python3 version`` runs the file named version."""

FIND_TESTS = _words("-empty -print -print0 -prune -ls -not -o -a -or -and -xdev -mount -depth -daystart -follow")
FIND_VALUED = _words(
    "-name -iname -path -ipath -type -maxdepth -mindepth -size -mtime -mmin -atime -amin -ctime -cmin -newer "
    "-printf -user -group -perm -links"
)
"""What find may be asked: nothing that runs, writes or deletes."""
