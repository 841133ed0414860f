"""Draws the page of foresight-run --report and looks at it.

Skipped without matplotlib. Where chromium is installed, it also
renders the page and looks for the colours of the plots."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "client/run/report_page.py"
PLOTS = ("python", "plots")
HOPPER = ROOT / "models/pretrained/hopper-full-replay"
WEIGHTS = json.loads((HOPPER / "bundle.json").read_text())["weights_sha256"]


def trace(seed, variant, length):
    adapted = variant == "adapted"
    return {
        "seed": seed,
        "variant": variant,
        "terminated": not adapted,
        "latencies_ms": [2.0 + i % 3 for i in range(length)],
        "outcome": ["LIMITED" if i % 5 == 0 else "ADAPTED" for i in range(length)]
        if adapted
        else ["FROZEN"] * length,
        "reward": [1.0] * length,
        "objective_before": [100.0 + i for i in range(length)],
        "objective_after": [101.0 + i if adapted else None for i in range(length)],
        "action_change": [0.1 if adapted else 0.0] * length,
        "drift": [0.01 * i for i in range(length)],
        # The shipped hopper's sizes.
        "observation": [[0.01 * (i + j) for j in range(11)] for i in range(length)],
        "action": [[0.1] * 3] * length,
    }


def run_of(variants, length=50, bundle=""):
    seeds = (1000, 1001, 1002)
    both = len(variants) == 2

    def of(variant, value):
        return value if variant in variants else None

    return {
        "environment": "Hopper-v4",
        "model": "<hopper> & co",
        "settings": {"horizon": 5, "particles": 10, "noise_scale": 1,
                     "accept_only_improvement": False},
        "bundle": str(bundle),
        "weights_sha256": WEIGHTS,
        "episodes": [
            {
                "seed": seed,
                "frozen_return": of("frozen", 1500.0 + seed % 7),
                "adapted_return": of("adapted", 3200.0),
            }
            for seed in seeds
        ],
        "difference": 1700.0 if both else None,
        "interval": [1600.0, 1800.0] if both else None,
        "random_return": -20.272305,
        "expert_return": 3234.3,
        "step_limit": 1000,
        "traces": [
            trace(seed, variant, length) for seed in seeds for variant in variants
        ],
    }


def draw(run, out):
    subprocess.run(
        ["/usr/bin/python3", SCRIPT, out],
        input=json.dumps(run).encode(),
        check=True,
    )
    return out.read_text(encoding="utf-8")


def images(page):
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    return [base64.b64decode(data) for data in found]


def check_page(page, plots):
    # Nothing is loaded from elsewhere.
    assert page.count("src=") == plots, page.count("src=")
    assert "href=" not in page and "<script" not in page
    svgs = images(page)
    assert len(svgs) == plots, len(svgs)
    for svg in svgs:
        root = xml.etree.ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg", root.tag
    assert "&lt;hopper&gt; &amp; co" in page and "<hopper>" not in page
    assert "accept_only_improvement false" in page


def check_imagined(out):
    """With a bundle there are two more plots, of imagined states."""
    both = ("frozen", "adapted")
    page = draw(run_of(both, bundle=HOPPER), out)
    check_page(page, 7)
    assert "Imagined against real states" in page
    assert "Imagined against" not in draw(run_of(both), out)
    short = draw(run_of(both, length=5, bundle=HOPPER), out)
    check_page(short, 5)
    assert "The episode is shorter than the horizon." in short
    other = run_of(both, bundle=HOPPER)
    other["weights_sha256"] = "0" * 64
    refused = subprocess.run(
        ["/usr/bin/python3", SCRIPT, out],
        input=json.dumps(other).encode(), check=False, capture_output=True,
    )
    assert refused.returncode == 1, refused
    assert b"expected those of the served model: 000" in refused.stderr, refused


def check_screenshot(out, folder):
    """Finds the plots' colours in what a browser shows."""
    browser = shutil.which("chromium")
    if browser is None:
        print("no chromium: the page was not looked at")
        return
    picture = folder / "page.png"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={folder / 'profile'}", "--window-size=1100,3000",
         f"--screenshot={picture}", out.as_uri()],
        check=True,
        timeout=90,
        stderr=subprocess.DEVNULL,
    )
    from PIL import Image

    with Image.open(picture) as image:
        colours = {
            colour for _, colour in image.convert("RGB").getcolors(1 << 24)
        }
    for wanted in ((0x5B, 0x6B, 0x7B), (0xD1, 0x65, 0x1A), (0xC9, 0xA2, 0x27)):
        assert wanted in colours, wanted


def main():
    ready = subprocess.run(["/usr/bin/python3", SCRIPT, "--check"], check=False)
    if ready.returncode == 3:
        print("no matplotlib: deploy/install_dependencies.sh --plots")
        return SKIPPED
    assert ready.returncode == 0, ready.returncode
    # check_screenshot needs the pillow that comes with matplotlib.
    deps = pathlib.Path(os.environ.get("FORESIGHT_DEPS", ROOT / ".deps"))
    sys.path += [str(deps / name) for name in PLOTS]

    missing = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c",
         "import runpy, sys; sys.modules['matplotlib'] = None;"
         f"sys.argv = ['x', '--check']; runpy.run_path({str(SCRIPT)!r})"],
        check=False,
    )
    assert missing.returncode == 3, missing.returncode

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        out = folder / "page.html"
        page = draw(run_of(("frozen", "adapted")), out)
        check_page(page, 5)
        assert "+1,700.0" in page and "[+1,600.0, +1,800.0]" in page
        assert draw(run_of(("frozen", "adapted")), out) == page
        check_screenshot(out, folder)
        check_page(draw(run_of(("adapted",)), out), 5)
        check_page(draw(run_of(("frozen",)), out), 3)
        # An episode may end at its first step.
        check_page(draw(run_of(("frozen", "adapted"), length=1), out), 5)
        check_imagined(out)
    print("the pages are as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
