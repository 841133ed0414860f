"""The package as it is built: the wheel, its generated code, its types."""

import filecmp
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile

import foresight

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "client/python"


def needs(module):
    """Skips without the wheels of deploy/install_dependencies.sh --checks."""
    found = any((pathlib.Path(path) / module).is_dir() for path in sys.path)
    return unittest.skipUnless(found, f"{module} is not installed")


class PackageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def python(self, *arguments, **options):
        return subprocess.run(
            [sys.executable, *arguments], check=False, text=True, **options
        )

    def test_the_generated_code_is_of_this_contract(self):
        subprocess.run([PACKAGE / "generate.sh", self.folder], check=True)
        generated = sorted((self.folder / "foresight/v1").iterdir())
        self.assertEqual(len(generated), 3)
        for file in generated:
            committed = PACKAGE / "foresight/v1" / file.name
            same = filecmp.cmp(file, committed, shallow=False)
            self.assertTrue(same, f"{file.name}: run client/python/generate.sh")

    def test_the_version_is_the_projects(self):
        text = (ROOT / "CMakeLists.txt").read_text()
        version = re.search(r"project\(foresight VERSION ([\d.]+)", text)[1]
        self.assertEqual(foresight.__version__, version)

    def test_everything_public_is_exported(self):
        self.assertEqual(sorted(foresight.__all__), foresight.__all__)
        for name in foresight.__all__:
            self.assertTrue(hasattr(foresight, name), name)
        for kind in foresight.Error.__subclasses__():
            self.assertIn(kind.__name__, foresight.__all__)

    @needs("hatchling")
    def test_the_wheel_installs_and_imports(self):
        # Like `pip install ./client/python`, but with the backend that is installed.
        installed = self.folder / "installed"
        pip = ("-m", "pip", "--isolated", "--disable-pip-version-check")
        install = ("install", "--quiet", "--no-index", "--no-deps")
        build = self.python(
            *(*pip, "wheel", "--quiet", "--no-index", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", self.folder, PACKAGE),
            capture_output=True,
        )
        self.assertEqual(build.returncode, 0, build.stderr)
        (wheel,) = self.folder.glob("*.whl")
        self.assertEqual(
            wheel.name, f"foresight_client-{foresight.__version__}-py3-none-any.whl"
        )
        names = zipfile.ZipFile(wheel).namelist()
        for name in ("py.typed", "v1/adaptation_pb2.py", "aio/__init__.py"):
            self.assertIn(f"foresight/{name}", names)
        self.python(*pip, *install, "--target", installed, wheel)
        path = os.environ["PYTHONPATH"].replace(str(PACKAGE), str(installed))
        version = self.python(
            *("-m", "foresight", "--version"),
            env={**os.environ, "PYTHONPATH": path},
            cwd=self.folder,
            capture_output=True,
        )
        self.assertEqual(version.stdout.strip(), foresight.__version__)

    @needs("mypy")
    def test_the_types_are_strict(self):
        checked = self.python(
            *("-m", "mypy", "--strict", "--cache-dir", self.folder),
            cwd=PACKAGE,
            capture_output=True,
        )
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    @needs("mypy")
    def test_users_see_the_types(self):
        script = self.folder / "script.py"
        script.write_text(
            "import foresight\n"
            "server = foresight.connect()\n"
            "with server.policy(budget=0.02, horizon=3) as policy:\n"
            "    reveal_type(policy.last.outcome)\n"
            "    server.policy(horizon='three')\n"
            "    server.policy(horizn=3)\n"
        )
        checked = self.python(
            *("-m", "mypy", "--strict", "--cache-dir", self.folder, script),
            cwd=self.folder,
            capture_output=True,
        )
        self.assertIn('Revealed type is "foresight.messages.Outcome"', checked.stdout)
        self.assertIn("Found 2 errors", checked.stdout)


if __name__ == "__main__":
    unittest.main()
