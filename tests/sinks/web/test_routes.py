"""Each path, asked as a browser, a script or Prometheus asks it."""

import json
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from edgeseg.images import resize_mask
from edgeseg.scene.parts import CLASSES
from edgeseg.sinks.sink import Controls
from edgeseg.version import __version__


def decoded(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def test_the_page_and_its_parts_are_served(stage: Any) -> None:
    page = stage.get("/")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<canvas" in page.text
    for path, kind in (("/page.css", "text/css"), ("/page.js", "text/javascript"), ("/picture.js", "text/javascript")):
        assert stage.get(path).headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert stage.get("/favicon.ico").status == 204


def test_the_page_needs_nothing_from_elsewhere(stage: Any) -> None:
    parts = ["/", "/page.css", "/page.js", "/picture.js", "/panel.js", "/connection.js", "/snapshot.js"]
    for path in parts:
        text = stage.get(path).text.replace("http://www.w3.org/2000/svg", "")  # the name of a language
        assert "http://" not in text
        assert "https://" not in text


def test_every_answer_forbids_foreign_parts_and_keeping(stage: Any) -> None:
    for path in ("/", "/stats.json", "/nothing", "/snapshot.jpg"):
        headers = stage.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe-inline" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/snapshot.jpg", "/snapshot.jpg?overlay=1", "/mask.png"])
def test_before_the_first_frame_there_is_no_picture(stage: Any, path: str) -> None:
    reply = stage.get(path)
    assert (reply.status, reply.text) == (503, "no frame yet; try again in a moment\n")


def test_a_cameras_own_jpeg_is_passed_on_byte_by_byte(stage: Any) -> None:
    frame = stage.write(jpeg=True).frame
    reply = stage.get("/snapshot.jpg")
    assert reply.body == frame.jpeg
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert reply.headers["X-Frame-Index"] == "0"


def test_a_snapshot_shows_the_newest_frame(stage: Any) -> None:
    stage.write()
    newest = stage.write().frame
    difference = np.abs(decoded(stage.get("/snapshot.jpg").body).astype(int) - newest.image)
    assert difference.mean() < 6


def test_a_snapshot_with_overlay_has_the_classes_colours(stage: Any) -> None:
    segmented = stage.write()
    nuts = resize_mask(segmented.label_map, stage.size) == CLASSES.index("nut")
    plain = decoded(stage.get("/snapshot.jpg").body)[nuts].mean(0)
    tinted = decoded(stage.get("/snapshot.jpg?overlay=1").body)[nuts].mean(0)
    assert tinted[2] > plain[2] + 30  # towards orange: more red
    assert tinted[2] > tinted[0] + 30


def test_the_mask_is_one_channel_of_class_ids_at_the_frames_size(stage: Any) -> None:
    segmented = stage.write()
    mask = decoded(stage.get("/mask.png").body, cv2.IMREAD_UNCHANGED)
    assert np.array_equal(mask, resize_mask(segmented.label_map, stage.size))


def test_the_stream_is_mjpeg_with_overlay(stage: Any) -> None:
    stage.write()
    with stage.connect() as client:
        client.sendall(b"GET /stream.mjpg HTTP/1.0\r\n\r\n")
        with client.makefile("rb") as stream:
            head = b"".join(iter(stream.readline, b"\r\n"))
            assert b"multipart/x-mixed-replace; boundary=edgeseg-frame" in head
            for _ in range(2):
                part = dict(line.split(b": ") for line in iter(stream.readline, b"\r\n") if b": " in line)
                picture = stream.read(int(part[b"Content-Length"]))
                assert decoded(picture).shape == (*stage.size, 3)
                assert stream.readline() == b"\r\n"
                stage.write()


def test_the_stats_are_the_loops_with_classes_and_freshness(stage: Any) -> None:
    stage.write()
    stats = stage.get("/stats.json").json()
    assert stats.items() >= stage.stats.to_json().items()
    assert (stats["version"], stats["miou"], stats["stale"], stats["viewers"]) == (__version__, 0.873, False, 0)
    assert stats["classes"][2] == {"id": 2, "name": "nut", "color": [255, 167, 38]}
    assert stats["idle_s"] < 1


