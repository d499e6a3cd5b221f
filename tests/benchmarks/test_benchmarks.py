"""Every benchmark runs to a table and a JSON; the page of results says what the results say."""

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
needs_fashion_mnist = pytest.mark.skipif(
    not FASHION_MNIST.is_dir(), reason="Fashion-MNIST is not on disk: apt-get install dataset-fashion-mnist"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "overhead",
        pytest.param("throughput", marks=needs_fashion_mnist),
        pytest.param("workers", marks=needs_fashion_mnist),
        pytest.param("live", marks=needs_fashion_mnist),
    ],
)
def test_a_quick_run_ends_in_a_table_and_a_json(name: str, tmp_path: Path) -> None:
    out = tmp_path / f"{name}.json"
    script = ROOT / "benchmarks" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, str(script), "--quick", "--out", str(out)],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert result["quick"]
    assert result["rows"]
    assert all(target["what"] in done.stdout for target in result["targets"])


def test_the_page_of_results_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = spec_from_file_location("render", ROOT / "benchmarks" / "render.py")
    assert spec is not None
    assert spec.loader is not None
    render = module_from_spec(spec)
    spec.loader.exec_module(render)
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert page == render.rendered(page), "run: python benchmarks/render.py"
