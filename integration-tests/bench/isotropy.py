# SPDX-License-Identifier: Apache-2.0
"""IsoScore* and what uses it, in PyTorch."""

import torch


def published(points):
    """As the paper's Algorithm 1 has it: singular values of the covariance, automatic differentiation."""
    n = points.shape[1]
    x = points.detach().requires_grad_()
    centred = x - x.mean(0)
    covariance = centred.T @ centred / (x.shape[0] - 1)
    s = torch.linalg.svdvals(covariance)
    hat = s * (n**0.5) / s.norm()
    defect = (hat - 1).norm() / (2 * (n - n**0.5)) ** 0.5
    score = ((n - defect**2 * (n - n**0.5)) ** 2 - n) / (n * (n - 1))
    score.backward()
    return score.item()


def closed_form(points, epsilon):
    """Participation ratio by traces, its gradient written out and added to what is there."""
    count, n = points.shape
    centred = points - points.mean(0)
    if count >= n:
        m = torch.mm(centred.T, centred).div_(count - 1)
    else:
        m = torch.mm(centred, centred.T).div_(count - 1)
    t = torch.trace(m).item()
    f = torch.dot(m.view(-1), m.view(-1)).item()
    a = 4 * t / ((count - 1) * (n - 1) * f)
    epsilon.add_(centred, alpha=a)
    if count >= n:
        epsilon.addmm_(centred, m, alpha=-a * t / f)
    else:
        epsilon.addmm_(m, centred, alpha=-a * t / f)
    return (t * t / f - 1) / (n - 1)


def automatic(points):
    """The same closed form left to automatic differentiation."""
    count, n = points.shape
    x = points.detach().requires_grad_()
    centred = x - x.mean(0)
    k = centred.T @ centred if count >= n else centred @ centred.T
    k = k / (count - 1)
    score = (torch.trace(k) ** 2 / (k * k).sum() - 1) / (n - 1)
    score.backward()
    return score.item()


def value_and_gradient(arrays, settings):
    points = arrays["points"]
    epsilon = torch.zeros_like(points)
    return {
        "published (SVD)": lambda: published(points),
        "closed form": lambda: closed_form(points, epsilon),
        "closed form, autograd": lambda: automatic(points),
    }
