"""Run folders and files that are whole or not there."""

import datetime
import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from hftgym.errors import DataError, NoInputError, OutputError, UsageError
from hftgym.training.atomic import npz_bytes, read_folder, write_bytes, write_folder, write_json
from hftgym.training.runs import RunFolder

DAY = datetime.date(2026, 3, 1)


def test_folders_are_named_by_day_name_and_seed_and_never_shared(tmp_path):
    names = [RunFolder.create("a", 3, tmp_path / "runs", today=DAY).path.name for _ in range(3)]
    assert names == ["2026-03-01-a-3", "2026-03-01-a-3-2", "2026-03-01-a-3-3"]
    assert (tmp_path / "runs" / names[0] / "tb").is_dir()


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../b", "/etc/x", "C:\\x", "a\0b", "x" * 300, "", ".", "..", "-x", "\uff41"],
)
def test_names_with_a_path_in_them_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match="run name"):
        RunFolder.create(name, 0, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_links_are_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(UsageError, match="symbolic link"):
        RunFolder.create("a", 0, tmp_path / "link")
    run = RunFolder.create("a", 0, tmp_path / "real", today=DAY)
    run.write_config({"name": "a"})
    (tmp_path / "alias").symlink_to(run.path)
    with pytest.raises(UsageError, match="symbolic link"):
        RunFolder.open(tmp_path / "alias")
    assert RunFolder.open(run.path) == run


def test_a_folder_without_config_is_no_run(tmp_path):
    with pytest.raises(NoInputError, match=r"no run folder \(it has no config.yaml\)"):
        RunFolder.open(tmp_path)


def test_config_versions_and_seeds_are_written(tmp_path):
    run = RunFolder.create("a", 0, tmp_path)
    run.write_config({"steps": 5, "seeds": (0, 1)}, "one\ntwo")
    run.write_versions({"config": "abc", "data": None})
    run.write_seeds({"training_seed": 0})
    text = (run.path / "config.yaml").read_text()
    assert text.startswith("# one\n# two\n")
    assert yaml.safe_load(text) == {"steps": 5, "seeds": [0, 1]}
    versions = json.loads((run.path / "versions.json").read_text())
    assert versions["hashes"] == {"config": "abc", "data": None}
    assert versions["packages"]["numpy"] == np.__version__


def test_checkpoints_best_latest_and_fallback(tmp_path):
    run = RunFolder.create("a", 0, tmp_path)
    with pytest.raises(NoInputError, match="no checkpoint 'best'"):
        run.checkpoint()
    run.save_checkpoint(10, {"w": b"1"})
    assert run.checkpoint("best").name == "step-000000000010"  # latest, as nothing was judged
    run.mark_best(10, 1.5)
    run.save_checkpoint(20, {"w": b"2"})
    assert run.checkpoint("best").name == "step-000000000010"
    assert read_folder(run.checkpoint("latest")) == {"w": b"2"}
    (run.checkpoints / "best.json").write_text('{"checkpoint": "../../x"}')
    with pytest.raises(UsageError, match="checkpoint"):
        run.checkpoint("best")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f.json"
    write_json(path, {"a": 1, "nan": float("nan"), "array": np.arange(2)})
    assert json.loads(path.read_text()) == {"a": 1, "array": [0, 1], "nan": None}

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"f\.json: can not be written: No space left"):
        write_bytes(path, b"new")
    with pytest.raises(OutputError, match="No space left"):
        write_folder(tmp_path / "folder", {"a": b"1"})
    assert [p.name for p in tmp_path.iterdir()] == ["f.json"]
    assert json.loads(path.read_text())["a"] == 1


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    write_folder(folder, {"a": b"1"})
    write_folder(folder, {"b": b"2"})
    assert read_folder(folder) == {"b": b"2"}
    replace = Path.replace

    def refused(path, target):
        if path.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OutputError, match="Input/output error"):
        write_folder(folder, {"c": b"3"})
    assert read_folder(folder) == {"b": b"2"}
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "a").write_bytes(b"2"), "SHA-256 differs"),
        (lambda f: (f / "a").unlink(), "can not be read"),
        (lambda f: (f / "manifest.json").unlink(), "no valid manifest"),
        (lambda f: (f / "manifest.json").write_text("[]"), "no valid manifest"),
        (
            lambda f: (f / "manifest.json").write_text('{"../a": {"sha256": "x"}}'),
            "not a plain file name",
        ),
    ],
)
def test_damage_is_found(tmp_path, damage, message):
    folder = tmp_path / "folder"
    write_folder(folder, {"a": b"1", "b": b"22"})
    assert read_folder(folder) == {"a": b"1", "b": b"22"}
    damage(folder)
    with pytest.raises(DataError, match=message):
        read_folder(folder)


def test_objects_are_not_saved():
    with pytest.raises(TypeError, match="holds Python objects"):
        npz_bytes({"x": np.array([object()])})
