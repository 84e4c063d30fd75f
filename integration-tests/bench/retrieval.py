# SPDX-License-Identifier: Apache-2.0
"""Exact search for the ten largest inner products, in PyTorch."""

import torch

BLOCK = 16384


def best(vectors, queries):
    return (queries @ vectors.T).topk(10).values.sum().item()


class InBlocks:
    """The scores of a block of vectors at a time, in an array that is kept."""

    def __init__(self, vectors, queries):
        self.blocks = [block.T for block in vectors.split(BLOCK)]
        self.queries = queries
        self.scores = torch.empty(len(queries) * BLOCK)

    def __call__(self):
        count = len(self.queries)
        found = []
        for block in self.blocks:
            width = block.shape[1]
            scores = self.scores[: count * width].view(count, width)
            torch.mm(self.queries, block, out=scores)
            found.append(scores.topk(min(10, width)).values)
        return torch.cat(found, 1).topk(10).values.sum().item()


def exact(arrays, settings):
    vectors, queries = arrays["vectors"], arrays["queries"]
    return {"topk": lambda: best(vectors, queries), "topk in blocks": InBlocks(vectors, queries)}


def beside_approximate(arrays, settings):
    """Finds other neighbours than an approximate search, so there is nothing to compare."""
    vectors, queries = arrays["vectors"], arrays["queries"]

    def one_by_one():
        for query in queries.split(1):
            best(vectors, query)

    return {"exact, one by one": one_by_one, "exact, all at once": lambda: best(vectors, queries) and None}
