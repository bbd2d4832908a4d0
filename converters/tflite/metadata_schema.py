"""The tables of TFLite Metadata (metadata_schema.fbs 1.5.0) that a segmenter needs, and their encoding.

A dataclass stands for a table and its fields, in order, for the slots. So a field may be
appended but never moved; fields that nothing here fills keep their place as None. A union
takes two slots: the number of its member, then the table.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import flatbuffers
import numpy as np

METADATA_IDENTIFIER = b"M001"
SEGMENTER_IDENTIFIER = b"V001"
PARSER_VERSION = "1.5.0"
"""The version that brought CustomMetadata, the newest table used here."""
ALIGNMENT = 16
"""Bytes at whose multiples a FlatBuffer inside a FlatBuffer starts."""
OFFSET_BYTES = 4


class FileType(IntEnum):
    """What the lines of an associated file describe."""

    TENSOR_AXIS_LABELS = 2
    """The channels of a tensor."""
    TENSOR_VALUE_LABELS = 3
    """The values in a tensor."""


class ColorSpace(IntEnum):
    """Order of an image's channels."""

    RGB = 1
    GRAYSCALE = 2


class ContentKind(IntEnum):
    """Members of the union ContentProperties."""

    FEATURE = 1
    IMAGE = 2


class UnitKind(IntEnum):
    """Members of the union ProcessUnitOptions."""

    NORMALIZATION = 1


class Activation(IntEnum):
    """What a reader applies to the scores to get confidences."""

    NONE = 0
    SIGMOID = 1
    SOFTMAX = 2


@dataclass(frozen=True)
class AssociatedFile:
    """A member of the archive at the model's end."""

    name: str
    description: str
    type: FileType


@dataclass(frozen=True)
class FeatureProperties:
    """Marks numbers that are no image; has no fields."""


@dataclass(frozen=True)
class ImageSize:
    """Width first, as in the schema."""

    width: int
    height: int


@dataclass(frozen=True)
class ImageProperties:
    """Marks an image."""

    color_space: ColorSpace
    default_size: ImageSize | None = None


@dataclass(frozen=True)
class ValueRange:
    """First and last of some dimensions, which are counted from 0, the batch."""

    min: int
    max: int


@dataclass(frozen=True)
class Content:
    """What a tensor holds."""

    properties_kind: ContentKind
    properties: ImageProperties | FeatureProperties
    range: ValueRange | None = None
    """The dimensions that make one such content; None: all but the batch."""


@dataclass(frozen=True)
class NormalizationOptions:
    """A reader feeds (pixel - mean) / std, a value for all channels or one for each."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ProcessUnit:
    """A step outside the graph."""

    kind: UnitKind
    options: NormalizationOptions


@dataclass(frozen=True)
class Stats:
    """Bounds of a tensor's values."""

    max: tuple[float, ...]
    min: tuple[float, ...]


@dataclass(frozen=True)
class TensorMetadata:
    """One input or output."""

    name: str
    description: str
    dimension_names: tuple[str, ...]
    content: Content
    process_units: tuple[ProcessUnit, ...] | None = None
    stats: Stats | None = None
    associated_files: tuple[AssociatedFile, ...] | None = None


@dataclass(frozen=True)
class CustomMetadata:
    """Another FlatBuffer, under the name by which its reader looks for it."""

    name: str
    data: bytes


@dataclass(frozen=True)
class SubGraphMetadata:
    """The main graph: inputs and outputs in the order of the model's own."""

    name: None = None
    description: None = None
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    associated_files: None = None
    input_process_units: None = None
    output_process_units: None = None
    input_tensor_groups: None = None
    output_tensor_groups: None = None
    custom_metadata: tuple[CustomMetadata, ...] | None = None


@dataclass(frozen=True)
class ModelMetadata:
    """The root."""

    name: str
    description: str
    version: str
    subgraphs: tuple[SubGraphMetadata, ...]
    author: None = None
    license: str | None = None
    associated_files: None = None
    min_parser_version: str = PARSER_VERSION


@dataclass(frozen=True)
class ImageSegmenterOptions:
    """The root of MediaPipe's own FlatBuffer (image_segmenter_metadata_schema.fbs 1.0.0)."""

    activation: Activation
    min_parser_version: str = "1.0.0"


def encode(root: ModelMetadata | ImageSegmenterOptions) -> bytes:
    """The FlatBuffer of `root`, its length a multiple of 16 bytes where it holds aligned data."""
    identifier = METADATA_IDENTIFIER if isinstance(root, ModelMetadata) else SEGMENTER_IDENTIFIER
    builder = flatbuffers.Builder()
    builder.Finish(_table(builder, root), identifier)
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, table: Any) -> int:
    values = [getattr(table, field.name) for field in fields(table)]
    # A table may not be written while another is open: first everything it refers to.
    placed = [value if value is None or isinstance(value, int) else _refer(builder, value) for value in values]
    builder.StartObject(len(values))
    for slot, (value, at) in enumerate(zip(values, placed, strict=True)):
        if isinstance(value, IntEnum):  # all of them take one byte
            builder.PrependUint8Slot(slot, int(value), 0)
        elif isinstance(value, int):
            builder.PrependUint32Slot(slot, value, 0)
        elif value is not None:
            builder.PrependUOffsetTRelativeSlot(slot, at, 0)
    return int(builder.EndObject())


def _refer(builder: flatbuffers.Builder, value: Any) -> int:
    """Write what a table refers to by offset; returns that offset, counted from the end."""
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, bytes):
        builder.StartVector(1, len(value), ALIGNMENT)
        builder.head -= len(value)
        builder.Bytes[builder.head : builder.head + len(value)] = value
        return int(builder.EndVector())
    if not isinstance(value, tuple):
        return _table(builder, value)
    if all(isinstance(item, float) for item in value):
        return int(builder.CreateNumpyVector(np.array(value, "<f4")))
    offsets = [_refer(builder, item) for item in value]
    builder.StartVector(OFFSET_BYTES, len(offsets), OFFSET_BYTES)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
