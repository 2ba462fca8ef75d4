"""Workflow ids of strands: short enough for Temporal, and found again from the path of anything in them."""

from hypothesis import given
from hypothesis import strategies as st

from dag.limits import DEFAULTS
from dag.strands import StrandId, batch_strand, strand_id, strands_of

TENANT, EXECUTION = "tn_" + 32 * "0", "ex_" + 32 * "0"
LAST = DEFAULTS.for_each_items // 1_000 - 1

ids = st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True)
paths = st.lists(ids, min_size=1, max_size=40).map("[7].".join)


@given(paths)
def test_a_workflow_id_fits_into_temporals_databases_and_says_whose_it_is(path: str) -> None:
    whose = StrandId(TENANT, EXECUTION, batch_strand(path, LAST))
    assert len(str(whose)) <= 255
    assert strand_id(str(whose)) == whose


@given(paths, st.integers(0, DEFAULTS.for_each_items - 1), ids)
def test_what_is_in_a_turn_is_found_in_its_batch_first(path: str, turn: int, node: str) -> None:
    strands = [*strands_of(f"{path}[{turn}].{node}")]
    assert strands[0] == batch_strand(path, turn // 1_000)
    assert strands[-1] == ""
    assert len(strands) == path.count("[") + 2


@given(st.sets(paths, min_size=2, max_size=5))
def test_loops_have_batches_of_their_own(found: set[str]) -> None:
    long = {"x" * 200 + path for path in found}
    assert len({batch_strand(path, 0) for path in found | long}) == 2 * len(found)


def test_what_no_turn_can_have_as_its_number_is_in_no_batch() -> None:
    assert [*strands_of(f"a[{'9' * 3_000}].b")] == [""]
