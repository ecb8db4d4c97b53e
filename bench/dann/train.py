"""train.py - main.c's training with PyTorch, for bench/dann.sh: the same numbers, printed in
the same order."""
import resource
import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
batch = int(sys.argv[1])


def hashed(s, rows, columns):
    i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
    return (7919 * i + 10473 * j + 31 * i * j + 613 * s + 17) % 2003 / 2003 - 0.5


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, up):
        return -ctx.alpha * up, None


def linear(s, m, n):
    layer = nn.Linear(n, m)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(2 * hashed(s, m, n) / n**0.5))
        layer.bias.copy_(torch.from_numpy(2 * hashed(s, m, 2)[:, 1] / n**0.5))
    return layer


def perceptron(s, n, h, m):
    return nn.Sequential(linear(s, h, n), nn.ReLU(), linear(s + 1, m, h))


extractor = perceptron(1, 784, 256, 128)
class_head = perceptron(3, 128, 64, 10)
domain_head = perceptron(5, 128, 64, 2)
parameters = [p for net in (extractor, class_head, domain_head) for p in net.parameters()]
optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9)
entropy = nn.CrossEntropyLoss()
x = torch.from_numpy((hashed(7, batch, 784) + 0.5).astype("f4"))
row = torch.arange(batch)
classes, domains = (7 * row + 3) % 10, (row >= batch // 2).long()


def gradient():
    features = extractor(x)
    loss = entropy(class_head(features), classes) + entropy(
        domain_head(Reverse.apply(features, 1.0)), domains
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    return loss


def steps(n):
    for _ in range(n):
        gradient()
        optimizer.step()


told = [float(gradient())] + [float(p.grad.double().norm()) for p in parameters]
steps(10)
told.append(float(gradient()))
print(*(f"{t:.7g}" for t in told), flush=True)
for line in iter(sys.stdin.readline, "0\n"):
    begin = time.process_time()
    steps(int(line))
    print(f"{time.process_time() - begin:.9f}", flush=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
