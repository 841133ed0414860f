"""references_test.py PROGRAMS: comments and documents refer only to what exists.

A reference is a file, a folder, a section of a page, a name of the code in
backticks, a program, or a flag of one. PROGRAMS is the folder of the built
programs, whose --help lists their flags.
"""

import io
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tokenize

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.splitlines()
FOLDERS = {str(up) for name in TRACKED for up in pathlib.Path(name).parents}
TOPS = {name.split("/")[0] for name in TRACKED if "/" in name}

FILE = re.compile(
    r"(?<![\w/.*<>{}$-])"
    r"[\w./-]*\w\.(?:h|cc|cmake|md|proto|py|sh)\b(?![\w(*-])")
SECTION = re.compile(
    r"([\w/.-]+\.md)\s+sections?\s+"
    r"([0-9](?:(?:,\s*|\s+and\s+)[0-9])*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```(\w*)\n(.*?)```", re.S)
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9_-]*")

# Files that are not in the tree: other projects', generated, or a reader's own.
FOREIGN = re.compile(
    r"^(make_bundle\.py|(.*/)?(NAME|PATH)(_test)?\.(h|cc)|.*VARIANT\.cc|"
    r"adaptation_pb2\w*\.py|.*\.pb\.h|(torch|ATen|grpcpp?|absl)/.*)$")
GENERATED = "client/python/foresight/v1/"
FOREIGN_NAMES = {"FailedGetPodsMetric", "VecEnv"}  # Kubernetes'; a library's.
FOREIGN_FLAGS = re.compile(r"--(network|gtest_\w+)$")  # docker's; a test's.
COMMENTED = (".cc", ".cmake", ".h", ".proto", ".py", ".sh", ".txt", ".yaml", ".yml")
SCRIPTS = (".sh", ".py", "/run", "Dockerfile")


def comments(name, text):
    """A source file's comments. Lines that begin with // are joined, since a
    reference may go over two of them."""
    if name.endswith((".h", ".cc", ".proto")):
        return re.sub(r"\n\s*// ?", " ", "\n".join(
            line[line.index("//"):] for line in text.splitlines()
            if re.search(r"(^|\s)//", line)))
    if name.endswith(".py"):
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return "\n".join(
            token.string for token in tokens
            if token.type == tokenize.COMMENT or (
                token.type == tokenize.STRING and '"""' in token.string
                and token.line.lstrip().startswith('"""')))
    return "\n".join(re.findall(r"(?:^|\s)#.*", text))


def slug(heading):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(page):
    text = CODE.sub("", (ROOT / page).read_text())
    return re.findall(r"^#+ (.+)$", text, re.M)


def exists(path, near):
    """Whether `path`, which the file `near` cites, is in the tree: relative to
    the root or to the folder of `near`, or as the end of a file's path."""
    for start in (ROOT, ROOT / pathlib.Path(near).parent):
        full = (start / path).resolve()
        if full.is_relative_to(ROOT):
            name = str(full.relative_to(ROOT))
            if name in TRACKED or name in FOLDERS:
                return True
    ending = "/" + path.lstrip("./")
    return any(("/" + name).endswith(ending) for name in TRACKED)


def wrong_references(name, text):
    """Finds files and sections that `text`, of the file `name`, cites but that do
    not exist."""
    for path in FILE.findall(text):
        if not FOREIGN.match(path) and not exists(path, name):
            yield f"{name}: there is no {path}"
    for page, numbers in SECTION.findall(text):
        for number in re.findall(r"[0-9]", numbers):
            titles = headings(page) if exists(page, name) else []
            if not any(title.startswith(number + ".") for title in titles):
                yield f"{name}: {page} has no section {number}"


def wrong_links(name, text):
    for target in LINK.findall(text):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        page = (ROOT / name).parent / path if path else ROOT / name
        if not page.exists():
            yield f"{name}: the link {target} leads nowhere"
        elif anchor and anchor not in map(
                slug, headings(page.resolve().relative_to(ROOT))):
            yield f"{name}: {path or name} has no heading #{anchor}"


def wrong_names(name, text, words):
    """Finds paths and names of the code in backticks that do not exist."""
    for quoted in QUOTED.findall(CODE.sub("", text)):
        quoted = quoted.rstrip("/")
        if quoted.split("/")[0] in TOPS and re.fullmatch(r"[\w./-]+", quoted):
            if not FOREIGN.match(quoted) and not exists(quoted, name):
                yield f"{name}: there is no {quoted}"
        elif quoted in FOREIGN_NAMES:
            continue
        elif re.fullmatch(r"[A-Z]\w*(::\w+)+", quoted) or re.fullmatch(
                r"([A-Z][a-z0-9]+){2,}", quoted):
            for word in re.split("::", quoted):
                if word not in words:
                    yield f"{name}: nothing is called {quoted}"


