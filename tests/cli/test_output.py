"""A terminal shows what matters: every warning once, and nothing of it is lost."""

import warnings

from sklidh.cli._output import warnings_told_once


def test_a_warning_is_printed_once_without_its_line_of_code_and_counted(capsys):
    with warnings_told_once() as counts:
        for text in ("lower lr", "lower lr", "raise [max_iter]"):
            warnings.warn(text, stacklevel=1)
    assert counts == {"lower lr": 2, "raise [max_iter]": 1}
    assert capsys.readouterr().err == "Warning: lower lr\nWarning: raise [max_iter]\n"


def test_outside_the_block_warnings_are_python_s_again():
    before = warnings.showwarning
    with warnings_told_once():
        assert warnings.showwarning is not before
    assert warnings.showwarning is before
