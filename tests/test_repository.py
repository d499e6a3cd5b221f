"""What the repository promises as a whole: the package's files, the command line's surface."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import hpo
import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("common", "search", "serving", "spaces", "studies", "training")

SURFACE = {
    "run": "accept-space-change audit checkpoint-dir cpus-per-trial data data-root device devices-per-trial epochs "
    "executor gpus-per-trial grace home json max-epochs-total pruner ray-address ray-unauthenticated sampler seed "
    "set skip-export-check space storage storage-patience strategy strict study timeout track "
    "tracking-uri trial-timeout trials try until until-converged warm-start workers",
    "plan": "accept-space-change audit checkpoint-dir cpus-per-trial data data-root device devices-per-trial epochs "
    "executor gpus-per-trial grace home json max-epochs-total pruner ray-address ray-unauthenticated sampler seed "
    "set skip-export-check space storage storage-patience strategy strict study timeout track "
    "tracking-uri trial-timeout trials try until until-converged warm-start workers",
    "estimate": "accept-space-change audit checkpoint-dir cpus-per-trial data data-root device devices-per-trial "
    "epochs executor gpus-per-trial grace home json max-epochs-total pruner ray-address ray-unauthenticated sampler "
    "seed set skip-export-check space storage storage-patience strategy strict study test-folds timeout track "
    "tracking-uri trial-timeout trials try until until-converged warm-start workers",
    "suggest-space": "checkpoint-dir home json out space storage study",
    "extend": "checkpoint-dir data-root device epochs executor grace home json storage storage-patience study timeout "
    "top track tracking-uri trial trial-timeout trust workers",
    "train": "data data-root device epochs home json out resume set skip-export-check space storage strict trial trust",
    "diagnose": "check data data-root device home html json set space storage trial trust",
    "export": "data-root format home json out storage tracking-uri trust",
    "infer-check": "json trust",
    "report": "home json out storage study",
    "compare": "home json storage",
    "replay": "data-root device home json out storage trust",
    "retrain-best": "candidates checkpoint-dir data-root device epochs formats home json out pick seeds storage study "
    "track tracking-uri trial trust",
    "serve": "allow-host challenger false-alarm-every formats home host keep-days keep-rows log max-batch max-body-mb "
    "max-model-mb port queue shadow share thumbnails timeout token-file tracking-uri watch-per-second workers",
    "monitor": "home json log window",
    "evaluate": "data data-root device home html json set split storage strict tracking-uri trust",
    "predict": "batch-size csv device home json out storage strict trust",
    "data": "data-root html image-size json save-split set strict",
    "models": "channels classes image-size json",
    "show": "home json storage study trial",
    "studies": "home json storage",
    "export-study": "checkpoint-dir home json no-checkpoints out storage study",
    "import-study": "from-study home json storage study",
    "ui": "home mlflow-port port storage study tensorboard-port tracking-uri",
    "check": "data data-root home json set",
    "schema": "out",
    "slurm-script": "account cpus gpus nodes partition ray time",
}


@pytest.mark.parametrize("command", SURFACE)
def test_the_surface_of_the_command_line(command: str) -> None:
    import typer
    from hpo.search.cli.app import app

    options = typer.main.get_command(app).commands[command].params
    flags = {name for option in options for name in option.opts if name.startswith("--")}
    assert flags == {f"--{flag}" for flag in SURFACE[command].split()}


def test_a_study_is_named_by_position_and_by_study() -> None:
    import typer
    from hpo.search.cli.app import app

    commands = typer.main.get_command(app).commands
    del commands["import-study"]  # where --study is what it will be called
    by_position = {name for name, command in commands.items() if any(p.name == "study" for p in command.params)}
    by_flag = {name for name, command in commands.items() if any("--study" in p.opts for p in command.params)}
    assert by_position == by_flag
    searches = {"run", "plan", "estimate", "extend", "retrain-best", "suggest-space"}
    assert by_flag == searches | {"show", "report", "ui", "export-study"}


def test_every_command_is_in_the_surface() -> None:
    import typer
    from hpo.search.cli.app import app

    assert set(typer.main.get_command(app).commands) == set(SURFACE)


def test_the_front_door_opens() -> None:
    for name in hpo.__all__:
        assert getattr(hpo, name) is not None
    assert dir(hpo) == sorted(hpo.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trials'"):
        hpo.trials  # noqa: B018


def _imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    heavy = {"torch", "optuna", "mlflow", "pydantic", "sqlalchemy", "numpy", "ruamel.yaml", "sklearn"}
    assert not heavy & _imported_by("import hpo, hpo.search.cli.app")


def test_the_coordinator_does_not_import_torch() -> None:
    modules = _imported_by("import hpo.search.commands.run.run, hpo.search.api, hpo.search.cli.watch")
    assert "optuna" in modules
    assert not {"torch", "torchvision", "mlflow", "sklearn"} & modules


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist and the wheel made from it."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def _tracked() -> set[str]:
    """Every file of the rooms that a user must get."""
    files = {f"hpo/{path.name}" for path in ROOT.glob("*.py")} | {"hpo/py.typed"}
    for room in ROOMS:
        found = (path for path in (ROOT / room).rglob("*") if path.suffix in {".py", ".yaml", ".json", ".html"})
        files |= {f"hpo/{path.relative_to(ROOT)}" for path in found}
    return files


def test_the_wheel_holds_every_file_of_the_rooms_and_no_other(archives: Path) -> None:
    (wheel,) = archives.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        held = {name for name in names if ".dist-info/" not in name}
    assert held == _tracked()
    assert f"hpo-{hpo.__version__}.dist-info/licenses/LICENSE" in names


def test_the_sdist_can_build_the_wheel(archives: Path) -> None:
    (sdist,) = archives.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE", "errors.py", "py.typed", "spaces/resnet.yaml"} <= names


@pytest.mark.slow
def test_the_wheel_works_in_a_clean_environment(archives: Path, tmp_path: Path) -> None:
    """Installed beside a user's own `training` folder, away from this tree; only torch and its kind are borrowed."""
    (wheel,) = archives.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    libraries = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    (site,) = (tmp_path / "venv" / "lib").glob("*/site-packages")
    for entry in libraries.iterdir():
        if not entry.name.startswith(("__editable__", "hpo", "pip", "setuptools", "_distutils")):
            target = site / entry.name
            if not target.exists():
                target.symlink_to(entry)
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").write_text("mine = True\n")
    check = "import training, hpo.training.config; assert training.mine; print(hpo.__file__)"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # may lead to this tree
    done = subprocess.run([python, "-c", check], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True)
    assert str(site) in done.stdout
    hpo_run = [tmp_path / "venv" / "bin" / "hpo", "run", "--space", "simple_cnn", "--data", "digits", "--trials", "1"]
    small = ["--epochs", "1", "--tracking-uri", "none", "--workers", "1"]
    done = subprocess.run([*hpo_run, *small], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
