"""What the architecture promises about the source itself: who may import whom, what runs without torch, and what is never there."""

import ast
import hashlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("core", "cli", "scene", "operators", "panels", "worker")
OUTER = {
    "core": {"cli", "scene", "operators", "panels", "worker", "evaluation", "training", "benchmarks"},
    "scene": {"cli", "operators", "panels", "worker", "evaluation", "training", "benchmarks"},
    "worker": {"cli", "scene", "operators", "panels", "evaluation", "training", "benchmarks"},
    "cli": {"scene", "operators", "panels", "training", "benchmarks"},
    "operators": {"evaluation", "training", "benchmarks"},
    "panels": {"cli", "evaluation", "training", "benchmarks"},
    "training": {"cli", "scene", "operators", "panels", "worker", "benchmarks"},
    "evaluation": {"cli", "scene", "operators", "panels", "worker", "training", "benchmarks"},
}
HEAVY = ("torch", "mediapipe", "cv2", "skimage", "trimesh", "scipy", "safetensors", "PIL")
BLENDER_SIDE = (
    "cli.parser",
    "worker.client",
    "worker.environment",
    "core.settings",
    "core.errors",
    "core.error_report",
    "core.result",
    "core.photo.view",
    "core.animation.live_link",
    "core.photo.files",
    "worker.picture",
)
MIB = 2**20


def sources(*folders: str) -> list[Path]:
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*files, ROOT / "__init__.py"] if "operators" in folders else files


def imports(path: Path) -> Iterator[str]:
    """Absolute dotted names that a file imports anywhere in it; those of our own package start with `likeness`."""
    package = ["likeness", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("ring", OUTER)
def test_rings_import_inwards_only(ring: str) -> None:
    for path in sources(ring):
        for name in imports(path):
            parts = name.split(".")
            assert parts[0] != "likeness" or parts[1] not in OUTER[ring], f"{path} imports {name}"
            assert parts[0] != "bpy" or ring not in ("core", "worker", "cli", "evaluation", "training"), f"{path} imports {name}"
            assert parts[0] not in OUTER[ring], f"{path} imports {name}, which is not relative"


def test_only_the_evaluate_command_reaches_for_what_the_zip_leaves_out() -> None:
    for path in sources(*SHIPPED):
        assert path == ROOT / "cli" / "evaluate.py" or not any(name.startswith("likeness.evaluation") for name in imports(path)), path


def test_what_runs_in_blender_imports_nothing_heavy() -> None:
    inner = {ROOT / "worker" / "client.py", ROOT / "worker" / "environment.py", ROOT / "__init__.py"}
    for path in inner | set(sources("scene", "operators", "panels")):
        for name in imports(path):
            assert name.split(".")[0] not in HEAVY, f"{path} imports {name}"


def test_blender_side_modules_load_without_the_network_packages() -> None:
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {(*HEAVY, 'bpy')!r}:\n"
        "            raise ImportError('blocked: ' + name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import likeness\n" + "".join(f"import likeness.{name}\n" for name in BLENDER_SIDE)
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sources(*SHIPPED), ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_code_loads_no_code_from_data(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant) and node.value.value is False, f"{path}:{node.value.lineno}"
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("yaml.load", "torch.hub.load"), f"{path}:{node.lineno}"
        # Published checkpoints are pickles; torch's own reader of tensors alone may read them.
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            restricted = [keyword.value for keyword in node.keywords if keyword.arg == "weights_only"]
            assert restricted and ast.unparse(restricted[0]) == "True", f"{path}:{node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "print"), f"{path}:{node.lineno}"
    # The error that torch raises for a bad checkpoint is pickle's; its name alone may be imported.
    lines = [line for line in path.read_text().splitlines() if re.match(r"(from|import)\s+pickle\b", line)]
    harmless = {"pickle"} if all(line.startswith("from pickle import UnpicklingError ") for line in lines) else set()
    assert not {name.split(".")[0] for name in imports(path)} & ({"pickle", "dill", "joblib", "shelve", "marshal"} - harmless), path


def test_no_local_paths_and_no_addresses_of_registries() -> None:
    # Written in pieces so that this file does not find itself.
    paths = ["/ho" + "me/", "/wo" + "rk/", "/ro" + "ot/", r"C:\\Us" + "ers"]
    forbidden = re.compile("|".join([*paths, "pypi" + r"\.org", "pytorch" + r"\.org", "python" + "hosted"]))
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    texts = [ROOT / name for name in listed if Path(name).suffix in {".py", ".toml", ".md", ".in", ".lock", ".txt", ".json", ".sh", ""}]
    for path in texts or sources(*SHIPPED, "evaluation", "training", "tests", "tools"):
        if path.is_file():
            found = forbidden.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path} contains {found.group()}"


def public_functions(path: Path) -> Iterator[ast.FunctionDef]:
    def walk(body: list[ast.stmt]) -> Iterator[ast.FunctionDef]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from walk(node.body)
            elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node

    return walk(ast.parse(path.read_text()).body)


@pytest.mark.parametrize("path", sources("core", "cli", "evaluation"), ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_are_documented_and_annotated(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
    for function in public_functions(path):
        place = f"{path}:{function.lineno} {function.name}"
        # torch.nn.Module.forward is described by its class.
        assert ast.get_docstring(function) or function.name == "forward", f"{place} has no docstring"
        assert function.returns is not None, f"{place} has no return annotation"
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        for argument in arguments:
            assert argument.annotation or argument.arg in ("self", "cls"), f"{place}: {argument.arg} has no annotation"


@pytest.mark.parametrize("path", sources(*SHIPPED, "evaluation", "training", "tools"), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


WEIGHTS = [path for pattern in ("*.npz", "*.safetensors") for path in sorted((ROOT / "weights").glob(pattern))]


def test_weights_are_those_of_the_manifest() -> None:
    lines = (ROOT / "weights" / "SHA256SUMS").read_text().split("\n")
    manifest = {name: digest for digest, name in (line.split() for line in lines if line)}
    assert manifest == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in WEIGHTS}


def test_weights_fit_into_the_extension() -> None:
    sizes = [path.stat().st_size for path in WEIGHTS]
    assert sizes and max(sizes) <= 16 * MIB and sum(sizes) <= 80 * MIB


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.name)
def test_each_weights_file_has_a_model_card(path: Path) -> None:
    card = path.with_suffix(".md").read_text().lower()
    for word in ("licence", "data", "limits"):
        assert word in card, f"{path.stem}.md says nothing about {word}"


def test_the_package_is_this_tree() -> None:
    spec = importlib.util.find_spec("likeness")
    assert spec is not None and spec.origin is not None and Path(spec.origin).resolve() == ROOT / "__init__.py"
