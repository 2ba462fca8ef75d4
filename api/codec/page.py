"""The page on which a browser is given the key that opens payloads in Temporal's Web UI."""

from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Perdure: payloads in Temporal's Web UI</title>
<style>
  body {{ font: 15px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 38rem; padding: 0 1rem }}
  input {{ font: inherit; padding: .4rem; width: 24rem }} button {{ font: inherit; padding: .4rem 1rem }}
</style>
<h1>Read payloads in Temporal's Web UI</h1>
<p>Inputs and outputs are encrypted in Temporal. With your API key this browser can show those of your tenant, for
twelve hours.</p>
<form method="post">
  <label>API key <input name="key" type="password" autocomplete="off" required></label> <button>Open</button>
</form>
<p role="status">{told}</p>
<p>Then, in Temporal's Web UI: the glasses at the top right, there <em>Use my browser setting</em>, as its endpoint the
address of this page without <code>/session</code>, and <em>Include cross-origin credentials</em>.</p>
</html>"""


def page(told: str = "") -> str:
    """The page, saying what came of it."""
    return _PAGE.format(told=escape(told))
