"""What a build would do, counted beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emo3d_exp.dataset_builder.inputs import check_names, joined_rows, set_aside_by
from emo3d_exp.dataset_builder.manifests import Manifest, identity_of, readable, refuse_others, state_of
from emo3d_exp.dataset_builder.retrying import forgets, to_forget
from emo3d_exp.dataset_builder.screening import ScreeningStage, screens_of, with_screens
from emo3d_exp.dataset_builder.stage import Estimate, Row, Stage
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.errors import Emo3DError


@dataclass(frozen=True)
class Planned:
    """One stage.

    Attributes:
        stage: its name. rows: in all. done: of them. estimate: of the rest. inputs: of all rows.
        refused: why ``run_stages`` would refuse to go on, empty where it would not; the counts are then those
            of a new folder.
        identity: of the stage.
    """

    stage: str
    rows: int
    done: int
    estimate: Estimate
    inputs: list[Row]
    refused: str = ""
    identity: str = ""


def plan_stages(
    build: Path,
    stages: Sequence[Stage],
    only: Sequence[str] | None = None,
    limit: int | None = None,
    retry: bool = False,
) -> list[Planned]:
    """What ``run_stages`` would do, without doing or writing anything.

    A stage that reads one with rows to come is counted by the samples of the latter: at most so many come;
    one that looks at all rows together is then counted as made again. What screening stages have set aside so
    far is left out.
    """
    check_names(stages, only)
    planned: dict[str, Planned] = {}
    for stage in with_screens(stages, only):
        again = retry and not isinstance(stage, ScreeningStage)
        plan = _Plan(build, stage, screens_of(stage, stages), planned, limit, again)
        planned[stage.name] = plan.made()
    return list(planned.values())


class _Plan:
    def __init__(
        self,
        build: Path,
        stage: Stage,
        screens: tuple[str, ...],
        planned: dict[str, Planned],
        limit: int | None,
        retry: bool,
    ) -> None:
        self.build, self.stage, self.screens, self.limit, self.retry = build, stage, screens, limit, retry
        self.inputs = tuple(dict.fromkeys((*stage.reads, *screens)))
        self.planned = {name: planned[name] for name in self.inputs if name in planned}
        self.store = RowStore(build, stage.name)

    def made(self) -> Planned:
        identity, refused = "", ""
        rows, done = self._inputs(), set()
        try:
            inputs = self._read_manifests()
            identity = identity_of(self.stage, self._identities(inputs))
            done = self._done(self._manifest(identity), inputs, rows)
        except Emo3DError as error:
            refused = str(error)
        left = [row for row in rows if row["sample_id"] not in done]
        counts = (len(rows), len(rows) - len(left), self.stage.estimate(left))
        return Planned(self.stage.name, *counts, rows, refused, identity)

    def _inputs(self) -> list[Row]:
        """The rows that the stage will be given, without the columns that are not made yet."""
        if not self.stage.reads:
            return self.stage.source()[: self.limit]
        unfinished = [each for each in self._unfinished() if each.stage in self.stage.reads]
        if unfinished:
            fewest = min(unfinished, key=lambda each: each.rows)
            rows = [{"sample_id": row["sample_id"]} for row in fewest.inputs]
        else:
            rows = joined_rows(self.build, self.stage, partial=True)
        gone = set_aside_by(self.build, self.screens)
        return [row for row in rows if row["sample_id"] not in gone][: self.limit]

    def _unfinished(self) -> list[Planned]:
        return [each for each in self.planned.values() if each.refused or each.done < each.rows]

    def _read_manifests(self) -> dict[str, Manifest]:
        """Of the stages that are read, or screen, and have nothing to do in this run."""
        partial, found = self.limit is not None, {}
        coming = {each.stage for each in self._unfinished()}
        for name in self.inputs:
            if name not in self.planned:
                found[name] = readable(self.build, name, self.stage.name, partial)
            elif name not in coming:
                found[name] = RowStore(self.build, name).manifest() or {}
        return found

    def _identities(self, inputs: dict[str, Manifest]) -> dict[str, str]:
        coming = {name: each.identity for name, each in self.planned.items()}
        return {
            name: coming[name] if name in coming else inputs[name]["identity"] for name in self.stage.reads
        }

    def _manifest(self, identity: str) -> Manifest | None:
        manifest = self.store.manifest()
        refuse_others(self.store, self.stage, manifest, identity)
        if manifest is not None and manifest["complete"]:
            self.store.check_shards(manifest.get("files", {}))
        return manifest

    def _done(self, manifest: Manifest | None, inputs: dict[str, Manifest], rows: list[Row]) -> set[int]:
        """Ids of the samples whose rows stay."""
        again = to_forget(self.store) if forgets(manifest, self.retry) else set()
        done = self.store.sample_ids() - again
        if self.stage.shard_rows is not None:
            return done
        # It looks at all rows together, so that any change makes all of them again.
        states = {name: state_of(RowStore(self.build, name), known) for name, known in inputs.items()}
        same = manifest is not None and manifest["inputs"] == states and not self._unfinished()
        return done if same and done == {row["sample_id"] for row in rows} else set()
