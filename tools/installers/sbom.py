"""The bill of materials (CycloneDX, JSON) of what is shipped: ``python -m tools.installers sbom``.

The same input gives the same bytes: neither the time nor the serial number is of the moment.
"""

import hashlib
import json
import re
import uuid
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bachview.config import APPLICATION, resource_folder
from bachview.files import write_text
from bachview.licences.distributions import Component, normal
from bachview.version import __version__
from tools.installers.errors import InstallerError
from tools.installers.inventory import Inventory, take_inventory
from tools.installers.licences import inventory_arguments
from tools.installers.release import source_time
from tools.installers.sums import sha256

FILE_NAME = "bachview.cdx.json"
#: ``libtiff-20b7e810.so.6.3.0`` is version 6.3.0; what bundles libraries adds the hash.
_VERSION = re.compile(r"\.so\.(\d+(?:\.\d+)+)$|\.(\d+(?:\.\d+)+)\.dylib$")
_RECORD = "the sorted lines of RECORD about files of the wheel, each with its SHA-256"
#: What the installation adds to the files of the wheel, and what names its folder.
_ADDED = re.compile(
    r"\.\./.*|.*__pycache__/.*|.*\.dist-info/(?:RECORD|INSTALLER|REQUESTED|direct_url\.json),.*"
)
_TAG = re.compile(r"-[0-9a-f]{8}(?:-[0-9a-f]{8})?(?=[.-])")


def bill_of_materials(inventory: Inventory, frozen: Path | None = None) -> str:
    """The document.

    Raises
    ------
    InstallerError
        The library that writes it is not installed.
    """
    try:
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.component import Component as Entry
        from cyclonedx.model.component import ComponentType
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        raise InstallerError(
            "cyclonedx-python-lib is not installed; it comes with the extra installers."
        ) from error
    own, *others = inventory.own
    program = Entry(
        type=ComponentType.APPLICATION,
        name=APPLICATION,
        version=__version__,
        bom_ref=APPLICATION,
        licenses=_licences(own.licence),
    )
    children, distributions = _native(inventory, frozen), inventory.distributions
    entries = [
        *(
            _distribution(one, of, children.get(one.name, ()))
            for one, of in inventory.distributions
        ),
        *(_plain(one, children.get(one.name, ())) for one in (*others, *inventory.parts)),
    ]
    bom = Bom(components=entries, metadata=BomMetaData(component=program, timestamp=source_time()))
    # Computed of the rest.
    bom.serial_number = uuid.UUID(int=0)
    names = {normal(of.name): one.name for one, of in distributions}
    by_name = {entry.name: entry for entry in entries}
    for one, of in distributions:
        needs = {normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in of.requires or ()}
        there = [by_name[names[name]] for name in sorted(needs & names.keys())]
        bom.register_dependency(by_name[one.name], there)
    bom.register_dependency(program, entries)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["serialNumber"]
    text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)
    number = uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(text.encode()).hexdigest())
    document["serialNumber"] = number.urn
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _distribution(one: Component, of: metadata.Distribution, children: Sequence[Any]) -> Any:
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component as Entry
    from packageurl import PackageURL

    record = sorted((of.read_text("RECORD") or "").splitlines())
    lines = "".join(f"{line}\n" for line in record if not _ADDED.fullmatch(line))
    return Entry(
        name=one.name,
        version=one.version,
        bom_ref=f"python/{normal(of.name)}",
        purl=PackageURL("pypi", None, normal(of.name), one.version),
        licenses=_licences(one.licence),
        hashes=[_hash(hashlib.sha256(lines.encode()).hexdigest())],
        properties=[
            Property(name="bachview:hash-of", value="RECORD, which lists that of each file")
        ],
        components=children,
    )


def _plain(one: Component, children: Sequence[Any]) -> Any:
    from cyclonedx.model.component import Component as Entry
    from cyclonedx.model.component import ComponentType

    bundle = re.search(r"\(model, (.+)\)", one.name)
    return Entry(
        type=ComponentType.MACHINE_LEARNING_MODEL if bundle else ComponentType.LIBRARY,
        name=one.name,
        version=one.version or None,
        bom_ref=f"part/{one.name}",
        licenses=_licences(one.licence),
        hashes=[_hash(_bundle_hash(resource_folder() / "models" / bundle[1]))] if bundle else (),
        components=children,
    )


def _bundle_hash(path: Path) -> str:
    """Of its manifest, which lists that of every other file."""
    if path.is_dir():
        return sha256(path / "manifest.json")
    with zipfile.ZipFile(path) as archive:
        return hashlib.sha256(archive.read("manifest.json")).hexdigest()


def _native(inventory: Inventory, frozen: Path | None) -> dict[str, list[Any]]:
    """The libraries of each component, by its name."""
    from cyclonedx.model.component import Component as Entry
    from cyclonedx.model.component import ComponentType

    found: dict[str, list[Any]] = {}
    for file in inventory.native if frozen is not None else ():
        version = _VERSION.search(file.path.name)
        found.setdefault(file.owner, []).append(
            Entry(
                type=ComponentType.FILE,
                name=file.path.as_posix(),
                version=(version[1] or version[2]) if version else None,
                description=_TAG.sub("", file.path.name).split(".")[0],
                bom_ref=f"file/{file.path.as_posix()}",
                hashes=[_hash(sha256(frozen / file.path))] if frozen is not None else (),
            )
        )
    return found


def _hash(digest: str) -> Any:
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _licences(name: str) -> list[Any]:
    from cyclonedx.contrib.license.factories import LicenseFactory

    return [LicenseFactory().make_from_string(name)] if name else []


def main(arguments: Sequence[str]) -> int:
    """Write the document and say what it is of."""
    chosen = inventory_arguments("sbom", __doc__, FILE_NAME).parse_args(arguments)
    inventory = take_inventory(chosen.environment, chosen.frozen)
    write_text(chosen.output, bill_of_materials(inventory, chosen.frozen))
    parts = len(inventory.components)
    print(f"{chosen.output}: {parts} parts, {len(inventory.native)} libraries of machine code.")
    return 0
