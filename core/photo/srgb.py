"""Pictures of any colour mode and profile as 8-bit sRGB, and the light that sRGB stands for."""

import io

import numpy as np
from PIL import Image, ImageCms

_MAX_PROFILE = 8 * 2**20


def to_srgb(image: Image.Image, name: str, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """An RGB picture in sRGB and the alpha channel, if any. Raises ValueError for a mode that Pillow cannot convert."""
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA") if image.mode not in ("LA", "RGBA") else image
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
    elif image.mode in ("F", "I") or image.mode.startswith("I;16"):
        image = _eight_bits(image)
    elif image.mode in ("P", "1"):
        image = image.convert("RGB")
    converted = profiled(image, image.info.get("icc_profile"), name, notes)
    return converted or (image if image.mode == "RGB" else image.convert("RGB")), alpha


def profiled(image: Image.Image, profile: bytes | None, name: str, notes: list[str]) -> Image.Image | None:
    """From a colour profile (ICC) to sRGB; None when there is no profile that can be used."""
    if not profile or len(profile) > _MAX_PROFILE or image.mode not in ("RGB", "L", "CMYK"):
        return None
    try:
        return ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append(f"The colour profile of {name} cannot be used; its colours are taken as they are.")
        return None


def srgb_to_linear(colours: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values in [0, 1] (IEC 61966-2-1), float32."""
    low = colours / 12.92
    high = ((np.maximum(colours, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(colours <= 0.04045, low, high).astype(np.float32)


def linear_to_srgb(light: np.ndarray) -> np.ndarray:
    """The inverse of `srgb_to_linear`, float32."""
    high = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, high).astype(np.float32)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey pictures of 16 or 32 bits, integer or float, as 8 bits."""
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0, neginf=0)
    if image.mode == "F":
        # Float pictures have no declared white: 1 by custom, 255 or the brightest value where that is exceeded.
        peak = float(values.max())
        white = 1.0 if peak <= 1 else max(peak, 255.0)
    else:
        white = max(65535.0, float(values.max()))
    return Image.fromarray(np.clip(values * (255 / white) + 0.5, 0, 255).astype(np.uint8))
