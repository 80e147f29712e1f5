"""Config folders of other packages: found, listed, and told where they are broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from test_command_line import imported

from emo3d_exp.app import plugins
from emo3d_exp.app.choices import CONF, SWEEPS, choices, listing
from emo3d_exp.app.explaining import told_to_user
from emo3d_exp.errors import ConfigError
from emo3d_exp.models import model_class, model_classes

OWN = (CONF, SWEEPS)
Install = Callable[..., Path]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    plugins._searched.cache_clear()
    yield
    plugins._searched.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes a package as it lies when it is installed: code, config files and entry points."""

    def made(package: str, files: dict[str, str], conf: str = "", models: str = "") -> Path:
        folder = tmp_path / "site"
        for name, text in {"__init__.py": "", **files}.items():
            file = folder / package / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        about = folder / f"{package}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        entries = {plugins.PLUGIN_CONF: conf, plugins.PLUGIN_MODELS: models}
        sections = [f"[{group}]\n{lines}\n" for group, lines in entries.items() if lines]
        (about / "entry_points.txt").write_text("".join(sections))
        monkeypatch.syspath_prepend(str(folder))
        return folder

    return made


def test_files_of_a_package_are_choices_whose_code_is_not_imported_for_that(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"conf/backbone/dream.yaml": "# Dreams.\nname: dream\n", "__init__.py": "raise ImportError('no')"}
    folder = install("dreams", files, conf="any = dreams:conf")
    assert plugins.plugin_folders() == (plugins.PluginFolder("dreams", folder / "dreams" / "conf"),)
    found = choices("backbone")
    assert (found["dream"].source, found["dream"].describe()) == ("dreams", "Dreams.")
    assert (found["minilm"].source, found["minilm"].file) == ("", CONF / "backbone" / "minilm.yaml")
    assert "    dream         Dreams. [dreams]" in list(listing({"backbone": "minilm"}, 100))
    plugins.admit_plugins(["backbone=dream"], OWN)
    assert capsys.readouterr().err == ""


def test_a_package_without_its_folder_is_told_and_sinks_nothing(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("hollow", {}, conf="any = hollow:conf")
    plugins.admit_plugins(["model=ridge"], OWN)
    told = capsys.readouterr().err
    assert told.startswith("warning: plug-in hollow: ") and told.count("\n") == 1


@pytest.mark.parametrize("asked", ["backbone=minilm", "backbone@metric.judge=minilm", "backbone=hf,minilm"])
def test_a_name_of_ours_is_told_and_stops_those_who_ask_for_it(
    asked: str, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("same", {"conf/backbone/minilm.yaml": "name: theirs\n"}, conf="any = same:conf")
    plugins.admit_plugins(["model=ridge"], OWN)
    assert "plug-in same: backbone/minilm is there already, from emo3d_exp" in capsys.readouterr().err
    assert choices("backbone")["minilm"].source == ""
    with pytest.raises(
        ConfigError, match=r"backbone=minilm may mean .* emo3d_exp or of same: uninstall same,"
    ):
        plugins.admit_plugins([asked], OWN)


def test_two_packages_with_one_name_stop_those_who_ask_for_it(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("first", "second"):
        install(
            package, {"conf/rig/doll.yaml": ""}, conf=f"any = {package}:conf", models=f"doll = {package}:Doll"
        )
    plugins.admit_plugins(["rig=builtin"], OWN)
    told = capsys.readouterr().err
    assert "plug-in second: rig/doll is there already, from first" in told
    assert "plug-in second: model name doll is there already, from first" in told
    with pytest.raises(ConfigError, match="rig=doll may mean that of first or of second"):
        plugins.admit_plugins(["rig=doll"], OWN)
    with pytest.raises(ConfigError, match="model name 'doll': first and second both"):
        model_class("doll")


def test_a_model_that_cannot_be_imported_stops_those_who_ask_for_it(install: Install) -> None:
    install("torn", {"net.py": "import none_such"}, models="torn = torn.net:Torn")
    with pytest.raises(ConfigError, match=r"plug-in torn: its model torn .*No module named 'none_such'"):
        model_class("torn")
    assert "torn" not in model_classes() and "ridge" in model_classes()


@pytest.mark.parametrize(
    ("package", "code", "told"),
    [("numbers3", "Net = 3", "is no class but 3"), ("leaving", "import sys; sys.exit(3)", "SystemExit: 3")],
)
def test_a_model_that_is_none_is_told_with_its_package(
    install: Install, package: str, code: str, told: str
) -> None:
    install(package, {"net.py": code}, models=f"odd = {package}.net:Net")
    with pytest.raises(ConfigError, match=f"plug-in {package}: its model odd .*{told}"):
        model_class("odd")


def test_code_that_cannot_be_imported_is_told_with_its_package(install: Install) -> None:
    from hydra.utils import instantiate

    install("torn", {"net.py": "import none_such"}, conf="any = torn:conf")
    with pytest.raises(Exception, match=r"torn\.net\.Torn") as caught:
        instantiate({"_target_": "torn.net.Torn"})
    told = told_to_user(caught.value, "train", [])
    assert told == "plug-in torn: torn.net.Torn cannot be imported: No module named 'none_such'"


def test_a_saved_config_whose_package_is_gone_is_told() -> None:
    cfg = OmegaConf.create(
        {"rig": {"_target_": "emo3d_exp.faces.load_rig"}, "parts": [{"_target_": "gone.Part"}]}
    )
    with pytest.raises(ConfigError, match=r"outputs/a was made with gone\.Part: install the package .* gone"):
        plugins.require_packages(cfg, "outputs/a")
    del cfg.parts
    plugins.require_packages(cfg, "outputs/a")


@pytest.mark.parametrize("width", [60, 110])
def test_the_listing_keeps_to_its_width_and_marks_what_is_chosen(width: int) -> None:
    chosen = {"hydra/launcher": "basic", "experiment": None, "backbone@metric.judge": "hf", "model": "ridge"}
    lines = list(listing({**chosen, "backbone": "minilm"}, width))
    assert max(map(len, lines)) <= width
    assert [line.split()[1] for line in lines if line.startswith("  * ")] == ["minilm", "ridge"]
    assert "backbone@metric.judge=  as backbone=; now hf" in lines
    assert any(line.startswith("    paper/vae_clip") for line in lines)
    assert not any("launcher" in line for line in lines)


def test_scripts_list_and_show_what_packages_bring(install: Install) -> None:
    folder = install(
        "dreams", {"conf/rig/dream.yaml": "# A dream for $5.\nname: dream\n"}, conf="any = dreams:conf"
    )
    (folder / "hydra_plugins" / "more").mkdir(parents=True)
    (folder / "hydra_plugins" / "more" / "__init__.py").write_text(
        "from hydra.plugins.search_path_plugin import SearchPathPlugin\n\n\n"
        "class More(SearchPathPlugin):\n"
        "    def manipulate_search_path(self, search_path):\n"
        "        search_path.append('more', 'pkg://dreams.other')\n"
    )
    other = folder / "dreams" / "other" / "rig"
    other.mkdir(parents=True)
    (other.parent / "__init__.py").write_text("")
    (other / "sleep.yaml").write_text("# Sleep.\nname: sleep\n")
    modules, shown = imported("train.py", "rig=dream", "--help", folder=folder)
    assert "torch" not in modules
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "* dream A dream for $5. [dreams]" in lines
    assert "sleep Sleep. [more]" in lines
    _, told = imported("train.py", "rig=dreem", folder=folder)
    assert "error: " in told and "dream" in told and "sleep" in told and "Traceback" not in told
