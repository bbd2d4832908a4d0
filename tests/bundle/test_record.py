import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from edgeseg.bundle.record import Record
from edgeseg.errors import ModelError
from edgeseg.images import encode_png, to_channels
from edgeseg.scene.belt import Belt


def made(channels: int) -> Record:
    frame, small = Belt(0, (120, 160)).frame(5)[0], Belt(0, (60, 80)).frame(5)[0]
    raw = np.random.default_rng(0).integers(-128, 128, (15, 20, 5)).astype(np.int8)
    return Record(frame, small, to_channels(small, channels), raw)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_reads_back_what_it_wrote(channels: int) -> None:
    record = made(channels)
    back = Record.from_bytes(record.to_bytes())
    for name, array in vars(record).items():
        found = getattr(back, name)
        assert found.dtype == array.dtype
        assert np.array_equal(found, array)
    assert back.to_bytes() == record.to_bytes()


def test_it_is_hardly_larger_than_its_pictures_as_png() -> None:
    record = made(3)
    png = len(encode_png(record.frame)) + len(encode_png(record.resized))
    assert len(record.to_bytes()) < 1.3 * png + record.raw.nbytes


def test_what_is_no_record_is_refused() -> None:
    data = made(3).to_bytes()
    written = io.BytesIO()
    np.savez(written, frame=np.zeros(3), resized=np.zeros(3), raw=np.zeros(3))
    for broken in (b"", data[:-30], b"x" * 100, data[:200] + b"!!!!" + data[204:], written.getvalue()):
        with pytest.raises(ModelError, match="make the bundle again"):
            Record.from_bytes(broken)


def test_a_record_that_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(ModelError, match=r"output, 512x512x65 float32, is too large to record"):
        replace(made(3), raw=np.zeros((512, 512, 65), np.float32)).to_bytes()


def test_a_record_that_unpacks_to_absurd_sizes_is_refused() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("frame.npy", bytes(65 << 20))
    with pytest.raises(ModelError, match="absurdly large"):
        Record.from_bytes(written.getvalue())
