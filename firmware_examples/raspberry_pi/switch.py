"""Switch a GPIO pin on while a class fills enough of the picture, and off a second after it left."""

import argparse
import signal
import sys
import time
from contextlib import suppress

import numpy as np

from edgeseg import Segmenter
from edgeseg.errors import DataError, EdgesegError, UsageError
from edgeseg.live.systemd import Notifier
from edgeseg.sources import open_source


def open_pin(number):
    try:
        from gpiozero import DigitalOutputDevice

        return DigitalOutputDevice(number)  # off at first, and let go of when the program ends
    except ImportError as error:  # also where gpiozero finds no pins
        print(f"note: there are no pins here ({error}), so they are only printed", file=sys.stderr)
        return None


def run(options):
    segmenter, source = Segmenter(options.model), open_source(options.source)
    if options.on not in (names := segmenter.labels.names):
        raise UsageError(f"no class is called '{options.on}'; this model knows {', '.join(names)}")
    pin, service = open_pin(options.pin), Notifier()
    service.ready()
    is_on, seen_at = False, -float("inf")
    for frame in source.frames():
        service.alive()  # for systemd's watchdog
        now = time.monotonic()
        with suppress(DataError):  # a damaged picture
            if frame is not None:  # None: the camera is gone for now, and soon the pin is off
                area = np.mean(segmenter.label_map(frame.image) == names.index(options.on))
                seen_at = now if area >= options.area else seen_at
        if is_on != (now - seen_at < options.hold):
            is_on = not is_on
            print(f"pin {options.pin} {'on' if is_on else 'off'}", flush=True)
            if pin is not None:
                pin.value = is_on


parser = argparse.ArgumentParser(description="Switch a pin while a class is seen.")
parser.add_argument("model")
parser.add_argument("source", help="picamera:0, 0 for a USB camera, rtsp://..., belt: for a rendered one")
parser.add_argument("--on", required=True, help="name of the class")
parser.add_argument("--area", type=float, default=0.02, help="share of the picture, 0 to 1")
parser.add_argument("--hold", type=float, default=1.0, help="seconds that the pin stays on after it was seen")
parser.add_argument("--pin", type=int, default=17, help="GPIO number, not the place on the header")
signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # else the pin would stay as it is
try:
    run(parser.parse_args())
except EdgesegError as error:
    sys.exit(f"error: {error}")
