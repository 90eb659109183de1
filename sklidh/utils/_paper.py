"""The sequences of Shi et al. 2023, and the pairs in which its best model fuses them."""

PAPER_MODALITIES = ("T1", "T1CE", "T2", "FLAIR")

PAPER_GROUPS = (("T1", "T1CE"), ("T2", "FLAIR"))
"""Input Method 3 (paper III.C): each sequence with the one that enhances it."""
