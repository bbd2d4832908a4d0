import re

from edgeseg.sinks.homeassistant import discovery

TOPIC = re.compile(r"homeassistant/(sensor|binary_sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")
CLASSES = ["background", "Mutter", "große Mutter", "große_Mutter", '6" bolt', "шайба", "болт"]


def test_each_class_has_a_sensor_under_a_topic_that_home_assistant_reads() -> None:
    found = discovery("homeassistant", "hall/line 1", CLASSES, "m.tflite")
    assert all(TOPIC.fullmatch(topic) for topic in found)
    assert len(found) == len(CLASSES) + 2
    names = [each["name"] for topic, each in found.items() if "/class_" in topic]
    assert names == CLASSES


def test_no_two_entities_are_the_same_and_all_are_of_one_device() -> None:
    found = discovery("homeassistant", "hall/line 1", CLASSES, "m.tflite").values()
    assert len({each["unique_id"] for each in found}) == len(found)
    assert len({tuple(each["device"]["identifiers"]) for each in found}) == 1


def test_another_topic_is_another_device() -> None:
    one, other = (discovery("homeassistant", topic, ["a"], "m.tflite") for topic in ("hall/1", "hall/2"))
    assert not set(one) & set(other)
    assert not {each["unique_id"] for each in one.values()} & {each["unique_id"] for each in other.values()}


def test_a_class_keeps_its_identity_when_another_comes_before_it() -> None:
    before = discovery("homeassistant", "t", ["nut"], "m.tflite")
    assert set(before) < set(discovery("homeassistant", "t", ["bolt", "nut"], "m.tflite"))
