"""The page asks nobody else for anything, and a reader who does not see it is told what everything is."""

import base64
import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.preprocess import STEPS
from hpo.serving.service_routes import content_policy

from .conftest import Running

PAGE = (Path(__file__).parents[2] / "serving" / "page.html").read_text()


def test_nothing_comes_from_elsewhere() -> None:
    assert not re.search(r"https?://|src=|@import|url\(", PAGE)


def test_the_policy_allows_the_page_its_own_script_and_nothing_else() -> None:
    script = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = content_policy(PAGE)
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r' style="| on[a-z]+="', PAGE)  # which the policy would refuse


def test_every_field_has_a_name_and_answers_are_read_out() -> None:
    assert 'lang="en"' in PAGE
    assert 'aria-live="polite"' in PAGE
    for field in re.findall(r"<input[^>]*>", PAGE):
        before = PAGE[: PAGE.index(field)]
        assert before.rindex("<label") > before.rfind("</label>"), field


def test_the_page_finds_the_model_in_a_browser(serving: Callable[..., Running], tmp_path: Path) -> None:
    chromium = pytest.importorskip("shutil").which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing")
    with serving() as running:
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        seen = [*command, "--virtual-time-budget=5000", "--dump-dom", running.url]
        done = subprocess.run(seen, capture_output=True, text=True, timeout=120, check=False)
    assert "shades, 3 classes: dark, medium, bright" in done.stdout
    assert STEPS[-1] in done.stdout
