"""Segment on a Coral USB Accelerator, or on the processor where the accelerator is missing or goes away."""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from edgeseg import Segmenter
from edgeseg.errors import DataError, EdgesegError, ModelError
from edgeseg.live.systemd import Notifier
from edgeseg.sources import open_source


def on_the_processor(path, error):
    """The model's version for the processor lies beside it, with the same name less _edgetpu."""
    sibling = path.with_name(path.name.replace("_edgetpu", ""))
    if sibling == path or not sibling.is_file():
        raise error
    print(f"note: {error}\nnote: going on with {sibling.name} on the processor", file=sys.stderr)
    return Segmenter(sibling)


def run(options):
    try:
        segmenter = Segmenter(options.model)
    except ModelError as error:
        segmenter = on_the_processor(options.model, error)
    source, service = open_source(options.source), Notifier()
    service.ready()
    frames, since = 0, time.monotonic()
    for frame in source.frames():
        service.alive()  # for systemd's watchdog, which starts again what an accelerator left hanging
        if frame is None:  # the camera is gone for now
            continue
        try:
            mask = segmenter.label_map(frame.image)
        except DataError:  # a damaged picture
            continue
        except ModelError as error:  # unplugged, say; this frame is lost
            segmenter = on_the_processor(segmenter.path, error)
            continue
        frames, now = frames + 1, time.monotonic()
        if now - since >= 1:  # a line a second
            shares = np.bincount(mask.ravel(), minlength=len(segmenter.labels.names)) / mask.size
            seen = [f"{segmenter.labels.name(i)} {share:.1%}" for i, share in enumerate(shares) if share >= 0.001]
            print(f"{frames / (now - since):.1f} fps  {'  '.join(seen)}", flush=True)
            frames, since = 0, now


parser = argparse.ArgumentParser(description="Segment on a Coral USB Accelerator.")
parser.add_argument("model", type=Path, help="NAME_edgetpu.tflite, with NAME.tflite beside it")
parser.add_argument("source", help="0 for a USB camera, picamera:0, rtsp://..., belt: for a rendered one")
try:
    run(parser.parse_args())
except EdgesegError as error:
    sys.exit(f"error: {error}")
