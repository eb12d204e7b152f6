"""examples/report: what it finds, and its page in a real browser."""

import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

# Run by one process, which makes what they share once.
pytestmark = pytest.mark.xdist_group("report")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SHARDCACHE_BUILD_DIR", ROOT / "build"))
REPORT = ROOT / "examples" / "report"
VERDICTS = {"php": "no", "proxies": "no", "outage": "yes", "ejection": "yes", "change": "partly",
            "speed": "yes", "warm": "yes"}

# Says what does not fit, and how large the charts and sections are.
PROBE = """<script>
const wrong = [];
for (const svg of document.querySelectorAll('svg'))
  for (const text of svg.querySelectorAll('text')) {
    const box = text.getBBox();
    if (box.x < 0 || box.x + box.width > svg.viewBox.baseVal.width || box.y < -1 ||
        box.y + box.height > svg.viewBox.baseVal.height + 1) wrong.push('cut: ' + text.textContent);
  }
if (document.documentElement.scrollWidth > window.innerWidth) wrong.push('wider than the window');
for (const part of document.querySelectorAll('section, svg, table'))
  if (part.getBoundingClientRect().height < 40) wrong.push('flat: ' + part.outerHTML.slice(0, 80));
document.body.dataset.wrong = JSON.stringify(wrong);
document.body.dataset.colours = ['body', 'section', '.answer'].map((which) => {
  const style = getComputedStyle(document.querySelector(which));
  return style.backgroundColor + ' ' + style.color; }).join('; ');
</script>"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@pytest.fixture(name="report", scope="module")
def _report(tmp_path_factory):
    """A run with few keys: its three files."""
    out = tmp_path_factory.mktemp("report")
    done = subprocess.run([sys.executable, "-B", REPORT / "report.py", "--quick", "--out", out],
                          env={**os.environ, "SHARDCACHE_BUILD_DIR": str(BUILD)}, timeout=300,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {kind: (out / f"report.{kind}") for kind in ("html", "md", "json")}


@pytest.fixture(name="committed")
def _committed():
    return {kind: (REPORT / f"report.{kind}") for kind in ("html", "md", "json")}


def browse(path, *options, tmp_path):
    """What headless Chromium makes of the page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "tests/run setup installs Chromium"
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", f"--user-data-dir={tmp_path / 'chromium'}", "--enable-logging=stderr",
         *options, path.as_uri()], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode(), done.stderr.decode(errors="replace")


def probe(page, probed):
    """A copy of the page with PROBE, and without the policy that forbids it."""
    text = page.read_text().replace(POLICY, "img-src data:")
    probed.write_text(text.replace("</body>", PROBE + "</body>"))


def verdicts(dom):
    return dict(re.findall(r'<section id="(\w+)" data-verdict="(\w+)">', dom))


def test_each_section_has_its_verdict_in_the_browser(report, tmp_path):
    dom, _ = browse(report["html"], "--dump-dom", tmp_path=tmp_path)
    assert verdicts(dom) == VERDICTS
    for section in re.findall(r"<section.*?</section>", dom, re.DOTALL):
        assert "<svg" in section
        assert "<table>" in section
        assert "The commands that produced this" in section


def test_the_committed_page_has_the_same_verdicts(committed, tmp_path):
    dom, _ = browse(committed["html"], "--dump-dom", tmp_path=tmp_path)
    assert verdicts(dom) == VERDICTS


@pytest.mark.parametrize("which", ["report", "committed"])
def test_the_page_asks_nobody_for_anything_and_has_no_errors(which, request, tmp_path):
    path = request.getfixturevalue(which)["html"]
    # Its policy forbids the browser each request, and what violates it is said on the console.
    text = path.read_text()
    assert POLICY in text
    _, said = browse(path, "--dump-dom", tmp_path=tmp_path)
    assert "CONSOLE" not in said
    assert "<script" not in text
    for address in re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)|@import', text):
        assert address[0].startswith(("#", "data:")), address


