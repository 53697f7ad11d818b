"""The workflow that builds, tries and signs the installers."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.installers.__main__ import COMMANDS
from tools.installers.places import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "installers.yml"
#: Words of YAML 1.1 that are no texts: ``on`` is True.
_ON = True


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    document = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert _ON in document
    assert document["permissions"] == {"contents": "read"}
    found: dict[str, Any] = document["jobs"]
    return found


def _scripts(jobs: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"])


def test_all_systems_are_built_and_tried(jobs: dict[str, Any]) -> None:
    runners = {job["runs-on"] for job in jobs.values()} | {
        row["runner"] for row in jobs["macos"]["strategy"]["matrix"]["include"]
    }
    for system in ("ubuntu", "windows", "macos"):
        assert any(runner.startswith(system) for runner in runners)
    processors = {row["processor"] for row in jobs["macos"]["strategy"]["matrix"]["include"]}
    assert processors == {"arm64", "x86-64"}
    assert all("timeout-minutes" in job for job in jobs.values())


def test_commands_files_and_jobs_that_it_names_exist(jobs: dict[str, Any]) -> None:
    scripts = _scripts(jobs)
    commands = set(re.findall(r"tools\.installers ([a-z-]+)", scripts))
    assert commands
    assert commands <= COMMANDS.keys()
    targets = set(re.findall(r"\bmake ([a-z-]+)", scripts))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    files = set(re.findall(r"packaging[/\\][\w./\\-]+", scripts))
    files |= {row["lock"] for row in jobs["macos"]["strategy"]["matrix"]["include"]}
    assert files
    assert [name for name in files if not (ROOT / name.replace("\\", "/")).exists()] == []
    needed = {name for job in jobs.values() for name in _listed(job.get("needs", []))}
    assert needed <= jobs.keys()


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def test_secrets_are_in_no_command_and_a_missing_key_is_said(jobs: dict[str, Any]) -> None:
    assert "secrets." not in _scripts(jobs)
    summary = _scripts({"summary": jobs["summary"]})
    for mark in ("-unsigned.", "-not-notarised."):
        assert mark in summary


def test_the_summary_tells_signed_files_from_others(jobs: dict[str, Any], tmp_path: Path) -> None:
    if shutil.which("bash") is None or shutil.which("sha256sum") is None:
        pytest.skip("needs bash and sha256sum")
    (tmp_path / "dist").mkdir()
    for name in ("a-unsigned.exe", "b.exe", "c-not-notarised.dmg", "d.deb"):
        (tmp_path / "dist" / name).write_text(name)
    script = jobs["summary"]["steps"][1]["run"]
    summary = tmp_path / "summary.md"
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "GITHUB_STEP_SUMMARY": str(summary)},
        check=True,
    )
    rows = summary.read_text("utf-8").splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        *("a-unsigned.exe", "b.exe", "c-not-notarised.dmg", "d.deb")
    ]
    assert "**unsigned**" in rows[0]
    assert rows[1].split("|")[2].strip() == "signed"
    assert "**not notarised**" in rows[2]
    assert len((tmp_path / "dist" / "SHA256SUMS").read_text().splitlines()) >= 4


def test_actionlint_finds_nothing() -> None:
    actionlint = shutil.which("actionlint")
    if actionlint is None:
        pytest.skip("actionlint is not installed")
    answer = subprocess.run([actionlint, str(WORKFLOW)], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    "script", ["packaging/windows/sign.sh", "packaging/macos/sign_and_pack.sh"]
)
def test_shellcheck_finds_nothing(script: str) -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    answer = subprocess.run([shellcheck, str(ROOT / script)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout
