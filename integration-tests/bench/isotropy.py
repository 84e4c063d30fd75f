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
    arms = {
        "published (SVD)": lambda: published(points),
        "closed form": lambda: closed_form(points, epsilon),
        "closed form, autograd": lambda: automatic(points),
    }
    return {name: arm for name, arm in arms.items() if name in settings["arms"]}


def covariance_stream(arrays, settings):
    batches = arrays["data"].split(settings["rows"])
    n = arrays["data"].shape[1]

    def stream():
        left = settings["count"]
        i = 0
        while left > 0:
            x = batches[i % len(batches)][:left]
            yield x
            left -= len(x)
            i += 1

    def chan():
        count, mean, scatter = 0, torch.zeros(n), torch.zeros(n, n)
        for x in stream():
            batch_mean = x.mean(0)
            centred = x - batch_mean
            scatter.addmm_(centred.T, centred)
            delta = batch_mean - mean
            total = count + len(x)
            scatter.addr_(delta, delta, alpha=count * len(x) / total)
            mean.add_(delta, alpha=len(x) / total)
            count = total
        return (torch.trace(scatter) / (count - 1)).item()

    def sums():
        count, total, squares = 0, torch.zeros(n), torch.zeros(n, n)
        for x in stream():
            squares.addmm_(x.T, x)
            total += x.sum(0)
            count += len(x)
        return (torch.trace(squares.addr_(total, total, alpha=-1 / count)) / (count - 1)).item()

    return {"PyTorch, Chan": chan, "PyTorch, plain sums": sums}


class Penalty(torch.autograd.Function):
    """1 - IsoScore* of the rows of some matrices' union with the gradient of the closed form."""

    @staticmethod
    def forward(context, *layers):
        x = torch.cat([layer.reshape(-1, layer.shape[-1]) for layer in layers])
        n = x.shape[1]
        x -= x.mean(0)
        m = (x.T @ x).div_(len(x) - 1)
        t, f = torch.trace(m), torch.dot(m.view(-1), m.view(-1))
        context.save_for_backward(x, m, t, f)
        context.shapes = [layer.shape for layer in layers]
        return 1 - (t * t / f - 1) / (n - 1)

    @staticmethod
    def backward(context, outer):
        x, m, t, f = context.saved_tensors
        a = (-4 * outer * t / ((len(x) - 1) * (x.shape[1] - 1) * f)).item()
        gradient = torch.addmm(x, x, m, beta=a, alpha=-a * (t / f).item())
        parts = gradient.split([s[:-1].numel() for s in context.shapes])
        return tuple(part.reshape(shape) for part, shape in zip(parts, context.shapes))


class Encoder(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(width, 4, bias=False, batch_first=True)
        self.network = torch.nn.Sequential(
            torch.nn.Linear(width, 4 * width), torch.nn.ReLU(), torch.nn.Linear(4 * width, width)
        )

    def forward(self, x):
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return x + self.network(x)


class Recurrent(torch.nn.LSTM):
    def __init__(self, width):
        super().__init__(width, width, batch_first=True)

    def forward(self, x):
        return super().forward(x)[0]


def training_step(arrays, settings):
    width, classes = settings["width"], settings["classes"]
    minibatch, tokens = settings["minibatch"], settings["tokens"]
    encoder = settings["network"] == "encoder"
    x = torch.randn(minibatch, tokens, width)
    labels = torch.arange(minibatch)[:, None].add(torch.arange(tokens)).remainder(classes).view(-1)

    def step(penalised):
        layers = torch.nn.ModuleList(Encoder(width) if encoder else Recurrent(width) for _ in range(6 if encoder else 4))
        head = torch.nn.Linear(width, classes)
        optimizer = torch.optim.Adam([*layers.parameters(), *head.parameters()], lr=1e-3)

        def run():
            hidden, states = x, []
            for layer in layers:
                hidden = layer(hidden)
                states.append(hidden)
            loss = torch.nn.functional.cross_entropy(head(hidden).view(-1, classes), labels)
            if penalised and settings["each"]:
                loss = loss + sum(Penalty.apply(state) for state in states)
            elif penalised:
                loss = loss + Penalty.apply(*states)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return run

    return {"PyTorch": step(True), "PyTorch without penalty": step(False)}
