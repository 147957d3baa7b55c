"""The pictures of the built-in world: one coloured shape at one place on a pale ground, drawn with Pillow.

Everything random comes from the generator that is passed in, so a seed gives the same bytes again.
"""

import io
import random
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

Attribute = Literal["colour", "shape", "place"]

COLOURS = {
    "red": (215, 45, 45),
    "green": (45, 165, 65),
    "blue": (50, 85, 215),
    "yellow": (232, 208, 45),
    "purple": (150, 65, 185),
    "orange": (243, 138, 32),
}
PLACES = {"left": (0.28, 0.5), "right": (0.72, 0.5), "top": (0.5, 0.28), "bottom": (0.5, 0.72)}
VALUES: dict[Attribute, tuple[str, ...]] = {
    "colour": tuple(COLOURS),
    "shape": ("circle", "square", "triangle", "cross", "ring"),
    "place": tuple(PLACES),
}
SIZE = 56  # 56 x 56 is the real processor's smallest picture, and one token of the tiny model
OVERSAMPLING = 2  # drawn larger and reduced, because ImageDraw does not smooth edges
JPEG_QUALITY = 95

Colour = tuple[int, ...]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scene:
    """What one picture shows."""

    colour: str
    shape: str
    place: str

    def value(self, attribute: Attribute) -> str:
        """The word for one attribute of this scene."""
        return {"colour": self.colour, "shape": self.shape, "place": self.place}[attribute]


def random_scene(rng: random.Random) -> Scene:
    """A scene with every attribute drawn uniformly."""
    return Scene(rng.choice(VALUES["colour"]), rng.choice(VALUES["shape"]), rng.choice(VALUES["place"]))


def draw(scene: Scene, rng: random.Random) -> Image.Image:
    """The scene as an RGB picture; size, position, tint and ground vary with `rng`."""
    side = SIZE * OVERSAMPLING
    ground = tuple(rng.randint(205, 255) for _ in range(3))
    image = Image.new("RGB", (side, side), ground)
    radius = rng.uniform(0.17, 0.24) * side
    x, y = ((centre + rng.uniform(-0.05, 0.05)) * side for centre in PLACES[scene.place])
    tint = tuple(max(0, min(255, channel + rng.randint(-16, 16))) for channel in COLOURS[scene.colour])
    _draw_shape(ImageDraw.Draw(image), scene.shape, (x - radius, y - radius, x + radius, y + radius), tint, ground)
    return image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)


def _draw_shape(pen: ImageDraw.ImageDraw, shape: str, box: Box, tint: Colour, ground: Colour) -> None:
    left, top, right, bottom = box
    x, y, radius = (left + right) / 2, (top + bottom) / 2, (right - left) / 2
    if shape == "circle":
        pen.ellipse(box, fill=tint)
    elif shape == "square":
        pen.rectangle(box, fill=tint)
    elif shape == "triangle":
        pen.polygon([(x, top), (right, bottom), (left, bottom)], fill=tint)
    elif shape == "cross":
        arm = radius * 0.36
        pen.rectangle((left, y - arm, right, y + arm), fill=tint)
        pen.rectangle((x - arm, top, x + arm, bottom), fill=tint)
    else:
        hole = radius * 0.5
        pen.ellipse(box, fill=tint)
        pen.ellipse((x - hole, y - hole, x + hole, y + hole), fill=ground)


def encode(image: Image.Image) -> bytes:
    """JPEG bytes; high quality and full colour resolution, so that no colour turns into its neighbour."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def decode(data: bytes) -> Image.Image:
    """The picture as every reader of the file sees it."""
    return Image.open(io.BytesIO(data)).convert("RGB")
