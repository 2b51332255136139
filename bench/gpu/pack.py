"""Collects what a machine with a GPU but without network lacks for the benchmark, in pieces for join.py.

python3 bench/gpu/pack.py FOLDER [WHEEL]   (after `npm run bench -- none`, which compiles the checkout)

Takes Node (stripped), dist/, the packages it needs, ONNX Runtime from the cache of this machine, and its provider
for CUDA from the wheel of onnxruntime-gpu, which pip downloads if none is given. The CUDA libraries are those that
PyTorch brought to that machine. Large files are compressed once and kept in FOLDER/streams."""
import hashlib
import io
import json
import lzma
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# Together with the checkout, which travels along, a delivery stays below 64 MiB.
PIECE = 38 * 2**20
LARGE = 8 * 2**20
PACKAGES = ["koffi", "onnxruntime-common", "h5wasm", "yaml", "fflate", "saxes", "ajv", "fast-glob", "csv-parse", "csv-stringify"]
PROVIDERS = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"]
LAUNCHER = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
export SAM_MIL_CACHE="$here/cache"
exec "$here/node" "$here/app/dist/bench/gpu/main.js" --folder "$here/work" "$@"
"""


def packages():
    """The folders of the packages and of what they depend on."""
    known, waiting = {}, list(PACKAGES)
    while waiting:
        name = waiting.pop()
        folder = CHECKOUT / "node_modules" / name
        if name in known or not folder.is_dir():
            continue
        known[name] = folder
        facts = json.loads((folder / "package.json").read_text())
        waiting += [*facts.get("dependencies", {}), *facts.get("optionalDependencies", {})]
    return known.values()


def app_files():
    dist = CHECKOUT / "dist"
    yield from (path for path in dist.rglob("*.js") if "test" not in path.parts[len(dist.parts) :][:1])
    yield from (dist / "test" / "support").rglob("*.js")
    for folder in [*packages(), CHECKOUT / "npm"]:
        yield from (path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".map", ".ts", ".md"))
    for name in ["bench/gpu/*.py", "bench/peers/*.py", "package.json", "test/fixtures/sam/sam_small.safetensors"]:
        yield from CHECKOUT.glob(name)


def runtime():
    """The installed set of ONNX Runtime, as the product finds it in its cache."""
    cache = Path(os.environ.get("SAM_MIL_CACHE") or Path.home() / ".cache" / "sam-mil")
    lock = hashlib.sha256((CHECKOUT / "npm" / "onnxruntime" / "package-lock.json").read_bytes()).hexdigest()
    installed = cache / "onnxruntime" / "linux-x64" / f"npm-{lock[:12]}"
    if not installed.is_dir():
        sys.exit(f"{installed} is missing: run `npx sam-mil doctor --set-up`")
    return cache, installed


def provider_wheel(folder):
    text = (CHECKOUT / "domain" / "machine" / "onnx-gpu.ts").read_text()
    version = re.search(r"VERSION = '([^']+)'", text)[1]
    expected = re.search(r"'onnxruntime-gpu',[^\]]*?'([0-9a-f]{64})'", text)[1]
    if len(sys.argv) > 2:
        wheel = Path(sys.argv[2])
    else:
        options = "--no-deps --only-binary=:all: --python-version 3.11 --platform manylinux_2_28_x86_64".split()
        command = [sys.executable, "-m", "pip", "download", *options, "-d", folder, f"onnxruntime-gpu=={version}"]
        subprocess.run(command, check=True)
        wheel = next(Path(folder).glob("onnxruntime_gpu-*.whl"))
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != expected:
        sys.exit(f"{wheel} has SHA-256 {found}; expected {expected}")
    return wheel


def collect(work):
    """Pairs of name in the archive and path."""
    node = work / "node"
    shutil.copy(shutil.which("node"), node)
    subprocess.run(["strip", node], check=True)
    launcher = work / "bench-gpu"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    files = [("node", node), ("bench-gpu", launcher)]
    files += [(f"app/{path.relative_to(CHECKOUT)}", path) for path in app_files()]
    cache, installed = runtime()
    for path in installed.rglob("*"):
        if path.is_file() and not path.name.startswith("libonnxruntime_providers_"):
            files.append((f"cache/{path.relative_to(cache)}", path))
    with zipfile.ZipFile(provider_wheel(work)) as wheel:
        for name in PROVIDERS:
            (work / name).write_bytes(wheel.read(f"onnxruntime/capi/{name}"))
    libraries = installed / "node_modules" / "onnxruntime-node" / "bin" / "napi-v6" / "linux" / "x64"
    files += [(f"cache/{libraries.relative_to(cache)}/{name}", work / name) for name in PROVIDERS]
    return sorted(dict(files).items())


def header(name, path):
    info = tarfile.TarInfo(name)
    status = path.stat()
    info.size, info.mode = status.st_size, stat.S_IMODE(status.st_mode)
    return info


def compressed(path, streams):
    """The content of a large file as a stream of its own, which is kept under its digest."""
    with open(path, "rb") as file:
        stream = streams / f"{hashlib.file_digest(file, 'sha256').hexdigest()}.xz"
    if not stream.exists():
        partial = stream.with_suffix(".partial")
        with open(partial, "wb") as into:
            subprocess.run(["xz", "-T0", "-6", "-c", path], stdout=into, check=True)
        partial.rename(stream)
    return stream.read_bytes()


def archive(files, streams):
    """Compressed streams that one after the other are a tar archive: small files first, in one stream."""
    small = io.BytesIO()
    with tarfile.open(fileobj=small, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in files:
            if path.stat().st_size < LARGE:
                with open(path, "rb") as file:
                    tar.addfile(header(name, path), file)
    yield lzma.compress(small.getvalue(), preset=6)
    for name, path in files:
        size = path.stat().st_size
        if size >= LARGE:
            yield lzma.compress(header(name, path).tobuf(tarfile.PAX_FORMAT))
            yield compressed(path, streams)
            yield lzma.compress(bytes(-size % 512 + 1024))


def split(parts, folder):
    pieces, buffer = [], bytearray()

    def cut(size):
        data = bytes(buffer[:size])
        del buffer[:size]
        name = f"piece-{len(pieces) + 1:02}"
        (folder / name).write_bytes(data)
        pieces.append({"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})

    for part in parts:
        buffer += part
        while len(buffer) >= PIECE:
            cut(PIECE)
    if buffer:
        cut(len(buffer))
    return pieces


def main():
    folder = Path(sys.argv[1]).absolute()
    streams = folder / "streams"
    streams.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("piece-*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as work:
        pieces = split(archive(collect(Path(work)), streams), folder)
    (folder / "pieces.json").write_text(json.dumps(pieces, indent=1))
    for piece in pieces:
        print(piece["name"], piece["bytes"], piece["sha256"])
    print(f"{len(pieces)} pieces, {sum(piece['bytes'] for piece in pieces) / 2**20:.1f} MiB")


main()
