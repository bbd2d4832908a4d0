import os
import re
import sys

import pytest
from click.testing import CliRunner

from tests.flash.speed import main


def test_the_speed_is_told_beside_that_of_dd() -> None:
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("writing to loop devices needs Linux and root")
    result = CliRunner().invoke(main, ["8", "1"], catch_exceptions=False)
    first, second = result.output.splitlines()
    assert re.fullmatch(r"as it is: dd \d+ MB/s, edgeseg \d+ MB/s, ratio \d+\.\d\d", first)
    assert second.startswith((".xz to 60 MB/s: dd ", "no .xz: "))
