"""RigidRegistration as a transformer of tables."""

from sklidh.images import RigidRegistration
from sklidh.utils.estimator_checks import parametrize_with_image_checks


@parametrize_with_image_checks([RigidRegistration()])
def test_image_in_checks(estimator, check, phantoms):
    X, y = phantoms
    check(estimator, X[["T1", "T2", "mask"]].iloc[:4], y.iloc[:4])
