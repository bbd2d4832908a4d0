"""A model file and a frame in, a mask out: the only module on a board that imports the runtime."""

from __future__ import annotations

import ctypes
import importlib
import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeseg.cores import usable_cores
from edgeseg.errors import DataError, MissingExtraError, ModelError, UsageError, first_line
from edgeseg.images import Image, Mask, preprocess, resize_mask
from edgeseg.labels import Labels
from edgeseg.model_info import ModelInfo, associated_labels, read_info
from edgeseg.quiet import native_stderr

RUNTIMES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "reference": "ai_edge_litert.interpreter",
}
"""Modules by name; 'reference' is LiteRT with its plain kernels, slow and by the letter."""
RUNTIME_VARIABLE = "EDGESEG_RUNTIME"
"""Environment variable that names the runtime to use where several are installed."""
EDGETPU_OP = b"edgetpu-custom-op"
EDGETPU_LIBRARY = "libedgetpu.so.1"
SIGN_BIT = 0x80
"""int8 and uint8 of the same pixel or score differ by it: x - 128 is x XOR 128."""


class Segmenter:
    """Segments frames with a `.tflite` model, ours or anybody's.

    Our models say themselves what they want and what they mean. For others: uint8 and int8
    inputs get raw pixels, float inputs pixels scaled to `input_range`; the output may be
    class ids (integers), scores per class (the largest wins) or one channel (a foreground
    probability or logit).
    """

    def __init__(
        self,
        model: str | Path,
        threads: int | None = None,
        labels: Labels | None = None,
        input_range: tuple[float, float] = (0.0, 1.0),
        runtime: str | None = None,
        interpreter: Any = None,
    ) -> None:
        """Load `model` and run it once.

        `threads` defaults to the cores, at most 4. `labels` replace those of the file. An
        `interpreter` that is ready takes the place of the file, which need not exist then.
        Raises ModelError for a file that is not a model this machine can run.
        """
        self.path = Path(model)
        self.info: ModelInfo | None = None
        self.notes: list[str] = []
        """What a user should know, a line each: a delegate that was left out, for example."""
        self.invoke_ms = 0.0
        """Duration of the last inference."""
        self.compiled = False
        """For the Edge TPU."""
        self.threads = threads
        """As asked for; None: chosen here."""
        if interpreter is None:
            data = _read_model(self.path)
            self.info = read_info(self.path)
            interpreter = self._start(data, threads or min(4, usable_cores()), runtime)
        self._interpreter = interpreter
        self.size, self.channels = self._check_input()
        self._input_range = self.info.input_range if self.info else input_range
        self._input = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        self._output = self._interpreter.tensor(self._interpreter.get_output_details()[0]["index"])
        self._decode = Decoder(self._interpreter.get_output_details()[0], self.size, self.path)
        self.output = "labels" if self._decode.gives_ids else "logits"
        """'labels': the model itself gives class ids; 'logits': scores or a foreground mask."""
        self.labels = labels or (self.info.labels if self.info else self._foreign_labels())

    def __call__(self, frame: Image) -> Mask:
        """Segment one BGR uint8 HxWx3 frame of any size: HxW uint8 class ids at the frame's size.

        Raises DataError for an array of another shape or type.
        """
        return resize_mask(self.label_map(frame), (frame.shape[0], frame.shape[1]))

    def label_map(self, frame: Image) -> Mask:
        """The same at the model's own size, before it is brought to the frame's."""
        return self.infer(self.picture(frame))

    def picture(self, frame: Image) -> Image:
        """What the model sees of a BGR frame: uint8 of `size`, RGB or grey. Raises DataError for no frame."""
        if not isinstance(frame, np.ndarray):
            raise DataError("this is no frame; could the picture be read?  cv2.imread gives None where it cannot")
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise DataError(f"a frame is HxWx3 uint8 in BGR order, not {frame.shape} {frame.dtype}")
        return preprocess(frame, self.size, self.channels)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `edgeseg.evaluate.Predictor`."""
        return np.stack([self.infer(image) for image in images])

    def infer(self, image: Image) -> Mask:
        """Class ids of one `picture`. Raises ModelError where the inference fails, as without its accelerator."""
        feed(self._input()[0], image, self._input_range)  # nothing may hold the tensor when invoke() begins
        started = time.perf_counter()
        try:
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            cure = "plug the accelerator in again" if self.compiled else "convert the model again"
            raise ModelError(f"{self.path}: the inference failed ({first_line(error)}); {cure}") from error
        self.invoke_ms = (time.perf_counter() - started) * 1000
        return self._decode(self._output()[0])

    def raw(self) -> NDArray[Any]:
        """The last output as it is, without its batch."""
        return np.array(self._output()[0])

    def decode(self, raw: NDArray[Any]) -> Mask:
        """Class ids of such an output, uint8 of `size`."""
        return self._decode(raw)

    def scores(self) -> NDArray[Any]:
        """The last output as it is, HxWxC, at the model's stride; raises UsageError for a model of class ids."""
        if self._decode.gives_ids:
            raise UsageError(f"{self.path}: gives class ids alone; for scores make it with  quantize --output logits")
        return self.raw()

    # ---- starting ----

    def _foreign_labels(self) -> Labels:
        """Names that a model made elsewhere carries, if they fit its output; else numbers."""
        count = None if self._decode.gives_ids else self._decode.classes
        return associated_labels(self.path, count) or Labels.numbered(self._decode.classes)

    def _start(self, data: bytes, threads: int, runtime: str | None) -> Any:
        name, module = load_runtime(runtime)
        self.runtime = name
        self.compiled = EDGETPU_OP in data
        delegates = self._edgetpu(module) if self.compiled else []
        known = module.OpResolverType
        resolvers = (
            [known.BUILTIN_REF] if name == "reference" else [known.AUTO, known.BUILTIN_WITHOUT_DEFAULT_DELEGATES]
        )
        failure: Exception | None = None
        for resolver in resolvers:
            try:
                with native_stderr():
                    interpreter = module.Interpreter(
                        model_content=data,
                        num_threads=threads,
                        experimental_delegates=delegates,
                        experimental_op_resolver_type=resolver,
                    )
                    interpreter.allocate_tensors()
                    interpreter.invoke()
            except SystemError as error:
                raise ModelError(
                    f"{name} cannot work with NumPy {np.__version__}; install it with  pip install 'edgeseg[legacy]'"
                ) from error
            except (RuntimeError, ValueError) as error:
                failure = failure or error
                continue
            if failure:
                self.notes.append(f"{self.path.name} runs without XNNPACK, which refused it ({first_line(failure)})")
            return interpreter
        raise ModelError(f"{self.path}: {name} cannot run it ({first_line(failure)}); convert the model again")

    def _edgetpu(self, module: Any) -> list[Any]:
        try:
            ctypes.CDLL(EDGETPU_LIBRARY)  # load_delegate prints a traceback of its own where it is absent
            return [module.load_delegate(EDGETPU_LIBRARY)]
        except (OSError, ValueError) as error:
            missing = f"{EDGETPU_LIBRARY} is not installed" if isinstance(error, OSError) else "none answers here"
            raise ModelError(
                f"{self.path}: is compiled for the Edge TPU, and {missing}; "
                "plug one in and install libedgetpu, or use the model's CPU version (without _edgetpu)"
            ) from error

    def _check_input(self) -> tuple[tuple[int, int], int]:
        details = self._interpreter.get_input_details()
        shape = [int(length) for length in details[0]["shape"]]
        wanted = "(1, height, width, 1 or 3), channels last and of fixed size"
        dynamic = any(length == -1 for length in list(details[0].get("shape_signature", []))[1:])
        if len(details) != 1 or len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3) or dynamic:
            raise ModelError(f"{self.path}: takes {shape}; edgeseg feeds {wanted}: export the model so")
        return (shape[1], shape[2]), shape[3]


