"""The Markdown page of a meta-evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emo3d_exp.evaluation.meta.comparing import SCORES
from emo3d_exp.evaluation.meta.findings import findings, interval, number, percent

Content = Mapping[str, Any]

LABELS = {
    "k": "k",
    "eps": "ε",
    "bank": "bank",
    "looks_features_averaged": "looks, features averaged",
    "looks_values_averaged": "looks, values averaged",
    "judge": "judge",
}
STARTED = {
    "true_face": "Changed are the true faces.",
    "another_draw": (
        "Changed are other draws of the prior for the same emotions; rises are those over the true faces."
    ),
}
REFERENCE_LABELS = {"true": "ground truth", "mean_face": "mean face", "neutral": "neutral face"}


def meta_page(content: Content, pictures: Mapping[str, str]) -> str:
    """The page: findings, then the tables and plots behind them.

    Args:
        content: of ``meta.json``. pictures: title → file name beside the page.
    """
    sections = [
        "# Meta-evaluation of the Emo3D metric",
        _conditions(content),
        "## Findings",
        "\n".join(f"- {sentence}" for sentence in findings(content)),
        "## Single changes",
        CHANGES_LEGEND,
        _changes(content),
        "## Telling changed emotions from kept ones",
        AUC_LEGEND,
        _auc(content),
        "AUC of Emo3D / of MSE for each kind, verified changes:",
        _pairs(content),
        "Emotions whose parts are overlooked most:",
        _emotion_pairs(content),
        "## Graded changes",
        _graded(content),
        _correlations(content),
        "## Settings of the metric",
        SETTINGS_LEGEND,
        _settings(content),
        "## Another draw of the bank",
        _redraw(content),
        "## Systems",
        _systems(content),
        *(f"![{title}]({file})" for title, file in pictures.items()),
    ]
    return "\n\n".join(sections) + "\n"


CHANGES_LEGEND = (
    "Rise: score of the changed face minus that of the true one, mean over prompts with its 95 % interval. "
    "*d*: Cohen's *d* of the paired differences (mean / standard deviation) with its interval. Verified: "
    "changes after which a reader that sees the 52 numbers alone reads another emotion. Right: how often the "
    "judge sees the prompt's dominant emotion."
)
AUC_LEGEND = (
    "AUC: probability that a changed emotion raises the score more than a kept one; .5 is blind. Verified: "
    "without the changes of numbers that, to the reader, left the emotion as it was. Found: share of the "
    "changed emotions above a threshold that so many of the kept ones exceed, Emo3D / MSE."
)
SETTINGS_LEGEND = (
    "One setting at a time, the others as above. Apart: how far other emotions' whole faces lie above the "
    "true ones, in standard deviations of the paired differences. AUC: over verified changes. Values with "
    "different settings do not compare; the last two columns do."
)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; ``|`` in a cell is escaped."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _conditions(content: Content) -> str:
    facts, truth = content["provenance"], content["ground_truth"]
    looks, bank = facts["looks"], facts["bank"]
    judge, average = facts["judge"]["name"], looks["average"] or "one"
    return (
        f"{facts['prompts']} prompts of {facts['data']}, part {facts['part']}; judge {judge}, rig "
        f"{facts['rig']['name']}, {looks['count']} looks ({average}), k={facts['k']}, ε={facts['eps']:g}, "
        f"bank of {bank['size']} prompts from {bank['split']}. The reader of the numbers is right for "
        f"{percent(facts['reader_accuracy'])} of the true faces; the judge sees the right emotion in "
        f"{percent(truth['emotion_accuracy'])} of their pictures; ground truth {number(truth['emo3d'], 4)}. "
        f"{STARTED[facts['settings']['start']]}"
    )


def _changes(content: Content) -> str:
    rows = []
    for row in content["changes"].values():
        emo3d = row["emo3d"]
        d = "–" if emo3d["dz"] is None else interval(emo3d, "dz")
        verified = str(row["verified"]) if row["group"] == "changed" else "–"
        rise = interval(row["emo3d_verified"], "mean") if "emo3d_verified" in row else "–"
        rows.append(
            [row["group"], row["label"], number(row["mse"]["mean"], 4), number(row["mse"]["dz"], 2),
             interval(emo3d, "mean"), d, verified, rise, number(row["emotion_accuracy"], 2)]
        )  # fmt: skip
    headings = ["emotion", "change", "MSE", "*d* of MSE", "rise of Emo3D", "*d* of Emo3D", "verified",
                "rise of verified", "right"]  # fmt: skip
    return table(headings, rows)


def _auc(content: Content) -> str:
    rows, alarms = [], []
    for name, told in content["auc"].items():
        if not told["changed"]:
            continue
        scores = [interval(told[key]) for key in ("emo3d", "mse", "difference")]
        alarms = list(told["found"]["emo3d"])
        found = [" / ".join(number(told["found"][score][at], 2) for score in SCORES) for at in alarms]
        rows.append([name, str(told["kept"]), str(told["changed"]), *scores, *found])
    headings = ["changes", "kept", "changed", "Emo3D", "MSE", "difference"]
    return table([*headings, *(f"found at {at}" for at in alarms)], rows)


def _pairs(content: Content) -> str:
    labels = {name: row["label"] for name, row in content["changes"].items()}
    columns = list(next(iter(content["pairs"].values())))
    rows = [
        [labels[kept], *(f"{number(row[c]['emo3d'], 2)} / {number(row[c]['mse'], 2)}" for c in columns)]
        for kept, row in content["pairs"].items()
    ]
    return table(["kept \\ changed", *(labels[column] for column in columns)], rows)


def _emotion_pairs(content: Content, shown: int = 8) -> str:
    worst = sorted(content["emotion_pairs"], key=lambda row: -row["unseen"])[:shown]
    rows = [
        [row["own"], row["other"], str(row["changes"]), number(row["rise"]), percent(row["unseen"])]
        for row in worst
    ]
    return table(["face of", "with parts of", "verified changes", "mean rise", "unseen"], rows)


def _graded(content: Content) -> str:
    parts = []
    for series in content["graded"].values():
        rows = [
            [number(a, 3), number(e, 4), number(m, 5), number(r, 2)]
            for a, e, m, r in zip(
                *(series[key] for key in ("amounts", "emo3d", "mse", "emotion_accuracy")), strict=True
            )
        ]
        parts.append(
            f"{series['label'].capitalize()}:\n\n" + table([series["unit"], "Emo3D", "MSE", "right"], rows)
        )
    return "\n\n".join(parts)


def _correlations(content: Content) -> str:
    rows = [
        [
            series["label"],
            score,
            *(number(found[key]) for key in ("set", "mean", "median", "lowest_tenth", "share")),
        ]
        for series in content["graded"].values()
        for score, found in series["spearman"].items()
    ]
    headings = [
        "rank correlation with the amount",
        "score",
        "set",
        "mean of faces",
        "median",
        "lowest tenth",
        "≥ .9",
    ]
    return table(headings, rows)


def _settings(content: Content) -> str:
    rows = [
        [LABELS[name], str(row["value"]), number(row["ground_truth"], 4), number(row["other_emotion"], 4),
         number(row["apart"], 2), number(row["auc"])]
        for name, found in content["sensitivity"].items()
        for row in found
    ]  # fmt: skip
    return table(["setting", "value", "ground truth", "other emotion's face", "apart", "AUC"], rows)


def _redraw(content: Content) -> str:
    redraw = content["redraw"]
    rows = [
        [REFERENCE_LABELS.get(name, name), number(redraw["mean"][name], 4), number(redraw["sd"][name], 4),
         number(min(values), 4), number(max(values), 4)]
        for name, values in redraw["values"].items()
    ]  # fmt: skip
    told = (
        f"{len(redraw['seeds'])} banks with other seeds; {percent(redraw['order_kept'])} of all pairs of the "
        "faces below stand in the order of their means."
    )
    return f"{told}\n\n" + table(["faces", "mean", "sd", "least", "most"], rows)


def _systems(content: Content) -> str:
    rows = [
        [REFERENCE_LABELS.get(name, name), number(row["emo3d"], 4),
         f"{number(row['difference'], 4)} [{number(row['low'], 4)}, {number(row['high'], 4)}]",
         number(row["emotion_accuracy"], 2)]
        for name, row in sorted(content["systems"].items(), key=lambda item: item[1]["emo3d"])
    ]  # fmt: skip
    truth = [["ground truth", number(content["ground_truth"]["emo3d"], 4), "",
              number(content["ground_truth"]["emotion_accuracy"], 2)]]  # fmt: skip
    return table(["faces", "Emo3D", "behind the ground truth", "right"], truth + rows)
