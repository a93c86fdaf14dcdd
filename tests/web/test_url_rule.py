"""URL rules compile what builds URLs when it is first needed, and build the URLs that Werkzeug's own build."""

from werkzeug.routing import Map, Rule

from churn_api.app import create_app


def test_same_urls_as_werkzeug(app):
    """Every route has the URL built that a rule of Werkzeug's own builds, with arguments that need escapes."""
    plain = Map([Rule(rule.rule, endpoint=rule.endpoint) for rule in app.url_map.iter_rules()]).bind("churn.example")
    own = app.url_map.bind("churn.example")
    for rule in app.url_map.iter_rules():
        values = dict.fromkeys(rule.arguments, "50 % off/é") | {"more": "a b&c"}
        assert own.build(rule.endpoint, values) == plain.build(rule.endpoint, values)


def test_built_on_demand(models_dir, monkeypatch):
    """A start compiles no function that builds URLs; the first URL of a rule compiles that of this rule, once."""
    compiled, original = [], Rule._compile_builder

    def counted(rule: Rule, append_unknown: bool = True) -> object:
        compiled.append(rule.rule)
        return original(rule, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", counted)
    urls = create_app({"MODELS_DIR": str(models_dir)}).url_map.bind("churn.example")
    assert compiled == []
    for name in ("one", "other"):
        assert urls.build("models.show_model", {"model": name}) == f"/api/v1/models/{name}"
    assert compiled == ["/api/v1/models/<model>"]
