"""TFLite Metadata: what MediaPipe and other readers want to know of a segmenter."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite import objects
from converters.tflite.metadata_schema import (
    Activation,
    AssociatedFile,
    ColorSpace,
    Content,
    ContentKind,
    CustomMetadata,
    FeatureProperties,
    FileType,
    ImageProperties,
    ImageSegmenterOptions,
    ImageSize,
    ModelMetadata,
    NormalizationOptions,
    ProcessUnit,
    Stats,
    SubGraphMetadata,
    TensorMetadata,
    UnitKind,
    ValueRange,
    encode,
)
from edgeseg.errors import ModelError
from edgeseg.model_info import EPOCH, LABELS_MEMBER, ModelInfo
from edgeseg.version import __version__

ENTRY = "TFLITE_METADATA"
SEGMENTER_ENTRY = "SEGMENTER_METADATA"
"""Name under which MediaPipe looks for its ImageSegmenterOptions."""
ROWS_AND_COLUMNS = ValueRange(1, 2)


def write_metadata(data: bytes, info: ModelInfo) -> bytes:
    """Describe `data`, a .tflite as a converter makes it, in TFLite Metadata, with labels.txt in an archive at its end.

    The operators and weights stay. `edgeseg.model_info.attach` may add its member to the
    same archive afterwards. Logits are described as a segmenter's scores with a name for
    each channel; class maps as numbers whose values have names. (MediaPipe's ImageSegmenter
    takes the last axis for the classes and so cannot use a class map.)
    Raises ModelError for bytes that are no model, or that have an archive at their end already.
    """
    if zipfile.is_zipfile(io.BytesIO(data)):
        raise ModelError("the model has an archive at its end already; write the metadata before anything is attached")
    model = objects.read(data)
    graph = model.subgraphs[0]
    image, answer = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    names = class_names(info, int(answer.shape[-1]) if info.output == "logits" else len(info.labels.names))
    low, high = info.input_range if image.type == schema.TensorType.FLOAT32 else (0.0, 255.0)
    root = ModelMetadata(
        name=f"edgeseg {info.architecture}",
        description=_description(info, names),
        license=info.provenance.get("licence"),
        version=hashlib.sha256(data).hexdigest()[:12],
        subgraphs=(_graph(info, names, low, high),),
    )
    _add_entry(model, encode(root))
    described = io.BytesIO(objects.write(model))
    with zipfile.ZipFile(described, "a") as archive:
        archive.writestr(zipfile.ZipInfo(LABELS_MEMBER, EPOCH), "".join(f"{name}\n" for name in names))
    return described.getvalue()


def class_names(info: ModelInfo, count: int) -> list[str]:
    """`count` names of a line each, for the ids from 0: readers go by the line, so none may be missing or broken.

    The one channel of a foreground mask bears the second of its two names.
    """
    first = 1 if info.output == "logits" and count == 1 and len(info.labels.names) == 2 else 0
    known = [" ".join(name.split()) for name in info.labels.names[first : first + count]]
    return [name or f"class{i}" for i, name in enumerate(known + [""] * (count - len(known)))]


CLASSES = "A score for each class at each place; the largest is the class, and softmax gives confidences"
FOREGROUND = "How much of the foreground is at each place: a probability, or a logit that is above 0 on it"


def _add_entry(model: Any, content: bytes) -> None:
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = ENTRY, len(model.buffers) - 1
    # A name may stand once: who read the first of two would read the old one.
    model.metadata = [kept for kept in model.metadata or [] if kept.name != ENTRY.encode()] + [entry]


def _graph(info: ModelInfo, names: list[str], low: float, high: float) -> SubGraphMetadata:
    if info.output != "logits":
        return SubGraphMetadata(inputs=(_image(info, low, high),), outputs=(_class_map(names),))
    if len(names) == 1:  # a foreground mask, logit or probability: softmax would make ones of it
        return SubGraphMetadata(inputs=(_image(info, low, high),), outputs=(_scores(FOREGROUND),))
    segmenter = CustomMetadata(SEGMENTER_ENTRY, encode(ImageSegmenterOptions(Activation.SOFTMAX)))
    return SubGraphMetadata(
        inputs=(_image(info, low, high),), outputs=(_scores(CLASSES),), custom_metadata=(segmenter,)
    )


def _description(info: ModelInfo, names: list[str]) -> str:
    height, width = info.size
    trained = f", trained on {info.provenance['data']}" if "data" in info.provenance else ""
    return (
        f"Semantic segmentation of an image, stretched to {width} x {height} pixels, into {max(2, len(names))} classes"
        f"{trained}. Made by edgeseg {__version__}."
    )


def _image(info: ModelInfo, low: float, high: float) -> TensorMetadata:
    """The input; pixels from 0 to 255 are brought to `low` to `high`, 0 to 255 for integers too."""
    color, word = (ColorSpace.RGB, "RGB") if info.channels == 3 else (ColorSpace.GRAYSCALE, "Grey")
    height, width = info.size
    std = 255 / (high - low)
    normalization = NormalizationOptions(mean=(-low * std,), std=(std,))
    return TensorMetadata(
        name="image",
        description=f"{word} image with values from {low:g} to {high:g}, {height} rows of {width} pixels",
        dimension_names=("batch", "height", "width", "channel"),
        content=Content(ContentKind.IMAGE, ImageProperties(color, ImageSize(width, height))),
        process_units=(ProcessUnit(UnitKind.NORMALIZATION, normalization),),
        stats=Stats(max=(high,), min=(low,)),
    )


def _scores(words: str) -> TensorMetadata:
    return TensorMetadata(
        name="logits",
        description=words,
        dimension_names=("batch", "height", "width", "class"),
        content=Content(ContentKind.IMAGE, ImageProperties(ColorSpace.GRAYSCALE), ROWS_AND_COLUMNS),
        associated_files=(
            AssociatedFile(LABELS_MEMBER, "Name of each channel, one a line", FileType.TENSOR_AXIS_LABELS),
        ),
    )


def _class_map(names: list[str]) -> TensorMetadata:
    return TensorMetadata(
        name="labels",
        description="The class id of each pixel",
        dimension_names=("batch", "height", "width"),
        content=Content(ContentKind.FEATURE, FeatureProperties()),
        stats=Stats(max=(float(len(names) - 1),), min=(0.0,)),
        associated_files=(
            AssociatedFile(LABELS_MEMBER, "Name of each value, one a line from 0", FileType.TENSOR_VALUE_LABELS),
        ),
    )
