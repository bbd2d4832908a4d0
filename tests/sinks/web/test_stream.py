"""The stream, to its viewers: pictures while frames come, and no frozen one when they stop."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import cv2
import numpy as np
import pytest

from edgeseg.sinks.web.banner import PAPER, span, stale_picture

GET = b"GET /stream.mjpg HTTP/1.0\r\n\r\n"
Part = tuple[dict[bytes, bytes], bytes]


def parts(stream: BinaryIO) -> Iterator[Part]:
    """Header and JPEG of each part."""
    b"".join(iter(stream.readline, b"\r\n"))
    while True:
        assert stream.readline() == b"--edgeseg-frame\r\n"
        head = dict(line.rstrip().split(b": ") for line in iter(stream.readline, b"\r\n"))
        yield head, stream.read(int(head[b"Content-Length"]))
        assert stream.readline() == b"\r\n"


def decoded(jpeg: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def is_stale(part: Part) -> bool:
    """By its head; fails where the picture does not agree."""
    head, jpeg = part
    corner = decoded(jpeg)[:10].astype(int)
    middle = decoded(jpeg)[decoded(jpeg).shape[0] // 2, 5].astype(int)
    stale = b"X-Edgeseg-Stale" in head
    assert bool(np.ptp(corner, axis=2).max() < 20) is stale  # grey
    assert bool(np.abs(middle - PAPER).max() < 40) is stale  # the banner's edge
    return stale


def test_a_stream_whose_frames_stop_turns_grey_with_its_age_and_lives_again(open_stage: Any) -> None:
    stage = open_stage(size=(240, 320))
    stage.write()
    with stage.connect() as first, stage.connect() as second:
        clients = [first, second]
        for client in clients:
            client.sendall(GET)
        streams = [parts(client.makefile("rb")) for client in clients]
        for stream in streams:
            assert not is_stale(next(stream))
        encoded = stage.sink.encoded
        old = [[next(stream) for _ in range(4)] for stream in streams]
        assert all(is_stale(part) for stream in old for part in stream)
        jpegs = [jpeg for _, jpeg in old[0]]
        assert jpegs == [jpeg for _, jpeg in old[1]]
        assert [jpegs[0], jpegs[2]] == [jpegs[1], jpegs[3]]  # twice, so that a browser shows it
        assert stage.sink.encoded == encoded + 2  # once for both
        ages = [float(head[b"X-Edgeseg-Stale"]) for head, _ in old[0]]
        assert ages[0] < 2.5
        assert int(ages[2]) == int(ages[0]) + 1
        stage.write()
        for stream in streams:
            assert not is_stale(next(stream))


def test_who_opens_a_stale_stream_sees_at_once_that_it_is(stage: Any) -> None:
    stage.write()
    stage.until(lambda: stage.get("/healthz").status == 503)
    with stage.connect() as client:
        client.sendall(GET)
        assert is_stale(next(parts(client.makefile("rb"))))


def test_the_words_stand_inside_pictures_of_any_shape() -> None:
    for shape in ((8, 8), (32, 400), (400, 32), (1080, 1920)):
        shown = stale_picture(np.full((*shape, 3), 128, np.uint8), "STALE 100 h 59 min")
        assert shown.shape == (*shape, 3)
        ink = (shown.astype(int).sum(axis=2) < 150).nonzero()[1]
        assert not len(ink) or (ink.min() > 0 and ink.max() < shape[1] - 1)
        assert (shown == PAPER).all(axis=2).any()


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.9, "1 s"), (119.9, "119 s"), (120, "2 min"), (7199, "119 min"), (7500, "2 h 5 min")]
)
def test_ages_read_as_on_the_page(seconds: float, text: str) -> None:
    assert span(seconds) == text
