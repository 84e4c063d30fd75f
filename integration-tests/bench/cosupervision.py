# SPDX-License-Identifier: Apache-2.0
"""A co-supervised training step in PyTorch: two LSTMs, next-token and next-sequence losses, Adam."""

import torch
from torch.nn import functional


def lstm(arrays, name):
    """DL4J has its gates in the order candidate, forget, output, input; PyTorch input, forget, candidate, output."""

    def ordered(array):
        candidate, forget, output, entry = array.reshape(-1, array.shape[-1]).chunk(4, 1)
        return torch.cat((entry, forget, candidate, output), 1)

    width_in, width = arrays[name + "_W"].shape[0], arrays[name + "_RW"].shape[0]
    made = torch.nn.LSTM(width_in, width, batch_first=True)
    with torch.no_grad():
        made.weight_ih_l0.copy_(ordered(arrays[name + "_W"]).T)
        made.weight_hh_l0.copy_(ordered(arrays[name + "_RW"]).T)
        made.bias_ih_l0.copy_(ordered(arrays[name + "_b"])[0])
        made.bias_hh_l0.zero_()
    return made


def step(arrays, settings):
    words = torch.nn.Embedding.from_pretrained(arrays["words_W"].clone(), freeze=False)
    passage_words = torch.nn.Embedding.from_pretrained(arrays["passageWords_W"].clone(), freeze=False)
    gen, emb = lstm(arrays, "gen"), lstm(arrays, "emb")
    head = torch.nn.Parameter(arrays["nextToken_W"].T.contiguous())
    modules = [words, passage_words, gen, emb]
    optimizer = torch.optim.Adam([head] + [p for m in modules for p in m.parameters()], lr=settings["learning_rate"])
    tokens, passages = arrays["tokens"].long(), arrays["passages"].long()
    last = arrays["lengths"].long() - 1
    target = arrays["target"].long()
    kept = (target >= 0).view(-1).nonzero().view(-1)
    wanted = target.view(-1)[kept]
    positions = arrays["positions"].long()
    positives = arrays["positives"].long()
    rows = torch.arange(len(positions))
    of_passages = torch.arange(len(passages))

    def run():
        optimizer.zero_grad(set_to_none=True)
        states = gen(words(tokens))[0]
        keys = emb(passage_words(passages))[0][of_passages, last]
        next_token = functional.cross_entropy(states.reshape(-1, states.shape[2])[kept] @ head.T, wanted)
        next_sequence = functional.cross_entropy(states[rows, positions] @ keys.T, positives)
        loss = next_token + settings["weight"] * next_sequence
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"PyTorch": run}
