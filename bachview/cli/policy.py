"""``bachview policy``: what the administrator of this computer has set."""

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from bachview.cli.exits import ExitCode
from bachview.cli.output import print_json, print_table, tell
from bachview.errors import PolicyError
from bachview.policy import places
from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKABLE, Policy

_OPEN = (
    "You may change this file or its folder, so it locks nothing for you: an administrator should "
    "own both."
)


def show_policy(*, as_json: bool) -> int:
    """Print the policy in force; its place where there is none."""
    place = places.policy_place()
    problem, policy = "", Policy()
    try:
        policy = in_force()
    except PolicyError as error:
        problem = str(error)
    notes = [place.note] if place.note else []
    is_root = getattr(os, "geteuid", lambda: -1)() == 0
    if place.path is not None and not is_root and places.can_be_changed(place.path):
        notes.append(_OPEN)
    return _print(place.path, policy, problem, notes, as_json=as_json)


def check_policy(path: Path, *, as_json: bool) -> int:
    """Print what a policy file would set, or what is wrong with it."""
    from bachview.policy.document import read_policy

    problem, policy = "", Policy()
    try:
        policy = read_policy(path)
    except PolicyError as error:
        problem = str(error)
    notes = [] if problem else _missing(policy)
    return _print(path, policy, problem, notes, as_json=as_json)


def _missing(policy: Policy) -> list[str]:
    """What the policy names and is not there now, which is no error: a share may be off."""
    folders = {"audit_folder": (policy.audit_folder,), "models_folders": policy.models_folders}
    notes = [
        f"{key}: the folder {folder} is not there now."
        for key, named in folders.items()
        for folder in named
        if folder is not None and not folder.is_dir()
    ]
    if policy.bundle is not None:
        from bachview.errors import BundleError
        from bachview.models.bundle.installed import resolve_bundle

        try:
            resolve_bundle(policy.bundle, policy)
        except BundleError:
            notes.append(f"bundle: there is no model {policy.bundle} now.")
    return notes


def _print(
    path: Path | None, policy: Policy, problem: str, notes: list[str], *, as_json: bool
) -> int:
    values = {} if problem else _values(policy)
    if as_json:
        print_json(
            {
                "ok": not problem,
                "file": None if path is None else str(path),
                "place": str(places.computer_policy()),
                "problem": problem,
                "notes": notes,
                "settings": values,
            }
        )
        return ExitCode.BAD_INPUT if problem else ExitCode.DONE
    if problem:
        tell(problem)
    elif path is None:
        print(f"There is no policy: {places.computer_policy()} does not exist.")
    else:
        print_table(
            f"Policy {path}",
            [("setting", False), ("value", False), ("", False)],
            [(key, _text(entry["value"]), _holds(key, entry)) for key, entry in values.items()],
        )
    for note in notes:
        tell(note)
    return ExitCode.BAD_INPUT if problem else ExitCode.DONE


def _values(policy: Policy) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for field in fields(policy):
        value = getattr(policy, field.name)
        if field.name in ("source", "locked"):
            continue
        if isinstance(value, tuple):
            value = [str(part) for part in value]
        elif isinstance(value, Path):
            value = str(value)
        found[field.name] = {"value": value, "locked": policy.is_locked(field.name)}
    return found


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(value) or "–"
    return {None: "–", True: "on", False: "off"}.get(value, str(value))  # type: ignore[call-overload,no-any-return]


def _holds(key: str, entry: dict[str, Any]) -> str:
    if entry["value"] is None or entry["value"] == []:
        return "not set"
    if key not in LOCKABLE:
        return "holds for all users"
    return "locked" if entry["locked"] else "default; users may choose otherwise"
