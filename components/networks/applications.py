"""The networks of keras.applications, as bases."""

from __future__ import annotations

import keras

from components.errors import TrainingError
from schemas.backbones import BACKBONES

_CHANNELS = 3
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def application(name: str, height: int, width: int) -> keras.Model:
    """Builds a network of keras.applications without its classes, with random weights.

    What a family has inside to scale its input is there: MobileNetV3, EfficientNet, EfficientNetV2
    and ConvNeXt take RGB from 0 to 255.

    Args:
      name: of the backbone.
      height: of the images, in pixels.
      width: of the images, in pixels.

    Returns:
      From images, float32 [batch, height, width, 3], to features, [batch, height', width', filters].

    Raises:
      TrainingError: the images are smaller than the network can take.
    """
    smallest = BACKBONES[name].smallest_size
    if min(height, width) < smallest:
        raise TrainingError(
            f"images of {height} x {width} pixels are too small for {name}, which takes {smallest} x {smallest} or"
            " more; raise preprocessing.height and width, or choose small_cnn or small_resnet as model.backbone"
        )
    network = application_class(name)(include_top=False, weights=None, input_shape=(height, width, _CHANNELS))
    is_adapted = any(map(_is_adapted, network.layers))
    # EfficientNet's scaling has weights, which set_weights changes without effect, and which are neutral unless
    # ImageNet's are loaded while it is built. With what is built in only then, those come to these constants.
    return keras.models.clone_model(network, clone_function=_with_constants) if is_adapted else network


def application_class(name: str) -> type[keras.Model]:
    """What builds a backbone in keras.applications.

    Raises:
      TrainingError: it does not come from there.
    """
    keras_name = BACKBONES[name].application
    if keras_name is None:
        raise TrainingError(
            f"model.weights: imagenet are there for the backbones of keras.applications, and {name} is none of them;"
            " write random, or weights that an earlier training has left"
        )
    return getattr(keras.applications, keras_name)


def _is_adapted(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Normalization) and layer.get_config()["mean"] is None


def _with_constants(layer: keras.layers.Layer) -> keras.layers.Layer:
    if not _is_adapted(layer):
        return type(layer).from_config(layer.get_config())
    variance = [deviation**2 for deviation in _IMAGENET_DEVIATION]
    return keras.layers.Normalization(mean=list(_IMAGENET_MEAN), variance=variance, name=layer.name)
