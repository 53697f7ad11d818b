"""What macOS is told of the application, and how it is packed: read, not run, on other systems."""

import os
import plistlib
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tools.installers.errors import InstallerError
from tools.installers.linux.mime_types import ALL_TYPES
from tools.installers.macos.application import finish_application
from tools.installers.macos.info_plist import identifier, info_plist
from tools.installers.places import ROOT

MACOS = ROOT / "packaging" / "macos"
#: What Launch Services, Gatekeeper and the Finder need.
REQUIRED = {
    "CFBundleDevelopmentRegion": str,
    "CFBundleDocumentTypes": list,
    "CFBundleExecutable": str,
    "CFBundleIconFile": str,
    "CFBundleIdentifier": str,
    "CFBundleInfoDictionaryVersion": str,
    "CFBundleName": str,
    "CFBundlePackageType": str,
    "CFBundleShortVersionString": str,
    "CFBundleVersion": str,
    "LSMinimumSystemVersion": str,
    "NSHighResolutionCapable": bool,
    "NSPrincipalClass": str,
    "UTExportedTypeDeclarations": list,
    "UTImportedTypeDeclarations": list,
}


def test_the_document_has_what_macos_needs() -> None:
    document = plistlib.loads(plistlib.dumps(info_plist("1.2.0")))
    for key, kind in REQUIRED.items():
        assert isinstance(document[key], kind), key
    assert document["CFBundlePackageType"] == "APPL"
    assert document["CFBundleShortVersionString"] == "1.2.0"
    assert re.fullmatch(r"[A-Za-z0-9.-]+", document["CFBundleIdentifier"])
    assert document["LSBackgroundOnly"] is False


def test_releases_are_in_order_by_three_numbers() -> None:
    versions = ["1.0rc1", "1.0", "1.0.1", "1.1"]
    builds = [info_plist(version)["CFBundleVersion"].split(".") for version in versions]
    numbers = [tuple(map(int, build)) for build in builds]
    assert all(len(one) == 3 for one in numbers)
    assert all(earlier < later for earlier, later in pairwise(numbers))


def test_each_type_of_file_is_claimed_and_declared_once() -> None:
    document = info_plist()
    claimed = [
        name for kind in document["CFBundleDocumentTypes"] for name in kind["LSItemContentTypes"]
    ]
    assert sorted(claimed) == sorted(identifier(kind) for kind in ALL_TYPES)
    declared = {
        kind["UTTypeIdentifier"]: kind
        for key in ("UTExportedTypeDeclarations", "UTImportedTypeDeclarations")
        for kind in document[key]
    }
    ours = {name for name in claimed if name.startswith("org.bachview.")}
    assert declared.keys() == ours
    for name, kind in declared.items():
        endings = kind["UTTypeTagSpecification"]["public.filename-extension"]
        assert endings, name
        assert not any(ending.startswith(".") for ending in endings)
        assert all(above.startswith("public.") for above in kind["UTTypeConformsTo"])
    assert document["UTExportedTypeDeclarations"][0]["UTTypeTagSpecification"][
        "public.filename-extension"
    ] == ["bachmodel"]


def test_types_of_many_programs_are_an_alternative_only() -> None:
    ranks = {
        name: kind["LSHandlerRank"]
        for kind in info_plist()["CFBundleDocumentTypes"]
        for name in kind["LSItemContentTypes"]
    }
    assert ranks["public.tiff"] == ranks["org.nema.dicom"] == "Alternate"
    assert ranks["org.bachview.bundle"] == "Owner"
    assert ranks["org.bachview.imported.aperio-svs"] == "Default"


def test_the_hardened_runtime_allows_no_more_than_it_must() -> None:
    entitlements = plistlib.loads((MACOS / "entitlements.plist").read_bytes())
    assert entitlements == {
        "com.apple.security.cs.allow-jit": True,
        "com.apple.security.cs.allow-unsigned-executable-memory": True,
    }


def test_the_settings_of_the_disk_image_load_as_dmgbuild_loads_them(tmp_path: Path) -> None:
    settings: dict[str, object] = {"defines": {"app": str(tmp_path / "bachview.app")}}
    text = (MACOS / "dmg_settings.py").read_text("utf-8")
    exec(compile(text, "dmg_settings.py", "exec"), settings, settings)  # noqa: S102
    assert settings["files"] == [str(tmp_path / "bachview.app")]
    assert settings["symlinks"] == {"Applications": "/Applications"}
    assert settings["icon_locations"].keys() == {"bachview.app", "Applications"}  # type: ignore[attr-defined]


def test_the_licences_are_put_into_the_application(tmp_path: Path) -> None:
    made, frozen = tmp_path / "made", tmp_path / "made" / "bachview"
    resources = made / "bachview.app" / "Contents" / "Resources" / "bachview" / "resources"
    resources.mkdir(parents=True)
    (frozen / "_internal").mkdir(parents=True)
    with pytest.raises(InstallerError, match="0 files"):
        finish_application(made, frozen, tmp_path / "out" / "bachview.app")
    (frozen / "_internal" / "LICENCES.txt").write_text("MIT")
    application = finish_application(made, frozen, tmp_path / "out" / "bachview.app")
    assert (application / resources.relative_to(made / "bachview.app") / "LICENCES.txt").exists()
    with pytest.raises(InstallerError, match="is missing"):
        finish_application(made, frozen, tmp_path / "out" / "bachview.app")


#: Stand-ins for the tools of macOS that write down how they are called.
_TOOL = '#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n'


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("identity", "profile", "mark"),
    [("", "", "-unsigned"), ("Developer ID", "", "-not-notarised"), ("Developer ID", "team", "")],
)
def test_the_image_says_how_far_it_was_signed(
    tmp_path: Path, identity: str, profile: str, mark: str
) -> None:
    tools, calls = tmp_path / "tools", tmp_path / "calls.txt"
    tools.mkdir()
    for name in ("codesign", "dmgbuild", "xcrun", "spctl"):
        (tools / name).write_text(_TOOL)
    (tools / "file").write_text(
        '#!/bin/sh\ncase "$2" in *.dylib) echo "Mach-O";; *) echo text;; esac\n'
    )
    (tools / "uname").write_text("#!/bin/sh\necho arm64\n")
    for tool in tools.iterdir():
        tool.chmod(0o700)
    app = tmp_path / "bachview.app"
    (app / "Contents" / "Frameworks").mkdir(parents=True)
    for name in ("a b.dylib", "a.txt"):
        (app / "Contents" / "Frameworks" / name).touch()
    answer = subprocess.run(
        ["bash", str(MACOS / "sign_and_pack.sh"), str(app), str(tmp_path), "1.0"],
        env={
            "PATH": f"{tools}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "SIGN_IDENTITY": identity,
            "NOTARY_PROFILE": profile,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    image = f"bachview-1.0-macos-arm64{mark}.dmg"
    assert answer.stdout.splitlines()[-1].endswith(image)
    done = calls.read_text()
    assert done.index("a b.dylib") < done.index("--verify")
    assert "a.txt" not in done
    assert ("--options runtime" in done) == bool(identity)
    assert ("notarytool submit" in done) == ("stapler staple" in done) == (mark == "")
