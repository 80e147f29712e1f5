"""An evaluation as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.evaluation.evaluation import Evaluation
from emo3d_exp.evaluation.page import report_page
from emo3d_exp.evaluation.picked import Picked, pick
from emo3d_exp.evaluation.predictions import save_predictions
from emo3d_exp.evaluation.sheet import draw_sheet
from emo3d_exp.runs import write_atomically, write_json

if TYPE_CHECKING:
    from emo3d_exp.faces import Renderer

PREDICTIONS = "predictions.parquet"
METRICS = "metrics.json"
PER_SAMPLE = "per_sample.parquet"
FACES_PICTURE = "faces.png"
PAGE = "report.html"


def write_report(evaluation: Evaluation, folder: Path | str, renderer: Renderer | None) -> Path:
    """Write ``predictions.parquet``, ``per_sample.parquet``, ``faces.png`` (where faces were judged),
    ``report.html`` and at last ``metrics.json``, each file whole or not at all.

    Args:
        folder: made if absent; the files of an earlier report in it are replaced.
        renderer: that the faces were judged with; None: no pictures.

    Returns:
        the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (METRICS, FACES_PICTURE, PAGE):  # none may stay from an earlier report
        (folder / name).unlink(missing_ok=True)
    save_predictions(folder / PREDICTIONS, evaluation.predictions)
    with write_atomically(folder / PER_SAMPLE) as partial:
        evaluation.per_sample.to_parquet(partial, index=False)
    judged = renderer is not None and evaluation.bank is not None
    page = _write_faces(evaluation, folder, renderer) if judged else report_page(evaluation)
    with write_atomically(folder / PAGE) as partial:
        partial.write_text(page, encoding="utf-8")
    write_json(folder / METRICS, evaluation.content())
    return folder


def _write_faces(evaluation: Evaluation, folder: Path, renderer: Renderer) -> str:
    """Write the sheet of faces; the page that shows them is returned."""
    from PIL import Image

    picked = pick(evaluation.per_sample)
    rows = [choice.row for choice in picked]
    truth = renderer.render(evaluation.prompts.blendshapes[rows])
    predicted = renderer.render(evaluation.predictions.blendshapes[rows])
    texts = [evaluation.prompts.text[row] for row in rows]
    notes = [_note(evaluation, choice) for choice in picked]
    with write_atomically(folder / FACES_PICTURE) as partial:
        sheet = Image.fromarray(draw_sheet(texts, notes, truth, predicted))
        sheet.save(partial, compress_level=1)  # a tenth larger than by default, in a third of the time
    return report_page(evaluation, picked, truth, predicted)


def _note(evaluation: Evaluation, choice: Picked) -> str:
    row = evaluation.per_sample.iloc[choice.row]
    return f"{choice.why} · Emo3D {row['emo3d']:.3f} · seen {row['predicted_dominant']}"