def test_a_page_that_did_ask_would_be_found(report, tmp_path):
    asking = tmp_path / "asking.html"
    asking.write_text(report["html"].read_text().replace(
        "</body>", '<img src="http://127.0.0.1:1/x.png"></body>'))
    _, said = browse(asking, "--dump-dom", tmp_path=tmp_path)
    assert "CONSOLE" in said


@pytest.mark.parametrize("which", ["report", "committed"])
@pytest.mark.parametrize("width", [1100, 480])
def test_everything_fits(which, width, request, tmp_path):
    path = request.getfixturevalue(which)["html"]
    probed = tmp_path / "probed.html"
    probe(path, probed)
    dom, _ = browse(probed, "--dump-dom", f"--window-size={width},1000", tmp_path=tmp_path)
    wrong = json.loads(html.unescape(re.search(r'data-wrong="([^"]*)"', dom)[1]))
    assert wrong == []


def test_light_and_dark_differ(committed, tmp_path):
    probed = tmp_path / "probed.html"
    probe(committed["html"], probed)
    colours = []
    for number, options in enumerate(([], ["--blink-settings=preferredColorScheme=0"])):
        dom, _ = browse(probed, "--dump-dom", *options, tmp_path=tmp_path / str(number))
        colours.append(re.search(r'data-colours="([^"]*)"', dom)[1])
    assert colours[0] != colours[1]


def test_a_screenshot_can_be_taken(report, tmp_path):
    picture = tmp_path / "page.png"
    browse(report["html"], f"--screenshot={picture}", "--window-size=1100,5000", tmp_path=tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 100_000


@pytest.mark.parametrize("which", ["report", "committed"])
def test_all_three_forms_have_the_same_figures(which, request):
    files = request.getfixturevalue(which)
    page = html.unescape(files["html"].read_text())
    markdown = files["md"].read_text()
    sections = json.loads(files["json"].read_text())["sections"]
    assert {s["id"]: s["verdict"] for s in sections} == VERDICTS
    for section in sections:
        assert section["answer"] in page
        assert section["answer"] in markdown
        for table in section["tables"]:
            for row in table["rows"]:
                assert "| " + " | ".join(row) + " |" in markdown
                assert re.search("".join(f"<td[^>]*>{re.escape(cell)}</td>" for cell in row), page)
            for command in table["commands"]:
                assert command in page
                assert command in markdown


@pytest.mark.parametrize("which", ["report", "committed"])
def test_the_figures_bear_the_verdicts_out(which, request):
    sections = json.loads(request.getfixturevalue(which)["json"].read_text())["sections"]
    tables = {s["id"]: [dict(zip(t["columns"], row, strict=True)) for t in s["tables"]
                        for row in t["rows"] if len(row) == len(t["columns"])] for s in sections}
    for row in tables["php"]:
        assert int(row["keys"]) - int(row["found"]) == int(row["not found, by the model"])
    found = [int(row["found"]) / int(row["keys"]) for row in tables["php"]]
    assert max(found[:5]) < 0.5
    assert found[5:7] == [1, 1]
    assert found[7] > 0.998  # but for hashes of 0
    assert all(row["lost"] == "0" for row in tables["proxies"])
    proxy, _, exact, _ = tables["outage"]
    assert int(proxy["stale reads"]) > 0 == int(exact["stale reads"])
    assert all(int(row["failed"]) > 0 for row in tables["outage"])
    for row in tables["ejection"]:
        assert row["unreadable of these"] == row["by the model"]
    for row in tables["change"]:
        assert row["not found"] == row["by the model"]
    assert all(row["failed"] in ("0", "–") for row in tables["speed"])
    for row in tables["warm"]:
        assert int(row["found before"]) < int(row["keys"]) == int(row["found after"])


def test_the_readme_has_the_committed_answers(committed):
    readme = (ROOT / "README.md").read_text()
    for section in json.loads(committed["json"].read_text())["sections"]:
        assert section["question"] in readme
        assert section["answer"] in readme


def test_wrong_usage_is_2():
    done = subprocess.run([sys.executable, "-B", REPORT / "report.py", "--only", "nothing"],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
