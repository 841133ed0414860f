#include "client/run/video.h"

#include <nlohmann/json.hpp>

#include "client/run/python_script.h"

namespace foresight {
namespace {

using Json = nlohmann::ordered_json;

PythonScript Script() {
  return {"--video", "video.py",
          "--video needs mujoco, PyOpenGL, pillow and imageio-ffmpeg for "
          "/usr/bin/python3: deploy/install_dependencies.sh --video",
          "--video cannot render here: it needs EGL (apt-get install libegl1 "
          "libegl-mesa0 libgl1-mesa-dri), or OSMesa (apt-get install "
          "libosmesa6) and the environment variable MUJOCO_GL=osmesa"};
}

Json EpisodeJson(const char* label, const EpisodeResult& result) {
  return {{"label", label},
          {"positions", result.positions},
          {"rewards", result.rewards},
          {"terminated", result.terminated}};
}

}  // namespace

std::string VideoJson(const Comparison& comparison) {
  const EpisodePair& first = comparison.episodes.front();
  return Json{{"model_file", comparison.environment.model_file},
              {"step_sec", comparison.environment.step_sec},
              {"episodes",
               {EpisodeJson("frozen", *first.frozen),
                EpisodeJson("adapted", *first.adapted)}}}
      .dump();
}

absl::Status CheckVideo(const std::string& file) {
  return CheckScript(Script(), file);
}

absl::Status WriteVideo(const Comparison& comparison, const std::string& file) {
  return RunScript(Script(), file, VideoJson(comparison));
}

}  // namespace foresight
