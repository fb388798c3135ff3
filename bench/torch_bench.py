"""Times Skip-GANomaly's score and training step in PyTorch on the CPU; one JSON object a line.

    python torch_bench.py [--size 32] [--channels 3] [--width 32] [--threads N] [--repeats 15]

The networks and the step do the same work as src/nn/ and src/train/step.rs.
"""

import argparse
import json
import os
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Generator(nn.Module):
    """The U-Net down to one pixel."""

    def __init__(self, size, channels, width):
        super().__init__()
        levels = size.bit_length() - 1
        widths = [width << min(level, 3) for level in range(levels)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, output in enumerate(widths):
            layers = [nn.Conv2d(widths[level - 1] if level else channels, output, 4, 2, 1, bias=False)]
            if 0 < level < levels - 1:
                layers.append(nn.BatchNorm2d(output))
            self.down.append(nn.Sequential(*layers))
        for level in reversed(range(levels)):
            source = widths[level] * (1 if level == levels - 1 else 2)
            output = widths[level - 1] if level else channels
            layers = [nn.ConvTranspose2d(source, output, 4, 2, 1, bias=level == 0)]
            if level:
                layers.append(nn.BatchNorm2d(output))
            self.up.append(nn.Sequential(*layers))

    def forward(self, x):
        skips = []
        for level, step in enumerate(self.down):
            if level:
                x = F.leaky_relu(x, 0.2)
                skips.append(x)
            x = step(x)
        for step in self.up:
            x = step(F.relu(x))
            if skips:
                x = torch.cat([skips.pop(), x], 1)
        return torch.tanh(x)


class Discriminator(nn.Module):
    """Gives logits and features."""

    def __init__(self, size, channels, width, length=100):
        super().__init__()
        layers = []
        for level in range(size.bit_length() - 3):
            output = width << level
            layers.append(nn.Conv2d(channels if level == 0 else output // 2, output, 4, 2, 1, bias=False))
            if level:
                layers.append(nn.BatchNorm2d(output))
            layers.append(nn.LeakyReLU(0.2))
        self.pyramid = nn.Sequential(*layers)
        self.feature = nn.Conv2d(output, length, 4, 1, 0, bias=False)
        self.classifier = nn.Conv2d(length, 1, 3, 1, 1, bias=False)

    def forward(self, x):
        features = self.feature(self.pyramid(x))
        return self.classifier(features).flatten(), features.flatten(1)


def score(g, d, x):
    with torch.inference_mode():
        x_hat = g(x)
        _, features = d(torch.cat([x, x_hat]))
        f, f_hat = features.chunk(2)
        residual = (x - x_hat).abs().mean((1, 2, 3))
        latent = (f - f_hat).square().mean(1)
        return (0.9 * residual + 0.1 * latent).tolist()


def bce(logit, target):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, target))


def step(g, d, adam_g, adam_d, x):
    adam_g.zero_grad()
    adam_d.zero_grad()
    x_hat = g(x)
    real, f = d(x)
    # D's weights stand still while G learns, so their gradients are not computed.
    d.requires_grad_(False)
    fake, f_hat = d(x_hat)
    loss = bce(fake, 1.0) + 50 * (x - x_hat).abs().mean() + (f.detach() - f_hat).square().mean()
    loss.backward()
    adam_g.step()
    d.requires_grad_(True)
    fake, f_hat = d(x_hat.detach())
    loss_d = bce(real, 1.0) + bce(fake, 0.0) + (f - f_hat).square().mean()
    loss_d.backward()
    adam_d.step()
    return loss.item() + loss_d.item()


def median_ms(work, repeats):
    for _ in range(3):
        work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    g = Generator(options.size, options.channels, options.width)
    d = Discriminator(options.size, options.channels, options.width)
    rates = {"lr": 2e-4, "betas": (0.5, 0.999)}
    adam_g, adam_d = torch.optim.Adam(g.parameters(), **rates), torch.optim.Adam(d.parameters(), **rates)
    pictures = torch.rand(64, options.channels, options.size, options.size) * 2 - 1

    def report(name, work, repeats):
        print(
            json.dumps(
                {
                    "name": name,
                    "median_ms": median_ms(work, repeats),
                    "threads": options.threads,
                    "size": options.size,
                    "channels": options.channels,
                    "width": options.width,
                    "version": torch.__version__,
                    "parameters": sum(p.numel() for p in [*g.parameters(), *d.parameters()]),
                }
            ),
            flush=True,
        )

    g.eval(), d.eval()
    report("score_1", lambda: score(g, d, pictures[:1]), options.repeats * 5)
    report("score_64", lambda: score(g, d, pictures), options.repeats)
    g.train(), d.train()
    report("train_step_64", lambda: step(g, d, adam_g, adam_d, pictures), options.repeats)


if __name__ == "__main__":
    main()
