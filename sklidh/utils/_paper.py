"""The sequences of Shi et al. 2023, and the pairs that its best model fuses."""

PAPER_MODALITIES = ("T1", "T1CE", "T2", "FLAIR")

PAPER_GROUPS = (("T1", "T1CE"), ("T2", "FLAIR"))
"""Input Method 3 (paper III.C)."""
