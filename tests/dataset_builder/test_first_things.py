"""What a build tells before any work, and where nothing is left to go on with."""

import pytest
from toy_stages import Draws, Numbers

from emo3d_exp.app.building import require_samples
from emo3d_exp.dataset_builder import run_stages
from emo3d_exp.errors import ConfigError, DataError


class Missing(Draws):
    """Draws that need a file which is not there."""

    def check(self) -> None:
        raise ConfigError("the lexicon is not there")


class Refusing(Draws):
    """Draws that set every sample aside, for one of two reasons."""

    name = "refusing"

    def schema(self):
        import pyarrow as pa

        return super().schema().append(pa.field("set_aside", pa.string()))

    def process(self, rows):
        return [
            {**row, "set_aside": "no face" if row["sample_id"] else "blank"} for row in super().process(rows)
        ]


def test_what_is_missing_is_told_before_the_first_stage_works(tmp_path):
    with pytest.raises(ConfigError, match="the lexicon is not there"):
        run_stages(tmp_path, [Numbers(), Missing()], progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_complete_stage_needs_nothing_any_more(tmp_path):
    run_stages(tmp_path, [Numbers(), Draws()], progress=False)
    run_stages(tmp_path, [Numbers(), Missing()], progress=False)


def test_a_build_of_which_nothing_is_left_ends_with_the_reasons(tmp_path):
    manifests = run_stages(tmp_path, [Numbers(), Refusing()], progress=False)
    assert manifests["refusing"]["set_aside_reasons"] == {"no face": 21, "blank": 1}
    with pytest.raises(DataError, match=r"refusing has set all its 22 .*21 × no face; 1 × blank"):
        require_samples(manifests)


def test_a_start_that_failed_at_once_does_not_claim_the_folder(tmp_path):
    class Failing(Draws):
        def parameters(self):
            return {**super().parameters(), "model": "wrong"}

        def process(self, rows):
            raise ConfigError("no such model")

    with pytest.raises(ConfigError, match="no such model"):
        run_stages(tmp_path, [Numbers(), Failing()], progress=False)
    assert run_stages(tmp_path, [Numbers(), Draws()], progress=False)["draws"]["complete"]
