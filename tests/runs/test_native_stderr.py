import os
import sys

import pytest

from emo3d_exp.runs.native_stderr import native_stderr_closed


def test_only_what_is_written_inside_is_dropped(capfd):
    with pytest.raises(ValueError, match="through"), native_stderr_closed():
        os.write(2, b"from C++")
        raise ValueError("this comes through")
    os.write(2, b"afterwards")
    sys.stderr.flush()
    assert capfd.readouterr().err == "afterwards"
