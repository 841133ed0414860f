"""The Python example of docs/bundle-format.md writes a bundle that is accepted,
and foresight-inspect tells by its exit status what it thinks of a folder.

usage: bundle_format_test.py PATH_OF_FORESIGHT_INSPECT
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def example():
    text = (ROOT / "docs/bundle-format.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return code


def inspect(*arguments):
    return subprocess.run(
        [sys.argv[1], *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
    )


def main():
    with tempfile.TemporaryDirectory() as name:
        script = pathlib.Path(name) / "make_bundle.py"
        folder = pathlib.Path(name) / "my-robot"
        script.write_text(example())
        subprocess.run([sys.executable, script, folder], check=True, timeout=60)

        valid = inspect(folder)
        assert valid.returncode == 0, valid.stderr
        assert "bundle      my-robot, version" in valid.stdout, valid.stdout
        assert "policy      3 -> 64 -> 64 -> 1, relu" in valid.stdout
        assert "dynamics    23 -> 64 -> 64 -> 3, silu" in valid.stdout
        assert "sampler     diffusion, 10 steps" in valid.stdout

        manifest = folder / "bundle.json"
        manifest.write_text(
            manifest.read_text().replace('"members": 1', '"members": 0')
        )
        refused = inspect(folder)
        assert refused.returncode == 1, refused
        assert not refused.stdout, refused.stdout
        expected = f"{manifest}: dynamics.members is 0, expected 1..64"
        assert expected in refused.stderr, refused.stderr

    assert inspect().returncode == 2
    assert inspect("--unknown").returncode == 2
    assert inspect("--help").returncode == 0
    print("the example's bundle is accepted")


if __name__ == "__main__":
    main()
