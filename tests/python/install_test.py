"""The wheel: built by pip from the checkout without the network, and used outside of it."""

import email
import subprocess
import sys
import tempfile
import venv
import zipfile

import pytest

import conftest
import memcached
import shardcache

# Run by one process, which makes what they share once.
pytestmark = pytest.mark.xdist_group("install")


# Not optimized, for that takes long; and with paths that ccache, if there is one, knows again.
BUILD = {
    "CMAKE_BUILD_TYPE": "None", "CXXFLAGS": "-O0", "CCACHE_BASEDIR": tempfile.gettempdir(),
}  # fmt: skip


def run(*command, cwd):
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**conftest.other_program(), **BUILD},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def pip(*arguments, cwd):
    return run(sys.executable, "-m", "pip", *arguments, cwd=cwd)


# One build for all: by way of the source distribution, which thereby proves to be complete. `pip
# install .` in a checkout does the same without packing it up first.
@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory):
    directory = tmp_path_factory.mktemp("wheel")
    program = "import build_backend, sys; print(build_backend.build_sdist(sys.argv[1]))"
    backend = conftest.ROOT / "bindings" / "python"
    name = run(sys.executable, "-B", "-c", program, directory, cwd=backend).split()[-1]
    pip(
        "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", directory,
        directory / name, cwd=directory,
    )  # fmt: skip
    (wheel,) = directory.glob("*.whl")
    return wheel


@pytest.mark.builds
def test_a_wheel_works_in_a_clean_environment(wheel, tmp_path):
    # numpy is Debian's: the index is out of reach.
    venv.create(tmp_path / "venv", system_site_packages=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip("--python", python, "install", "--no-index", wheel, cwd=tmp_path)
    program = (
        "import sys, shardcache, shardcache.plot; print(shardcache.__file__, shardcache.__version__,"
        "shardcache.hash('fnv1a_64', 'apple'));"
        "pool = shardcache.PoolConfig('p', [sys.argv[1]]); client = shardcache.Client(pool);"
        "client.set('k', 'stored'); print(client.get('k').decode())"
    )
    server = memcached.Memcached()
    try:
        address = f"127.0.0.1:{server.port}:1"
        said = run(python, "-c", program, address, cwd=tmp_path)
    finally:
        server.kill()
    file, version, value, stored = said.split()
    assert stored == "stored"
    assert file.startswith(str(tmp_path))
    assert version == shardcache.__version__
    assert value == "1488911807"


@pytest.mark.builds
def test_the_wheel_says_what_it_is_and_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"shardcache-{shardcache.__version__}.dist-info"
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
        module = next(name for name in names if name.endswith(".so"))
        archive.extract(module, wheel.parent)
    assert metadata["Version"] == shardcache.__version__
    assert metadata.get_all("Requires-External") == ["libxxhash0", "libyaml-0-2"]
    assert metadata.get_all("Requires-Dist") == ["numpy", 'matplotlib; extra == "plot"']
    assert {"shardcache/py.typed", "shardcache/_shardcache.pyi", f"{info}/LICENSE"} <= names
    needed = run("readelf", "--dynamic", wheel.parent / module, cwd=wheel.parent)
    libraries = {line.split("[")[1].split("]")[0] for line in needed.splitlines() if "NEEDED" in line}
    assert libraries <= {
        "libyaml-0.so.2", "libxxhash.so.0", "libstdc++.so.6", "libgcc_s.so.1", "libc.so.6",
        "libm.so.6", "ld-linux-x86-64.so.2",
    }  # fmt: skip
