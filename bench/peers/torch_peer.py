"""The rows by PyTorch, one thread, driven by lines on standard input:

  case ROW GRADIENT double|float n=3 …   then a line for each input, then "end"
  in NAME real|int PATH SIZE…
  run CALLS        -> seconds of CPU
  out PATH         -> results as doubles, one behind the other
"""

import math
import sys
import time

import numpy
import torch

torch.set_num_threads(1)
ROWS = {}


def row(name, gradient=0):
    def keep(make):
        ROWS[name, gradient] = make
        return make
    return keep


def value_and_gradient(loss, parameters):
    """A call that gives the loss and its gradients, in eager mode."""
    for p in parameters:
        p.requires_grad_(True)

    def call():
        value = loss()
        return (value,) + torch.autograd.grad(value, parameters)
    return call


@row("add_gradient")
def add_gradient(a, sizes):
    x = a["x"].requires_grad_(True)

    def call():
        cube = x**3
        y = x**2 + cube - cube.detach()
        return y, torch.autograd.grad(y, x, torch.ones_like(y))[0]
    return call


@row("logsumexp")
def logsumexp(a, sizes):
    x = a["x"]

    def loss():
        m = x.max()
        return m + (x - m).exp().sum().log()
    return value_and_gradient(loss, [x])


@row("least_squares")
def least_squares(a, sizes):
    c, t, y = a["c"], a["t"], a["y"]

    def loss():
        powers = torch.cumprod(t[:, None].expand(-1, len(c)), 1) / t[:, None]
        return 0.5*((powers @ c - y)**2).sum()
    return value_and_gradient(loss, [c])


@row("gmm")
def gmm(a, sizes):
    weights, means, logs, lower = (a["m." + n] for n in ("weights", "means", "logs", "lower"))
    x = a["x"]
    n, d = x.shape
    r, c = torch.tril_indices(d, d, -1)

    def loss():
        Q = torch.diag_embed(logs.exp())
        Q = Q.index_put((torch.arange(len(Q))[:, None], r[None], c[None]), lower)
        q = torch.einsum("jrc,ijc->ijr", Q, x[:, None] - means)
        v = weights + logs.sum(1) - 0.5*(q**2).sum(2)
        return v.logsumexp(1).sum() - n*(weights.logsumexp(0) + 0.5*d*math.log(2*math.pi))
    return value_and_gradient(loss, [weights, means, logs, lower])


def nearest(c, x):
    # Rows by rows of points, so that what is kept stays in cache.
    total = 0
    for part in x.split(1000):
        distance = (part**2).sum(1)[:, None] - 2*part @ c.T + (c**2).sum(1)
        total = total + distance.min(1).values.sum()
    return total


@row("kmeans", 0)
def kmeans(a, sizes):
    c, x = a["c"], a["x"]
    return value_and_gradient(lambda: nearest(c, x), [c])


@row("kmeans", 1)
def kmeans_hvp(a, sizes):
    c, x, v = a["c"].requires_grad_(True), a["x"], a["d_c"]

    def call():
        value = nearest(c, x)
        g, = torch.autograd.grad(value, c, create_graph=True)
        return value, torch.autograd.grad(g, c, v)[0]
    return call


@row("runge_kutta")
def runge_kutta(a, sizes):
    start, target = a["start"], a["target"]
    h = 0.005

    def change(y):
        return (y.roll(-1) - y.roll(2))*y.roll(1) - y + 8

    def loss():
        y = start
        for _ in range(sizes["s"]):
            k1 = change(y)
            k2 = change(y + h/2*k1)
            k3 = change(y + h/2*k2)
            k4 = change(y + h*k3)
            y = y + h/6*(k1 + 2*k2 + 2*k3 + k4)
        return ((y - target)**2).sum()/len(y)
    return value_and_gradient(loss, [start])


