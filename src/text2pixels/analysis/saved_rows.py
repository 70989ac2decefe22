"""The rows that a published run saved, beside folders of images: how a new method stands among all that were run there.

No method has to run again for that. The sources' own rows tell whether the images are the same.
"""

from pathlib import Path

import pandas as pd

from text2pixels.analysis.comparison import Shared, few
from text2pixels.analysis.leaderboard import SOURCES
from text2pixels.errors import InputError
from text2pixels.metrics import METRICS
from text2pixels.tables import read_table

COLUMNS = ("pair_id", "method", "metric", "value")  # as `comparison.score_pairs` has them
_CONVENTION = "convention"
_OF_ONE_IMAGE = ("EN", "SD", "SF", "AG")  # metrics that no other image goes into
_APART = 0.02  # of their values, and as much again: another decoder may round a colour's luminance otherwise


def read_saved_rows(path: Path, shared: Shared) -> tuple[pd.DataFrame, Shared]:
    """Return what a published run says of the pairs, and those of the pairs that it has.

    Args:
        path: A file ``rows/fusion-DATASET.parquet`` that `t2p publish` wrote.
        shared: The pairs that are compared.

    Returns:
        Rows of `COLUMNS`, under the convention `standard`; and the pairs, with a note of what was left out.

    Raises:
        InputError: no such file, none of the pairs, not all metrics, or a method with the name of one that is compared.
    """
    if not path.is_file():
        raise InputError(f"no rows at {path}: t2p publish writes them, as rows/fusion-DATASET.parquet")
    rows = read_table(path).to_pandas()
    if missing := [name for name in (_CONVENTION, *COLUMNS) if name not in rows]:
        raise InputError(f"{path} has no column {missing[0]}: it should be rows/fusion-DATASET.parquet of t2p publish")
    rows = rows.loc[rows[_CONVENTION] == "standard", list(COLUMNS)]
    rows["pair_id"] = rows["pair_id"].str.partition("/")[2]  # there it is DATASET/NAME, here the name of the files
    pairs, methods, metrics = ({*rows[name]} for name in COLUMNS[:3])
    common = {name: files for name, files in shared.files.items() if name in pairs}
    if not common:
        raise InputError(
            f"{path} has none of the pairs, such as {next(iter(shared.files))}; it has {few(sorted(pairs)) or 'none'}"
        )
    if missing := [name for name in METRICS if name not in metrics]:
        raise InputError(f"{path} lacks {few(missing)}: another version of text2pixels wrote it; publish the run again")
    own = [name for name in next(iter(common.values())) if name not in SOURCES]
    if taken := [name for name in own if name in methods]:
        raise InputError(f"'{taken[0]}' is a method of {path}, too: name yours otherwise, like mine={taken[0]}")
    notes = [*shared.notes]
    if len(common) < len(shared.files):
        notes.append(f"compared on the {len(common)} of {len(shared.files)} pairs that {path} has")
    if unknown := [name for name in SOURCES if name not in methods]:
        notes.append(f"{path} has no rows of the {unknown[0]} images: whether the run had these is not checked")
    return rows[rows["pair_id"].isin(common) & rows["metric"].isin(METRICS)], Shared(common, notes)


def beside(scores: pd.DataFrame, saved: pd.DataFrame) -> pd.DataFrame:
    """Return both as one table, the sources once.

    Args:
        scores: Of all pairs, as `comparison.score_pairs` yields them.
        saved: Of the same pairs, from `read_saved_rows`.

    Raises:
        InputError: a source is not the image that the published run had.
    """
    of_source = saved["method"].isin(SOURCES)
    checked = saved[of_source & saved["metric"].isin(_OF_ONE_IMAGE)]
    both = scores.merge(checked, on=["pair_id", "method", "metric"], suffixes=("", "_there"))
    apart = both[(both["value"] - both["value_there"]).abs() > _APART * (1 + both["value_there"].abs())]
    if len(apart):
        first = apart.iloc[0]
        raise InputError(
            f"the published run had another {first['method']} image of {first['pair_id']}: {first['metric']} is "
            f"{first['value']:.4g}, there {first['value_there']:.4g} ({apart['pair_id'].nunique()} of "
            f"{scores['pair_id'].nunique()} pairs differ)"
        )
    # As precise as the saved ones, or equal values would not tie in the ranks.
    alike = scores.astype({"value": saved["value"].dtype})
    return pd.concat((alike, saved[~of_source]), ignore_index=True)
