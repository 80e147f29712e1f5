import re
from collections import Counter

import numpy as np
import pytest

from emo3d_exp.dataset_builder.texts import DescribedText, bank_texts, detect, face_descriptions, told
from emo3d_exp.dataset_builder.texts.banks import parse_emotions, stretched
from emo3d_exp.dataset_builder.texts.people import Person
from emo3d_exp.dataset_builder.texts.phrasebook import REGIONS, Part, phrasebook
from emo3d_exp.dataset_builder.texts.told import BARE
from emo3d_exp.errors import DataError
from emo3d_exp.vocab import EMOTION_INDEX, EMOTIONS, dominant


def one_emotion(name, intensity):
    emotions = np.zeros(len(EMOTIONS), dtype=np.float32)
    emotions[EMOTION_INDEX[name]] = intensity
    return emotions


@pytest.fixture(scope="module")
def described():
    return face_descriptions(960, np.random.default_rng(0))


def test_banks_are_sound():
    texts = bank_texts()
    assert len(texts) >= 2300 and len({each.text for each in texts}) == len(texts)
    strongest = Counter(dominant(np.stack([each.emotions for each in texts])).tolist())
    assert min(strongest.values()) > 100 and len(strongest) == len(EMOTIONS)
    assert not any(each.age or each.gender for each in texts if each.style.endswith("_first"))


def test_a_bad_bank_line_is_named(tmp_path):
    (tmp_path / "joy.tsv").write_text("emotions\tstyle\ttext\njoy=.4\tstate_first\tI sing.\n")
    with pytest.raises(DataError, match=r"joy\.tsv, line 2: 'joy=\.4'"):
        bank_texts(tmp_path)
    assert parse_emotions("fear=.8 sadness=.2")[[6, 3]].tolist() == pytest.approx([0.8, 0.2])
    for bad in ("fear=1.2", "fear", "", "fear=0"):
        with pytest.raises(ValueError):
            parse_emotions(bad)


def test_phrases_are_many_and_sound():
    book = phrasebook()
    for emotion in EMOTIONS:
        own = [part for (of, _), parts in book.parts.items() if of == emotion for part in parts]
        assert len(set(own)) == len(own)
        for region in REGIONS:
            assert sum(part.region == region for part in own) >= 12, (emotion, region)
    assert {part.region for parts in book.parts.values() for part in parts} == set(REGIONS)
    assert {gender for gender in (p.gender for p in book.persons)} == {"female", "male", None}


def test_forms_of_a_phrase():
    she, they = Person("a woman", None, "female"), Person("someone", None, None)
    part = Part("brows", "{p} brows", "drawn together", True)
    assert part.own(she) == "her brows drawn together"
    assert part.clause(they) == "their brows are drawn together"
    assert part.bare() == "brows drawn together"
    assert Part("nose", "{p} whole face", "white", False).bare() == "the whole face white"
    assert (
        Part("mouth", "one corner of {p} mouth", "raised", False).bare() == "one corner of the mouth raised"
    )


def test_descriptions_read_as_sentences(described):
    texts = [each.text for each in described]
    assert len(texts) == len(set(texts)) == 960
    for text in texts:
        assert text[0].isupper() and text.endswith(".") and not re.search(r"[{}]|\.\.|  | ,|,\.", text), text
        assert 2 <= len(text.split()) <= 60
        assert not re.search(r"\b(they is|they looks|he are|she are)\b", text.lower())
    starts = r"(^|[,:;] |and )(her|his|their) "
    assert not any(re.search(starts + "(brows|eyes|lips|cheeks) is", text.lower()) for text in texts)
    assert not any(re.search(starts + "(brow|gaze|mouth|jaw|nose) are", text.lower()) for text in texts)
    assert len({" ".join(text.split()[:2]) for text in texts}) > 150


def test_descriptions_are_the_same_for_the_same_seed(described):
    again = face_descriptions(960, np.random.default_rng(0))
    assert [each.text for each in again] == [each.text for each in described]
    other = face_descriptions(100, np.random.default_rng(1))
    assert len({each.text for each in other} & {each.text for each in described}) < 10


def test_emotions_follow_from_the_parts(described):
    book = phrasebook()
    levels = {0.3: 1, 0.45: 1, 0.7: 2, 0.95: 3}
    emotions = np.stack([each.emotions for each in described])
    assert set(np.unique(np.bincount(dominant(emotions), minlength=8) > 40)) == {True}
    assert 0.1 < ((emotions > 0).sum(axis=1) == 2).mean() < 0.3
    for each in described:
        present = [(EMOTIONS[i], round(float(each.emotions[i]), 2)) for i in np.flatnonzero(each.emotions)]
        complements = [
            part.complement.split("{p}")[0].strip()
            for emotion, value in present
            for part in book.parts[emotion, 1 if emotion == "neutral" else levels[value]]
        ]
        assert any(complement in each.text for complement in complements), each.text


