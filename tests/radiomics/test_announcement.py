"""Processes that work for one command say together, once, that loops are being compiled."""

import os
import subprocess
import sys

from sklidh.radiomics import announced_once
from sklidh.radiomics._announcement import BOARD, is_first


def test_one_process_of_a_block_is_the_first():
    ask = (
        sys.executable,
        "-c",
        "from sklidh.radiomics._announcement import is_first as i;print(i())",
    )
    with announced_once():
        answers = [subprocess.run(ask, capture_output=True, text=True).stdout.strip(), is_first()]
    assert answers == ["True", False]
    assert BOARD not in os.environ


def test_outside_of_a_block_every_process_says_it():
    assert is_first()
    assert is_first()
    with announced_once():
        assert is_first()
