import dataclasses

import numpy as np
import pytest

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces import LIGHTS, VIEWS, Look, Renderer, comparison_sheet, portrait
from emo3d_exp.faces.lettering import lettered, wrap


def test_portrait_turns_the_person_and_changes_the_light_only():
    person = Look(skin=(0.3, 0.2, 0.2), yaw=4, pitch=3, roll=2, hair_style="bald")
    turned = portrait("three_quarter", "side", person)
    assert (turned.yaw, turned.pitch, turned.roll) == (VIEWS["three_quarter"], 0, 0)
    assert turned.light == LIGHTS["side"]
    assert dataclasses.replace(turned, yaw=4, pitch=3, roll=2, light=person.light) == person
    assert portrait(look=person).light == person.light and portrait() == Look()


def test_every_view_and_light_shows_another_picture(builtin):
    renderer = Renderer(builtin, size=48)
    looks = [portrait(view, light) for view in VIEWS for light in LIGHTS]
    pictures = renderer.render(np.zeros((len(looks), 52)), looks).astype(int)
    for i in range(len(looks)):
        for j in range(i):
            assert np.abs(pictures[i] - pictures[j]).mean() > 1, (looks[i], looks[j])


def test_unknown_names_are_refused_with_the_choice():
    with pytest.raises(ConfigError, match=r"back.*front"):
        portrait("back")
    with pytest.raises(ConfigError, match=r"neon.*studio"):
        portrait(light="neon")


def test_comparison_sheet_layout():
    truth, ours = (np.full((2, 60, 80, 3), value, np.uint8) for value in (10, 90))
    page = comparison_sheet(["A smile", "Он смотрит вниз " * 30], {"Ground truth": truth, "Ours": ours})
    height, head = page.shape[0], page.shape[0] - 2 * 61
    assert page.shape[1] == 240 and head > 8
    rows = slice(head + 1, head + 61), slice(height - 60, height)
    for row in rows:
        assert (page[row, 80:160] == 10).all() and (page[row, 160:] == 90).all()
        assert 40 <= page[row, :80].min() < 120 and page[row, :80].max() == 255
    assert (page[:head, 80:] < 200).any() and (page[:head, :80] == 255).all()


def test_comparison_captions_and_mistakes():
    pictures = np.full((1, 60, 80, 3), 50, np.uint8)
    plain, scored = (
        comparison_sheet(["a"], {"x": pictures, "y": pictures}, captions)
        for captions in (None, {"y": ["0.5"]})
    )
    below = scored[-(len(scored) - len(plain)) :]
    assert (below[:, :160] == 255).all() and (below[:, 160:] < 200).any()
    with pytest.raises(ValueError, match="column 'x'"):
        comparison_sheet(["a", "b"], {"x": pictures})
    with pytest.raises(ValueError, match="captions of 'z'"):
        comparison_sheet(["a"], {"x": pictures}, {"z": ["1"]})
    with pytest.raises(ValueError, match="at least one"):
        comparison_sheet([], {})


def test_wrapping_keeps_every_word_until_it_cuts():
    text = "one two three four five six seven eight nine ten"
    assert " ".join(wrap(text, 80, 10, 11)) == text
    assert all(lettered(line, 400, 1, 11).min() < 100 for line in wrap(text, 80, 10, 11))
    cut = wrap(text, 80, 2, 11)
    assert len(cut) == 2 and cut[1].endswith("…") and text.startswith(" ".join(cut)[:-1])
    assert "".join(wrap("x" * 50, 60, 20, 11)) == "x" * 50
    assert wrap("", 60, 2, 11) == []
    assert lettered("a", 60, 2, 11).shape == lettered("a " * 90, 60, 2, 11).shape