def test_prometheus_reads_the_metrics(stage: Any) -> None:
    stage.write()
    reply = stage.get("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(reply.text)}
    assert all(family.documentation and family.type in ("gauge", "counter") for family in families.values())
    values = {name: family.samples[0].value for name, family in families.items()}
    assert values["edgeseg_frames"] == 100
    assert values["edgeseg_dropped_frames"] == 3
    assert values["edgeseg_invoke_seconds"] == 0.0025
    assert values["edgeseg_frame_age_seconds"] == 0.009
    assert values["edgeseg_fps"] == 20
    assert values["edgeseg_temperature_celsius"] == 51.5
    assert (values["edgeseg_up"], values["edgeseg_stale"]) == (1, 0)
    areas = {sample.labels["class"]: sample.value for sample in families["edgeseg_class_area_ratio"].samples}
    assert areas == {"belt": 0.9, "washer": 0, "nut": 0.1, "bolt": 0, "scratch": 0}
    assert families["edgeseg_info"].samples[0].labels == {"model": "belt.tflite", "version": __version__}


def test_metrics_survive_any_name(stage: Any) -> None:
    stage.tell(model='a"b\\c\nd.tflite', temperature_c=None)
    families = {family.name: family for family in text_string_to_metric_families(stage.get("/metrics").text)}
    assert families["edgeseg_info"].samples[0].labels["model"] == 'a"b\\c\nd.tflite'
    assert "edgeseg_temperature_celsius" not in families


def test_health_is_ok_while_frames_come_and_says_why_not(stage: Any) -> None:
    assert (stage.get("/healthz").status, stage.get("/healthz").text) == (503, "no frame yet\n")
    stage.write()
    assert (stage.get("/healthz").status, stage.get("/healthz").text) == (200, "ok\n")
    stage.tell(source="lost, trying again in 4 s")
    stage.until(lambda: stage.get("/healthz").status == 503)
    assert "s: lost, trying again in 4 s" in stage.get("/healthz").text
    assert stage.get("/stats.json").json()["stale"] is True


def test_the_loops_figures_are_asked_for_once(stage: Any) -> None:
    stage.write()
    stage.until(lambda: stage.get("/stats.json").json()["stale"])
    asked = stage.asked
    stage.get("/stats.json")
    assert stage.asked == asked + 1


def test_the_figures_are_those_of_the_model_at_work(stage: Any) -> None:
    stage.tell(model="fallback.tflite", miou=None, scheme="float32")
    stats = stage.get("/stats.json").json()
    assert (stats["model"], stats["miou"], stats["scheme"]) == ("fallback.tflite", None, "float32")


@pytest.mark.parametrize("path", ["/snapshot.jpg", "/snapshot.jpg?overlay=1", "/mask.png"])
def test_an_old_picture_does_not_pass_for_the_present(stage: Any, path: str) -> None:
    stage.write()
    fresh = stage.get(path)
    assert (fresh.status, "X-Edgeseg-Stale" in fresh.headers) == (200, False)
    stage.tell(source="lost")
    stage.until(lambda: stage.get(path).status == 503)
    reply = stage.get(path)
    assert "s: lost; add stale=1" in reply.text
    assert float(reply.headers["X-Edgeseg-Stale"]) >= 1.5
    last = stage.get(path + ("&" if "?" in path else "?") + "stale=1")
    assert (last.status, last.body) == (200, fresh.body)
    assert float(last.headers["X-Edgeseg-Stale"]) >= 1.5


def test_a_slow_loop_is_not_stale_between_its_frames(stage: Any) -> None:
    stage.tell(invoke_ms=2000.0)
    stage.write()
    assert stage.get("/stats.json").json()["stale_after_s"] == 6


def test_record_does_what_is_asked_however_it_was(open_stage: Any) -> None:
    stage = open_stage(controls=Controls(recording=False))
    for on in (True, True, False, False):
        assert stage.get(f"/record?on={on:d}", "POST").json() == {"recording": on}
        assert stage.controls.recording is on


@pytest.mark.parametrize("path", ["/record", "/record?on=", "/record?on=yes"])
def test_record_has_to_be_told_what_to_do(open_stage: Any, path: str) -> None:
    stage = open_stage(controls=Controls(recording=False))
    reply = stage.get(path, "POST")
    assert reply.status == 400
    assert "/record?on=1" in reply.text
    assert stage.controls.recording is False


def test_record_without_a_place_says_how_to_get_one(stage: Any) -> None:
    reply = stage.get("/record", "POST")
    assert reply.status == 409
    assert "--out record:DIR" in reply.text
    assert stage.get("/record").status == 405


def test_a_damaged_jpeg_is_no_snapshot_with_overlay(stage: Any) -> None:
    from edgeseg.sources.frame import Frame

    segmented = stage.segmented()
    damaged = type(segmented)(Frame(None, "0", 0.0, b"\xff\xd8 no picture"), segmented.label_map, 0, 1.0, 1.0)
    stage.sink.write(damaged)
    assert (stage.get("/snapshot.jpg?overlay=1").status, stage.get("/mask.png").status) == (503, 503)
    stage.written = 1
    stage.write()
    assert stage.get("/mask.png").status == 200


def test_a_message_holds_header_picture_and_map(stage: Any) -> None:
    import zlib

    from edgeseg.sinks.web.wire import pack

    segmented = stage.segmented(jpeg=True)
    message = pack(segmented.frame.jpeg, segmented.label_map, 7, 12.34)
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    assert header.items() >= {"index": 7, "age_ms": 12.3, "height": 120, "width": 160}.items()
    body = message[4 + length :]
    assert body[: header["jpeg"]] == segmented.frame.jpeg
    assert len(body) == header["jpeg"] + header["map"]
    assert zlib.decompress(body[header["jpeg"] :]) == segmented.label_map.tobytes()
