"""Helpers of the tests, a module a subject. Fixtures are in the folders' conftest.py."""

from pkgutil import iter_modules

import pytest

# Their assertions fail with values, as those of the tests do.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))
