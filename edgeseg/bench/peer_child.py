"""MediaPipe's side of the comparison: a script for a Python that has MediaPipe, and need not have edgeseg.

Arguments are a model and a file of BGR frames (.npy). It says `ready`, then takes lines such as
`all 50` (or `categories 50`: no confidences) and prints the CPU seconds that one of 50 frames took.
"""

import sys
import time
from contextlib import ExitStack

import mediapipe  # type: ignore[import-not-found]
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision  # type: ignore[import-not-found]


def main() -> None:
    """Segment until the input ends."""
    model, frames = sys.argv[1:]
    kind = mediapipe.ImageFormat.SRGB
    pictures = [mediapipe.Image(kind, np.ascontiguousarray(frame[:, :, ::-1])) for frame in np.load(frames)]
    with ExitStack() as closing:
        segmenters = {}
        for name, confidences in (("all", True), ("categories", False)):
            options = vision.ImageSegmenterOptions(
                BaseOptions(model_asset_path=model), output_category_mask=True, output_confidence_masks=confidences
            )
            segmenters[name] = closing.enter_context(vision.ImageSegmenter.create_from_options(options))
        print("ready", flush=True)  # noqa: T201  # to the process that started this one, like the line below
        for line in sys.stdin:
            segmenter, count, began = segmenters[line.split()[0]], int(line.split()[1]), time.process_time()
            for index in range(count):
                segmenter.segment(pictures[index % len(pictures)]).category_mask.numpy_view()
            print((time.process_time() - began) / count, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
