"""A run's results on disk: their folder, its record, and what makes two runs the same."""

from sklidh.results._folder import (
    FORMULA,
    MEASURES,
    REPORT,
    package_versions,
    predictions_as_csv,
    write_run,
)
from sklidh.results._place import check_out, claimed, replaced
from sklidh.results._record import OF_THE_RECORD, PlaceError, beside

__all__ = [
    "FORMULA",
    "MEASURES",
    "OF_THE_RECORD",
    "REPORT",
    "PlaceError",
    "beside",
    "check_out",
    "claimed",
    "package_versions",
    "predictions_as_csv",
    "replaced",
    "write_run",
]
