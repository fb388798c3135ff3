#!/usr/bin/env python3
"""Small networks of every size in PyTorch, written from the papers, as checkpoints in the layout of the
published programs, and what they say of two pictures.

usage: reference.py      (writes shapes/ beside this file; needs torch 2)

The same numbers come out each time; in the old format the bytes differ, since storages are named by
where they lay in memory.

The vectors of convert.py come from the published networks and have one size. These have the other
sizes, one channel or three, and widths of G and D that differ. Each pair of checkpoints is written in
another of the ways in which such files are met: see SAVED.
"""
import json, zipfile
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import leaky_relu

HERE = Path(__file__).resolve().parent / 'shapes'
SLOPE = 0.2
VALUES = 8  # values kept of a reconstruction or of a feature vector, from the first to the last

#       name          method           size channels G  D  features
CASES = [
    ('skip-32',  'skip-ganomaly',  32, 1, 3, 5, 20),
    ('skip-64',  'skip-ganomaly',  64, 1, 3, 2, 30),
    ('skip-128', 'skip-ganomaly', 128, 3, 2, 3, 10),
    ('skip-256', 'skip-ganomaly', 256, 1, 2, 1, 7),
    ('gan-32',   'ganomaly',       32, 1, 5, 3, 20),
    ('gan-64',   'ganomaly',       64, 1, 4, 2, 10),
    ('gan-128',  'ganomaly',      128, 3, 2, 3, 7),
    ('gan-256',  'ganomaly',      256, 1, 1, 2, 12),
]

SAVED = {
    'skip-64': 'from DataParallel, whose names begin with module.',
    'skip-128': 'in the format of PyTorch before 1.6',
    'gan-64': 'a state dict alone',
    'gan-128': 'beside an optimiser, in the format of PyTorch before 1.6',
    'gan-256': 'from a GPU',
}


def down(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)


def up(inputs, outputs, bias=False):
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)


class Level(nn.Module):
    """A level of the U-Net and all levels inside it."""

    def __init__(self, level, levels, channels, width):
        super().__init__()
        at = lambda k: width * 2 ** min(k, 3)
        outer, here = (at(level - 1) if level else channels), at(level)
        self.outermost = level == 0
        innermost = level == levels - 1
        if self.outermost:
            inner = Level(1, levels, channels, width)
            parts = [down(outer, here), inner, nn.ReLU(), up(2 * here, outer, bias=True), nn.Tanh()]
        elif innermost:
            parts = [nn.LeakyReLU(SLOPE), down(outer, here), nn.ReLU(), up(here, outer), nn.BatchNorm2d(outer)]
        else:
            inner = Level(level + 1, levels, channels, width)
            parts = [nn.LeakyReLU(SLOPE), down(outer, here), nn.BatchNorm2d(here), inner]
            parts += [nn.ReLU(), up(2 * here, outer), nn.BatchNorm2d(outer)]
        self.model = nn.Sequential(*parts)

    def forward(self, x):
        if self.outermost:
            return self.model(x)
        # The published LeakyReLU works in place, so the skip is the activated tensor.
        return torch.cat([leaky_relu(x, SLOPE), self.model(x)], 1)


class UNet(nn.Module):
    def __init__(self, size, channels, width):
        super().__init__()
        self.model = Level(0, size.bit_length() - 1, channels, width)

    def forward(self, x):
        return self.model(x)


def pyramid(size, channels, width):
    """Down to 4 × 4 as (name, module), and the width there."""
    parts = [(f'initial-conv-{channels}-{width}', down(channels, width))]
    parts += [(f'initial-relu-{width}', nn.LeakyReLU(SLOPE))]
    while size > 8:
        parts += [
            (f'pyramid-{width}-{2 * width}-conv', down(width, 2 * width)),
            (f'pyramid-{2 * width}-batchnorm', nn.BatchNorm2d(2 * width)),
            (f'pyramid-{2 * width}-relu', nn.LeakyReLU(SLOPE)),
        ]
        size, width = size // 2, 2 * width
    return parts, width


def named(parts):
    sequence = nn.Sequential()
    for name, part in parts:
        sequence.add_module(name, part)
    return sequence


class Classifier(nn.Module):
    """Skip-GANomaly's D."""

    def __init__(self, size, channels, width, features):
        super().__init__()
        parts, width = pyramid(size, channels, width)
        self.feat = named(parts + [(f'final-{width}-1-conv', nn.Conv2d(width, features, 4, bias=False))])
        self.clas = named([('classifier', nn.Conv2d(features, 1, 3, 1, 1, bias=False)), ('Sigmoid', nn.Sigmoid())])

    def forward(self, x):
        f = self.feat(x)
        return self.clas(f).flatten(), f.flatten(1)


class Encoder(nn.Module):
    def __init__(self, size, channels, width, features):
        super().__init__()
        parts, width = pyramid(size, channels, width)
        self.main = named(parts + [(f'final-{width}-1-conv', nn.Conv2d(width, features, 4, bias=False))])

    def forward(self, x):
        return self.main(x)


