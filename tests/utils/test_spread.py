"""Parallel jobs keep order, results and warnings."""

import os
import signal
import warnings

import pytest
from joblib import delayed, parallel_config, register_parallel_backend
from joblib.parallel import ThreadingBackend

from sklidh.images import ImageWarning
from sklidh.utils import WorkerDiedError, progress, results_as, spread


def look(patient):
    warnings.warn(f"patient {patient}: dark", ImageWarning, stacklevel=1)
    for _ in progress(range(2), "slices", verbose=1):
        pass
    return patient, os.getpid()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_warning_of_a_worker_is_issued_once_here(n_jobs):
    with pytest.warns(ImageWarning) as heard:
        done = list(spread([delayed(look)(n) for n in range(3)], "looking", n_jobs=n_jobs))
    assert [patient for patient, _ in done] == [0, 1, 2]
    assert {process == os.getpid() for _, process in done} == {n_jobs == 1}
    assert [str(each.message) for each in heard] == [f"patient {n}: dark" for n in range(3)]
    assert {each.filename for each in heard} == {__file__}


def test_warnings_of_threads_are_issued_too():
    with parallel_config("threading"), pytest.warns(ImageWarning, match="patient 1: dark"):
        assert list(spread([delayed(look)(1), delayed(look)(1)], "looking", n_jobs=2))


class AllAtOnce(ThreadingBackend):
    """A backend that, like Ray's, cannot return results one by one."""

    supports_return_generator = False


def test_backends_without_generators_work_too():
    register_parallel_backend("all at once", AllAtOnce)
    with parallel_config("all at once"):
        assert results_as() == "list"
        assert list(spread([delayed(abs)(-n) for n in range(4)], "work", n_jobs=2)) == [0, 1, 2, 3]
    assert results_as() == "generator"


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def ctrl_c_is_blocked():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_worker_that_dies_is_one_error_and_workers_leave_ctrl_c_to_this_process():
    said = r"looking: a worker died.*fewer parallel jobs than n_jobs=2.*no results are kept"
    with pytest.raises(WorkerDiedError, match=said):
        list(spread([delayed(die)(), delayed(abs)(1)], "looking", n_jobs=2, cache=False))
    # The workers are new ones.
    work = [delayed(ctrl_c_is_blocked)()] * 2
    assert list(spread(work, "looking", n_jobs=2)) == [True, True]
    assert not ctrl_c_is_blocked()
