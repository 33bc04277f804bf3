"""Frames of a running ``vsfilmrestore serve`` on standard output, as raw pictures of 16 bits.

python examples/from_server.py --first 10 --frames 48 | \
    ffmpeg -f rawvideo -pix_fmt gbrp16le -s 1920x1080 -r 24 -i - -c:v ffv1 part.mkv
"""

import argparse
import sys

from vsfilmrestore.serve.client import SHORT, Client

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--name", default="", help="name of the server")
parser.add_argument("--shot", help="a shot, as the server calls it; the whole reel if not given")
parser.add_argument("--first", type=int, default=0)
parser.add_argument("--frames", type=int, help="all that follow if not given")
options = parser.parse_args()

with Client.connect(options.name, host="from_server.py") as client:
    source = client.shot(options.shot, depth=SHORT) if options.shot else client.reel(depth=SHORT)
    info = source.info
    print(f"{info.width}x{info.height}, {info.rate_numerator}/{info.rate_denominator} fps", file=sys.stderr)
    stop = info.frames if options.frames is None else min(options.first + options.frames, info.frames)
    for number in range(options.first, stop):
        with source.frame(number, timeout=300) as picture:
            red, green, blue = picture.planes
            for plane in (green, blue, red):  # the order of gbrp
                sys.stdout.buffer.write(plane.tobytes())
