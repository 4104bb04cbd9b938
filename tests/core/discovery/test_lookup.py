"""Names, and what they mean: one, none, several, qualified, preferred, disabled, incompatible."""

from __future__ import annotations

import sys

import pytest

from minidl_core import (
    AmbiguousComponentError,
    ComponentNotFoundError,
    ComponentUnavailableError,
    Registry,
    __version__,
)


def test_a_component_is_given_by_kind_and_name(site, registry):
    site.layer("acme-layers", "acme_lookup.swish", "Swish")
    cls = registry.get("modules", "Swish")
    assert cls.__module__ == "acme_lookup.swish"
    assert isinstance(registry.create("modules", "Swish"), cls)


def test_looking_imports_nothing(site, registry):
    site.layer("acme-layers", "acme_idle.swish", "Swish")
    (component,) = registry.components("modules")
    (distribution,) = registry.distributions()
    assert registry.find("modules", "Swish") is component
    assert registry.unavailable(distribution) is None
    assert (component.name, component.value) == ("Swish", "acme_idle.swish:Swish")
    assert str(distribution) == "acme-layers 1.0"
    assert "acme_idle" not in sys.modules


def test_getting_one_component_imports_no_sibling(site, registry):
    site.install(
        "acme-layers",
        {"minidl.modules": {"A": "acme_many.a:A", "B": "acme_many.b:B"}},
        {
            "acme_many.a": "class A:\n forward=backward=param=info=train=eval=lambda self: 0",
            "acme_many.b": "class B: pass",
        },
    )
    registry.get("modules", "A")
    assert "acme_many.a" in sys.modules
    assert "acme_many.b" not in sys.modules


@pytest.mark.parametrize(
    ("asked", "hint"), [("Swich", '"Swish"'), ("swish", '"Swish"'), ("Swish ", '"Swish"')]
)
def test_an_unknown_name_gets_close_matches_and_what_is_installed(site, registry, asked, hint):
    site.layer("acme-layers", "acme_close.swish", "Swish")
    with pytest.raises(ComponentNotFoundError) as caught:
        registry.get("modules", asked)
    assert str(caught.value) == (
        f'No module "{asked}". Did you mean {hint}? Installed: Swish (acme-layers 1.0)'
    )


def test_with_nothing_installed_the_message_says_what_to_install(registry):
    with pytest.raises(ComponentNotFoundError, match=r"no installed distribution provides losses"):
        registry.get("losses", "MSELoss")


def test_a_name_of_another_kind_is_pointed_out(site, registry):
    site.install("a", {"minidl.losses": {"Huber": "m:H"}, "minidl.modules": {"Swish": "m:S"}})
    with pytest.raises(ComponentNotFoundError, match=r"there is one of the losses"):
        registry.get("modules", "Huber")


def test_an_unknown_kind_is_refused(registry):
    with pytest.raises(ComponentNotFoundError) as caught:
        registry.get("module", "Linear")
    assert str(caught.value) == (
        'No kind "module". Did you mean "modules"? Installed: commands, engines, losses, modules, '
        f"optimizers (minidl-core {__version__})"
    )


@pytest.fixture
def two_claims(make_site):
    first, second = make_site(), make_site()
    first.layer("acme-layers", "acme_claim.linear", "Linear")
    second.layer("Zeta_Nets", "zeta_claim.linear", "Linear")
    return [str(first.folder), str(second.folder)]


@pytest.mark.parametrize("order", [1, -1], ids=["path as is", "path reversed"])
class TestANameThatTwoDistributionsClaim:
    def test_is_never_resolved_silently(self, two_claims, order):
        registry = Registry(two_claims[::order])
        with pytest.raises(AmbiguousComponentError) as caught:
            registry.get("modules", "Linear")
        assert str(caught.value) == (
            '"Linear" of the modules is claimed by acme-layers 1.0 (acme_claim.linear:Linear), '
            'zeta-nets 1.0 (zeta_claim.linear:Linear); write "acme-layers/Linear" or '
            '"zeta-nets/Linear", or prefer one of them with registry.prefer or in MINIDL_PREFER'
        )

    @pytest.mark.parametrize("provider", ["zeta-nets", "Zeta_Nets", "zeta.nets"])
    def test_is_reached_by_the_distributions_name(self, two_claims, order, provider):
        cls = Registry(two_claims[::order]).get("modules", f"{provider}/Linear")
        assert cls.__module__ == "zeta_claim.linear"

    def test_is_settled_by_a_preference(self, two_claims, order):
        registry = Registry(two_claims[::order], preferred=["Acme_Layers/Linear"])
        assert registry.get("modules", "Linear").__module__ == "acme_claim.linear"
        later = Registry(two_claims[::order])
        later.prefer("zeta-nets/Linear")
        assert later.get("modules", "Linear").__module__ == "zeta_claim.linear"
        environment = {"MINIDL_PREFER": "nobody/Nothing, zeta-nets/Linear"}
        by_variable = Registry(two_claims[::order], environment=environment)
        assert by_variable.get("modules", "Linear").__module__ == "zeta_claim.linear"

    def test_is_settled_by_disabling_one(self, two_claims, order):
        registry = Registry(two_claims[::order], disabled=["zeta_nets"])
        assert registry.get("modules", "Linear").__module__ == "acme_claim.linear"

    def test_is_still_open_when_both_are_preferred(self, two_claims, order):
        registry = Registry(
            two_claims[::order], preferred=["acme-layers/Linear", "zeta-nets/Linear"]
        )
        with pytest.raises(AmbiguousComponentError):
            registry.get("modules", "Linear")


