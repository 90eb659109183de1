"""Format a table of the paper as text for Markdown, LaTeX and HTML."""

import re

import pandas as pd


def printed_table(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Format figures the way the paper prints them, the AUC with its interval.

    Parameters
    ----------
    table : DataFrame
        From `sklidh.baselines.paper_table`.

    Returns
    -------
    printed : DataFrame of str
        The paper's columns, then its own figures under "paper: ...".
    reasons : dict of str to str
        By row: what it is, and why it is empty if it is.
    """
    if table.columns.nlevels == 1:
        return table.map(_two_digits), {}
    printed = pd.DataFrame(index=table.index)
    for kind, heading in table.columns:
        column = table[kind, heading]
        if kind == "parts":
            printed[heading] = column
        elif kind == "here":
            printed[heading] = column.map(_two_digits)
        elif kind == "tuned":
            printed["tuned"] = column.fillna("-")
        elif kind == "paper":
            printed[f"paper: {heading}"] = column.map(_two_digits)
    if "low" in table.columns:
        low, high = (table[end, "AUC"].map(_two_digits) for end in ("low", "high"))
        known = table["here", "AUC"].notna()
        printed.loc[known, "AUC"] += " [" + low[known] + ", " + high[known] + "]"
    reasons = {}
    for kind in ("what", "why not"):
        for label, text in table[kind, ""].dropna().items() if kind in table.columns else ():
            reasons[label] = f"{reasons[label]}; {text}" if label in reasons else text
    return printed, reasons


def markdown(printed: pd.DataFrame) -> str:
    """Write a table of texts as Markdown."""
    rows = [[printed.index.name or "", *printed.columns]]
    rows += [
        [label, *cells] for label, cells in zip(printed.index, printed.to_numpy(), strict=True)
    ]
    lines = [
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|---" + "|---:" * len(printed.columns) + "|", *lines[1:]])


def latex(printed: pd.DataFrame, caption: str, label: str) -> str:
    """Write a table of texts as LaTeX (packages booktabs, and amssymb for the ticks).

    The paper's table number is removed from the caption, since LaTeX numbers tables itself.
    """
    text = printed.to_latex(
        escape=True,
        caption=re.sub(r"^Table [IVX]+\. ", "", caption),
        label=f"tab:{label}",
        column_format="l" + "r" * len(printed.columns),
    )
    return text.replace("✓", r"$\checkmark$")


def flat_names(table: pd.DataFrame) -> pd.DataFrame:
    """Join the two levels of column names, such as "AUC", "AUC paper" and "AUC low"."""
    if table.columns.nlevels == 1:
        return table
    names = [
        heading if kind in ("here", "parts") else f"{heading} {kind}".strip()
        for kind, heading in table.columns
    ]
    return table.set_axis(names, axis=1)


def _two_digits(value) -> str:
    if isinstance(value, str):
        return value
    return "-" if pd.isna(value) else f"{value:.2f}"
