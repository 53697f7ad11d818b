"""``bachview dataset``, ``train``, ``teach``, ``evaluate`` and ``predict``: arguments and help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bachview.cli.common_options import AsJson, Store
from bachview.cli.numbers import number
from bachview.cli.policy_options import Device
from bachview.cli.stack_options import Image, Plane, TimePoint
from bachview.core.stack import Choice

dataset_app = typer.Typer(
    name="dataset", help="Check a data set, or make one of corrections.", no_args_is_help=True
)

DatasetFolder = Annotated[
    Path,
    typer.Argument(
        metavar="DATASET", help="A folder with Photos/<Class>/ as in BACH, and optionally WSI/."
    ),
]
BundleName = Annotated[
    str, typer.Argument(metavar="BUNDLE", help="A .bachmodel file, a folder, or a name.")
]
Mpp = Annotated[
    float | None,
    typer.Option(
        "--mpp",
        parser=number,
        metavar="UM",
        help="µm per pixel of the photos, if the files do not state it.",
    ),
]
Patients = Annotated[
    Path | None,
    typer.Option(
        metavar="CSV",
        help="Columns file,patient; otherwise patients.csv in the data set, or neighbouring "
        "numbers are one patient.",
    ),
]


class Weights(StrEnum):
    """Initial weights of the networks."""

    IMAGENET = "imagenet"
    SCRATCH = "scratch"


@dataset_app.command()
def check(
    dataset: DatasetFolder, mpp: Mpp = None, patients: Patients = None, as_json: AsJson = False
) -> int:
    """Show what a data set contains, and what is wrong with it.

    Counts by class, patients, sizes, µm per pixel and its origin, duplicates,
    unreadable files, annotated slides. Exit code 3 if it cannot be used.

    \b
      bachview dataset check ICIAR2018_BACH_Challenge
      bachview dataset check photos --mpp 0.42 --json
    """  # noqa: D301
    from bachview.cli.dataset import check

    return check(dataset, mpp=mpp, patients=patients, as_json=as_json)


@dataset_app.command()
def corrections(
    slides: Annotated[
        list[Path], typer.Argument(metavar="SLIDE…", help="Slides whose cells were corrected.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="The data set: a new folder, or one that this command has written.",
        ),
    ],
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            "-b",
            metavar="BUNDLE",
            help="The model whose field and classes the patches have; default if not given.",
        ),
    ] = None,
    patient: Annotated[
        str, typer.Option(metavar="NAME", help="Patient of these slides; otherwise one for each.")
    ] = "",
    mpp: Annotated[
        float | None,
        typer.Option("--mpp", parser=number, metavar="UM", help="µm per pixel of the slides."),
    ] = None,
    store: Store = None,
    image: Image = None,
    plane: Plane = None,
    time_point: TimePoint = None,
    as_json: AsJson = False,
) -> int:
    """Write what a reader has corrected as a data set for train and evaluate.

    A patch around each corrected cell, in the folder of the reader's class; patients.csv keeps the
    patches of a slide together, cells.csv says where each is from. More slides can be added later.

    \b
      bachview dataset corrections biopsy.svs --output corrected
      bachview dataset check corrected
    """  # noqa: D301
    from bachview.cli.dataset import write_corrections

    return write_corrections(
        slides,
        output,
        bundle=bundle,
        patient=patient,
        mpp=mpp,
        store=store,
        choice=Choice(image, plane, time_point),
        as_json=as_json,
    )


def train(
    dataset: DatasetFolder,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where the run and the bundle are kept."
        ),
    ],
    recipe: Annotated[
        str,
        typer.Option(metavar="TOML", help="A recipe file, or an installed recipe: imagenet, bach."),
    ] = "imagenet",
    name: Annotated[str, typer.Option(help="Name of the bundle.")] = "BACH ensemble",
    weights: Annotated[
        Weights,
        typer.Option(
            help="imagenet: of each network, those of an installed package, or downloaded; "
            "scratch where there are none."
        ),
    ] = Weights.IMAGENET,
    imagenet_weights: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Folder of weight files, published or your own (Keras .h5, PyTorch .pth); or one "
            "file, for a recipe of one network. No download.",
        ),
    ] = None,
    mpp: Mpp = None,
    patients: Patients = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=20,
            help="Overrides the recipe; 0 for none, which leaves photos uncalibrated.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Overrides the recipe.")] = None,
    tissue: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="A slide, a photo or a folder of them, without labels, for a recipe with "
            "[teacher]; repeatable.",
        ),
    ] = None,
    notes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Markdown for the end of the model card."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the training in the output folder.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Train an ensemble on a data set and write its bundle.

    Cross-validation by patient first, then the final ensemble on all photos. The folder
    keeps the recipe, the splits, checkpoints, curves, a picture of an augmented batch,
    the figures and the bundle. Needs Keras with TensorFlow, JAX or torch
    (KERAS_BACKEND); TensorFlow writes the bundle.

    With [teacher] in the recipe, the networks first learn to give the features of others,
    on the photos and on any --tissue.

    Ctrl-C or a kill loses at most one epoch: the same command with --resume continues.

    \b
      bachview train ICIAR2018_BACH_Challenge --output run
      bachview train photos --mpp 0.42 --recipe my.toml --output run
      bachview train photos --output run --recipe bach-fast --resume
      bachview train photos --output run --recipe taught.toml --tissue slides --tissue a.svs
    """  # noqa: D301
    from bachview.cli.train import read_notes
    from bachview.cli.train import train as run
    from bachview.errors import UsageError
    from bachview.training.request import TrainingRequest

    is_scratch = weights is Weights.SCRATCH
    if is_scratch and imagenet_weights is not None:
        raise UsageError("--imagenet-weights and --weights scratch exclude each other.")
    request = TrainingRequest(
        dataset,
        output,
        recipe,
        folds=folds,
        seed=seed,
        imagenet=imagenet_weights or ("scratch" if is_scratch else "fetch"),
        name=name,
        mpp=mpp,
        patients=patients,
        notes=read_notes(notes),
        tissue=tuple(tissue or ()),
        resume=resume,
    )
    return run(request, as_json=as_json)