class Decoder:
    """Output tensor (without batch) to uint8 class ids, for every kind of output there is."""

    def __init__(self, details: dict[str, Any], size: tuple[int, int], path: Path) -> None:
        shape = [int(length) for length in details["shape"]]
        if shape[0] != 1 or len(shape) not in (3, 4):
            raise ModelError(
                f"{path}: gives {shape}; a segmenter gives (1, height, width) or (1, height, width, classes)"
            )
        self._size = size
        self._dtype = np.dtype(details["dtype"])
        self._scale, self._zero_point = details["quantization"]
        channels = shape[3] if len(shape) == 4 else 1
        wide = self._dtype.itemsize > 1 and self._dtype.kind in "iu"
        self.gives_ids = channels == 1 and (wide or (self._dtype == np.uint8 and not self._scale))
        self._is_foreground = channels == 1 and not self.gives_ids
        self._is_logit = False
        self.classes = 256 if self.gives_ids else max(2, channels)

    def __call__(self, output: NDArray[Any]) -> Mask:
        """Never returns a view of `output`."""
        if self.gives_ids:
            return np.array(output.reshape(output.shape[:2]), np.uint8)
        if self._is_foreground:
            return self._foreground(output.reshape(output.shape[:2]))
        return class_map(output, self._size)

    def _foreground(self, output: NDArray[Any]) -> Mask:
        real = np.asarray(output, np.float32)
        if self._scale:
            real = (real - self._zero_point) * self._scale
        # A probability never leaves [0, 1]; once a value did, the output holds logits.
        self._is_logit = self._is_logit or bool(real.min() < -0.01 or real.max() > 1.01)
        return np.asarray(real > (0.0 if self._is_logit else 0.5), np.uint8)


