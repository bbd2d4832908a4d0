"""What Home Assistant has to be told over MQTT to show a loop as a device.

See home-assistant.io/integrations/mqtt (discovery), /integrations/sensor.mqtt and
/integrations/binary_sensor.mqtt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from edgeseg.version import __version__

FRESH = "{{ 'online' if value == 'online' else 'offline' }}"
"""Areas of a picture long gone are not available."""
RUNNING = "{{ 'offline' if value == 'offline' else 'online' }}"


def discovery(prefix: str, topic: str, classes: Sequence[str], model: str) -> dict[str, dict[str, Any]]:
    """Configurations by topic, to be retained: a sensor in % for each class, one for the rate, one for the camera."""
    node = f"edgeseg_{_identifier(topic)}"
    common = {
        "availability_topic": f"{topic}/state",
        "device": {
            "identifiers": [node],
            "name": f"edgeseg {topic}",
            "manufacturer": "edgeseg",
            "model": model,
            "sw_version": __version__,
        },
        "origin": {"name": "edgeseg", "sw_version": __version__},
    }
    found: dict[str, dict[str, Any]] = {}

    def add(component: str, identifier: str, config: dict[str, Any]) -> None:
        unique = {"unique_id": f"{node}_{identifier}"}
        found[f"{prefix}/{component}/{node}/{identifier}/config"] = config | unique | common

    for identifier, name in zip(_class_identifiers(classes), classes, strict=True):
        add(
            "sensor",
            identifier,
            {
                "name": name,
                "state_topic": f"{topic}/areas",
                "value_template": f"{{{{ (100 * value_json[{json.dumps(name)}]) | round(2) }}}}",
                "unit_of_measurement": "%",
                "state_class": "measurement",
                "availability_template": FRESH,
            },
        )
    rate = {
        "name": "Frame rate",
        "state_topic": f"{topic}/stats",
        "value_template": "{{ value_json.fps }}",
        "unit_of_measurement": "fps",
        "state_class": "measurement",
        "entity_category": "diagnostic",
        "availability_template": RUNNING,
    }
    add("sensor", "rate", rate)
    camera = {
        "name": "Camera",
        "state_topic": f"{topic}/state",
        "value_template": "{{ 'ON' if value == 'online' else 'OFF' }}",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "availability_template": RUNNING,
    }
    add("binary_sensor", "camera", camera)
    return found


def _identifier(text: str) -> str:
    """As Home Assistant allows it: letters without accents, digits, _ and -."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", text)


def _class_identifiers(classes: Sequence[str]) -> list[str]:
    """By name, so that a class keeps its history when others come before it; no two are the same."""
    found: list[str] = []
    for number, name in enumerate(classes):
        identifier = f"class_{_identifier(name).lower()}"
        found.append(f"{identifier}_{number}" if identifier in found else identifier)
    return found
