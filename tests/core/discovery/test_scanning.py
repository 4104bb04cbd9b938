"""Reading metadata folders: what counts once, what wins, and what is wrong but never fatal."""

from __future__ import annotations

import pytest

from minidl_core import Registry
from minidl_core.distributions import canonical, find_distributions

POINTS = {"minidl.modules": {"Swish": "acme:Swish"}}


def names(registry):
    return [(c.name, str(c.distribution)) for c in registry.components()]


def test_a_distribution_seen_twice_on_the_path_is_listed_once(site):
    site.install("acme", POINTS)
    for path in ([site.folder, site.folder], [site.folder, site.folder / "." / ""]):
        assert names(Registry(map(str, path))) == [("Swish", "acme 1.0")]


def test_a_link_to_the_same_folder_is_the_same_folder(site, tmp_path):
    site.install("acme", POINTS)
    (tmp_path / "link").symlink_to(site.folder)
    registry = Registry([str(tmp_path / "link"), str(site.folder)])
    assert names(registry) == [("Swish", "acme 1.0")]


def test_the_first_on_the_path_wins_as_in_imports_and_the_other_is_told(make_site):
    first, second = make_site(), make_site()
    first.install("acme", POINTS, version="1.0")
    second.install("Acme", POINTS, version="2.0")
    registry = Registry([str(first.folder), str(second.folder)])
    assert names(registry) == [("Swish", "acme 1.0")]
    assert "hidden by" in registry.distributions()[0].problems[0]


def test_a_first_distribution_without_components_hides_a_second_with_some(make_site):
    first, second = make_site(), make_site()
    first.install("acme", {"console_scripts": {"acme": "acme:main"}}, version="2.0")
    second.install("acme", POINTS, version="1.0")
    assert names(Registry([str(first.folder), str(second.folder)])) == []


def test_an_editable_install_beside_its_source_is_listed_once(make_site):
    site, source = make_site(), make_site()
    site.install("acme", POINTS)
    source.install("acme", POINTS, suffix="egg-info")
    registry = Registry([str(site.folder), str(source.folder)])
    assert names(registry) == [("Swish", "acme 1.0")]
    assert registry.distributions()[0].problems == []


def test_of_several_versions_in_one_place_the_highest_wins_and_the_stale_is_told(site, registry):
    site.install("acme", POINTS, version="0.9")
    site.install("acme", POINTS, version="0.10")
    assert names(registry) == [("Swish", "acme 0.10")]
    assert "acme-0.9.dist-info" in registry.distributions()[0].problems[0]


def test_a_stale_folder_without_metadata_loses_to_a_complete_one(site, registry):
    site.install("acme", POINTS, version="1.0")
    (site.install("acme", POINTS, version="2.0") / "METADATA").unlink()
    assert names(registry) == [("Swish", "acme 1.0")]


def test_what_pip_set_aside_is_ignored(site, registry):
    site.install("acme", POINTS).rename(site.folder / "~cme-1.0.dist-info")
    assert names(registry) == []


def test_a_folder_with_entry_points_alone_is_listed_with_its_problem(site, registry):
    (site.install("acme", POINTS) / "METADATA").unlink()
    assert names(registry) == [("Swish", "acme ?")]
    assert "no readable METADATA" in registry.distributions()[0].problems[0]


def test_the_description_is_not_mistaken_for_headers(site, registry):
    site.install("acme", POINTS, version="1.5")
    assert registry.distributions()[0].version == "1.5"


def test_metadata_with_windows_line_ends_is_read(site, registry):
    site.install("acme", POINTS, metadata="Name: acme\r\nVersion: 3\r\n\r\nText")
    assert registry.distributions()[0].version == "3"


def test_malformed_lines_are_told_by_number_and_the_rest_is_read(site, registry):
    text = "# c\n[other]\nwhat\n[minidl.modules]\n; c\nnothing\n= x\nSwish = acme:Swish\n"
    site.install("acme", text)
    assert names(registry) == [("Swish", "acme 1.0")]
    problems = registry.distributions()[0].problems
    assert [problem.split(",")[0] for problem in problems] == [
        "line 6 of entry_points.txt",
        "line 7 of entry_points.txt",
    ]


@pytest.mark.parametrize("broken", ["a file", "bytes", "a folder", "missing"])
def test_unreadable_places_are_passed_over(tmp_path, broken):
    site = tmp_path / "site"
    site.mkdir()
    info = site / "acme-1.0.dist-info"
    if broken == "a file":
        info.write_text("legacy")
    elif broken != "missing":
        info.mkdir()
        if broken == "bytes":
            (info / "entry_points.txt").write_bytes(b"\xff\xfe[minidl]\x00\n")
        else:
            (info / "entry_points.txt").mkdir()
    path = [str(site), str(tmp_path / "nowhere"), str(info), ""]
    assert all(d.name != "acme" or not d.entry_points for d in find_distributions(path))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Acme_Layers", "acme-layers"), ("a.-_b", "a-b"), (" A ", "a"), ("", "")],
)
def test_names_are_made_canonical(name, expected):
    assert canonical(name) == expected