def feed(tensor: NDArray[Any], image: Image, input_range: tuple[float, float]) -> None:
    """Write pixels HxWxC uint8 into a model's input of that shape: int8, uint8, or float32 in `input_range`."""
    if tensor.dtype == np.int8:
        np.bitwise_xor(image, SIGN_BIT, out=tensor.view(np.uint8))
    elif tensor.dtype == np.uint8:
        tensor[:] = image
    else:
        low, high = input_range
        np.multiply(image, (high - low) / 255, out=tensor, casting="unsafe")
        tensor += low


def class_map(scores: NDArray[Any], size: tuple[int, int]) -> Mask:
    """Scores (h, w, classes) to class ids (*size): stretched, then the largest wins, of equals the first."""
    height, width, classes = scores.shape
    if scores.dtype == np.int8:
        scores = scores.view(np.uint8) ^ np.uint8(SIGN_BIT)  # cv2 takes no int8
    elif scores.dtype != np.uint8:
        scores = np.asarray(scores, np.float32)
    # Class by class, in planes: several times as fast as an argmax along the last axis.
    planes = cv2.transpose(scores.reshape(-1, classes)).reshape(classes, height, width)
    best, ids = _stretch(planes[0], size), np.zeros(size, np.uint8)
    for class_id in range(1, classes):
        plane = _stretch(planes[class_id], size)
        np.maximum(ids, (plane > best).view(np.uint8) * np.uint8(class_id), out=ids)
        best = np.maximum(best, plane)
    return ids


def _stretch(plane: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    if plane.shape == size:
        return plane
    return np.asarray(cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))


def load_runtime(name: str | None = None) -> tuple[str, Any]:
    """Import LiteRT or, where it is absent, tflite-runtime: (name, interpreter module).

    Raises UsageError for an unknown name and MissingExtraError where none is installed.
    """
    name = name or os.environ.get(RUNTIME_VARIABLE) or None
    if name is not None and name not in RUNTIMES:
        raise UsageError(f"no runtime is called '{name}'; known are {', '.join(RUNTIMES)}")
    for candidate in [name] if name else RUNTIMES:
        try:
            return candidate, importlib.import_module(RUNTIMES[candidate])
        except ModuleNotFoundError:
            continue
        except ImportError as error:
            raise ModelError(f"{candidate} is installed but does not load ({first_line(error)})") from error
    if name == "tflite-runtime":
        raise MissingExtraError("tflite-runtime", "legacy")
    raise ModelError("no TFLite runtime is installed; install one with  pip install ai-edge-litert")


def _read_model(path: Path) -> bytes:
    quantize = f"edgeseg quantize {path} --calibrate DATA -o model.tflite"
    if path.is_dir():
        raise ModelError(f"{path}: is a folder; make a model of it with  {quantize}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give a .tflite file") from error
    if data[:2] == b"PK":
        raise ModelError(f"{path}: is a Keras model; make it run with  {quantize}")
    if data[4:8] != b"TFL3":
        raise ModelError(f"{path}: is not a TFLite model; give a file made by  edgeseg quantize")
    return data
