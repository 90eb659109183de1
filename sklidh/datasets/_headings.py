"""Match a table's headings to columns: synonyms, the user's own names, near misses."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sklidh.utils import listed

SYNONYMS = {
    "patient": "patient patientid patid patientno patientnumber participantid participant "
    "subjectid subject caseid case pid patientenid patientennummer id",
    "T1": "t1 t1w t1n t1native t1nativ t1pre pret1 t1precontrast t1noncontrast t1unenhanced "
    "t1plain t1weighted",
    "T1CE": "t1ce t1c t1gd t1gad t1gado t1gadolinium t1post postt1 t1postcontrast postcontrastt1 "
    "t1contrast t1contrastenhanced t1enhanced t1km t1wce t1wc t1wgd t1+c t1+ce t1+gd t1w+c "
    "cet1 cet1w t1cemri gdt1",
    "T2": "t2 t2w t2weighted t2tse t2fse",
    "FLAIR": "flair t2flair flairt2 t2f t2wflair t2wf 3dflair",
    "mask": "mask seg segm segmentation tumormask tumourmask tumorseg tumourseg "
    "tumorsegmentation tumoursegmentation masktumor masktumour lesionmask roi labelmap",
    "idh": "idh idhstatus idhmutation idhmutationstatus idhmutated idhmutant idhmut idh12 "
    "idh12status idh12mutation idh1 idh1status idh1mutation idhgenotype",
    "age": "age ageyears ageinyears agey ageyr ageyrs ageatdiagnosis ageatmri ageatscan alter",
    "sex": "sex gender geschlecht",
    "site": "site centre center hospital institution institute zentrum klinik",
}
"""Column -> possible headings, in the form of `key_of`; earlier ones take precedence."""

SYNONYMS = {name: tuple(keys.split()) for name, keys in SYNONYMS.items()}

OF_A_FILE = frozenset("path paths file files filename image images img scan mri nifti nii".split())
"""Words that only state that a column holds files."""


def words_of(heading) -> list[str]:
    """Return a heading's words in lower case; "T1 Gd", "t1_gd" and "T1Gd" give the same words."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(heading))
    return re.findall(r"[^\W_]+|[+*]", apart.casefold())


def key_of(heading) -> str:
    """Return a heading without case, blanks, punctuation and words that only mean a file."""
    words = words_of(heading)
    kept = [word for word in words if word not in OF_A_FILE] or words
    return "".join(kept)


def matches(name: str, headings: Iterable[str]) -> list[str]:
    """Return the headings that mean a column.

    Parameters
    ----------
    name : str
        For example "T1CE".
    headings : iterable of str

    Returns
    -------
    list of str
        The column's own name only, if present; else its name in other case; else all synonyms, in
        the order of `SYNONYMS`.

    Examples
    --------
    >>> from sklidh.datasets import matches
    >>> matches("T1CE", ["Patient ID", "T1 Gd", "t1_path", "FLAIR"])
    ['T1 Gd']
    """
    headings = list(headings)
    if name in headings:
        return [name]
    if same := [each for each in headings if str(each).casefold() == name.casefold()]:
        return same
    order = {key: place for place, key in enumerate((key_of(name), *SYNONYMS.get(name, ())))}
    meant = [each for each in headings if key_of(each) in order]
    return sorted(meant, key=lambda each: order[key_of(each)])


def near_misses(name: str, headings: Iterable[str]) -> list[str]:
    """Return the headings spelt similarly to a column or one of its synonyms.

    Parameters
    ----------
    name : str
        The column.
    headings : iterable of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> from sklidh.datasets import near_misses
    >>> near_misses("FLAIR", ["FLIAR", "T2"])
    ['FLIAR']
    """
    known = {key for keys in SYNONYMS.values() for key in keys}
    keys = {key_of(each): each for each in headings}
    keys = {key: each for key, each in keys.items() if key and key not in known}
    close = []
    for wanted in (key_of(name), *SYNONYMS.get(name, ())):
        # Any two-letter word would be close to any other.
        if len(wanted) > 2:
            close += get_close_matches(wanted, keys, n=2, cutoff=0.75)
    return [keys[key] for key in dict.fromkeys(close)]


def not_found(name: str, headings, *, of: str = "") -> str:
    """Return the message about a missing column, with possible headings.

    Parameters
    ----------
    name : str
        The column.
    headings : iterable of str
        The table's headings.
    of : str, default=""
        Description of the column, shown in brackets.

    Returns
    -------
    str
    """
    near = near_misses(name, headings)
    asked = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    meant = near[0] if near else "HEADING"
    remedy = f"rename the column, or give --columns {name}={quoted(meant)}"
    return (
        f"column {name!r}{of} not found{asked or ';'} available columns: {listed(headings)}; "
        f"{remedy}"
    )


def quoted(heading: str) -> str:
    """Return a heading as written on the command line."""
    return heading if re.fullmatch(r"[\w.-]+", heading) else f"'{heading}'"


def understood(
    headings: list[str], names: Iterable[str], columns: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[str], list[str]]:
    """Find the heading of each of the columns `names`.

    `columns` is the user's own mapping, column -> heading, which overrides everything else.
    Returns heading -> column where they differ; notes on columns recognised under other headings;
    and problems: a heading of `columns` that is not found, or two headings for one column.
    """
    columns, names = dict(columns or {}), list(names)
    renamed, recognised, problems = {}, [], []
    # A heading that is a column's own name is not a synonym of another.
    taken = {name for name in names if name in headings and name not in columns}
    for name, heading in columns.items():
        same = [each for each in headings if str(each).casefold() == heading.strip().casefold()]
        if heading not in headings and len(same) == 1:
            heading = same[0]
        if heading not in headings:
            near = get_close_matches(heading, map(str, headings), n=2)
            asked = f"; did you mean {' or '.join(map(repr, near))}?" if near else ";"
            problems.append(
                f"--columns {name}={quoted(heading)}: the table has no such heading{asked} "
                f"available columns: {listed(headings)}"
            )
        elif heading in renamed or heading in taken:
            problems.append(f"--columns: {heading!r} is named for two columns; each needs its own")
        else:
            taken.add(heading)
            if heading != name:
                renamed[heading] = name
                # Otherwise the column that already had the name would be duplicated.
                if name in headings and name not in columns.values():
                    problems.append(
                        f"--columns {name}={quoted(heading)}: the table also has a column {name!r};"
                        " rename or delete one of the two"
                    )
    for name in names:
        if name in columns or name in taken:
            continue
        found = [each for each in matches(name, headings) if each not in taken]
        if len(found) > 1 and name != "patient":
            problems.append(
                f"{' and '.join(map(repr, found))} may both be {name!r}; choose one by --columns "
                f"{name}={quoted(found[0])}"
            )
        elif found:
            taken.add(found[0])
            renamed[found[0]] = name
            recognised.append(f"{found[0]!r} as {name!r}")
    notes = [f"headings recognised: {', '.join(recognised)}"] if recognised else []
    return renamed, notes, problems
