"""``completions``: made of the table of verbs, so they are always right."""

from __future__ import annotations

from collections.abc import Iterator

from aistack_console.verbs.context import Context
from aistack_console.verbs.exits import Exit
from aistack_console.verbs.table import OPTIONS, VERBS
from aistack_console.verbs.verb import Verb

PROGRAM = "aistack-console"


def run(context: Context) -> Exit:
    """Print the completion script of the chosen shell."""
    print(script(context.arguments.shell))
    return Exit.OK


def script(shell: str) -> str:
    """Return the completion script for ``bash``, ``zsh`` or ``fish``."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]()


def _words(verb: Verb) -> list[str]:
    """What may follow a verb: its flags, and the words of its positional choices."""
    words = ["--help", *(["--json"] if verb.json else [])]
    for argument in (*verb.arguments, *OPTIONS):
        if argument.names[0].startswith("-"):
            words.append(argument.names[-1])
        else:
            words += argument.options.get("choices", ())
    return words


def _bash() -> str:
    cases = "\n".join(f'        {verb.name}) words="{" ".join(_words(verb))}" ;;' for verb in VERBS)
    first = " ".join([*(verb.name for verb in VERBS), *(item.names[-1] for item in OPTIONS), "--help", "--version"])
    return f"""_aistack_console() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} word verb="" words
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case " {" ".join(verb.name for verb in VERBS)} " in *" $word "*) verb=$word && break ;; esac
    done
    case $verb in
{cases}
        *) words="{first}" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -F _aistack_console {PROGRAM}"""


def _zsh() -> str:
    verbs = "\n".join(f"        '{verb.name}:{_quoted(verb.help)}'" for verb in VERBS)
    cases = "\n".join(f"        {verb.name}) compadd -- {' '.join(_words(verb))} ;;" for verb in VERBS)
    return f"""#compdef {PROGRAM}
_aistack_console() {{
    local -a verbs
    verbs=(
{verbs}
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    case $words[2] in
{cases}
    esac
    _files
}}
compdef _aistack_console {PROGRAM}"""


def _fish() -> str:
    return "\n".join(_fish_lines())


def _fish_lines() -> Iterator[str]:
    yield f"complete -c {PROGRAM} -f"
    for verb in VERBS:
        yield f"complete -c {PROGRAM} -n __fish_use_subcommand -a {verb.name} -d '{_quoted(verb.help)}'"
        seen = f"-n '__fish_seen_subcommand_from {verb.name}'"
        for word in _words(verb):
            part = f"-l {word.removeprefix('--')}" if word.startswith("--") else f"-a {word}"
            yield f"complete -c {PROGRAM} {seen} {part}"


def _quoted(text: str) -> str:
    return text.replace("'", "")
