"""client/README.md shows client/examples/one_episode.cc as it is."""

import pathlib
import sys

CLIENT = pathlib.Path(__file__).resolve().parent.parent.parent / "client"


def main():
    code = (CLIENT / "examples/one_episode.cc").read_text()
    start = code.index('#include "client/adaptation')
    end = code.index("}  // namespace")
    shown = code[start:end].replace("namespace {\n\n", "").strip()
    blocks = (CLIENT / "README.md").read_text().split("```cpp\n")
    if blocks[1].split("\n```")[0] != shown:
        print("client/README.md differs from client/examples/one_episode.cc")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
