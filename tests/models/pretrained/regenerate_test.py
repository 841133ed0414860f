"""Runs models/pretrained/regenerate.py: RESULTS.md and the figures are as the
logs say, and new logs change them. Skipped without matplotlib."""

import importlib.util
import json
import os
import pathlib
import shutil
import sys
import tempfile

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[3]
PRETRAINED = ROOT / "models/pretrained"
DEPS = pathlib.Path(os.environ.get("FORESIGHT_DEPS", ROOT / ".deps"))
HOPPER = "hopper-full-replay"


def load():
    path = PRETRAINED / "regenerate.py"
    spec = importlib.util.spec_from_file_location("regenerate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copy(folder):
    """Copies RESULTS.md, its logs and figures; manifests go among the logs."""
    for name in ("logs", "figures"):
        shutil.copytree(PRETRAINED / name, folder / name)
    shutil.copy(PRETRAINED / "RESULTS.md", folder)
    for logs in (folder / "logs").iterdir():
        manifest = PRETRAINED / logs.name / "bundle.json"
        if logs.is_dir() and manifest.is_file():
            shutil.copy(manifest, logs)


def run(regenerate, folder, *arguments):
    """Returns the exit status, or the message of a refusal."""
    sys.argv = ["regenerate.py", "--folder", str(folder), *arguments]
    try:
        return regenerate.main()
    except SystemExit as refusal:
        return str(refusal)


def trial(steps, adapted, interval):
    return {
        "asked": {"steps": steps, "mode": "RESET", "accept_only_improvement": False},
        "comparison": {
            "episodes": [{"seed": 2000}, {"seed": 2001}],
            "frozen_mean": 3234.3,
            "adapted_mean": adapted,
            "difference": adapted - 3234.3,
            "interval": interval,
        },
    }


def check_new_bundle(regenerate, folder):
    logs = folder / "logs/hopper-new"
    shutil.copytree(folder / "logs" / HOPPER, logs)
    shutil.copy(logs / "evaluation.csv", logs / "latency.csv")
    trials = [trial(1, 3244.3, [-1.5, 12.25]), trial(3, 3134.3, None)]
    (logs / "sweep.json").write_text(json.dumps(trials))
    assert run(regenerate, folder, "--check") == 1
    before = (folder / "RESULTS.md").read_text()
    assert run(regenerate, folder) == 0
    text = (folder / "RESULTS.md").read_text()
    assert run(regenerate, folder, "--check") == 0
    assert (folder / "figures/hopper-new.svg").is_file()
    assert "| hopper-new | diffusion | 0.0388 +- 0.0070 |" in text
    section = text[text.index("\n## hopper-new\n"):]
    assert "\n## hopper-new\n" not in before
    # These figures are what foresight-run and foresight-train printed.
    for line in (
        "| state, 10 steps | 0.121 +- 0.018 | 1.92 | 0.992 | 2.376 |",
        "| 60,000 | 0.0452 +- 0.0060 | 0.00991 +- 0.00022 |",
        "| 100,000 | 0.0395 +- 0.0069 (at 102,000) | |",
        "| adapted | 3,227.0 +- 0.5 | 99.8 | 0 | 1,000.0 |",
        "100 episodes, seeds 1000 to 1099. "
        "The difference is **+9.0 [+7.8, +10.2]**.",
        "2 episodes, seeds 2000 to 2001, frozen 3,234.3 (100.0).",
        "| `--steps 1 --mode reset --no-accept-only-improvement` | 3,244.3 "
        "| 100.3 | +10.0 [-1.5, +12.2] |",
        "| `--steps 3 --mode reset --no-accept-only-improvement` | 3,134.3 "
        "| 96.9 | -100.0 |",
    ):
        assert f"\n{line}\n" in section, (line, section)
    assert "| adapted | 8." in section or "| adapted | 7." in section  # ms


def check_changed_log(regenerate, folder):
    file = folder / "logs" / HOPPER / "reward.csv"
    file.write_text(file.read_text().replace("60000,", "61000,"))
    assert run(regenerate, folder, "--check") == 1
    assert run(regenerate, folder) == 0
    assert "(at 61,000)" in (folder / "RESULTS.md").read_text()


def check_refusals(regenerate, folder):
    (folder / "logs" / HOPPER / "bundle.json").unlink()
    refusal = run(regenerate, folder)
    assert "found bundle.json neither in" in str(refusal), refusal
    shutil.rmtree(folder / "logs" / HOPPER)
    (folder / "RESULTS.md").write_text("<!-- begin nonsense -->\n<!-- end -->\n")
    refusal = run(regenerate, folder)
    assert "nonsense is not a table, expected one of" in str(refusal), refusal


def main():
    sys.path += [str(DEPS / name) for name in ("python", "plots")]
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("no matplotlib: deploy/install_dependencies.sh --plots")
        return SKIPPED
    regenerate = load()
    assert run(regenerate, PRETRAINED, "--check") == 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        copy(folder)
        assert run(regenerate, folder, "--check") == 0
        check_new_bundle(regenerate, folder)
        check_changed_log(regenerate, folder)
        check_refusals(regenerate, folder)
    print("RESULTS.md and its figures are as the logs say")
    return 0


if __name__ == "__main__":
    sys.exit(main())
