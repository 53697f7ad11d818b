import re
import tarfile
from fnmatch import fnmatch
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from bachview.licences.document import own_components
from bachview.version import __version__
from tests.installers.linux.conftest import Needs
from tools.installers.__main__ import main
from tools.installers.linux.deb import build_deb
from tools.installers.linux.debian_texts import copyright_file

pytestmark = pytest.mark.skipif(
    not Path("/usr/bin/dpkg-deb").exists(), reason="dpkg-deb is not installed"
)


@pytest.fixture
def package(frozen: Path, tmp_path: Path) -> Path:
    return build_deb(frozen, tmp_path / "dist", compression="gzip")


def field(package: Path, name: str) -> str:
    asked = run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def members(package: Path, folder: Path) -> dict[str, tarfile.TarInfo]:
    plain = folder / "data.tar"
    with plain.open("wb") as file:
        run(["dpkg-deb", "--fsys-tarfile", package], stdout=file, check=True)
    with tarfile.open(plain) as tar:
        return {entry.name.removeprefix("./"): entry for entry in tar}


def test_control_states_what_the_system_must_bring(package: Path) -> None:
    assert field(package, "Version") == __version__
    depends = field(package, "Depends").split(", ")
    assert "libx11-6" in depends
    assert any(entry.startswith("libc6 (>= 2.") for entry in depends)
    assert "shared-mime-info" in field(package, "Recommends")
    assert int(field(package, "Installed-Size")) > 0


def test_files_are_where_the_system_looks(package: Path, tmp_path: Path) -> None:
    found = members(package, tmp_path)
    assert found["usr/bin/bachview"].linkname == "../lib/bachview/bachview"
    for place in (
        "applications/bachview.desktop",
        "mime/packages/bachview.xml",
        "metainfo/org.bachview.bachview.metainfo.xml",
        "icons/hicolor/48x48/apps/bachview.png",
        "man/man1/bachview.1.gz",
        "bash-completion/completions/bachview",
        "zsh/vendor-completions/_bachview",
        "fish/vendor_completions.d/bachview.fish",
        "doc/bachview/copyright",
        "doc/bachview/changelog.gz",
    ):
        assert found[f"usr/share/{place}"].isfile()
    assert "usr/lib/bachview/_internal/resources/demo.txt" in found
    assert "usr/lib/bachview/_internal/libxcb-cursor.so.0" not in found


def test_files_belong_to_root_and_only_the_program_runs(package: Path, tmp_path: Path) -> None:
    found = members(package, tmp_path)
    assert {(entry.uid, entry.gid) for entry in found.values()} == {(0, 0)}
    assert {entry.mtime for entry in found.values()} == {1767225600}
    runs = {name for name, entry in found.items() if entry.isfile() and entry.mode & 0o111}
    assert runs == {"usr/lib/bachview/bachview"}


def test_two_builds_are_the_same(package: Path, frozen: Path, tmp_path: Path) -> None:
    (frozen / "bachview").chmod(0o700)
    again = build_deb(frozen, tmp_path / "again", compression="gzip")
    assert again.read_bytes() == package.read_bytes()


def test_the_copyright_file_tells_which_models_are_not_free() -> None:
    (pattern,) = re.findall(r"^Files: (.*)\n.*\nLicense: non-commercial$", copyright_file(), re.M)
    licences = {
        found[1]: component.licence
        for component in own_components()
        if (found := re.search(r"\(model, (.*)\)", component.name)) is not None
    }
    assert len(set(licences.values())) > 1
    for name, licence in licences.items():
        place = f"usr/lib/bachview/_internal/bachview/resources/models/{name}"
        assert fnmatch(place, pattern) == licence.startswith("Non-commercial"), name


def before_installing(package: Path, folder: Path, *arguments: str) -> CompletedProcess[str]:
    run(["dpkg-deb", "--control", package, folder], check=True)
    return run([folder / "preinst", *arguments], capture_output=True, text=True, check=False)


def test_a_downgrade_is_refused_with_a_sentence(package: Path, tmp_path: Path) -> None:
    older = before_installing(package, tmp_path / "a", "upgrade", "0.0.1")
    assert (older.returncode, older.stderr) == (0, "")
    newer = before_installing(package, tmp_path / "b", "upgrade", "99.0")
    assert newer.returncode == 1
    assert newer.stderr.startswith("bachview 99.0 is installed and cannot be replaced")
    assert before_installing(package, tmp_path / "c", "install").returncode == 0


def test_lintian_finds_nothing(package: Path, needs: Needs) -> None:
    """Of the stand-in; what it says of the whole program is asked by `make installer-test`."""
    needs("lintian")
    asked = run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", package],
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stdout


def test_a_missing_frozen_program_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deb", "--frozen", str(tmp_path), "--output", str(tmp_path / "dist")]) == 3
    assert "run make freeze" in capsys.readouterr().err