@row("geometry")
def geometry(a, sizes):
    parts = [a["cams." + n] for n in ("rotation", "centre", "focal", "origin", "radial")]
    parts[2] = parts[2][:, None]
    cameras = torch.cat(parts, 1)
    seen, cam, point = a["seen"], a["cam"], a["point"]

    def call():
        k = torch.cat([cameras[cam], a["points"][point], a["weights"][:, None]], 1)
        k.requires_grad_(True)
        rotation, centre, focal, origin, radial, x, w = k.split([3, 3, 1, 2, 2, 3, 1], 1)
        v = x - centre
        angle = (rotation**2).sum(1, keepdim=True).sqrt()
        axis = rotation/angle
        y = (v*angle.cos() + torch.cross(axis, v, dim=1)*angle.sin() +
             axis*((axis*v).sum(1, keepdim=True)*(1 - angle.cos())))
        u = y[:, :2]/y[:, 2:]
        r = (u**2).sum(1, keepdim=True)
        bent = u*(1 + radial[:, :1]*r + radial[:, 1:]*r*r)
        residual = w*(bent*focal + origin - seen)
        # Rows are independent: a gradient of each column's sum is a row of each Jacobian.
        J = [torch.autograd.grad(residual[:, i].sum(), k, retain_graph=i == 0)[0] for i in (0, 1)]
        return residual, torch.stack(J, 1)
    return call


@row("lstm")
def lstm(a, sizes):
    p = [a["p." + n] for n in ("weight", "bias", "inward", "outward", "shift")]
    weight, bias, inward, outward, shift = p
    x = a["x"]

    def loss():
        hidden, cell, total = list(a["hidden"]), list(a["cell"]), 0
        for t in range(len(x) - 1):
            u = x[t]*inward
            for k, (w, b) in enumerate(zip(weight, bias)):
                forget, leave = (u*w[::2] + b[::2]).sigmoid()
                enter = (hidden[k]*w[1] + b[1]).sigmoid()
                change = (hidden[k]*w[3] + b[3]).tanh()
                cell[k] = cell[k]*forget + enter*change
                u = hidden[k] = leave*cell[k].tanh()
            y = u*outward + shift
            total = total + (x[t + 1]*(y - (y.exp().sum() + 2).log())).sum()
        return -total/(x.shape[1]*(len(x) - 1))
    return value_and_gradient(loss, p)


@row("network")
def network(a, sizes):
    p = [a[f"p.{layer}.{n}"] for layer in ("first", "second", "third") for n in ("W", "b")]
    W1, b1, W2, b2, W3, b3 = p
    f = torch.nn.functional

    def loss():
        y = f.relu(f.linear(a["x"], W1, b1))
        y = f.relu(f.linear(y, W2, b2))
        return f.cross_entropy(f.linear(y, W3, b3), a["label"])
    return value_and_gradient(loss, p)


def read_case(words):
    name, gradient, real = words[0], int(words[1]), words[2]
    sizes = {k: int(v) for k, v in (w.split("=") for w in words[3:])}
    reals = numpy.float32 if real == "float" else numpy.float64
    arguments = {}
    for line in sys.stdin:
        w = line.split()
        if w[0] == "end":
            break
        shape = tuple(int(n) for n in w[4:])
        data = numpy.fromfile(w[3], reals if w[2] == "real" else numpy.int64).reshape(shape)
        arguments[w[1]] = torch.from_numpy(data)
    make = ROWS.get((name, gradient))
    return make and make(arguments, sizes)


def main():
    call = results = None
    print("ready", flush=True)
    for line in sys.stdin:
        w = line.split()
        if w[0] == "case":
            call = read_case(w[1:])
            print("ok" if call else "no", flush=True)
        elif w[0] == "run":
            start = time.thread_time()
            for _ in range(int(w[1])):
                results = call()
            print(repr(time.thread_time() - start), flush=True)
        elif w[0] == "out":
            flat = [r.detach().reshape(-1).to(torch.float64).numpy() for r in results]
            numpy.concatenate(flat).tofile(w[1])
            print("ok", flush=True)


main()
