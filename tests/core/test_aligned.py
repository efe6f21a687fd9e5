"""Point networks give the same answers however their layers are computed."""

import torch

from likeness.core.networks.aligned import EVEN, PointMLP


def test_numbers_of_points_that_suit_onednn_change_nothing() -> None:
    torch.manual_seed(0)
    network, points = PointMLP(40, 2), torch.randn(1, EVEN, 40)
    with torch.inference_mode():
        even = network(points)
        uneven = torch.cat([network(points[:, :100]), network(points[:, 100:])], dim=1)
    assert (even - uneven).abs().max() < 1e-5
    assert network(points).requires_grad  # training goes another way
