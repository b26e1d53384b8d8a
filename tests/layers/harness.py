"""The one harness that every layer passes, on whatever backend Keras runs.

`run_layer_test` builds a layer, calls it eagerly and symbolically, takes it through its
configuration and a `.keras` file, pads its rows, trains it one step and runs it in mixed precision.
`gradients` and `assign` serve tests of their own as well.
"""

import json
import pathlib
import tempfile
import warnings

import keras
import numpy as np
from keras import ops, tree


def to_numpy(x):
    """A tensor of any backend as an array; bfloat16 as float32."""
    x = x.value if isinstance(x, keras.Variable) else x
    if "bfloat16" in str(x.dtype):
        x = ops.cast(x, "float32")
    if hasattr(x, "detach"):
        x = x.detach().cpu()
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


def assign(variables, arrays):
    """Give `{name: variable}` the values of `{name: array}`: the same names, the same shapes."""
    assert set(variables) == set(arrays), set(variables) ^ set(arrays)
    for name, variable in variables.items():
        assert tuple(variable.shape) == np.shape(arrays[name]), name
        variable.assign(arrays[name])


def gradients(layer, loss):
    """Gradients of `loss()`, a scalar computed through `layer`, for its trainable variables.

    Returns:
        Tensors in the order of `layer.trainable_variables`.
    """
    variables = layer.trainable_variables
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        def of_values(values):
            with keras.StatelessScope(list(zip(variables, values, strict=True))):
                return loss()

        # One program, which compiles sooner than each of its operations by itself.
        return jax.jit(jax.grad(of_values))([variable.value for variable in variables])
    if backend == "tensorflow":
        import tensorflow

        with tensorflow.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [variable.value for variable in variables])
        return [tensorflow.convert_to_tensor(gradient) for gradient in found]
    for variable in variables:
        variable.value.grad = None
    loss().backward()
    return [variable.value.grad for variable in variables]


def run_layer_test(
    cls,
    init_kwargs,
    inputs,
    expected_shape,
    *,
    call_kwargs=None,
    batch_axes=None,
    pad_axes=None,
    output_time_axes=None,
    trainable=True,
    stochastic=False,
    save=True,
    mixed_tolerance=0.05,
    tolerance=1e-6,
):
    """Take a layer through everything a layer has to do; warnings are errors.

    Args:
        cls: the layer's class, registered under `elmo`.
        init_kwargs: its arguments.
        inputs: an array, or `{argument of call: array or tuple of arrays}`; the first is passed by
            position, the others by keyword.
        expected_shape: a shape, or shapes nested as the outputs are.
        call_kwargs: further arguments of `call`, no tensors.
        batch_axes: `{argument: axis}` where the batch axis is not 0; unknown in symbolic calls.
        pad_axes: `{argument: time axis}`: of these, two positions are added behind: False for
            booleans, 0 for integers, noise for floats. What stood before must come out the same.
        output_time_axes: where the outputs have their time axis, one number or nested as
            `expected_shape`; None for an output that has none and must not change at all.
        trainable: whether a training step moves each trainable weight.
        stochastic: whether `training=True` gives another result each time.
        save: whether a model with the layer goes through a `.keras` file.
        mixed_tolerance: largest error in `mixed_bfloat16`, relative to the largest output; None
            leaves that out.
        tolerance: largest difference between ways of calling.

    Returns:
        The built layer and its eager outputs as arrays.
    """
    if not isinstance(inputs, dict):
        inputs = {"inputs": inputs}
    case = _Case(cls, init_kwargs, inputs, call_kwargs or {}, tolerance)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Keras reads PyTorch tensors in a way that NumPy 2 will drop one day.
        warnings.filterwarnings("ignore", message="__array__ implementation doesn't accept a copy")
        layer = cls(**init_kwargs)
        outputs = _check_eager(case, layer, expected_shape)
        _check_config(case, layer)
        _check_symbolic(case, layer, outputs, batch_axes or {}, save)
        if pad_axes:
            axes = output_time_axes
            if axes is None or isinstance(axes, int):
                axes = tree.map_structure(lambda _: axes, outputs)
            _check_padding(case, layer, outputs, pad_axes, axes)
        if stochastic:
            _check_stochastic(case, layer)
        if mixed_tolerance is not None:
            _check_mixed_precision(case, layer, outputs, mixed_tolerance)
        if trainable:
            _check_training_step(case, layer)
    return layer, outputs


