"""Joins the pieces of pack.ts on a machine without network, with nothing but Python 3.11 or newer.

python3 bench/gpu/join.py PIECES TARGET   (PIECES: folder of `pieces.json` and `piece-NN`)

Each piece is checked by its SHA-256. Prints which pieces are missing or damaged and ends with 2 until all are
there, so it can be run after each delivery. With all pieces, it unpacks into TARGET and prints the command of the
benchmark; a second time it only prints the command."""
import hashlib
import json
import lzma
import os
import shutil
import sys
import tarfile
from pathlib import Path


class Pieces:
    """The pieces one after the other as one readable file."""

    def __init__(self, paths):
        self.paths = list(paths)
        self.file = None

    def read(self, size=-1):
        while True:
            if self.file is None:
                if not self.paths:
                    return b""
                self.file = open(self.paths.pop(0), "rb")
            data = self.file.read(size)
            if data:
                return data
            self.file.close()
            self.file = None


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def faults(folder, pieces):
    for piece in pieces:
        path = folder / piece["name"]
        if not path.is_file():
            yield f"{piece['name']} is missing"
        elif path.stat().st_size != piece["bytes"] or digest(path) != piece["sha256"]:
            yield f"{piece['name']} is damaged"


def unpack(folder, pieces, target):
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    stream = Pieces(folder / piece["name"] for piece in pieces)
    # Compressed in several streams, which `tarfile` alone does not read.
    with lzma.open(stream) as tar, tarfile.open(fileobj=tar, mode="r|", ignore_zeros=True) as archive:
        archive.extractall(partial, filter="tar")
    shutil.rmtree(target, ignore_errors=True)
    os.rename(partial, target)


def main():
    folder, target = Path(sys.argv[1]), Path(sys.argv[2]).absolute()
    pieces = json.loads((folder / "pieces.json").read_text())
    mark = target / "unpacked"
    whole = hashlib.sha256(json.dumps(pieces).encode()).hexdigest()
    if not (mark.is_file() and mark.read_text() == whole):
        found = list(faults(folder, pieces))
        if found:
            print("\n".join([*found, f"{len(pieces) - len(found)} of {len(pieces)} pieces are complete"]))
            sys.exit(2)
        unpack(folder, pieces, target)
        mark.write_text(whole)
    print(f"{target}/bench-gpu --budget 420 --out OUT")


main()
