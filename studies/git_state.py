"""The git state of the working directory, read without running its programs.

A repository's configuration may name programs (`core.fsmonitor`, filters, hooks, the transport of missing objects), and
a folder from a stranger brings its own. So no command that could run one reads it: `git status` works in an empty
repository of ours, which borrows the objects, the index and the files of the other.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

# a study must begin though the checkout is huge, on a slow network disk, or made to exhaust the machine
_TIMEOUT_S = 10
_MEMORY_KIB = 4 * 2**20  # of address space, where git maps pack files; see packedGitLimit below
_SETTINGS = r"^core\.(filemode|symlinks|ignorecase|precomposeunicode|autocrlf|eol)$"
"""Settings that decide whether a file counts as changed; none names a program."""

# the shell sets the limit: Python's `preexec_fn` is not safe beside other threads
_LIMITED_GIT = ("sh", "-c", f'ulimit -v {_MEMORY_KIB} 2>/dev/null; exec git "$@"', "git", "--no-pager")


def git_state(directory: Path) -> dict[str, Any] | None:
    """Commit, branch and `changed` of the checkout around `directory`; None outside one.

    `changed` tells whether files differ from the commit. It is None where git does not say so, or takes more than 10 s
    or 4 GiB of memory. What lies in submodules is not compared.
    """

    def ask(*arguments: str) -> str | None:
        # these commands run no program that a configuration names, so the owner of the repository does not matter
        return _git(["-C", str(directory), "-c", "safe.directory=*", *arguments])

    head = ask("rev-parse", "--show-object-format", "HEAD", "--abbrev-ref", "HEAD")
    if head is None:
        return None
    object_format, commit, branch = head.splitlines()
    names = {"GIT_WORK_TREE": "--show-toplevel", "GIT_OBJECT_DIRECTORY": "objects", "GIT_INDEX_FILE": "index"}
    borrowed = {}
    for variable, name in names.items():
        query = [name] if name.startswith("--") else ["--git-path", name]
        borrowed[variable] = ask("rev-parse", "--path-format=absolute", *query) or ""
    settings = (ask("config", "--get-regexp", _SETTINGS) or "").splitlines()
    changed = _changed(commit, object_format, settings, borrowed) if all(borrowed.values()) else None
    return {"commit": commit, "branch": branch.encode(errors="replace").decode(), "changed": changed}


def _changed(commit: str, object_format: str, settings: list[str], borrowed: dict[str, str]) -> bool | None:
    """Whether `git status` finds a change, asked in a repository of ours."""
    # it holds nothing but `commit` as its head and a configuration that we wrote: no setting can name a program
    with tempfile.TemporaryDirectory(prefix="hpo-git-") as ours:
        (Path(ours) / "refs").mkdir()
        (Path(ours) / "HEAD").write_text(f"{commit}\n")
        (Path(ours) / "config").write_text(
            f"[core]\nrepositoryformatversion = 1\nbare = false\n[extensions]\nobjectFormat = {object_format}\n"
        )
        environment = {**borrowed, "GIT_DIR": ours, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        chosen = [word for setting in settings for word in ("-c", setting.replace(" ", "=", 1))]
        limits = ["-c", "core.packedGitLimit=256m"]  # else git may map more of its packs than the limit lets it
        status = ["--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"]
        output = _git([*limits, *chosen, *status], environment)
    return None if output is None else bool(output)


def _git(arguments: list[str], environment: dict[str, str] | None = None) -> str | None:
    """The output of `git` without the last newline; None where it fails.

    It fetches nothing and asks nobody.
    """
    # GIT_DIR and the like, set by a hook or a shell, would point at another repository than the one asked about
    cleaned = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    cleaned |= {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            [*_LIMITED_GIT, *arguments],
            env=cleaned | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no git, no checkout, no commit yet
        return None
    return os.fsdecode(done.stdout).removesuffix("\n")