class Decoder(nn.Module):
    def __init__(self, size, channels, width, features):
        super().__init__()
        wide = width * size // 8
        parts = [
            (f'initial-{features}-{wide}-convt', nn.ConvTranspose2d(features, wide, 4, bias=False)),
            (f'initial-{wide}-batchnorm', nn.BatchNorm2d(wide)),
            (f'initial-{wide}-relu', nn.ReLU()),
        ]
        while wide > width:
            parts += [
                (f'pyramid-{wide}-{wide // 2}-convt', up(wide, wide // 2)),
                (f'pyramid-{wide // 2}-batchnorm', nn.BatchNorm2d(wide // 2)),
                (f'pyramid-{wide // 2}-relu', nn.ReLU()),
            ]
            wide //= 2
        parts += [(f'final-{width}-{channels}-convt', up(width, channels)), (f'final-{channels}-tanh', nn.Tanh())]
        self.main = named(parts)

    def forward(self, z):
        return self.main(z)


class TwoEncoders(nn.Module):
    """GANomaly's G."""

    def __init__(self, size, channels, width, features):
        super().__init__()
        self.encoder1 = Encoder(size, channels, width, features)
        self.decoder = Decoder(size, channels, width, features)
        self.encoder2 = Encoder(size, channels, width, features)

    def forward(self, x):
        z = self.encoder1(x)
        x_hat = self.decoder(z)
        return x_hat, z.flatten(1), self.encoder2(x_hat).flatten(1)


class Pyramid(nn.Module):
    """GANomaly's D: its modules are numbered, not named."""

    def __init__(self, size, channels, width):
        super().__init__()
        parts, width = pyramid(size, channels, width)
        self.features = nn.Sequential(*[part for _, part in parts])
        self.classifier = nn.Sequential(nn.Conv2d(width, 1, 4, bias=False))
        self.classifier.add_module('Sigmoid', nn.Sigmoid())

    def forward(self, x):
        return self.classifier(self.features(x)).flatten()


def pictures(size, channels):
    """The first built-in image of the crate (`detector::self_check_images`) and a second made of it."""

    def triangle(position, period):
        phase = position % period
        return 4 * min(phase, period - phase) / period - 1

    rows = [
        [[0.5 * triangle(x + 3 * c, 16) + 0.5 * triangle(y, 8 + 4 * c) for x in range(size)] for y in range(size)]
        for c in range(channels)
    ]
    picture = torch.tensor(rows)
    return torch.stack([picture, 0.25 - 0.5 * picture.transpose(1, 2)])


def prepare(network, x, generator):
    """Draws weights, and moves the running statistics away from 0 and 1."""
    for name, value in network.named_parameters():
        noise = torch.randn(value.shape, generator=generator)
        if value.dim() == 4:
            # As large as keeps the values' size from layer to layer.
            value.data = noise * (1.4 / (value[0].numel() if 'convt' not in name else 4 * value.shape[0]) ** 0.5)
        else:
            value.data = 0.2 * noise + (1.0 if name.endswith('weight') else 0.0)
    network.train()
    for _ in range(12):
        network(x + 0.3 * torch.randn(x.shape, generator=generator))
    network.eval()


def save(name, network, path):
    state = network.state_dict()
    how = SAVED.get(name, '')
    if 'module.' in how:
        state = {f'module.{key}': value for key, value in state.items()}
    saved = {'epoch': 3, 'state_dict': state}
    if 'alone' in how:
        saved = state
    if 'optimiser' in how:
        adam = torch.optim.Adam(network.parameters())
        saved['optimizer'] = adam.state_dict()
        saved['running_mean'] = torch.zeros(3)
    torch.save(saved, path, _use_new_zipfile_serialization='before 1.6' not in how)
    if 'GPU' in how:
        on_gpu(path)


def on_gpu(path):
    """Says that the tensors were on a GPU, as in most checkpoints, though this machine may have none."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, 'w') as archive:  # not compressed, as torch writes it
        for name, data in entries:
            entry = zipfile.ZipInfo(name)  # without the time
            archive.writestr(entry, data.replace(b'X\x03\x00\x00\x00cpu', b'X\x06\x00\x00\x00cuda:0'))


def some(values):
    values = values.flatten().tolist()
    count = min(VALUES, len(values))
    return [values[k * (len(values) - 1) // max(count - 1, 1)] for k in range(count)]


def main():
    torch.set_num_threads(1)
    HERE.mkdir(exist_ok=True)
    cases = []
    for seed, (name, method, size, channels, width, d_width, features) in enumerate(CASES):
        generator = torch.Generator().manual_seed(seed)
        x = pictures(size, channels)
        if method == 'skip-ganomaly':
            g, d = UNet(size, channels, width), Classifier(size, channels, d_width, features)
        else:
            g, d = TwoEncoders(size, channels, width, features), Pyramid(size, channels, d_width)
        with torch.no_grad():
            prepare(g, x, generator)
            prepare(d, x, generator)
            if method == 'skip-ganomaly':
                x_hat = g(x)
                (p, f), (p_hat, f_hat) = d(x), d(x_hat)
            else:
                x_hat, f, f_hat = g(x)
                p, p_hat = d(x), d(x_hat)
        save(name, g, HERE / f'{name}_netG.pth')
        save(name, d, HERE / f'{name}_netD.pth')
        difference = (x - x_hat).double()
        cases.append({
            'name': name, 'method': method,
            'architecture': {
                'size': size, 'channels': channels, 'generator_width': width, 'discriminator_width': d_width,
                'features': features,
            },
            'pictures': [
                {
                    'residual_l1': difference[k].abs().mean().item(),
                    'residual_l2': difference[k].square().mean().item(),
                    'latent': (f[k] - f_hat[k]).double().square().mean().item(),
                    'real': p[k].item(), 'fake': p_hat[k].item(),
                    'x_hat': some(x_hat[k]), 'f': some(f[k]), 'f_hat': some(f_hat[k]),
                }
                for k in range(len(x))
            ],
        })
    (HERE / 'expected.json').write_text(json.dumps(cases, indent=1) + '\n')


main()
