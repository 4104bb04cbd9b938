"""The data of the disk experiment are the report's."""

from __future__ import annotations

import math

import pytest
import torch


@pytest.fixture
def data(disk):
    return disk.disk_data(torch.Generator().manual_seed(5))


def original(data, points):
    return points.x * data.std + data.mean


def test_a_thousand_points_in_each_set(data):
    for points in (data.train, data.test):
        assert points.x.shape == points.y.shape == (1000, 2)
        assert points.x.dtype == points.y.dtype == torch.float32


def test_the_training_set_is_balanced_exactly(data):
    assert data.train.y.sum(0).tolist() == [500, 500]


def test_the_test_set_is_left_as_it_comes(disk):
    generator = torch.Generator().manual_seed(5)
    counts = {int(disk.disk_data(generator).test.y[:, 1].sum()) for _ in range(5)}
    assert len(counts) > 1
    assert all(400 < count < 600 for count in counts)


def test_the_training_set_is_shuffled(data):
    assert 200 < int(data.train.y[:500, 1].sum()) < 300


def test_targets_are_one_hot(data):
    for points in (data.train, data.test):
        assert set(points.y.unique().tolist()) == {0.0, 1.0}
        assert bool((points.y.sum(1) == 1).all())


def test_points_fill_the_unit_square(data):
    for points in (data.train, data.test):
        square = original(data, points)
        torch.testing.assert_close(square.amin(0), torch.zeros(2), atol=0.02, rtol=0)
        torch.testing.assert_close(square.amax(0), torch.ones(2), atol=0.02, rtol=0)


def test_labels_say_whether_a_point_lies_in_the_disk(data):
    for points in (data.train, data.test):
        for (x, y), target in zip(
            original(data, points).tolist(), points.y.argmax(1).tolist(), strict=True
        ):
            distance = math.hypot(x - 0.5, y - 0.5)
            if abs(distance - 1 / math.sqrt(2 * math.pi)) > 1e-6:
                assert target == (distance < 1 / math.sqrt(2 * math.pi))


def test_points_are_uniform_within_each_class(disk):
    generator = torch.Generator().manual_seed(5)
    label = disk.inside(points := disk.draw_balanced(100_000, generator))
    # Inside a disk of radius r, E|p − c|² = r²/2; over the square it is 1/6, and half lies inside.
    squared = (points - 0.5).square().sum(1)
    inside, outside = squared[label].mean().item(), squared[~label].mean().item()
    assert inside == pytest.approx(1 / (4 * math.pi), rel=0.02)
    assert outside == pytest.approx(1 / 3 - 1 / (4 * math.pi), rel=0.02)


def test_both_sets_are_normalised_by_the_training_set(data):
    torch.testing.assert_close(data.train.x.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(data.train.x.std(0), torch.ones(2))
    for statistic, ideal in ((data.test.x.mean(0), 0.0), (data.test.x.std(0), 1.0)):
        assert bool(((statistic - ideal).abs() > 1e-4).all())
        assert bool(((statistic - ideal).abs() < 0.2).all())


def test_a_seed_gives_the_same_bits_and_another_seed_others(disk, data):
    again = disk.disk_data(torch.Generator().manual_seed(5))
    other = disk.disk_data(torch.Generator().manual_seed(6))
    for name in ("train", "test"):
        assert getattr(again, name).x.equal(getattr(data, name).x)
        assert getattr(again, name).y.equal(getattr(data, name).y)
        assert not getattr(other, name).x.equal(getattr(data, name).x)


def test_data_and_weights_leave_the_global_generator_alone(disk):
    before = torch.get_rng_state()
    disk.run(seed=1, epochs=1)
    assert torch.get_rng_state().equal(before)
