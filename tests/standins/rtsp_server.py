"""An RTSP server for tests, run by the system's Python, which has GStreamer.

`rtsp_server.py PORT [mjpg|h264] [FPS]` serves rtsp://127.0.0.1:PORT/belt, SIZE large: a picture of
three upright bars of pure blue, green and red. Prints `ready` when it listens.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

SIZE = (96, 144)
"""(height, width)."""
BARS = ("0xff0000ff", "0xff00ff00", "0xffff0000")
"""From left to right, as GStreamer writes colours: alpha, red, green, blue."""
ENCODERS = {
    "mjpg": "jpegenc quality=95 ! rtpjpegpay name=pay0 pt=26",
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 pt=96 "
    "config-interval=1",
}


def pipeline(encoder: str, fps: int) -> str:
    height, width = SIZE
    bars = " ".join(
        f"videotestsrc is-live=true pattern=solid-color foreground-color={colour} ! video/x-raw,format=I420,"
        f"width={width // len(BARS)},height={height},framerate={fps}/1 ! mix."
        for colour in BARS
    )
    places = " ".join(f"sink_{index}::xpos={index * (width // len(BARS))}" for index in range(len(BARS)))
    return f"( {bars} compositor name=mix {places} ! videoconvert ! video/x-raw,format=I420 ! {ENCODERS[encoder]} )"


def main() -> None:
    port, encoder, fps = sys.argv[1], (sys.argv[2:] or ["mjpg"])[0], int((sys.argv[3:] or ["15"])[0])
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(encoder, fps))
    factory.set_shared(True)
    server.get_mount_points().add_factory("/belt", factory)
    if not server.attach(None):
        sys.exit(f"port {port} is taken")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
