"""Cached results are reused, and damaged ones are recomputed."""

from joblib import delayed

from sklidh.utils import spread_kept


def squares(tmp_path, numbers, calls):
    def square(number):
        calls.append(number)
        return [number**2]

    entries = [None if n == 0 else tmp_path / f"{n}.json" for n in numbers]
    jobs = [delayed(square)(n) for n in numbers]
    return spread_kept(jobs, "squares", entries, keeps=lambda result: result != [9])


def test_only_results_without_a_cache_entry_are_computed(tmp_path):
    calls = []
    assert squares(tmp_path, [1, 2, 0], calls) == [[1], [4], [0]]
    assert squares(tmp_path, [2, 3, 1, 0], calls) == [[4], [9], [1], [0]]
    assert squares(tmp_path, [3], calls) == [[9]]
    assert calls == [1, 2, 0, 3, 0, 3]


def test_a_truncated_cache_entry_is_recomputed(tmp_path):
    calls = []
    squares(tmp_path, [5], calls)
    (tmp_path / "5.json").write_text("[2")
    assert squares(tmp_path, [5], calls) == [[25]]
    assert calls == [5, 5]
