# SPDX-License-Identifier: Apache-2.0
"""Semantic bases, semantic logits and adaptation, in PyTorch."""

import numpy
import torch
import torch.nn.functional as F


def check_of(bases):
    """Sum of squares of some bases."""
    some = bases[:: bases.shape[0] // 8][:8].double()
    return (some * some).sum().item()


def normal_equations(head, dtype):
    """W+ = H (H'H)^-1 by Cholesky."""
    h = head.to(dtype)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(h.T @ h))
    return (h @ inverse).float()


def bases(arrays, settings):
    head = arrays["head"]
    return {
        "torch.linalg.pinv": lambda: check_of(torch.linalg.pinv(head.T)),
        "normal equations, float64": lambda: check_of(normal_equations(head, torch.float64)),
        "normal equations, float32": lambda: check_of(normal_equations(head, torch.float32)),
    }


def streamed_bases(arrays, settings):
    tokens, features, block = settings["tokens"], settings["features"], 4096

    def blockwise():
        values = numpy.memmap(settings["file"], "float32", "c", settings["offset"], (tokens, features))
        head = torch.from_numpy(values)
        gram = torch.zeros(features, features, dtype=torch.float64)
        for rows in head.split(block):
            rows = rows.double()
            gram.addmm_(rows.T, rows)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
        result = torch.empty(tokens, features)
        for rows, target in zip(head.split(block), result.split(block)):
            target.copy_(rows.double() @ inverse)
        return check_of(result)

    return {"normal equations, float64, in blocks": blockwise}


def logits(arrays, settings):
    trained, scale = settings["trained"], settings["scale"]
    states, labels = arrays["states"], arrays["labels"].long().view(-1)
    examples, width = states.shape[0], states.shape[2]
    weights = arrays["bases"].clone().requires_grad_(trained)
    unit = F.normalize(arrays["bases"], dim=1)

    def loss_and_gradients(similarities):
        x = states.detach().requires_grad_()
        weights.grad = None
        loss = F.cross_entropy(similarities(x.view(-1, width)), labels, reduction="sum") / examples
        loss.backward()
        return loss.item()

    def cosine(x):
        return F.linear(F.normalize(x, dim=1) * scale, F.normalize(weights, dim=1) if trained else unit)

    def linear():
        loss_and_gradients(lambda x: F.linear(x, weights))

    return {"cosine logits": lambda: loss_and_gradients(cosine), "linear head": linear}


class Calibration(torch.nn.Module):
    """Channel attention, MLP and layer norm."""

    def __init__(self, down, up, hidden, out):
        super().__init__()
        self.down, self.up, self.hidden, self.out = (
            torch.nn.Parameter(w.T.clone()) for w in (down, up, hidden, out)
        )

    def forward(self, r):
        gate = 2 * F.linear(F.relu(F.linear(r, self.down)), self.up)
        v = F.linear(F.relu(F.linear(r * gate, self.hidden)), self.out)
        return F.layer_norm(v, v.shape[1:])


def adaptation(arrays, settings):
    states, labels, orders = arrays["states"], arrays["labels"].long().view(-1), arrays["order"].long()
    unit = F.normalize(arrays["bases"], dim=1)

    def loss_of(module, x, y):
        return F.cross_entropy(F.linear(F.normalize(module(x), dim=1) * settings["scale"], unit), y)

    def adapt():
        module = Calibration(*(arrays[key] for key in ("Wdown", "Wup", "Whidden", "Wout")))
        optimizer = torch.optim.AdamW(module.parameters(), lr=settings["rate"], weight_decay=settings["decay"])
        for order in orders:
            for drawn in order.split(settings["batch"]):
                optimizer.zero_grad(set_to_none=True)
                loss_of(module, states[drawn], labels[drawn]).backward()
                optimizer.step()
        with torch.no_grad():
            return loss_of(module, states[: settings["batch"]], labels[: settings["batch"]]).item()

    return {"PyTorch loop": adapt}
