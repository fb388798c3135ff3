"""Writes a model file's networks as ONNX, score and all, so that onnxruntime can run the same net.

    python export_onnx.py model.safetensors out.onnx

Input `x` [n, c, size, size] in [-1, 1]; outputs `score`, `residual`, `latent` [n] and `x_hat`.
"""

import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open


class Graph:
    """Nodes and initialisers under construction."""

    def __init__(self, weights):
        self.weights = weights
        self.nodes = []
        self.initializers = []
        self.known = set()

    def constant(self, name, array):
        if name not in self.known:
            self.known.add(name)
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, name):
        return self.constant(name, self.weights[name].astype(np.float32))

    def node(self, op, inputs, **attributes):
        output = attributes.pop("output", f"t{len(self.nodes)}")
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def convolution(self, op, x, prefix, kernel, stride, padding):
        inputs = [x, self.weight(f"{prefix}.weight")]
        if f"{prefix}.bias" in self.weights:
            inputs.append(self.weight(f"{prefix}.bias"))
        return self.node(
            op, inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4
        )

    def norm(self, x, prefix):
        if f"{prefix}.norm.gamma" not in self.weights:
            return x
        names = ["gamma", "beta", "running_mean", "running_variance"]
        parameters = [self.weight(f"{prefix}.norm.{name}") for name in names]
        return self.node("BatchNormalization", [x, *parameters], epsilon=1e-5)

    def mean(self, x, axes):
        return self.node("ReduceMean", [x, self.constant(f"axes{len(axes)}", np.array(axes, np.int64))], keepdims=0)


def generator(graph, x, levels):
    """x_hat, and the encoding: the skips of at most 4 x 4 pixels and the bottleneck, flattened."""
    skips = []
    layers = []
    h = x
    for level in range(levels):
        if level > 0:
            h = graph.node("LeakyRelu", [h], alpha=0.2)
            skips.append(h)
            if levels - level <= 2:
                layers.append(graph.node("Flatten", [h]))
        h = graph.convolution("Conv", h, f"generator.encoder.{level}.conv", 4, 2, 1)
        h = graph.norm(h, f"generator.encoder.{level}")
    layers.append(graph.node("Flatten", [h]))
    for step in range(levels):
        h = graph.node("Relu", [h])
        h = graph.convolution("ConvTranspose", h, f"generator.decoder.{step}.conv", 4, 2, 1)
        h = graph.norm(h, f"generator.decoder.{step}")
        if skips:
            h = graph.node("Concat", [skips.pop(), h], axis=1)
    return graph.node("Tanh", [h], output="x_hat"), graph.node("Concat", layers, axis=1)


def recall(graph, encoding):
    """Projected encodings, and for each the remembered one that is nearest."""
    pictures = graph.weights["memory.pictures"].astype(np.float32)
    e = graph.node("MatMul", [encoding, graph.weight("memory.projection")])
    e = graph.node("Sub", [e, graph.weight("memory.offset")])
    products = graph.node("MatMul", [e, graph.constant("memory.twice", 2 * pictures.T)])
    squares = graph.constant("memory.squares", (pictures**2).sum(1)[None])
    nearest = graph.node("ArgMin", [graph.node("Sub", [squares, products])], axis=1, keepdims=0)
    return e, graph.node("Gather", [graph.weight("memory.pictures"), nearest], axis=0)


def features(graph, x, levels):
    h = x
    for level in range(levels - 2):
        h = graph.convolution("Conv", h, f"discriminator.pyramid.{level}.conv", 4, 2, 1)
        h = graph.norm(h, f"discriminator.pyramid.{level}")
        h = graph.node("LeakyRelu", [h], alpha=0.2)
    return graph.convolution("Conv", h, "discriminator.feature", 4, 1, 0)


def main(source, target):
    with safe_open(source, framework="np") as file:
        header = json.loads(file.metadata()["skip-ganomaly"])
        weights = {name: file.get_tensor(name) for name in file.keys()}
    architecture, scoring = header["architecture"], header["scoring"]
    size, channels = architecture["size"], architecture["channels"]
    levels = size.bit_length() - 1

    graph = Graph(weights)
    x_hat, encoding = generator(graph, "x", levels)
    kind = scoring.get("latent", "final")
    if kind not in ("final", "memory") or scoring.get("balance", "raw") != "raw":
        sys.exit(f"expected a score of D's last layer or a memory, balanced raw; got {scoring}")
    if kind == "memory":
        f, f_hat = recall(graph, encoding)
    else:
        # One pass of D over both, as the crate does it.
        both = features(graph, graph.node("Concat", ["x", x_hat], axis=0), levels)
        both = graph.node("Flatten", [both])
        f, f_hat = "f", "f_hat"
        graph.nodes.append(helper.make_node("Split", [both], [f, f_hat], axis=0, num_outputs=2))

    difference = graph.node("Sub", ["x", x_hat])
    if scoring["residual"] == "l1":
        difference = graph.node("Abs", [difference])
    else:
        difference = graph.node("Mul", [difference, difference])
    residual = graph.mean(difference, [1, 2, 3])
    feature_difference = graph.node("Sub", [f, f_hat])
    latent = graph.mean(graph.node("Mul", [feature_difference] * 2), [1])
    factor = np.float32(scoring["lambda"])
    graph.node("Identity", [residual], output="residual")
    graph.node("Identity", [latent], output="latent")
    weighted = [
        graph.node("Mul", [residual, graph.constant("lambda", np.array(factor))]),
        graph.node("Mul", [latent, graph.constant("rest", np.array(np.float32(1) - factor))]),
    ]
    graph.node("Add", weighted, output="score")

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    picture = ["n", channels, size, size]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "skip-ganomaly",
            [value("x", picture)],
            [value("score", ["n"]), value("residual", ["n"]), value("latent", ["n"]), value("x_hat", picture)],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    onnx.checker.check_model(model)
    onnx.save(model, target)
    print(json.dumps({"size": size, "channels": channels, "parameters": sum(int(w.size) for w in weights.values())}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
