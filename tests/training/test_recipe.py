"""Recipes: what is read, what is refused with its place, what is written back."""

from pathlib import Path

import pytest

from bachview.core.patches import PatchGeometry
from bachview.errors import RecipeError
from bachview.training.networks import check_cells
from bachview.training.recipe import installed_recipes, read_recipe, resolve_recipe
from tests.support.tiny_training import RECIPE, TEACHER, write_recipe, write_teacher_recipe


def changed(folder: Path, old: str, new: str) -> Path:
    assert RECIPE.count(old) >= 1
    path = folder / "changed.toml"
    path.write_text(RECIPE.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", installed_recipes())
def test_the_recipes_that_come_with_the_program_are_whole(name: str) -> None:
    recipe = read_recipe(resolve_recipe(name))
    mission = ("efficientnet_b0", "resnet50_v2", "densenet121")
    assert name == "bach-fast" or recipe.networks[:3] == mission
    assert recipe.patch.stride_um <= recipe.patch.input_px * recipe.patch.mpp


def test_there_are_installed_recipes() -> None:
    assert "bach" in installed_recipes()


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_recipe_written_beside_the_model_reads_to_the_same(
    tmp_path: Path, pretrained: bool
) -> None:
    recipe = write_recipe(tmp_path / "a.toml")
    odd = 'Ärzte said "no"\\maybe\n\x7f\t€ 🔬'
    recipe = recipe.model_copy(
        update={
            "bundle": recipe.bundle.model_copy(update={"licence": odd}),
            "pretrain": (
                recipe.pretrain.model_copy(update={"epochs_of": {"constructed": 3}})
                if recipe.pretrain is not None and pretrained
                else None
            ),
        }
    )
    (tmp_path / "b.toml").write_text(recipe.to_toml(), encoding="utf-8", newline="")
    again = read_recipe(tmp_path / "b.toml")
    assert again == recipe
    assert again.to_toml() == recipe.to_toml()


def test_a_whole_number_may_stand_for_a_fraction(tmp_path: Path) -> None:
    assert read_recipe(changed(tmp_path, "mpp = 1.0", "mpp = 1")).patch.mpp == 1.0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "seed = -1", "wrong at seed:"),
        ("seed = 7", 'seed = "7"', "wrong at seed:"),
        ("seed = 7", "seed = 7.5", "wrong at seed:"),
        ("seed = 7", "seed = true", "wrong at seed:"),
        ("seed = 7", "seed = 2026-01-01", "wrong at seed:"),
        ("seed = 7", "", "wrong at seed: it is missing"),
        ("seed = 7", "seed = 7\nsede = 7", "wrong at sede: it is unknown"),
        ("mpp = 1.0", "mpp = nan", "wrong at patch.mpp:"),
        ("mpp = 1.0", "mpp = inf", "wrong at patch.mpp:"),
        ("mpp = 1.0", "mpp = 0.0", "wrong at patch.mpp:"),
        ("folds = 2", "folds = 1", "wrong at data.folds: one fold measures nothing"),
        ('["constructed"]', '["alexnet"]', "wrong at networks.0:"),
        ('["constructed"]', '["constructed", "constructed"]', "has a duplicate"),
        ('precision = "float32"', 'precision = "half"', "wrong at precision:"),
        ('trainable = "head"', 'trainable = "some"', "wrong at stages.0.trainable:"),
        ('name = "all"', 'name = "small"', "two stages have the same name"),
        ('name = "all"', 'name = "../up"', "wrong at stages.1.name:"),
        ("patience = 3", "patience = -1", "wrong at stages.1.patience:"),
        ("patience = 3", "patience = 3\ninput_px = 96", "larger than that of the patch"),
        ("[[stages]]", "[heads]\ncomponents = 3\nc = 1.0\n[[stages]]", "either [heads] or"),
        ("jpeg = 0.2", "jpeg = 1.2", "wrong at augmentation.jpeg:"),
        (
            "[augmentation]",
            "[augmentation]\nnoise = 1",
            "wrong at augmentation.noise: it is unknown",
        ),
        ("member_weights = true", "member_weights = 1", "wrong at ensemble.member_weights:"),
        ("[data]", "[[data]]", "wrong at data:"),
        ("seed = 7", "seed = ", "is not valid TOML"),
        ("seed = 7", "seed = " + "[" * 5000, "changed.toml is no"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(changed(tmp_path, old, new))
    assert said in str(caught.value)
    assert "changed.toml" in str(caught.value)


def test_a_file_that_is_not_a_recipe_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.toml cannot be read"):
        read_recipe(tmp_path / "gone.toml")
    (tmp_path / "photo.toml").write_bytes(b"\xff\xd8\xff\xe0" * 10)
    with pytest.raises(RecipeError, match=r"photo\.toml is not valid TOML"):
        read_recipe(tmp_path / "photo.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(RecipeError, match=r"large\.toml is larger than 1 MB"):
        read_recipe(tmp_path / "large.toml")


def test_a_recipe_is_found_by_name_or_path(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    write_recipe(path)
    assert resolve_recipe(str(path)) == path
    assert resolve_recipe("bach").name == "bach.toml"
    with pytest.raises(RecipeError, match=r"no recipe neither.*bach"):
        resolve_recipe("neither")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["constructed"]', '["alexnet"]', "wrong at teacher.networks.0:"),
        ('["constructed"]', '["timm:"]', "wrong at teacher.networks.0:"),
        ('["constructed"]', "[]", "wrong at teacher.networks:"),
        ('["constructed"]', '["constructed", "constructed"]', "wrong at teacher: networks has a"),
        ('licence = "Taught freely"', "", "wrong at teacher.licence: it is missing"),
        ("[1.0, 1.5]", "[0.0]", "wrong at teacher.mpps.0:"),
        ("[1.0, 1.5]", "[]", "wrong at teacher.mpps:"),
        ("crops = 48", "crops = 1000000\nepochs_of = {}", "take more than 40 GB"),
        ("crops = 48", "crops = 4", "wrong at teacher.crops:"),
        ("match_maps = true", "match_maps = 1", "wrong at teacher.match_maps:"),
        (
            "match_maps = true",
            "match_maps = true\nmaps = 1",
            "wrong at teacher.maps: it is unknown",
        ),
    ],
)
def test_what_is_wrong_with_a_teacher_is_named(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    write_teacher_recipe(tmp_path / "taught.toml", "resnet50_v2")
    text = (tmp_path / "taught.toml").read_text("utf-8")
    assert TEACHER.count(old) == 1
    wrong = TEACHER.replace(old, new).replace("input_px = 64", "input_px = 320")
    (tmp_path / "taught.toml").write_text(text.replace(TEACHER, wrong), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_recipe(tmp_path / "taught.toml")
    assert said in str(caught.value)


def test_a_teacher_takes_the_place_of_the_descriptors(tmp_path: Path) -> None:
    recipe = write_teacher_recipe(tmp_path / "taught.toml", "resnet50_v2")
    assert recipe.pretrain is None
    (tmp_path / "again.toml").write_text(recipe.to_toml(), encoding="utf-8")
    assert read_recipe(tmp_path / "again.toml") == recipe
    path = changed(tmp_path, "[augmentation]", TEACHER + "[augmentation]")
    with pytest.raises(RecipeError, match=r"\[teacher\] or \[pretrain\], not both"):
        read_recipe(path)


@pytest.mark.parametrize("student", ["densenet121", "constructed"])
def test_a_student_is_a_network_of_the_recipe_and_no_teacher(tmp_path: Path, student: str) -> None:
    write_teacher_recipe(tmp_path / "taught.toml", "resnet50_v2")
    text = (tmp_path / "taught.toml").read_text("utf-8")
    for name in ("resnet50_v2", student):
        stated = text.replace("match_maps = true", f'match_maps = true\nstudents = ["{name}"]')
        (tmp_path / f"{name}.toml").write_text(stated, encoding="utf-8")
    assert read_recipe(tmp_path / "resnet50_v2.toml").teacher is not None
    with pytest.raises(RecipeError, match=f"{student} is no network of the recipe"):
        read_recipe(tmp_path / f"{student}.toml")


def test_a_checkpoint_of_timm_may_teach(tmp_path: Path) -> None:
    write_teacher_recipe(tmp_path / "taught.toml", "resnet50_v2")
    text = (tmp_path / "taught.toml").read_text("utf-8")
    text = text.replace('networks = ["constructed"]', 'networks = ["timm:uni/model.bin"]')
    (tmp_path / "taught.toml").write_text(text, encoding="utf-8")
    teacher = read_recipe(tmp_path / "taught.toml").teacher
    assert teacher is not None
    assert teacher.networks == ("timm:uni/model.bin",)


def test_a_patch_stands_for_one_cell_unless_the_recipe_says_more(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml")
    assert recipe.patch.geometry == PatchGeometry(64, 1.0, 32.0, 1)
    assert not recipe.patch.is_wide
    text = RECIPE.replace("stride_um = 32.0", "stride_um = 8.0\ncells_per_side = 4")
    (tmp_path / "wide.toml").write_text(text, encoding="utf-8")
    wide = read_recipe(tmp_path / "wide.toml")
    assert wide.patch.geometry == PatchGeometry(64, 1.0, 8.0, 4)
    assert wide.patch.is_wide
    check_cells(wide)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stride_um": 9.0}, r"Constructed is 8 µm wide.*not 9"),
        ({"cells_per_side": 10}, "8 places along a side, which must be an even number more"),
        ({"cells_per_side": 5}, "8 places along a side, which must be an even number more"),
    ],
)
def test_cells_that_a_map_does_not_have_are_refused(
    tmp_path: Path, changes: dict[str, float], said: str
) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml")
    values = {"stride_um": 8.0, "cells_per_side": 4, **changes}
    wide = recipe.model_copy(update={"patch": recipe.patch.model_copy(update=values)})
    with pytest.raises(RecipeError, match=said):
        check_cells(wide)
