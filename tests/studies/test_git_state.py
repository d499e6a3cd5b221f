import os
import subprocess
from pathlib import Path

import pytest
from hpo.studies.git_state import git_state


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout with one file."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    (folder / "a").write_text("1")
    git(folder, "add", "a")
    git(folder, "commit", "-m", "first")
    return folder


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Where programs that a repository names leave a mark."""
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def marking(marks: Path, name: str, then: str = "cat") -> str:
    """A program that leaves a mark; unless told otherwise, it then passes its input on."""
    program = marks.parent / f"mark-{name}"
    program.write_text(f"#!/bin/sh\ntouch '{marks}/{name}'\n{then}\n")
    program.chmod(0o755)
    return str(program)


def state(folder: Path) -> tuple[str, bool | None]:
    found = git_state(folder)
    assert found is not None
    assert found["commit"] == git(folder, "rev-parse", "HEAD")
    return found["branch"], found["changed"]


def test_a_clean_checkout_differs_from_a_changed_one(checkout: Path) -> None:
    assert state(checkout) == ("main", False)
    (checkout / "untracked").write_text("")
    assert state(checkout) == ("main", False)
    (checkout / "a").write_text("2")
    assert state(checkout) == ("main", True)
    git(checkout, "add", "a")
    assert state(checkout) == ("main", True)
    below = checkout / "below"
    below.mkdir()
    assert state(below) == ("main", True)


def test_a_file_that_was_only_touched_has_not_changed(checkout: Path) -> None:
    os.utime(checkout / "a", (1, 1))
    assert state(checkout) == ("main", False)


def test_linked_worktrees_detached_heads_and_other_hashes_are_read(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "--detach", "../second")
    assert state(tmp_path / "second") == ("HEAD", False)
    (tmp_path / "second" / "a").write_text("2")
    assert state(tmp_path / "second") == ("HEAD", True)
    sha256 = tmp_path / "sha256"
    sha256.mkdir()
    git(sha256, "init", "-b", "main", "--object-format=sha256")
    git(sha256, "commit", "--allow-empty", "-m", "first")
    assert state(sha256) == ("main", False)


def test_settings_that_decide_what_a_change_is_are_followed(checkout: Path) -> None:
    (checkout / "a").chmod(0o755)
    assert state(checkout) == ("main", True)
    git(checkout, "config", "core.fileMode", "false")
    assert state(checkout) == ("main", False)


def test_outside_a_checkout_or_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None
    git(tmp_path, "init")
    assert git_state(tmp_path) is None


def test_nothing_that_the_repository_names_is_run(checkout: Path, marks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = checkout.parent / "inner"
    inner.mkdir()
    git(inner, "init", "-b", "main")
    (inner / "b").write_text("1")
    git(inner, "add", "b")
    git(inner, "commit", "-m", "first")
    (checkout / ".gitattributes").write_text("* filter=marking diff=marking\n")
    git(checkout, "submodule", "add", str(inner), "inner")
    git(checkout, "add", ".gitattributes")
    git(checkout, "commit", "-m", "second")
    hooks = checkout.parent / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "query-watchman", "reference-transaction"):
        Path(marking(marks, hook)).rename(hooks / hook)
    keys = [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.alternateRefsCommand",
    ]
    keys += ["pager.status", "pager.rev-parse", "filter.marking.clean", "filter.marking.smudge", "diff.external"]
    keys += ["diff.marking.textconv", "diff.marking.command", "alias.status", "alias.rev-parse", "gpg.program"]
    included = checkout.parent / "included"
    for key in keys:
        target = included if key == "core.fsmonitor" else checkout / ".git" / "config"
        git(checkout, "config", "--file", str(target), key, marking(marks, key))
    git(checkout, "config", "includeIf.gitdir:**.path", str(included))
    git(checkout, "config", "core.hooksPath", str(hooks))
    git(checkout / "inner", "config", "core.fsmonitor", marking(marks, "submodule"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", marking(marks, "GIT_EXTERNAL_DIFF"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.fsmonitor'='{marking(marks, 'parameters')}'")
    for mark in marks.iterdir():  # of the commands above
        mark.unlink()
    (checkout / "a").write_text("2")  # its size is as before: git must read it to compare
    commit = (checkout / ".git" / "refs" / "heads" / "main").read_text().strip()
    assert git_state(checkout) == {"commit": commit, "branch": "main", "changed": True}
    assert list(marks.iterdir()) == []
    monkeypatch.delenv("GIT_CONFIG_PARAMETERS")
    subprocess.run(["git", "status"], cwd=checkout, capture_output=True, check=True)
    assert {mark.name for mark in marks.iterdir()} >= {"core.fsmonitor", "filter.marking.clean", "submodule"}


def test_a_missing_object_is_not_fetched(checkout: Path, marks: Path) -> None:
    git(checkout, "config", "extensions.partialClone", "origin")
    git(checkout, "config", "core.repositoryFormatVersion", "1")
    git(checkout, "config", "remote.origin.promisor", "true")
    git(checkout, "config", "remote.origin.url", f"ext::{marking(marks, 'transport', 'exit 1')} %S")
    git(checkout, "config", "protocol.ext.allow", "always")
    tree = git(checkout, "rev-parse", "HEAD^{tree}")
    (checkout / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    assert state(checkout) == ("main", None)
    assert list(marks.iterdir()) == []
    subprocess.run(["git", "status"], cwd=checkout, capture_output=True, check=False)
    assert [mark.name for mark in marks.iterdir()] == ["transport"]


def test_a_repository_that_hangs_git_is_given_up(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.studies.git_state._TIMEOUT_S", 0.5)
    os.mkfifo(checkout / "pipe")
    git(checkout, "config", "include.path", str(checkout / "pipe"))
    assert git_state(checkout) is None
