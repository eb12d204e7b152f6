"""Builds the Python package for pip (PEP 517), with CMake and a compiler and nothing else.

Metadata is pyproject.toml's; version and description are those of the CMake project.
"""

from __future__ import annotations

import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bindings" / "python" / "shardcache"
# What a source distribution holds: all that the build reads.
SOURCES = ["CMakeLists.txt", "LICENSE", "bindings", "include", "lib", "pyproject.toml"]


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    metadata = _metadata()
    tag = _tag()
    name = f"shardcache-{metadata.version}"
    wheel = f"{name}-{tag}.whl"
    files = {f"shardcache/{path.name}": path.read_bytes() for path in _package_files()}
    # In the source tree: what ccache remembers is then the same wherever that is unpacked.
    with tempfile.TemporaryDirectory(prefix="build-", dir=ROOT) as directory:
        module = _build_module(pathlib.Path(directory))
        files[f"shardcache/{module.name}"] = module.read_bytes()
    info = f"{name}.dist-info"
    files[f"{info}/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files[f"{info}/METADATA"] = metadata.text().encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: shardcache\nRoot-Is-Purelib: false\nTag: {tag}\n"
    ).encode()
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    with zipfile.ZipFile(
        pathlib.Path(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED
    ) as archive:
        for path, content in files.items():
            # A fixed date: the same sources make the same bytes.
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if path.endswith(".so") else 0o644) << 16
            archive.writestr(entry, content)
    return wheel


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    metadata = _metadata()
    name = f"shardcache-{metadata.version}"
    with tempfile.TemporaryDirectory() as directory, tarfile.open(
        pathlib.Path(sdist_directory, f"{name}.tar.gz"), "w:gz"
    ) as archive:
        info = pathlib.Path(directory, "PKG-INFO")
        info.write_text(metadata.text(), encoding="utf-8")
        archive.add(info, f"{name}/PKG-INFO")
        for source in SOURCES:
            archive.add(ROOT / source, f"{name}/{source}", filter=_without_caches)
    return f"{name}.tar.gz"


class _Metadata:
    def __init__(self, version: str, description: str, pyproject: dict[str, Any]) -> None:
        self.version = version
        self._description = description
        self._project = pyproject["project"]
        self._external = pyproject["tool"]["shardcache"]["requires-external"]

    def text(self) -> str:
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {self._project['name']}",
            f"Version: {self.version}",
            f"Summary: {self._description}",
            "License-File: LICENSE",
            f"Requires-Python: {self._project['requires-python']}",
        ]
        lines += [f"Requires-External: {package}" for package in self._external]
        lines += [f"Requires-Dist: {package}" for package in self._project["dependencies"]]
        for extra, packages in self._project["optional-dependencies"].items():
            lines.append(f"Provides-Extra: {extra}")
            lines += [f'Requires-Dist: {package}; extra == "{extra}"' for package in packages]
        return "\n".join(lines) + "\n"


def _metadata() -> _Metadata:
    project = re.search(r"project\((.*?)\)", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL)
    assert project is not None
    version = re.search(r"VERSION\s+([0-9.]+)", project[1])
    description = re.search(r'DESCRIPTION\s+"([^"]*)"', project[1])
    assert version is not None and description is not None
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return _Metadata(version[1], description[1], pyproject)


def _tag() -> str:
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"{python}-{python}-{platform}"


def _package_files() -> Iterator[pathlib.Path]:
    for path in sorted(PACKAGE.iterdir()):
        if path.suffix in (".py", ".pyi") or path.name == "py.typed":
            yield path


def _build_module(build: pathlib.Path) -> pathlib.Path:
    configure: list[str | pathlib.Path] = [
        "cmake", "-S", ROOT, "-B", build,
        f"-DPython_EXECUTABLE={sys.executable}",
        "-DSHARDCACHE_BUILD_PYTHON=ON",
        "-DSHARDCACHE_BUILD_TOOLS=OFF",
        "-DSHARDCACHE_BUILD_TESTS=OFF",
        "-DSHARDCACHE_BUILD_BENCHMARKS=OFF",
    ]  # fmt: skip
    if "CMAKE_BUILD_TYPE" not in os.environ:  # which CMake reads, as it does CXXFLAGS
        configure += ["-DCMAKE_BUILD_TYPE=Release"]
    if shutil.which("ninja") is not None:
        configure += ["-G", "Ninja"]
    if shutil.which("ccache") is not None:
        configure += ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    subprocess.run(configure, check=True)
    jobs = str(os.cpu_count() or 1)
    subprocess.run(
        ["cmake", "--build", build, "--target", "_shardcache", "--parallel", jobs], check=True
    )
    (module,) = (build / "bindings" / "python" / "shardcache").glob("_shardcache.*.so")
    return module


def _record(files: dict[str, bytes], record: str) -> bytes:
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{record},,", ""]).encode()


def _without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else entry
