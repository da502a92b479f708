"""The project keeps the rules of ARCHITECTURE.md."""

from __future__ import annotations

from pathlib import Path

import pytest
import rules

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule(rule):
    violations = rule(ROOT)
    assert not violations, "\n" + "\n".join(violations)


def test_kernel_objects_define_no_weak_symbol(build_dir):
    listed = (build_dir / "kernel_objects.txt").read_text().split()
    assert listed, "no kernel was built"
    violations = rules.weak_symbols([Path(p) for p in listed])
    assert not violations, "\n" + "\n".join(violations)
