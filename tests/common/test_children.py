"""How Python processes are started: nothing of the working directory is imported, and all are started in one place."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hpo.common.children import start_python

ROOT = Path(__file__).parents[2]
SHADOWED = ("random", "copy", "logging", "json", "numpy", "pandas", "pyarrow", "torch", "uvicorn", "mlflow", "typing")
_STARTS = {"Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}
_STARTS |= {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "create_subprocess_exec"}
_STARTS |= {"create_subprocess_shell", "get_context", "Process", "Pool", "Manager", "ProcessPoolExecutor"}
_MODULES = {"subprocess", "os", "multiprocessing", "asyncio", "concurrent", "pty"}


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: folders named as modules, each of which leaves a mark where it is imported."""
    folder = tmp_path / "hostile"
    for name in SHADOWED:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"open({str(tmp_path / f'mark-{name}')!r}, 'w').close()\n")
    monkeypatch.chdir(folder)
    return folder


def marks(hostile: Path) -> list[str]:
    return sorted(path.name for path in hostile.parent.glob("mark-*"))


def test_a_child_imports_nothing_from_the_working_directory(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("")  # as in an interactive session
    grandchild = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import copy, random'], check=True)"
    (hostile.parent / "child.py").write_text(f"import copy, json, numpy\n{grandchild}\n")
    monkeypatch.syspath_prepend(str(hostile.parent))
    with start_python("child") as child:
        assert child.wait(30) == 0
    assert marks(hostile) == []
    subprocess.run([sys.executable, "-c", "import copy"], check=True)
    assert marks(hostile) == ["mark-copy"]


def test_a_process_of_multiprocessing_imports_nothing_from_there(hostile: Path) -> None:
    script = hostile.parent / "script.py"
    script.write_text(
        "from hpo.common.children import spawn_context\n"
        "if __name__ == '__main__':\n"
        "    child = spawn_context().Process(target=print)\n"
        "    child.start(); child.join(); assert child.exitcode == 0\n"
    )
    path = os.pathsep.join([*sys.path, os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, str(script)], check=True, env={**os.environ, "PYTHONPATH": path})
    assert marks(hostile) == []


def test_the_server_without_torch_imports_nothing_from_there(hostile: Path) -> None:
    def ask(*flags: str) -> None:
        command = [sys.executable, *flags, "-m", "hpo.serving", "no-such-folder"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("no-such-folder")) == (1, 1), done.stderr

    ask("-P")
    assert marks(hostile) == []
    for name in ("typing", "copy"):  # without -P, Python itself imports from there before ours has a say
        for file in (hostile / name).iterdir():
            file.unlink()
        (hostile / name).rmdir()
    ask()
    assert marks(hostile) == []


def test_every_process_is_started_in_one_place() -> None:
    rooms = ("common", "search", "serving", "spaces", "studies", "training")
    files = [*ROOT.glob("*.py"), *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    started = {(str(path.relative_to(ROOT)), name) for path in files for name in starts(path)}
    assert started == {
        ("common/children.py", "subprocess.Popen"),
        ("common/children.py", "multiprocessing.get_context"),
        ("studies/git_state.py", "subprocess.run"),  # git
    }


def starts(path: Path) -> Iterator[str]:
    """Each call in a file that starts a process, or an import that would hide one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            module, _, name = ast.unparse(node.func).rpartition(".")
            is_loop = (module, name) == ("asyncio", "run")  # which runs a coroutine in this one
            if (
                not is_loop
                and module.split(".")[0] in _MODULES
                and (name in _STARTS or name.startswith(("exec", "spawn")))
            ):
                yield f"{module}.{name}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _MODULES:
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in _STARTS)
