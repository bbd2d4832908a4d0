"""Segment on a Coral Dev Board, whose Python 3.7 is too old for edgeseg: NumPy, OpenCV and tflite_runtime alone."""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

try:
    from tflite_runtime.interpreter import Interpreter, load_delegate
except ImportError:  # what newer systems have in its place
    from ai_edge_litert.interpreter import Interpreter, load_delegate


def start(path):
    delegates = [load_delegate("libedgetpu.so.1")] if b"edgetpu-custom-op" in path.read_bytes() else []
    interpreter = Interpreter(model_path=str(path), experimental_delegates=delegates)
    interpreter.allocate_tensors()
    return interpreter


def segment(interpreter, frame):
    """BGR uint8 HxWx3 of any size to class ids, uint8 of the model's size."""
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    height, width = (int(length) for length in given["shape"][1:3])
    shrinks = min(frame.shape[0] / height, frame.shape[1] / width) >= 2
    small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    pixels = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
    if given["dtype"] == np.int8:  # the same pixel is 128 less
        pixels = (pixels ^ 0x80).view(np.int8)
    interpreter.set_tensor(given["index"], pixels[np.newaxis])
    interpreter.invoke()
    output = interpreter.get_tensor(result["index"])[0]
    if output.ndim == 2:  # class ids already; else scores of each class, at a smaller size
        return output
    scores = output.view(np.uint8) ^ 0x80 if output.dtype == np.int8 else output
    return cv2.resize(scores, (width, height), interpolation=cv2.INTER_LINEAR).argmax(axis=2).astype(np.uint8)


parser = argparse.ArgumentParser(description="Segment what a camera or a video shows.")
parser.add_argument("model", type=Path, help="NAME_edgetpu.tflite, or NAME.tflite for the processor")
parser.add_argument("source", help="0 or 1 for a camera, or a video, or numbered pictures as frames/%%06d.png")
parser.add_argument("--masks", type=Path, help="a folder for the class ids of each frame, as PNG")
options = parser.parse_args()
interpreter, number = start(options.model), 0
camera = cv2.VideoCapture(int(options.source) if options.source.isdigit() else options.source)
there, frame = camera.read()
while there:
    began = time.time()
    mask = segment(interpreter, frame)
    took_ms = (time.time() - began) * 1000
    areas = [f"{i}: {np.mean(mask == i):.1%}" for i in np.unique(mask)]
    print(f"frame {number}  {took_ms:.1f} ms", *areas, sep="  ", flush=True)
    if options.masks:
        cv2.imwrite(str(options.masks / f"{number:06d}.png"), mask)
    number, (there, frame) = number + 1, camera.read()
if not number:
    raise SystemExit(f"error: {options.source} gives no picture")
