"""client/README.md shows the programs of client/examples as they are."""

import pathlib
import sys

CLIENT = pathlib.Path(__file__).resolve().parent.parent.parent / "client"
EXAMPLES = ["one_episode.cc", "robot_loop.cc"]  # In the README's order.


def shown_part(code):
    start = code.index('#include "')
    end = code.index("}  // namespace")
    return code[start:end].replace("namespace {\n\n", "").strip()


def main():
    blocks = (CLIENT / "README.md").read_text().split("```cpp\n")[1:]
    if len(blocks) != len(EXAMPLES):
        print(f"client/README.md has {len(blocks)} blocks, "
              f"expected {len(EXAMPLES)}")
        return 1
    for example, block in zip(EXAMPLES, blocks):
        code = (CLIENT / "examples" / example).read_text()
        if block.split("\n```")[0] != shown_part(code):
            print(f"client/README.md differs from client/examples/{example}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
