"""`decode_peer.py FOLDER SCRATCH SIDE`: for each input line, decodes all JPEGs into one file, with PIL in two processes."""
import multiprocessing
import pathlib
import sys
import time

import numpy
from PIL import Image

folder, scratch, side = sys.argv[1], sys.argv[2], int(sys.argv[3])


def planes(path):
    with Image.open(path) as image:
        image = image.convert("RGB")
    if image.size != (side, side):
        image = image.resize((side, side), Image.BILINEAR)
    return numpy.asarray(image).transpose(2, 0, 1).tobytes()


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        for _ in sys.stdin:
            start = time.perf_counter()
            paths = sorted(pathlib.Path(folder).glob("*.jpg"))
            with open(pathlib.Path(scratch) / "planes", "wb") as file:
                for photo in pool.imap(planes, paths, chunksize=64):
                    file.write(photo)
            print(time.perf_counter() - start, flush=True)
