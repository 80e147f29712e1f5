"""What the figures of a meta-evaluation mean, in sentences that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Content = Mapping[str, Any]
TOLD_WELL = 0.9
"""An AUC from which on a change counts as seen."""
UNSEEN_OFTEN = 0.25
"""Share of unseen changes from which on a pair of emotions is named."""
PAIRS_NAMED = 5
FALSE_ALARMS = "1 %"
"""Of ``found``, that the sentences tell."""


def findings(content: Content) -> list[str]:
    """Sentences for the page: what the metric tells, where it fails, how steady it is."""
    return [
        *_apart(content),
        *_ceiling(content),
        *_complement(content),
        *_punished(content),
        *_unseen(content),
        *_pairs(content),
        *_graded(content),
        *_steadiness(content),
        *_systems(content),
    ]


def number(value: float | None, digits: int = 3) -> str:
    """A figure without the 0 before the point; a dash for none."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def interval(row: Mapping[str, Any], name: str = "value") -> str:
    """A figure with the ends of its interval."""
    prefix = "" if name == "value" else f"{name}_"
    return f"{number(row[name])} [{number(row[prefix + 'low'])}, {number(row[prefix + 'high'])}]"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def _apart(content: Content) -> list[str]:
    told = content["auc"]["verified"]
    if told["changed"] == 0:
        return ["The reader confirmed no change of emotion, so nothing can be said of telling them apart."]
    first = (
        f"A changed emotion gets a higher Emo3D value than a kept one with probability "
        f"{interval(told['emo3d'])}, and a higher MSE with {interval(told['mse'])}"
    )
    difference = told["difference"]
    if difference["low"] > 0:
        verdict = "Emo3D tells the two apart better than the MSE"
    elif difference["high"] < 0:
        verdict = "the MSE tells the two apart better than Emo3D"
    else:
        verdict = "the two scores do not differ beyond chance"
    found = {score: told["found"][score][FALSE_ALARMS] for score in ("emo3d", "mse")}
    return [
        f"{first}: {verdict} (difference {interval(difference)}).",
        f"With a threshold that {FALSE_ALARMS} of the kept emotions exceed, Emo3D finds "
        f"{percent(found['emo3d'])} of the changed ones, the MSE {percent(found['mse'])}.",
    ]


def _ceiling(content: Content) -> list[str]:
    told, mse = content["sensitivity"]["judge"][-1]["auc"], content["auc"]["verified"]["mse"]["value"]
    if told is None or mse is None:
        return []
    than = "below" if told < mse else "not below"
    return [
        f"A judge that saw the 52 numbers themselves, not pictures, would give Emo3D an AUC of "
        f"{number(told)}, {than} the MSE's: about what any judge can reach with this bank."
    ]


def _complement(content: Content) -> list[str]:
    pairs = content["auc"]["verified"]["pairs"]
    if pairs["first_right_there"] is None or pairs["second_right_there"] is None:
        return []
    return [
        f"Read both: of the {percent(pairs['second_wrong'])} of pairs that the MSE orders wrongly Emo3D "
        f"orders {percent(pairs['first_right_there'])} rightly, and of the {percent(pairs['first_wrong'])} "
        f"that Emo3D orders wrongly the MSE {percent(pairs['second_right_there'])}."
    ]


def _punished(content: Content) -> list[str]:
    kept = [row for row in content["changes"].values() if row["group"] == "kept"]
    wrong = [row for row in kept if row["emo3d"]["mean_low"] > 0]
    free = [row["label"] for row in kept if row not in wrong]
    lines = []
    if wrong:
        told = "; ".join(f"{row['label']} by {interval(row['emo3d'], 'mean')}" for row in wrong)
        lines.append(f"Emo3D fails by punishing what keeps the emotion: {told}.")
    if free:
        lines.append(f"It does not punish, beyond chance: {', '.join(free)}.")
    return lines


def _unseen(content: Content) -> list[str]:
    changed = [row for row in content["changes"].values() if "auc" in row]
    weak = [row for row in changed if round(row["auc"]["emo3d"], 3) < TOLD_WELL]
    if not weak:
        return [f"Every kind of changed emotion is told with an AUC of {number(TOLD_WELL, 2)} or more."]
    told = "; ".join(
        f"{row['label']} (AUC {number(row['auc']['emo3d'])}, {percent(row['unseen'])} unseen)" for row in weak
    )
    return [f"Emo3D fails by overlooking changed emotions, most of all in: {told}."]


def _pairs(content: Content) -> list[str]:
    often = [row for row in content["emotion_pairs"] if row["unseen"] >= UNSEEN_OFTEN]
    if not often:
        return []
    worst = sorted(often, key=lambda row: -row["unseen"])[:PAIRS_NAMED]
    told = "; ".join(
        f"{row['other']} in a face of {row['own']} ({percent(row['unseen'])} of {row['changes']})"
        for row in worst
    )
    return [f"Parts of another emotion that it overlooks most often: {told}."]


def _graded(content: Content) -> list[str]:
    lines = []
    for series in content["graded"].values():
        own = series["spearman"]["emo3d"]
        lines.append(
            f"Graded, {series['label']}: over the set Emo3D follows the amount with a rank correlation of "
            f"{number(own['set'])}, for a single face with {number(own['median'])} (median) and "
            f"{number(own['lowest_tenth'])} (a tenth lies below)."
        )
    return lines


def _steadiness(content: Content) -> list[str]:
    redraw, lines = content["redraw"], []
    count = len(redraw["seeds"])
    lines.append(
        f"Another draw of the bank moves the ground truth by {number(redraw['sd']['true'], 4)} (standard "
        f"deviation over {count} draws), and {percent(redraw['order_kept'])} of all pairs of systems and "
        "references keep their order."
    )
    rows = [
        (f"{name}={row['value']}", row["auc"])
        for name in ("k", "eps", "bank", "looks_features_averaged", "looks_values_averaged")
        for row in content["sensitivity"][name]
        if row["auc"] is not None
    ]
    if not rows:
        return lines
    low, high = min(rows, key=lambda each: each[1]), max(rows, key=lambda each: each[1])
    lines.append(
        f"Over all settings that were tried with this judge the AUC lies between {number(low[1])} "
        f"({low[0]}) and {number(high[1])} ({high[0]})."
    )
    return lines


def _systems(content: Content) -> list[str]:
    trained = {n: r for n, r in content["systems"].items() if n not in ("mean_face", "neutral")}
    if not trained:
        return []
    ahead = [
        f"{name} by {interval(_turned(row), 'difference')}"
        for name, row in trained.items()
        if row["high"] < 0
    ]
    if ahead:
        return [f"The ground truth is worse, beyond chance, than {'; '.join(ahead)}."]
    return [f"The ground truth is not worse, beyond the paired interval, than any of {len(trained)} systems."]


def _turned(row: Mapping[str, float]) -> dict[str, float]:
    return {
        "difference": -row["difference"],
        "difference_low": -row["high"],
        "difference_high": -row["low"],
    }