def evaluate(
    bundle: BundleName,
    dataset: DatasetFolder,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="HTML", help="Also write a report with plots."),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="The split.csv of a training run; see --part."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(metavar="PART", help="Only the photos of this part of the split."),
    ] = None,
    mpp: Mpp = None,
    patients: Patients = None,
    device: Device = None,
    no_slides: Annotated[
        bool, typer.Option("--no-slides", help="Photos only, no annotated slides.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Evaluate a bundle on a labelled data set: the ensemble and each member, with intervals.

    Photo level and patch level, calibration, risk and coverage; on annotated slides
    also pixel accuracy, IoU and the score of BACH's part B.

    \b
      bachview evaluate default photos
      bachview evaluate lab.bachmodel photos --split run/final/split.csv --part held
      bachview evaluate lab.bachmodel photos --output report.html
    """  # noqa: D301
    from bachview.cli.evaluate import evaluate

    return evaluate(
        bundle,
        dataset,
        output=output,
        split=split,
        part=part,
        mpp=mpp,
        patients=patients,
        device=device,
        as_json=as_json,
        with_slides=not no_slides,
    )


def predict(
    bundle: BundleName,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Photos, or folders of photos.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="CSV", help="The file to write.")
    ],
    mpp: Mpp = None,
    bach_submission: Annotated[
        bool,
        typer.Option("--bach-submission", help="Write part A of the BACH challenge: case,class."),
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Classify photos that are not what the models know (other stains, blurred, "
            "coarse); their lines say so.",
        ),
    ] = False,
    plane: Plane = None,
    time_point: TimePoint = None,
    device: Device = None,
    as_json: AsJson = False,
) -> int:
    """Classify whole photos, one line each.

    A photo's answer is the mean of its patches' votes, mixed with the bundle's uniform share. Its
    patches are read as the viewer reads those of a slide. A photo without H&E tissue has no class.

    \b
      bachview predict default photos/*.tif --output classes.csv
      bachview predict lab.bachmodel test --bach-submission --output submission.csv
    """  # noqa: D301
    from bachview.cli.predict import predict

    return predict(
        bundle,
        files,
        output=output,
        mpp=mpp,
        bach_submission=bach_submission,
        device=device,
        as_json=as_json,
        anyway=anyway,
        choice=Choice(None, plane, time_point),
    )


def teach(
    slides: Annotated[
        list[Path],
        typer.Argument(metavar="SLIDES...", help="Slides with corrections or annotations."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="NEW.bachmodel", help="The new model's file."),
    ],
    bundle: Annotated[
        str | None,
        typer.Option(metavar="BUNDLE", help="The model to teach: a file, a folder, or a name."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the new model; that of its file if not given.")
    ] = None,
    mpp: Annotated[
        float | None,
        typer.Option(
            "--mpp", parser=number, metavar="UM", help="µm per pixel, if the slides state none."
        ),
    ] = None,
    store: Store = None,
    device: Device = None,
    as_json: AsJson = False,
) -> int:
    """Fit a model's members again on the corrections and annotations saved of slides.

    Teaches the classes of the model: corrected cells, and cells of which at least half
    lies in an annotation with such a class. The model itself stays as it is; the new one
    says from which it was made, what it was taught, and how many taught cells it judges
    as you do (cross-fitted). Needs no TensorFlow.

    \b
      bachview teach slide.svs --output my.bachmodel
      bachview teach case/*.svs --bundle default-fast --name "Ours, taught" --output ours.bachmodel
    """  # noqa: D301
    from bachview.cli.teach import teach_model

    return teach_model(
        slides,
        output,
        bundle=bundle,
        name=name,
        mpp=mpp,
        device=device,
        store=store,
        as_json=as_json,
    )


def add_training_commands(app: typer.Typer) -> None:
    """Add `train`, `teach`, `evaluate` and `predict` to the program's commands."""
    for command in (train, teach, evaluate, predict):
        app.command()(command)
