"""The page asks nobody else for anything, and a reader who does not see it is told what everything is."""

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.common.preprocess import STEPS
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


@pytest.fixture
def in_browser(tmp_path: Path) -> Callable[[str], str]:
    """A page as a browser made it, by its address."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]

    def seen(url: str) -> str:
        asked = [*command, "--virtual-time-budget=5000", "--dump-dom", url]
        return subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False).stdout

    return seen


def test_the_page_finds_the_model_in_a_browser(
    serving: Callable[..., Running], in_browser: Callable[[str], str]
) -> None:
    with serving() as running:
        page = in_browser(running.url)
    assert "shades, 3 classes: dark, medium, bright" in page
    assert STEPS[-1] in page


def test_the_description_is_a_page_with_nothing_from_elsewhere(
    serving: Callable[..., Running], in_browser: Callable[[str], str]
) -> None:
    with serving(token="a-long-enough-secret") as running, running.client() as client:
        raw = client.get("docs").text
        page = in_browser(f"{running.url}docs")
    sources = re.findall(r'(?:src|href)="([^"]*)"', raw)
    assert len(sources) == 3
    assert all(source.startswith("/docs/static/") for source in sources)
    assert "Classify one or several images" in page
    assert "Authorize" in page


def test_it_asks_for_the_token_where_one_is_needed(serving: Callable[..., Running]) -> None:
    with serving() as running, running.client() as client:
        assert "securitySchemes" not in client.get("openapi.json").json().get("components", {})
    with serving(token="a-long-enough-secret") as running, running.client() as client:
        paths = client.get("openapi.json").json()["paths"]
    assert paths["/predict"]["post"]["security"] == paths["/status"]["get"]["security"] == [{"token": []}]
    assert "security" not in paths["/healthz"]["get"]
