#!/usr/bin/python3
"""Renders the film of foresight-run --video: two episodes side by side.

Reads the JSON that video.h describes from standard input and writes the MP4 or
GIF that is the argument. With --check instead, only checks that it can. Exit
status 3 says that a module is missing, 4 that nothing here can render.
"""

import json
import os
import pathlib
import sys

# In a checkout its wheels are used too, after what the user chose.
DEPS = pathlib.Path(__file__).resolve().parents[2] / ".deps"
sys.path += [str(DEPS / name) for name in ("python", "mujoco", "video")]
os.environ.setdefault("MUJOCO_GL", "egl")

try:
    import imageio_ffmpeg
    import numpy as np
    import OpenGL  # noqa: F401
    from PIL import Image, ImageDraw, ImageFont
except ImportError as error:
    print(f"video.py: {error}", file=sys.stderr)
    sys.exit(3)

WIDTH, HEIGHT = 480, 368  # Each half's pixels; ffmpeg prefers multiples of 16.
GAP = 4  # Pixels between the halves.
MOST_FRAMES_PER_SECOND = 25
SMALL_MODEL = "<mujoco><worldbody><geom size='1'/></worldbody></mujoco>"


def prepared(mujoco, model):
    """The model without what makes a software renderer slow, and with infinite
    floors, so that a fast episode does not run off them."""
    model.vis.quality.offsamples = 0
    planes = model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE
    model.geom_size[planes, :2] = 0  # MuJoCo's infinite plane.
    model.mat_texuniform[:] = 1
    model.mat_texrepeat[:] = 1
    model.mat_reflectance[:] = 0
    return model


def make_renderer(model):
    """Exits with 4 if there is no OpenGL."""
    try:
        import mujoco

        loaded = prepared(mujoco, model(mujoco))
        return mujoco, mujoco.Renderer(loaded, HEIGHT, WIDTH)
    # Without a library or a display the platforms raise all sorts of errors.
    except Exception as error:  # noqa: BLE001
        print(f"video.py: {error}", file=sys.stderr)
        sys.exit(4)


def check():
    _, renderer = make_renderer(
        lambda mujoco: mujoco.MjModel.from_xml_string(SMALL_MODEL)
    )
    renderer.close()


def stride_of(step_sec):
    """Control steps between two frames of a film in real time."""
    return max(1, round(1 / (MOST_FRAMES_PER_SECOND * step_sec)))


def caption(image, episode, step):
    """Writes the label, the return so far and, after a fall, the end."""
    last = len(episode["rewards"])
    text = f"{episode['label']}   return {sum(episode['rewards'][:step]):,.0f}"
    ended = step >= last and episode["terminated"]
    draw = ImageDraw.Draw(image, "RGBA")
    draw.rectangle((0, 0, image.width, 30), fill=(0, 0, 0, 150))
    font = ImageFont.load_default(18)
    draw.text((10, 4), text, font=font, fill="white")
    if ended:
        draw.text((10, 36), f"ended at step {last}", font=font, fill="white",
                  stroke_width=2, stroke_fill="black")


def frames(film):
    """Yields the frames, [HEIGHT, 2 WIDTH + GAP, 3]."""
    mujoco, renderer = make_renderer(
        lambda mujoco: mujoco.MjModel.from_xml_path(film["model_file"])
    )
    model = renderer.model
    data = mujoco.MjData(model)
    camera = 0 if model.ncam else -1
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
    steps = max(len(episode["rewards"]) for episode in film["episodes"])
    shown = list(range(0, steps + 1, stride_of(film["step_sec"])))
    if shown[-1] != steps:
        shown.append(steps)
    for step in shown:
        whole = Image.new("RGB", (2 * WIDTH + GAP, HEIGHT), "white")
        for side, episode in enumerate(film["episodes"]):
            at = min(step, len(episode["rewards"]))  # An ended episode stays.
            data.qpos[:] = episode["positions"][at]
            mujoco.mj_forward(model, data)
            renderer.update_scene(data, camera)
            half = Image.fromarray(renderer.render())
            caption(half, episode, at)
            whole.paste(half, (side * (WIDTH + GAP), 0))
        yield whole
    renderer.close()


def write_mp4(file, images, per_second):
    size = (2 * WIDTH + GAP, HEIGHT)
    writer = imageio_ffmpeg.write_frames(
        str(file), size, fps=per_second, macro_block_size=4, quality=7,
        ffmpeg_log_level="error",
    )
    writer.send(None)
    for image in images:
        writer.send(np.asarray(image).tobytes())
    writer.close()


def write_gif(file, images, per_second):
    first, *others = (image.quantize(64) for image in images)
    first.save(file, format="GIF", save_all=True, append_images=others,
               duration=round(1000 / per_second), loop=0)


def main():
    (argument,) = sys.argv[1:]
    if argument == "--check":
        check()
        return
    film = json.load(sys.stdin)
    per_second = 1 / (film["step_sec"] * stride_of(film["step_sec"]))
    write = write_gif if argument.endswith(".gif") else write_mp4
    write(argument, frames(film), per_second)


if __name__ == "__main__":
    main()
