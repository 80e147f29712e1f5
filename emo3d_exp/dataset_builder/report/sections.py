"""What a report says, in order: headings, explanations, tables of texts, and figures by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emo3d_exp.dataset_builder.report import published
from emo3d_exp.dataset_builder.report.analysis import Analysis
from emo3d_exp.dataset_builder.report.counting import Wording
from emo3d_exp.dataset_builder.report.synsets import SynsetCount
from emo3d_exp.vocab import EMOTIONS


@dataclass(frozen=True)
class Section:
    """One heading. name: also of its CSV file. headings, rows: of a table; none where there is no table.
    figure: name of a picture, or None. alt: what it shows.
    """

    name: str
    title: str
    told: str
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    figure: str | None = None
    alt: str = ""


def sections(analysis: Analysis) -> list[Section]:
    """All of a report."""
    return [
        _overview(analysis),
        _wording(analysis),
        _frequent(analysis),
        *_synsets(analysis),
        _lengths(analysis),
        _texts(analysis),
        _means(analysis),
    ]


def _overview(analysis: Analysis) -> Section:
    o = analysis.overview
    told = (
        "A triple is a text with a picture of its sample that has blendshapes; every text is paired "
        "with every "
        "such picture. “Different” texts have different letters, different images a different content key. "
        f"Parts: {', '.join(f'{part} {count:,}' for part, count in o.split.items())} samples. The "
        f"paper gives "
        "three counts and does not say how it counts triples; 150,000 is also the sum of its texts "
        "and images."
    )
    headings = ["data set", "samples", "texts", "different", "images", "different", "with blendshapes",
                "triples", "text–face pairs", "emotions"]  # fmt: skip
    counts = [o.samples, o.texts, o.distinct_texts, o.images, o.distinct_images, o.blendshapes, o.triples,
              o.pairs, o.emotions]  # fmt: skip
    p = published
    paper = ["–", f"{p.TEXTS:,}", "–", f"{p.IMAGES:,}", "–", "–", f"{p.TRIPLES:,}", "–", "8"]
    rows = [[analysis.name, *(f"{count:,}" for count in counts)], ["Emo3D, as published", *paper]]
    return Section("table_1", "Table 1: what there is", told, headings, rows)


def _wording(analysis: Analysis) -> Section:
    told = (
        "Texts by the dominant emotion of their sample. A word is a run of letters, joined by apostrophes or "
        "hyphens; unique words are counted in lower case; length is in letters, over all words and without "
        "stop words; a sentence ends in . ! ? or …. Columns marked “paper” are the published data set's: "
        f"{published.SOURCE}. Its word lengths are above those of running English, as lengths "
        f"without stop words "
        "are; the paper does not say what it leaves out."
    )
    headings = ["emotion", "texts", "words", "paper", "unique words", "paper", "letters a word",
                "without stop words", "paper", "words a sentence", "paper"]  # fmt: skip
    rows = [_wording_row(row) for row in analysis.wording]
    return Section("table_3", "Table 3: wording by emotion", told, headings, rows)


def _wording_row(own: Wording) -> list[str]:
    paper = published.TABLE_3.get(own.emotion)
    theirs = ["–"] * 4
    if paper is not None:
        theirs = [f"{paper.words:,}", f"{paper.unique_words:,}"]
        theirs += [f"{paper.word_length:.2f}", f"{paper.sentence_length:.2f}"]
    return [
        *(own.emotion, f"{own.texts:,}", f"{own.words:,}", theirs[0], f"{own.unique_words:,}", theirs[1]),
        *(_mean(own.word_length), _mean(own.content_word_length), theirs[2]),
        *(_mean(own.sentence_length), theirs[3]),
    ]


def _mean(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _frequent(analysis: Analysis) -> Section:
    told = (
        "By dominant emotion, in lower case, with how often each occurs; equally frequent ones in "
        "alphabetical "
        "order. Articles, pronouns, prepositions, auxiliaries and the like are left out: the list "
        "STOP_WORDS in "
        "emo3d_exp/dataset_builder/report/wording.py, this project's own."
    )
    columns = ["all", *EMOTIONS]
    longest = max(len(pairs) for pairs in analysis.frequent.values())
    rows = [
        [str(place + 1), *(_placed(analysis.frequent[name], place) for name in columns)]
        for place in range(longest)
    ]
    return Section("table_4", "Table 4: most frequent words", told, ["", *columns], rows)


def _placed(pairs: Sequence[tuple[str, int]], place: int) -> str:
    return f"{pairs[place][0]} {pairs[place][1]:,}" if place < len(pairs) else ""


def _synsets(analysis: Analysis) -> list[Section]:
    found = analysis.synsets
    if found.missing:
        return [Section("tables_5_and_6", "Tables 5 and 6: left out", f"No WordNet here: {found.missing}.")]
    told = (
        "Each word that is no stop word counts for one synset: its most frequent sense in WordNet, "
        "among noun "
        "and verb senses together. Words that are neither are left out."
    )
    return [
        _synset_table("table_5", "Table 5: most frequent synsets of nouns", told, found.nouns),
        _synset_table("table_6", "Table 6: most frequent synsets of verbs", told, found.verbs),
    ]


def _synset_table(name: str, title: str, told: str, found: Sequence[SynsetCount]) -> Section:
    rows = [[row.name, f"{row.count:,}", row.definition] for row in found]
    return Section(name, title, told, ["synset", "words", "definition"], rows)


def _lengths(analysis: Analysis) -> Section:
    low, middle, high = (int(value) for value in _quantiles(analysis))
    told = f"Half of the texts have {low} to {high} words; the median is {middle}."
    alt = f"Histogram of words per text with its median, {middle}"
    return Section("figure_8", "Figure 8: words per text", told, figure="figure_8", alt=alt)


def _quantiles(analysis: Analysis) -> list[float]:
    import numpy as np

    return np.quantile(analysis.lengths, [0.25, 0.5, 0.75], method="lower").tolist()


def _texts(analysis: Analysis) -> Section:
    counts = zip(EMOTIONS, analysis.texts.tolist(), strict=True)
    alt = "Bars: " + ", ".join(f"{name} {count:,}" for name, count in counts)
    told = "Texts by the dominant emotion of their sample; of equally strong emotions the first counts."
    return Section("figure_9", "Figure 9: texts per dominant emotion", told, figure="figure_9", alt=alt)


def _means(analysis: Analysis) -> Section:
    told = "Mean and standard deviation of each emotion's intensity over the samples of a dominant emotion."
    rows = [
        [name, *("–" if m != m else f"{m:.3f} ± {d:.3f}" for m, d in zip(mean, deviation, strict=True))]
        for name, mean, deviation in zip(
            EMOTIONS, analysis.means.tolist(), analysis.deviations.tolist(), strict=True
        )
    ]
    alt = "Matrix of mean intensities: a row for each dominant emotion, a column for each emotion"
    title = "Figure 10: emotions within dominant emotions"
    return Section("figure_10", title, told, ["dominant", *EMOTIONS], rows, "figure_10", alt)
