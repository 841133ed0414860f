"""foresight-train as its users meet it: help, results, ensembles, mistakes, Ctrl-C."""

import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import h5py
import numpy as np

PROGRAM = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[3]
RECIPE = ROOT / "models/training/recipes/halfcheetah-medium-replay.json"


def write_data(path, observation_size=17, episodes=6):
    """Random half-cheetah-shaped episodes of 30 steps."""
    random = np.random.default_rng(0)
    rows = 30 * episodes
    with h5py.File(path, "w") as file:
        size = (rows, observation_size)
        file["observations"] = random.normal(size=size).astype(np.float32)
        file["actions"] = random.uniform(-1, 1, (rows, 6)).astype(np.float32)
        file["rewards"] = random.normal(size=rows).astype(np.float32)
        file["terminals"] = np.zeros(rows, bool)
        file["timeouts"] = np.arange(1, rows + 1) % 30 == 0


def write_recipe(path, steps):
    """The shipped recipe, but short and small."""
    recipe = json.loads(RECIPE.read_text())
    for part in ("policy", "dynamics", "reward"):
        recipe[part].update(steps=steps, batch=16)
        for field in recipe[part]:
            if field.endswith("hidden"):
                recipe[part][field] = [16, 16]
    path.write_text(json.dumps(recipe))


def run(*arguments):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def expect(result, code, *texts):
    assert result.returncode == code, (code, result)
    for text in texts:
        assert text in result.stdout + result.stderr, (text, result)


def check_help():
    expect(run("--help"), 0, "fit", "evaluate", "annotate", "ensemble")
    expect(run("fit", "--help"), 0, "--data", "--recipe", "--work", "Ctrl-C")
    expect(run("--version"), 0, "foresight-train ")
    expect(run(), 2, "subcommand")
    expect(run("fit"), 2, "--data is required")


def check_result(folder):
    data, recipe = folder / "data.hdf5", folder / "recipe.json"
    write_data(data)
    write_recipe(recipe, steps=40)
    common = ("--data", data, "--recipe", recipe)
    bundle = folder / "bundle"
    fit = ("fit", *common, "--work", folder / "work", "--out", bundle)
    expect(run(*fit), 0, "RMSE on held-out episodes", "reward", "40/40")
    weights = (bundle / "weights.safetensors").read_bytes()
    expect(run("evaluate", bundle, *common), 0, "state, 10 steps", "linear")
    expect(run("annotate", bundle, "frozen_return=5697", "x=0.5"), 0)
    manifest = json.loads((bundle / "bundle.json").read_text())
    assert manifest["provenance"]["measured"]["frozen_return"] == 5697
    assert manifest["provenance"]["measured"]["state_rmse_1"] > 0
    assert (bundle / "weights.safetensors").read_bytes() == weights
    expect(run("annotate", bundle, "frozen_return"), 1, "expected KEY=NUMBER")
    expect(run(*fit, "--seed", 7), 1, "another recipe, seed or data set")


def check_ensemble(folder):
    """Two seeds' dynamics become the members of one bundle."""
    data, recipe = folder / "data.hdf5", folder / "recipe.json"
    common = ("--data", data, "--recipe", recipe)
    first, second = folder / "bundle", folder / "seed7"
    other = ("--work", folder / "work7", "--out", second, "--seed", 7)
    expect(run("fit", *common, *other), 0)
    both = folder / "both"
    expect(run("ensemble", first, second, "--out", both), 0)
    manifest = json.loads((both / "bundle.json").read_text())
    assert manifest["dynamics"]["members"] == 2
    expect(run("evaluate", both, *common), 0, "state, 10 steps")
    expect(run("ensemble", first, "--out", both), 2, "bundles")
    expect(run("ensemble", first, folder / "no", "--out", both), 1, "no/bundle")


def check_mistakes(folder):
    data, recipe = folder / "data.hdf5", folder / "recipe.json"
    good = {"--data": data, "--recipe": recipe, "--work": folder / "mistakes"}

    def fit(**changed):
        flags = {**good, **{f"--{k}": v for k, v in changed.items()}}
        return run("fit", *(x for pair in flags.items() for x in pair))

    expect(fit(data=folder / "none.hdf5"), 1, "none.hdf5: no such file")
    expect(fit(recipe=folder / "none.json"), 1, "none.json")
    write_data(folder / "hopper.hdf5", observation_size=11)
    expect(
        fit(data=folder / "hopper.hdf5"),
        1,
        "observations have 11 values, expected 17 for the recipe's HalfCheetah",
    )
    expect(fit(work="/proc/nowhere"), 1, "/proc/nowhere")
    expect(fit(device="cuda:63"), 1, "cuda:63 is unavailable")
    expect(fit(parts="polcy"), 2, "polcy")
    wrong = json.loads(recipe.read_text())
    wrong["policy"]["beta3"] = 1
    (folder / "wrong.json").write_text(json.dumps(wrong))
    expect(fit(recipe=folder / "wrong.json"), 1, "policy.beta3 is not a field")


def check_interrupt(folder):
    """Ctrl-C saves a checkpoint, from which the same command resumes."""
    recipe, work = folder / "long.json", folder / "long"
    write_recipe(recipe, steps=1000000)
    command = [PROGRAM, "fit", "--data", folder / "data.hdf5"]
    command += ["--recipe", recipe, "--work", work, "--parts", "reward"]

    def steps_until_interrupted():
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as it:
            line = it.stderr.readline()
            assert line.startswith("reward ["), line  # It is in its loop.
            it.send_signal(signal.SIGINT)
            text = line + it.stderr.read()
            assert it.wait(30) == 130, text
        return int(re.search(r"stopped at step (\d+)", text)[1])

    first = steps_until_interrupted()
    assert (work / "reward.safetensors").exists()
    assert steps_until_interrupted() > first


def main():
    check_help()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_result(folder)
        check_ensemble(folder)
        check_mistakes(folder)
        check_interrupt(folder)


if __name__ == "__main__":
    main()
