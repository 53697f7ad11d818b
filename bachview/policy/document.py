"""The policy file: its keys, and the checks of their values."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bachview.errors import PolicyError
from bachview.policy.places import user_name
from bachview.policy.values import LOCKABLE, Policy
from bachview.toml_file import read_toml

_USER: Final = "{user}"


def _absolute(text: str) -> str:
    plain = text.replace(_USER, "")
    if "{" in plain or "}" in plain:
        raise ValueError(f"only {_USER} may stand in braces")
    if not Path(text).is_absolute():
        raise ValueError("a path that begins at the root of a drive or share is needed")
    return text


def _name_or_path(text: str) -> str:
    if ("/" in text or "\\" in text) and not Path(text).is_absolute():
        raise ValueError("a name, or a path that begins at the root of a drive or share, is needed")
    return text


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of text is needed")
    return text


_Text = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_one_line)]
_Folder = Annotated[_Text, AfterValidator(_absolute)]


class PolicyFile(BaseModel):
    """A policy file. Any key may be missing, none may be unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    data_folder: _Folder | None = Field(
        None, description="Folder of the results; `{user}` in it stands for the user's name."
    )
    models_folders: list[_Folder] = Field(
        [], max_length=20, description="Folders whose bundles are listed like those installed."
    )
    bundle: Annotated[_Text, AfterValidator(_name_or_path)] | None = Field(
        None, description="Model to begin with: the name of an installed one, or a path."
    )
    device: Literal["AUTO", "CPU", "GPU", "NPU"] | None = Field(
        None, description="What the networks run on."
    )
    names_in_exports: bool | None = Field(
        None, description="Whether the slide's name is written into exported files."
    )
    audit_folder: _Folder | None = Field(
        None, description="Folder of the audit log; there is a log if it is set."
    )
    notice: Annotated[_Text, Field(max_length=500)] | None = Field(
        None, description="A text of the institution, shown beside the one on research use."
    )
    locked: list[Literal[LOCKABLE]] = Field(  # type: ignore[valid-type]
        [], description="Keys of this file that users cannot change."
    )

    @model_validator(mode="after")
    def _locks_what_is_set(self) -> "PolicyFile":
        for key in self.locked:
            if getattr(self, key) is None:
                raise ValueError(f"locked names {key}, which is not set")
        return self


def read_policy(path: Path) -> Policy:
    """Read and check a policy file.

    Raises
    ------
    PolicyError
        It cannot be read, or something in it is wrong: a sentence that names the file and the key.
    """
    found = read_toml(path, PolicyFile, "policy", PolicyError, name=str(path))
    return Policy(
        source=path,
        data_folder=_folder(found.data_folder),
        models_folders=tuple(Path(_expanded(text)) for text in found.models_folders),
        bundle=found.bundle,
        device=found.device,
        names_in_exports=found.names_in_exports,
        audit_folder=_folder(found.audit_folder),
        notice=found.notice,
        locked=frozenset(found.locked),
    )


def _folder(text: str | None) -> Path | None:
    return None if text is None else Path(_expanded(text))


def _expanded(text: str) -> str:
    return text.replace(_USER, user_name())
