"""The words of an expression are those that the engine sees: nothing hides in what looks like text or a comment."""

import jlens
from hypothesis import example, given
from hypothesis import strategies as st

from dag.tokens import tokens

WORDS = "a |b |$f(1)|$g| & |-| in |and|?|=|1|2.5e3|..|~>|:=|%|function($x){$x}|é|'t'|`n`|/r/|/[/]/i|$$|$|^(|<|>|@$v|#$i"
SIGNS = "\"'`/()[]{},;:.*|\\\n\u00a0"
PIECES = st.sampled_from([*WORDS.split("|"), *SIGNS, "/*", "*/", '\\"', "/\\//", '"t"'])


@given(st.lists(PIECES, max_size=14).map("".join))
@example('\\"$f(1)')
@example("a@$v(1)")
def test_no_variable_hides(source: str) -> None:
    try:
        reads = jlens.Expression(source).reads()
    except jlens.JlensError:
        return
    found = tokens(source)
    seen = {token.text for token in found if token.kind == "variable"}
    # The engine also names what is called without a `$`: it looks whether `$f` was meant by `f(1)`.
    called = {token.text for token in found if token.kind == "name"} if "(" in source else set()
    assert set(reads["bindings"]) <= seen | called


@given(st.text(max_size=60) | st.lists(PIECES, max_size=20).map("".join))
def test_any_text_has_words_in_order(source: str) -> None:
    ends = [token.end for token in tokens(source)]
    assert ends == sorted(set(ends))
    assert not ends or ends[-1] <= len(source)


def test_quotes_are_only_quotes_where_a_word_begins() -> None:
    assert [token.text for token in tokens('a" & $f(1) & b"')] == ['a"', "&", "f", "(", "1", ")", "&", 'b"']


def test_a_slash_divides_after_a_value() -> None:
    kinds = [token.kind for token in tokens("a / b / $match(c, /[/]x/i)[0] / 2")]
    assert kinds.count("regex") == 1


def test_words_say_where_they_end() -> None:
    source = "input.`a b` = $x /* no */ + 'y'"
    assert [source[: token.end].rsplit(" ", 1)[-1] for token in tokens(source)][-1] == "'y'"
    assert [token.end for token in tokens(source)] == [5, 6, 11, 13, 16, 27, 31]
