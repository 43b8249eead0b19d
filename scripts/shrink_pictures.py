"""Gives PNGs a palette: a screenshot of the interface has few colours, and then takes a third of its bytes.

`python scripts/shrink_pictures.py FOLDER` rewrites each PNG under FOLDER that has no palette yet, in place.
"""

import sys
from pathlib import Path

from PIL import Image

COLOURS = 256


def shrink(picture: Path) -> None:
    with Image.open(picture) as image:
        if image.mode == "P":
            return
        # Median cut keeps large areas as they are, where maximum coverage tints them. Dithering adds noise that compresses badly.
        few = image.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


def main() -> None:
    pictures = sorted(Path(sys.argv[1]).rglob("*.png"))
    before = sum(each.stat().st_size for each in pictures)
    for each in pictures:
        shrink(each)
    after = sum(each.stat().st_size for each in pictures)
    print(f"{len(pictures)} pictures: {before // 1000} kB before, {after // 1000} kB now")


if __name__ == "__main__":
    main()