class Programs:
    """The flags that our programs know."""

    def __init__(self, folder):
        self.folder = folder
        self.known = {}

    def help(self, *command):
        run = subprocess.run([*command, "--help"], capture_output=True, text=True)
        assert run.returncode == 0, f"{command} --help: {run.stderr}"
        return run.stdout

    def flags(self, program):
        """The flags of `program`; None if there is no such program."""
        if program not in self.known:
            path = self.folder / program
            if not path.exists():
                return None
            if not program.startswith("foresight-"):
                return set()  # An example: it has no flags.
            text = self.help(path)
            subcommands = text.partition("Subcommands:")[2]
            for name in re.findall(r"^  (\w+)  +\w", subcommands, re.M):
                text += self.help(path, name)
            self.known[program] = set(FLAG.findall(text)) | {"--help", "--version"}
        return self.known[program]

    def all(self):
        names = [path.name for path in self.folder.glob("foresight-*")]
        return {"--help"}.union(*map(self.flags, names))


def script_flags(path):
    return set(FLAG.findall((ROOT / path).read_text()))


def commands(block):
    """The words of each command in a shell block."""
    for line in block.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        words = []
        for word in [*lexer, ";"]:
            if re.fullmatch(r"[|&;<>()]+", word):
                while words and re.match(r"\w+=|export$", words[0]):
                    words = words[1:]
                if words and word != "<":
                    yield words
                words = []
            else:
                words.append(word)


def wrong_command(words, programs, presets):
    name = words[0]
    flags = set(FLAG.findall(" ".join(w.split("=")[0] for w in words[1:])))
    if name.startswith("build/release/bin/") or re.match(r"(bin/)?foresight-", name):
        known = programs.flags(pathlib.Path(name).name)
        if known is None:
            return f"there is no program {name}"
    elif name in ("cmake", "ctest"):
        named = [b for a, b in zip(words, words[1:]) if a == "--preset"]
        wrong = set(named) - presets
        return f"there is no preset {wrong}" if wrong else None
    elif name.endswith("python3") and words[1].endswith(".py"):
        if FOREIGN.match(words[1]):
            return None
        if not (ROOT / words[1]).is_file():
            return f"there is no script {words[1]}"
        known = script_flags(words[1])
    elif "/" in name and name.split("/")[0] in TOPS:
        if not (ROOT / name).is_file():
            return f"there is no script {name}"
        known = script_flags(name)
    else:
        return None  # Not ours.
    unknown = flags - known
    return f"{name} does not know {' '.join(sorted(unknown))}" if unknown else None


def main():
    programs = Programs(pathlib.Path(sys.argv[1]))
    texts = {name: (ROOT / name).read_text() for name in TRACKED
             if name.endswith((".md", *COMMENTED)) and (ROOT / name).exists()}
    pages = {name: text for name, text in texts.items() if name.endswith(".md")}
    sources = {name: text for name, text in texts.items() if name not in pages}
    words = set(re.findall(r"\w+", "\n".join(sources.values())))
    cmake = json.loads((ROOT / "CMakePresets.json").read_text())
    presets = {preset["name"] for preset in cmake["configurePresets"]}
    flags = programs.all()
    for name in [*sources, "docker/Dockerfile", ".ci/run"]:
        if name.endswith(SCRIPTS):
            flags |= script_flags(name)
    found = []
    for name, text in sources.items():
        if not name.startswith((GENERATED, "tests/docs/references_test.py")):
            found += wrong_references(name, comments(name, text))
    for name, text in pages.items():
        found += wrong_references(name, CODE.sub("", text))
        found += wrong_links(name, CODE.sub("", text))
        found += wrong_names(name, text, words)
        for quoted in QUOTED.findall(CODE.sub("", text)):
            for flag in FLAG.findall(quoted):
                if flag not in flags and not FOREIGN_FLAGS.match(flag):
                    found.append(f"{name}: nothing knows {flag}")
        for language, block in CODE.findall(text):
            for command in commands(block) if language == "sh" else ():
                wrong = wrong_command(command, programs, presets)
                found += [f"{name}: {wrong}"] if wrong else []
    readme = set(LINK.findall(pages["README.md"]))
    for name in pages:
        if name.startswith("docs/") and name not in readme:
            found.append(f"README.md does not link {name}")
    print("\n".join(found) or f"{len(pages)} pages and {len(sources)} sources "
          "refer only to what exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
