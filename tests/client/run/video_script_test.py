"""Renders a short film with client/run/video.py and looks at its frames. Skipped
where its modules or OpenGL are missing."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "client/run/video.py"
DEPS = pathlib.Path(os.environ.get("FORESIGHT_DEPS", ROOT / ".deps"))
MODEL = DEPS / "mujoco/gymnasium/envs/mujoco/assets/hopper.xml"


def run(*arguments, film=None, **environment):
    return subprocess.run(
        ["/usr/bin/python3", SCRIPT, *arguments],
        input=json.dumps(film),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def film_of(steps):
    """A film of two hoppers: the left one starts lower and ends after two steps."""
    def episode(label, height, count):
        return {
            "label": label,
            "positions": [[0.05 * i, height, 0, 0, 0, 0] for i in range(count + 1)],
            "rewards": [1.0] * count,
            "terminated": count < steps,
        }

    return {
        "model_file": str(MODEL),
        "step_sec": 0.04,
        "episodes": [episode("frozen", 1.25, 2), episode("adapted", 1.6, steps)],
    }


def check_refusals(folder):
    missing = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import runpy, sys; sys.modules['imageio_ffmpeg'] = None;"
         f"sys.argv = ['x', '--check']; runpy.run_path({str(SCRIPT)!r})"],
        check=False, capture_output=True,
    )
    assert missing.returncode == 3, missing
    # A platform that does not exist stands for a machine without OpenGL.
    blind = run("--check", MUJOCO_GL="egl", PYOPENGL_PLATFORM="glx")
    assert blind.returncode == 4, blind
    assert blind.stderr.startswith("video.py: "), blind.stderr


def check_gif(folder):
    from PIL import Image, ImageChops

    out = folder / "film.gif"
    done = run(str(out), film=film_of(5))
    assert done.returncode == 0, done.stderr
    frames = []
    with Image.open(out) as image:
        assert image.info["duration"] == 40, image.info
        for n in range(image.n_frames):
            image.seek(n)
            frames.append(image.convert("RGB"))
    assert len(frames) == 6 and frames[0].size == (964, 368), len(frames)
    left, right = (0, 60, 480, 368), (484, 60, 964, 368)

    def differ(a, b):
        return ImageChops.difference(a, b).convert("L").point(
            lambda value: 255 if value > 40 else 0).getbbox()

    # The hopper and the floor are there, and the halves differ.
    assert len(frames[0].crop(left).getcolors(1 << 16)) > 10
    assert differ(frames[0].crop(left), frames[0].crop(right))
    assert differ(frames[0].crop(right), frames[5].crop(right))  # It moves.
    assert not differ(frames[3].crop(left), frames[5].crop(left))  # It ended.
    # "ended at step 2" stands below the label of the left half only.
    note = (0, 34, 200, 60)
    assert differ(frames[0].crop(note), frames[5].crop(note))


def check_mp4(folder):
    import imageio_ffmpeg

    out = folder / "film.mp4"
    done = run(str(out), film=film_of(5))
    assert done.returncode == 0, done.stderr
    reader = imageio_ffmpeg.read_frames(str(out))
    about = next(reader)
    assert about["source_size"] == (964, 368) and about["fps"] == 25, about
    assert sum(1 for _ in reader) == 6


def main():
    ready = run("--check")
    if ready.returncode in (3, 4):
        print(ready.stderr, "deploy/install_dependencies.sh --video")
        return SKIPPED
    assert ready.returncode == 0, ready
    sys.path += [str(DEPS / name) for name in ("python", "video")]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_refusals(folder)
        check_gif(folder)
        check_mp4(folder)
    print("the films are as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
