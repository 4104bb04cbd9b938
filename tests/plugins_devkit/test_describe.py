"""What ``minidl describe`` prints."""

from __future__ import annotations

import json


def test_shows_signature_docstring_and_provenance(minidl, site):
    source = """
    from __future__ import annotations
    class Swish:
        '''x σ(x).'''
        training = True
        def __init__(self, beta: float = 1.0) -> None: ...
        forward = backward = param = info = train = eval = lambda self: None
    """
    site.install("acme", {"minidl.modules": {"Swish": "acme_doc:Swish"}}, {"acme_doc": source})
    out = minidl("describe", "Swish").stdout
    assert out.startswith("Swish(beta: float = 1.0)\n\nx σ(x).\n\nkind:         modules\n")
    assert "entry point:  acme_doc:Swish" in out
    (described,) = json.loads(minidl("describe", "acme/Swish", "--json").stdout)
    assert described["version"] == "1.0"
    assert described["file"].endswith("acme_doc.py")


def test_suggests_a_close_name(minidl, site):
    site.layer("acme", "acme_b.swish", "Swish")
    error = minidl("describe", "Swich", expect=1).stderr
    assert 'No component "Swich". Did you mean "Swish"?' in error
    assert "`minidl list`" in minidl("describe", "Qqqq", expect=1).stderr


def test_describes_commands_and_engines(minidl):
    out = minidl("describe", "doctor").stdout
    assert "kind:         commands\ndistribution: minidl-plugins-devkit\n" in out
    assert "kind:         engines\n" in minidl("describe", "eager").stdout
