"""The proof of imports at its smallest: a thousand rows, and kills of the process that runs them."""

import pytest

from bench import imports


@pytest.mark.slow
def test_an_import_of_a_thousand_rows_survives_kills_and_goes_back_whole() -> None:
    holds, figures = imports.prove(1000, 3)
    assert holds, figures
