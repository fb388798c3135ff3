#!/usr/bin/env python3
"""Picks the sample pictures in www/samples from the full solar-ir set. Needs Pillow.

    python3 scripts/make-samples.py SOLAR-IR [--out www/samples]

SOLAR-IR is the unpacked set: train/0.normal, test/0.normal, test/1.abnormal, LICENSE.

The rule looks at names alone, never at pictures or scores: the files of a folder are put in the
order of the SHA-256 of "skip-ganomaly samples 1/" and their path below SOLAR-IR. Of the training
normals the first 500 are taken. Of the test normals the first 8 go to the gallery and the next 50 to
the small test folder. Of each of the 11 faults (the name before the number) the first 1 or 2 go to
the gallery (16 in all) and the next 4 or 5 to the small test folder (50 in all); the faults that come
first in the alphabet get the larger number. Gallery and test folder share no picture.

Pictures are compressed again without loss, and compared with the original pixel by pixel.
"""

import argparse
import hashlib
import io
import json
import re
import shutil
import sys
from pathlib import Path

try:
    from PIL import Image, __version__ as pillow_version
except ImportError:
    sys.exit("make-samples.py needs Pillow: python3 -m pip install pillow")

SEED = "skip-ganomaly samples 1"
TRAIN_NORMALS = 500
TEST_NORMALS, TEST_ABNORMAL = 50, 50
GALLERY_NORMALS, GALLERY_ABNORMAL = 8, 16


def in_order(root: Path, folder: str) -> list[Path]:
    """The pictures of a folder in the order of the rule."""
    files = sorted((root / folder).glob("*.png"))
    if not files:
        sys.exit(f"no PNG pictures in {root / folder}")
    return sorted(
        files, key=lambda f: hashlib.sha256(f"{SEED}/{folder}/{f.name}".encode()).hexdigest()
    )


def fault(file: Path) -> str:
    """cell-multi_3559.png is of fault cell-multi."""
    return re.sub(r"[_-]\d+$", "", file.stem)


def spread(total: int, groups: int) -> list[int]:
    """total shared out evenly, the first groups getting what is left."""
    return [total // groups + (i < total % groups) for i in range(groups)]


def recompress(source: Path, target: Path) -> int:
    """Writes the picture anew, without loss and without metadata; the smaller file wins."""
    with Image.open(source) as picture:
        picture.load()
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        with Image.open(io.BytesIO(buffer.getvalue())) as again:
            if (again.mode, again.size, again.tobytes()) != (
                picture.mode,
                picture.size,
                picture.tobytes(),
            ):
                sys.exit(f"{source} changed when compressed")
    data = min(buffer.getvalue(), source.read_bytes(), key=len)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the unpacked solar-ir set")
    parser.add_argument("--out", type=Path, default=Path("www/samples"))
    options = parser.parse_args()

    compact, gallery = options.out / "solar-ir", options.out / "gallery"
    for folder in (compact, gallery):
        shutil.rmtree(folder, ignore_errors=True)

    train = in_order(options.data, "train/0.normal")[:TRAIN_NORMALS]
    normals = in_order(options.data, "test/0.normal")
    shown = [(file, "normal") for file in normals[:GALLERY_NORMALS]]
    tested = normals[GALLERY_NORMALS : GALLERY_NORMALS + TEST_NORMALS]

    by_fault: dict[str, list[Path]] = {}
    for file in in_order(options.data, "test/1.abnormal"):
        by_fault.setdefault(fault(file), []).append(file)
    names = sorted(by_fault)
    shares = zip(names, spread(GALLERY_ABNORMAL, len(names)), spread(TEST_ABNORMAL, len(names)))
    abnormal = []
    for name, for_gallery, for_test in shares:
        files = by_fault[name]
        shown += [(file, name) for file in files[:for_gallery]]
        abnormal += files[for_gallery : for_gallery + for_test]

    size = 0
    for folder, files in (
        ("train/0.normal", train),
        ("test/0.normal", tested),
        ("test/1.abnormal", abnormal),
    ):
        size += sum(recompress(file, compact / folder / file.name) for file in files)

    pictures, gallery_size = [], 0
    for file, label in shown:
        name = file.name if label != "normal" else f"normal_{file.name}"
        gallery_size += recompress(file, gallery / name)
        pictures.append({"file": name, "label": label})
    index = {
        "title": "Thermal images of solar modules",
        "licence": "MIT, (c) 2020 Raptor Maps, Inc.",
        "source": "InfraredSolarModules, ICLR 2020 AI for Earth Sciences workshop",
        # Picked by hand: a fault that the shipped model finds, so that a newcomer sees what that looks like.
        "example": "hot-spot-multi_7983.png",
        "note": "The first look shows a fault that the model finds; it misses most of the others.",
        "pictures": pictures,
    }
    (gallery / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(options.data / "LICENSE", options.out / "LICENSE-solar-ir.txt")
    print(
        f"{len(train)} + {len(tested)} + {len(abnormal)} pictures, {size} bytes; "
        f"gallery of {len(pictures)}, {gallery_size} bytes (Pillow {pillow_version})"
    )


if __name__ == "__main__":
    main()