def test_a_name_that_one_distribution_claims_twice_is_its_authors_to_mend(site, registry):
    site.install("acme", "[minidl.modules]\nSwish = a:A\nSwish = b:B\n")
    with pytest.raises(AmbiguousComponentError, match=r"its author must remove one"):
        registry.get("modules", "Swish")


def test_the_same_line_twice_is_one_claim(site, registry):
    site.layer("acme", "acme_twice.swish", "Swish")
    (site.folder / "acme-1.0.dist-info" / "entry_points.txt").write_text(
        "[minidl.modules]\n" + "Swish = acme_twice.swish:Swish\n" * 2
    )
    assert registry.get("modules", "Swish").__name__ == "Swish"


class TestADisabledDistribution:
    SOURCE = "raise SystemExit('this must never run')"

    @pytest.fixture
    def path(self, site):
        points = {"minidl.modules": {"Boom": "acme_off:Boom"}, "minidl": {"boom": "acme_off"}}
        site.install("acme-off", points, {"acme_off": self.SOURCE})
        return [str(site.folder)]

    @pytest.mark.parametrize(
        "kwargs",
        [{"disabled": ["Acme_Off"]}, {"environment": {"MINIDL_DISABLE": "other, acme.off"}}],
        ids=["argument", "environment"],
    )
    def test_is_listed_and_never_imported(self, path, kwargs):
        registry = Registry(path, **kwargs)
        assert [str(d) for d in registry.distributions()] == ["acme-off 1.0"]
        assert registry.unavailable(registry.distributions()[0]) == "disabled"
        with pytest.raises(ComponentUnavailableError, match=r"acme-off 1\.0: disabled"):
            registry.get("modules", "Boom")
        assert registry.hooks.problems == []
        assert "acme_off" not in sys.modules

    def test_can_be_disabled_later(self, path):
        registry = Registry(path)
        registry.disable("acme-off")
        with pytest.raises(ComponentUnavailableError):
            registry.get("modules", "Boom")

    def test_the_environment_is_read_by_the_default_registry(self, path, monkeypatch):
        from minidl_core import registry

        registry.refresh()
        monkeypatch.setenv("MINIDL_DISABLE", "acme-off")
        with pytest.raises(ComponentUnavailableError):
            registry.get("modules", "Boom")
        registry.refresh()


@pytest.mark.parametrize(
    ("requirement", "fits"),
    [
        ("minidl-core", True),
        ("minidl-core>=0.1", True),
        ("minidl_core (>=0.1)", True),
        ("Minidl.Core>=99", False),
        ("minidl-core<0.1", False),
        ("minidl-core[testing]>=99", False),
        ("minidl-core>=99; python_version < '3'", True),
        ("minidl-core>=99; extra == 'test'", True),
        ("minidl-core-extras>=99", True),
        ("minidl-core >>> 3", False),
    ],
)
def test_a_distribution_for_another_core_is_incompatible_and_not_imported(
    site, registry, requirement, fits
):
    site.layer("acme", "acme_fit.swish", "Swish", requires=["torch", requirement])
    (distribution,) = registry.distributions()
    if fits:
        assert registry.unavailable(distribution) is None
        assert registry.get("modules", "Swish")
    else:
        assert registry.unavailable(distribution).startswith("incompatible: ")
        with pytest.raises(ComponentUnavailableError, match="incompatible"):
            registry.get("modules", "Swish")
        assert "acme_fit" not in sys.modules


def test_installing_and_uninstalling_are_seen_after_refresh(site, registry):
    with pytest.raises(ComponentNotFoundError):
        registry.get("modules", "Swish")
    folder = site.layer("acme", "acme_late.swish", "Swish")
    with pytest.raises(ComponentNotFoundError):
        registry.get("modules", "Swish")
    registry.refresh()
    assert registry.get("modules", "Swish")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    registry.refresh()
    with pytest.raises(ComponentNotFoundError):
        registry.get("modules", "Swish")
