"""Several views of one person: a point's features pooled over the views that see it."""

import torch


def pool_views(values: torch.Tensor, visibility: torch.Tensor) -> torch.Tensor:
    """Mean (..., C) of per-view values (V, ..., C) weighted by visibility (V, ...) >= 0; a plain mean where no view sees the point.

    PIFu averages evenly and Li, Oskarsson & Heyden 2020 do not say how; hidden views only blur what a visible one knows.
    """
    weight = visibility[..., None] + 1e-4
    return (values * weight).sum(dim=0) / weight.sum(dim=0)


def facing_weight(prior: torch.Tensor) -> torch.Tensor:
    """Visibility (...) in [0, 1] of points with prior features (..., 7) of one view: does the nearest fitted surface face its camera?"""
    return torch.sigmoid((prior[..., 6] + 0.1) * 8)
