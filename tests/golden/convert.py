#!/usr/bin/env python3
"""Copies vectors made with the published PyTorch networks, and keeps of the large ones what tests need.

usage: convert.py FOLDER      (writes beside this file)

FOLDER holds, for skipganomaly and ganomaly, the checkpoints *_netG.pth and *_netD.pth, their outputs
*_eval.safetensors, and the losses and tensor statistics of five training steps in *_train.json. The
pictures of these steps and every tensor after the last one are in
skipganomaly_train_after5.safetensors; of its 5 MB are kept the pictures, as the 8-bit pixels that they
were, and eight values of each tensor. Pictures of *_eval are in images/. Needs numpy.
"""
import json, shutil, struct, sys
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent
SAMPLES = 8  # values kept of a tensor, from the first to the last


def read_safetensors(path):
    data = path.read_bytes()
    start = 8 + struct.unpack('<Q', data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != '__metadata__' and entry['dtype'] == 'F32':
            begin, end = entry['data_offsets']
            tensors[name] = numpy.frombuffer(data[start + begin : start + end], '<f4').reshape(entry['shape'])
    return tensors


def write_pixels(path, pixels):
    entry = {'dtype': 'U8', 'shape': pixels.shape, 'data_offsets': [0, pixels.size]}
    header = json.dumps({'x': entry}).encode()
    header += b' ' * (-len(header) % 8)
    path.write_bytes(struct.pack('<Q', len(header)) + header + pixels.tobytes())


def samples(values):
    values = values.ravel()
    count = min(SAMPLES, values.size)
    return [float(values[k * (values.size - 1) // max(count - 1, 1)]) for k in range(count)]


def main(folder):
    for theirs, ours in [('skipganomaly', 'skip_ganomaly'), ('ganomaly', 'ganomaly')]:
        for kind in ['netG.pth', 'netD.pth', 'eval.safetensors', 'train.json']:
            shutil.copyfile(folder / f'{theirs}_{kind}', HERE / f'{ours}_{kind}')
    (HERE / 'images').mkdir(exist_ok=True)
    for picture in (folder / 'images').iterdir():
        shutil.copyfile(picture, HERE / 'images' / picture.name)

    after = read_safetensors(folder / 'skipganomaly_train_after5.safetensors')
    pictures = after.pop('x')
    write_pixels(HERE / 'pictures.safetensors', ((pictures + 1) * 127.5).round().astype('u1'))
    kept = {name: samples(values) for name, values in after.items()}
    (HERE / 'skip_ganomaly_after5.json').write_text(json.dumps(kept, indent=0))


main(Path(sys.argv[1]))