def test_emotion_words_stand_in_some_of_them_only(described):
    named = re.compile(
        r"happ|joy|surpris|astonish|sad|sorrow|grief|anger|angry|rage|fur(y|ious)|disgust|fear|afraid|"
        r"fright|terr|contempt|scorn|disdain|neutral",
        re.I,
    )
    assert 0.15 < np.mean([bool(named.search(each.text)) for each in described]) < 0.7


def test_people_of_descriptions_are_those_that_the_text_names(described):
    for each in described:
        if each.gender is not None:
            assert detect(each.text)[1] == each.gender, each.text
        if each.age is not None:
            assert detect(each.text)[0] in (each.age, None), each.text
    assert {each.age for each in described} == {"child", "young", "middle", "old", None}


@pytest.mark.parametrize(
    ("text", "age", "gender"),
    [
        ("An old woman holds back rage.", "old", "female"),
        ("A boy buttons his uniform.", "child", "male"),
        ("Her grandfather smiles.", "old", "female"),
        ("A grandfather smiles at her.", "old", "male"),
        ("She finds her old shoes.", None, "female"),
        ("A teenage girl stares.", "young", "female"),
        ("A woman in her late fifties sighs.", "middle", "female"),
        ("A retired postman of seventy-three waits.", "old", "male"),
        ("A seven-year-old boy cries.", "child", "male"),
        ("A wife of twenty years irons.", None, "female"),
        ("A night watchman hears whispers.", None, "male"),
        ("A mother-in-law inspects the dust.", None, "female"),
        ("The human heart is odd.", None, None),
        ("A girl of sixteen laughs.", "young", "female"),
        ("A mother of three sighs.", "middle", "female"),
        ("The manifesto was womanly and boyish.", None, None),
    ],
)  # fmt: skip
def test_detection_of_people(text, age, gender):
    assert detect(text) == (age, gender)
    assert detect(text, first_person=True) == (None, None)


def test_emotion_index_covers_mixture_names():
    from emo3d_exp.dataset_builder.texts.face_descriptions import MIXTURES

    assert all(name in EMOTION_INDEX for pair in MIXTURES for name in pair)
    assert len(set(MIXTURES)) == len(MIXTURES)


def test_told_keeps_the_sentence_and_its_emotions_and_adds_the_reaction():
    every = bank_texts()
    retold = [told(each, np.random.default_rng([3, number])) for number, each in enumerate(every)]
    bare = [before.text == after.text for before, after in zip(every, retold, strict=True)]
    for before, after in zip(every, retold, strict=True):
        assert before.text in after.text
        np.testing.assert_array_equal(after.emotions, before.emotions)
        assert before.age in (None, after.age) and before.gender in (None, after.gender)
        assert "{" not in after.text
        if after.text != before.text and before.style.endswith("_first"):
            added = after.text.split(before.text)[1].lower().replace(".", " ").replace(",", " ").split()
            assert not {"her", "his", "she", "he"} & set(added), after.text
    situations = [each.style.startswith("situation") for each in every]
    share = np.mean([b for b, s in zip(bare, situations, strict=True) if s])
    assert abs(share - BARE["situation"]) < 0.03
    assert np.mean([each.gender is not None for each in retold]) > 0.5


def test_a_named_speaker_decides_age_and_gender():
    sentence = DescribedText("I missed the bus.", "situation_first", one_emotion("anger", 0.6), None, None)
    retold = [told(sentence, np.random.default_rng(seed)) for seed in range(60)]
    named = [each for each in retold if each.text.endswith('"')]
    assert 20 < len(named) < 50
    for each in named:
        frame = each.text.split('"')[0].lower()
        assert any(
            p.phrase in frame and (p.age, p.gender) == (each.age, each.gender) for p in phrasebook().persons
        )


def test_intensities_are_stretched_in_order():
    low, high = stretched(one_emotion("fear", 0.4)), stretched(one_emotion("fear", 0.9))
    np.testing.assert_allclose([low.max(), high.max()], [0.275, 1.0], atol=1e-6)
    assert (low > 0).sum() == 1


def test_told_speaks_of_the_sentence_s_own_feeling():
    sentence = DescribedText("The bus left.", "situation_third", one_emotion("anger", 0.9), None, "female")
    book = phrasebook()
    words = [*book.gists["anger", 3, "adjective"], *book.gists["anger", 3, "noun"]]
    told_of = [told(sentence, np.random.default_rng(seed)).text for seed in range(30)]
    reactions = [text for text in told_of if text != sentence.text]
    assert len(reactions) > 20
    assert all(any(word.split("{")[0].strip() in text for word in words) for text in reactions)
    assert all(re.search(r"\b(her|she|woman|girl|grandmother|lady)\b", text.lower()) for text in reactions)
