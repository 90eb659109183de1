"""From a folder of images to a cross-validated AUC, on synthetic patients."""

# --
from tempfile import TemporaryDirectory

from sklidh import RadiomicsExtractor, make_idh_pipeline
from sklidh.datasets import make_glioma_phantoms
from sklidh.evaluation import cross_validate

with TemporaryDirectory() as folder:
    # Your own patients: X, y = load_cohort("cases.csv")
    X, y = make_glioma_phantoms(folder, n_patients=30, size=32, spacing=2.0)

    # Radiomics alone, to be quick; leave out `deep` for the paper's whole method.
    pipeline = make_idh_pipeline(
        radiomics=RadiomicsExtractor("paper"), deep=None, cache=folder, random_state=0
    )
    result = cross_validate(pipeline, X, y, cv=3)

low, high = result.auc_interval
print(f"AUC {result.metrics['AUC']:.2f}, 95 % interval {low:.2f} to {high:.2f}")
