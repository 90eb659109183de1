"""Plot the synthetic patient of the pipeline page; run it when phantoms or plotting change."""

from pathlib import Path
from tempfile import TemporaryDirectory

from sklidh.datasets import make_glioma_phantoms
from sklidh.plotting import CaseDisplay

with TemporaryDirectory() as folder:
    X, _ = make_glioma_phantoms(
        folder, n_patients=2, size=128, spacing=1.2, misalignment=(0, 0), random_state=3
    )
    display = CaseDisplay.from_case(X.loc["phantom-001"], ["T1", "T1CE", "T2", "FLAIR"])
display.figure_.suptitle(None)
display.figure_.savefig(Path(__file__).parents[1] / "patient.png", dpi=120)