class _Case:
    """A layer's class, arguments and inputs, and how it is called."""

    def __init__(self, cls, init_kwargs, inputs, call_kwargs, tolerance):
        self.cls, self.init_kwargs = cls, init_kwargs
        self.inputs, self.call_kwargs = inputs, call_kwargs
        self.tolerance = tolerance

    def call(self, layer, inputs=None, **kwargs):
        inputs = self.inputs if inputs is None else inputs
        inputs = tree.map_structure(
            lambda x: x if isinstance(x, keras.KerasTensor) else ops.convert_to_tensor(x), inputs
        )
        first, *names = inputs
        named = {name: inputs[name] for name in names}
        return layer(inputs[first], **named, **self.call_kwargs, **kwargs)

    def arrays(self, layer, inputs=None, **kwargs):
        return tree.map_structure(to_numpy, self.call(layer, inputs, **kwargs))

    def assert_same(self, actual, expected):
        # A saved model gives lists where there were tuples: the order of the leaves is what counts.
        for one, other in zip(tree.flatten(actual), tree.flatten(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=self.tolerance, atol=self.tolerance)


def _is_shape(value):
    return isinstance(value, tuple) and all(isinstance(size, int) for size in value)


def _check_eager(case, layer, expected_shape):
    outputs = case.arrays(layer)
    assert layer.built
    shapes = [tuple(output.shape) for output in tree.flatten(outputs)]
    wanted = [expected_shape] if _is_shape(expected_shape) else _shapes_in(expected_shape)
    assert shapes == wanted
    case.assert_same(case.arrays(layer), outputs)  # inference is deterministic
    return outputs


def _shapes_in(nested):
    if _is_shape(nested):
        return [nested]
    parts = nested.values() if isinstance(nested, dict) else nested
    return [shape for part in parts for shape in _shapes_in(part)]


def _check_config(case, layer):
    assert keras.saving.get_registered_name(case.cls) == f"elmo>{case.cls.__name__}"
    config = layer.get_config()
    missing = set(case.init_kwargs) - set(config)
    assert not missing, f"get_config leaves out {sorted(missing)}"
    json.dumps(keras.saving.serialize_keras_object(config))
    again = case.cls.from_config(config)
    assert again.get_config() == config
    whole = keras.saving.serialize_keras_object(layer)
    assert type(keras.saving.deserialize_keras_object(whole)) is case.cls


def _check_symbolic(case, layer, outputs, batch_axes, save):
    def symbol(name, array):
        shape = list(array.shape)
        shape[batch_axes.get(name, 0)] = None
        return keras.Input(batch_shape=shape, dtype=str(array.dtype))

    symbols = {
        name: tree.map_structure(lambda array, name=name: symbol(name, array), value)
        for name, value in case.inputs.items()
    }
    symbolic = case.call(layer, symbols)
    tree.assert_same_structure(tree.map_structure(lambda _: 0, symbolic), _zeros(outputs))
    for tensor, output in zip(tree.flatten(symbolic), tree.flatten(outputs), strict=True):
        assert len(tensor.shape) == output.ndim
        for size, real in zip(tensor.shape, output.shape, strict=True):
            assert size in (None, real), f"symbolic {tensor.shape}, eager {output.shape}"
        assert np.dtype(tensor.dtype) == output.dtype

    flat, values = tree.flatten(symbols), tree.flatten(case.inputs)
    single = len(flat) == 1
    model = keras.Model(flat[0] if single else flat, symbolic)
    values = values[0] if single else values
    case.assert_same(tree.map_structure(np.asarray, model.predict_on_batch(values)), outputs)
    if save:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.keras"
            model.save(path)
            loaded = keras.models.load_model(path)
        again = tree.map_structure(np.asarray, loaded.predict_on_batch(values))
        case.assert_same(again, outputs)


def _zeros(structure):
    return tree.map_structure(lambda _: 0, structure)


def _check_padding(case, layer, outputs, pad_axes, output_axes):
    noise = np.random.default_rng(20180215)  # a seed that no test draws its inputs from

    def padded(array, axis):
        shape = [*array.shape[:axis], 2, *array.shape[axis + 1 :]]
        behind = np.zeros(shape, array.dtype)
        if array.dtype.kind == "f":
            behind = (3 * noise.standard_normal(shape)).astype(array.dtype)
        return np.concatenate([array, behind], axis=axis)

    inputs = {
        name: tree.map_structure(lambda x, a=pad_axes[name]: padded(x, a), value)
        if name in pad_axes
        else value
        for name, value in case.inputs.items()
    }
    longer = case.arrays(layer, inputs)
    axes = [None] if output_axes is None else tree.flatten(output_axes)
    pairs = zip(tree.flatten(longer), tree.flatten(outputs), axes, strict=True)
    for long, short, axis in pairs:
        if axis is not None:
            long = np.take(long, np.arange(short.shape[axis]), axis=axis)
        np.testing.assert_allclose(long, short, rtol=case.tolerance, atol=case.tolerance)


def _check_stochastic(case, layer):
    first = tree.flatten(case.arrays(layer, training=True))
    second = tree.flatten(case.arrays(layer, training=True))
    assert any((one != other).any() for one, other in zip(first, second, strict=True))


def _check_mixed_precision(case, layer, outputs, tolerance):
    mixed = case.cls(**case.init_kwargs, dtype="mixed_bfloat16")
    results = case.call(mixed)
    for variable in mixed.variables:
        assert "bfloat16" not in str(variable.dtype), "variables stay float32"
    for from_, to in zip(layer.variables, mixed.variables, strict=True):
        to.assign(from_)
    results = tree.map_structure(to_numpy, case.call(mixed))
    for one, other in zip(tree.flatten(results), tree.flatten(outputs), strict=True):
        scale = max(1.0, float(np.abs(other).max()))
        assert np.abs(one.astype("float64") - other).max() <= tolerance * scale


def _check_training_step(case, layer):
    variables = layer.trainable_variables
    assert variables, "a layer without trainable weights: pass trainable=False"
    pull = np.random.default_rng(1)
    weights = None

    def loss():
        nonlocal weights
        outputs = [ops.cast(x, "float32") for x in tree.flatten(case.call(layer))]
        if weights is None:  # a random direction: no symmetry hides a weight
            weights = [
                ops.convert_to_tensor(pull.standard_normal(x.shape), "float32") for x in outputs
            ]
        return sum(ops.sum(x * w) for x, w in zip(outputs, weights, strict=True))

    before = [to_numpy(variable.value).copy() for variable in variables]
    found = gradients(layer, loss)
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(variables)
    optimizer.apply(found, variables)
    for variable, value in zip(variables, before, strict=True):
        after = to_numpy(variable.value)
        assert np.isfinite(after).all(), variable.path
        assert (after != value).any(), f"{variable.path} does not learn"
