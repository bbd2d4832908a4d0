"""What messages may show of a URI; how options are read is tested with those that have some."""

import pytest

from edgeseg.uri import masked


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("rtsp://me:secret@cam:554/live", "rtsp://***@cam:554/live"),
        ("http://me:p@ss/w@cam/x", "http://***@cam/x"),
        ("http://cam/x?token=abc", "http://cam/x?***"),
        ("http://cam/x", "http://cam/x"),
        ("mqtt://me:se?cret@host/topic?every=2", "mqtt://***@host/topic?***"),
        ("record:ring?max=2GB", "record:ring?max=2GB"),
    ],
)
def test_what_nobody_else_may_know_is_masked(uri: str, shown: str) -> None:
    assert masked(uri) == shown
