#!/usr/bin/env python3
"""Turns vectors made with the published PyTorch networks into this crate's names.

usage: convert.py FOLDER      (writes skip_ganomaly*.safetensors and skip_ganomaly_steps.json beside this file)

FOLDER holds the published-layout checkpoints skipganomaly_netG.pth and skipganomaly_netD.pth, their
outputs skipganomaly_eval.safetensors, the pictures of five training steps in
skipganomaly_train_after5.safetensors, and those steps' losses and tensor statistics in
skipganomaly_train.json. Needs torch and safetensors.
"""
import json, re, sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
LEVELS = 5  # a side of 32


def generator_name(name):
    """model.model.1.model.3.model.1.weight -> generator.encoder.2.conv.weight"""
    numbers = [int(n) for n in re.findall(r'\.(\d+)', name)]
    leaf = name.rsplit('.', 1)[1]
    level, module = len(numbers) - 1, numbers[-1]
    if level == 0:  # outermost: 0 is the convolution, 3 the transposed one
        kind, at = ('encoder', 0) if module == 0 else ('decoder', LEVELS - 1)
        part = 'conv'
    elif module == 1:
        kind, at, part = 'encoder', level, 'conv'
    elif module == 2:
        kind, at, part = 'encoder', level, 'norm'
    elif level == LEVELS - 1:  # innermost has no sub-module between its two halves
        kind, at, part = 'decoder', 0, {3: 'conv', 4: 'norm'}[module]
    else:
        kind, at, part = 'decoder', LEVELS - 1 - level, {5: 'conv', 6: 'norm'}[module]
    return f'generator.{kind}.{at}.{part}.{leaf_name(part, leaf)}'


def discriminator_name(name):
    """feat.pyramid-16-32-conv.weight -> discriminator.pyramid.1.conv.weight"""
    leaf = name.rsplit('.', 1)[1]
    if name.startswith('clas'):
        return 'discriminator.classifier.weight'
    if 'final' in name:
        return 'discriminator.feature.weight'
    if 'initial' in name:
        return 'discriminator.pyramid.0.conv.weight'
    width = int(re.search(r'-(\d+)-(?:conv|batchnorm)', name).group(1))
    at = (width // 16).bit_length() - 1
    part = 'norm' if 'batchnorm' in name else 'conv'
    return f'discriminator.pyramid.{at}.{part}.{leaf_name(part, leaf)}'


def leaf_name(part, leaf):
    if part == 'conv':
        return leaf
    return {'weight': 'gamma', 'bias': 'beta', 'running_var': 'running_variance'}.get(leaf, leaf)


def rename(tensors, names):
    kept = {k: v for k, v in tensors.items() if not k.endswith('num_batches_tracked')}
    return {names(k): v for k, v in kept.items()}


def main(folder):
    state = lambda file: torch.load(folder / file, map_location='cpu', weights_only=False)['state_dict']
    tensors = rename(state('skipganomaly_netG.pth'), generator_name)
    tensors |= rename(state('skipganomaly_netD.pth'), discriminator_name)
    header = {
        'format': 1, 'method': 'skip-ganomaly',
        'architecture': {'size': 32, 'channels': 3, 'generator_width': 16, 'discriminator_width': 16, 'features': 100},
        'preprocessing': {'size': 32, 'channels': 3, 'resize': 'bilinear'},
        'scoring': {'lambda': 0.9, 'residual': 'l1'},
        'calibration': None, 'training': None, 'self_check': None, 'licence': None,
    }
    metadata = {'skip-ganomaly': json.dumps(header)}
    save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / 'skip_ganomaly.safetensors', metadata)
    save_file(load_file(folder / 'skipganomaly_eval.safetensors'), HERE / 'skip_ganomaly_eval.safetensors')

    pictures = load_file(folder / 'skipganomaly_train_after5.safetensors')['x']
    pictures = ((pictures + 1) * 127.5).round().to(torch.uint8)  # they were 8-bit pixels
    save_file({'x': pictures}, HERE / 'skip_ganomaly_pictures.safetensors')

    record = json.load(open(folder / 'skipganomaly_train.json'))
    steps = []
    for step in record['steps']:
        kept = {k: v for k, v in step.items() if not isinstance(v, dict)}
        for network, names in [('G', generator_name), ('D', discriminator_name)]:
            kept['tensors'] = kept.get('tensors', {}) | rename(step[network], names)
        steps.append(kept)
    json.dump(steps, open(HERE / 'skip_ganomaly_steps.json', 'w'), indent=0)


main(Path(sys.argv[1]))
