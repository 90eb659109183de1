"""Reading and registering real images against SimpleITK: ``python benchmarks/images.py DATA``.

DATA is a folder of patients, each with ``t1``, ``t1ce``, ``t2`` and ``flair.nii.gz`` of 240 x 240 x
155 voxels that lie on one another already. Each trial moves T1, T1CE or FLAIR by 5 to 20 mm and 5
to 15 degrees at random and registers it onto T2. What the source itself is misregistered by is
measured first, by each method for itself, and taken into account. An error is the distance of two
transforms, in mm on average over the brain's voxels, and in degrees.

SimpleITK's settings are the customary ones: Mattes mutual information of 50 bins, 20 % of the
voxels, regular-step descent from 2 to 0.001 with relaxation 0.6, at 4, 2 and 1 times the voxel.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from sklidh.images import read_image
from sklidh.images._rigid import register_rigidly

MODALITIES = ("t1", "t1ce", "flair")


def ours(fixed, moving):
    """Return the transform that the package finds, as a matrix of shape (4, 4)."""
    return register_rigidly(fixed, moving).matrix


def customary(fixed, moving):
    """Return the transform that SimpleITK finds, as a matrix of shape (4, 4)."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(50)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.2, 0)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-3, 200, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    start = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
    )
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(fixed, moving)
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(start.GetMatrix(), (3, 3))
    centre = np.array(start.GetCenter())
    matrix[:3, 3] = centre + start.GetTranslation() - matrix[:3, :3] @ centre
    return matrix


def brain_points(image):
    """Return the centres of the brain's voxels, every fortieth, in mm, shape (n, 3)."""
    voxels = np.argwhere(sitk.GetArrayViewFromImage(image) > 0)[::40, ::-1]
    direction = np.reshape(image.GetDirection(), (3, 3))
    return (voxels * image.GetSpacing()) @ direction.T + image.GetOrigin()


def motion(rng, centre):
    """Return a random rigid transform about the brain's centre."""
    turn, shift = rng.normal(size=(2, 3))
    turn *= np.radians(rng.uniform(5, 15)) / np.linalg.norm(turn)
    shift *= rng.uniform(5, 20) / np.linalg.norm(shift)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(turn).as_matrix()
    matrix[:3, 3] = centre + shift - matrix[:3, :3] @ centre
    return matrix


def moved(image, matrix):
    """Return an image whose content has moved, in the same grid."""
    back = np.linalg.inv(matrix)
    transform = sitk.AffineTransform(back[:3, :3].ravel(), back[:3, 3])
    return sitk.Resample(image, image, transform, sitk.sitkLinear)


def distance(one, other, points):
    """Return how far two transforms are apart: mm over the points, and degrees."""
    apart = [points @ matrix[:3, :3].T + matrix[:3, 3] for matrix in (one, other)]
    turn = Rotation.from_matrix(one[:3, :3] @ other[:3, :3].T).magnitude()
    return np.linalg.norm(apart[0] - apart[1], axis=1).mean(), np.degrees(turn)


def timed(call, *arguments):
    """Return a call's result, its seconds on the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call(*arguments)
    return result, time.perf_counter() - wall, time.process_time() - cpu


def reading(folder):
    """Print the seconds that a verified read takes, and those of SimpleITK's."""
    print("reading, best of five, s:         verified   SimpleITK")
    for path in sorted(folder.glob("*/t2.nii.gz")):
        readers = (read_image, sitk.ReadImage)
        best = [min(timed(read, str(path))[1] for _ in range(5)) for read in readers]
        print(f"  {path.parent.name:<30} {best[0]:9.3f} {best[1]:11.3f}")


def registration(folder, n_trials, every):
    """Print each method's own misregistration, and its errors and seconds over the trials."""
    patients = sorted(path.parent for path in folder.glob("*/t2.nii.gz"))
    methods = {"sklidh": (ours, 1), "SimpleITK": (customary, every)}
    ours(*[sitk.ReadImage(patients[0] / f"{name}.nii.gz") for name in ("t2", "t1")])  # compiles
    rows = {name: [] for name in methods}
    images, own = {}, {}
    for trial in range(n_trials):
        patient = patients[trial % len(patients)]
        modality = MODALITIES[trial // len(patients) % len(MODALITIES)]
        for name in ("t2", modality):
            if (patient, name) not in images:
                path = patient / f"{name}.nii.gz"
                images[patient, name] = sitk.Cast(read_image(path), sitk.sitkFloat32)
        fixed, moving = images[patient, "t2"], images[patient, modality]
        points = brain_points(fixed)
        true = motion(np.random.default_rng(trial), points.mean(axis=0))
        for name, (register, step) in methods.items():
            if not step or trial % step:
                continue
            if (name, patient, modality) not in own:
                own[name, patient, modality] = register(fixed, moving)
                millimetres, degrees = distance(own[name, patient, modality], np.eye(4), points)
                print(
                    f"  the source, by {name:<10} {patient.name} {modality:<6}"
                    f"{millimetres:6.2f} mm {degrees:6.2f} deg",
                    flush=True,
                )
            found, wall, cpu = timed(register, fixed, moved(moving, true))
            off = distance(found, true @ own[name, patient, modality], points)
            rows[name].append((*off, wall, cpu))
            print(
                f"  trial {trial:>2} {name:<10} {patient.name} {modality:<6}{off[0]:6.2f} mm "
                f"{off[1]:6.2f} deg {wall:6.2f} s {cpu:6.2f} CPU s",
                flush=True,
            )
    print("registration       trials  within 1 mm, 1 deg   mm: median, worst   deg     s    CPU s")
    for name, errors in rows.items():
        if errors:
            table = np.array(errors)
            good = int((table[:, :2] < 1).all(axis=1).sum())
            middle, worst = np.median(table, axis=0), table.max(axis=0)
            print(
                f"{name:<18} {len(table):>6} {good:>19}   {middle[0]:10.2f} {worst[0]:7.2f} "
                f"{worst[1]:5.2f} {middle[2]:6.2f} {middle[3]:7.2f}"
            )


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--every", type=int, default=5, help="SimpleITK's trials; 0: none")
    options = parser.parse_args()
    reading(options.data)
    registration(options.data, options.trials, options.every)


if __name__ == "__main__":
    main()
