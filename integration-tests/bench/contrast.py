# SPDX-License-Identifier: Apache-2.0
"""The next-sequence contrast, in PyTorch."""

import torch
from torch.nn import functional


def automatic(queries, keys, memory, target):
    """As one writes it: cross-entropy of scores, automatic differentiation; the memory's keys have no gradient."""
    q = queries.detach().requires_grad_()
    k = keys.detach().requires_grad_()
    scores = q @ (k if memory is None else torch.cat((k, memory))).T
    loss = functional.cross_entropy(scores, target)
    loss.backward()
    return check(loss.item(), q.grad, k.grad)


def check(loss, queries, keys):
    return loss + 10 * len(queries) * (queries[0, 0] + keys[1, 1]).item()


class WrittenOut:
    """The gradients written out, scores turned into errors in place, all arrays kept from call to call."""

    def __init__(self, queries, keys, memory, target):
        self.queries, self.memory, self.target = queries, memory, target.view(-1, 1)
        self.own = len(keys)
        self.keys = keys if memory is None else torch.cat((keys, memory))
        self.scores = torch.empty(len(queries), len(self.keys))
        self.shift = torch.full((len(queries), 1), -1.0)
        self.queries_gradient = torch.empty_like(queries)
        self.keys_gradient = torch.empty_like(keys)

    def __call__(self):
        if self.memory is not None:
            self.keys[self.own :].copy_(self.memory)
        count = len(self.queries)
        torch.mm(self.queries, self.keys.T, out=self.scores)
        torch.softmax(self.scores, 1, out=self.scores)
        loss = -self.scores.gather(1, self.target).log_().mean().item()
        self.scores.scatter_add_(1, self.target, self.shift)
        torch.addmm(self.queries_gradient, self.scores, self.keys, beta=0, alpha=1 / count, out=self.queries_gradient)
        own = self.scores[:, : self.own]
        torch.addmm(self.keys_gradient, own.T, self.queries, beta=0, alpha=1 / count, out=self.keys_gradient)
        return check(loss, self.queries_gradient, self.keys_gradient)


def loss_and_gradients(arrays, settings):
    queries, keys, memory = arrays["queries"], arrays["keys"], arrays.get("memory")
    target = torch.arange(len(queries))
    return {
        "autograd": lambda: automatic(queries, keys, memory, target),
        "written out": WrittenOut(queries, keys, memory, target),
    }
