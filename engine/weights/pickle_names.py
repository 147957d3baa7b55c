"""Every global that an honest checkpoint names, exactly: module and attribute.

A prefix or a pattern would let code through: `torch.load`, or `omegaconf.omegaconf` with the attribute `os.system`, since
an unpickler walks dotted attributes.
"""

from __future__ import annotations

TENSOR_GLOBALS = {f"torch._utils._rebuild_tensor{version}" for version in ("", "_v2", "_v3")}
WRAPPER_GLOBALS = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
MAPPING_GLOBALS = {
    f"{module}.AttributeDict"
    for module in (
        "pytorch_lightning.utilities.parsing", "lightning_fabric.utilities.data",
        "lightning.pytorch.utilities.parsing", "lightning.fabric.utilities.data",
    )
} | {"collections.defaultdict", "builtins.dict", "argparse.Namespace"}  # fmt: skip
"""Objects that are a dictionary under another name."""

COMPILED = "__torch__"
"""Package of the classes that TorchScript brings along. No such package can be imported; its own loader makes them."""

_STORAGES = frozenset(
    f"{kind}Storage"
    for kind in (
        "Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "ComplexDouble",
        "ComplexFloat", "QInt8", "QInt32", "QUInt8", "QUInt4x2", "QUInt2x4",
    )
)  # fmt: skip
TORCH_DTYPES = frozenset(
    {
        "float64", "double", "float32", "float", "float16", "half", "bfloat16", "complex32", "complex64", "complex128",
        "int64", "long", "int32", "int", "int16", "short", "int8", "uint8", "uint16", "uint32", "uint64", "bool",
        "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2",
        "qint8", "quint8", "qint32", "quint4x2", "quint2x4",
    }
)  # fmt: skip
_NUMPY = ("_reconstruct", "scalar")

HARMLESS: dict[str, frozenset[str]] = {
    "collections": frozenset({"OrderedDict", "defaultdict"}),
    "builtins": frozenset(
        {"dict", "set", "list", "tuple", "int", "float", "str", "bool", "complex", "bytearray", "slice"}
    ),
    "_codecs": frozenset({"encode"}),
    "typing": frozenset({"Any"}),
    "argparse": frozenset({"Namespace"}),
    "pathlib": frozenset({"Path", "PosixPath", "PurePosixPath"}),
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy.core.multiarray": frozenset(_NUMPY),
    "numpy._core.multiarray": frozenset(_NUMPY),
    "torch": _STORAGES | TORCH_DTYPES | {"Size", "device", "dtype"},
    "torch.cuda": _STORAGES,
    "torch.storage": frozenset({"UntypedStorage", "TypedStorage", "_UntypedStorage", "_TypedStorage"}),
    "torch.serialization": frozenset({"_get_layout"}),
    "torch.jit._pickle": frozenset(
        {"build_intlist", "build_doublelist", "build_boollist", "build_tensorlist", "restore_type_tag"}
    ),
    "torch._utils": frozenset(name.removeprefix("torch._utils.") for name in TENSOR_GLOBALS | WRAPPER_GLOBALS),
    "omegaconf.dictconfig": frozenset({"DictConfig"}),
    "omegaconf.listconfig": frozenset({"ListConfig"}),
    "omegaconf.base": frozenset({"ContainerMetadata", "Metadata"}),
    "omegaconf.nodes": frozenset(
        f"{kind}Node" for kind in ("Any", "String", "Integer", "Float", "Boolean", "Bytes", "Path")
    ),
    **{name.rpartition(".")[0]: frozenset({"AttributeDict"}) for name in MAPPING_GLOBALS if "AttributeDict" in name},
}
"""Module -> its attributes. None of them runs anything of the file's choice, and none is ever called here."""


def is_harmless(module: str, attribute: str) -> bool:
    """Whether honest checkpoints name this global. A dotted attribute, which would be walked, never is."""
    return attribute in HARMLESS.get(module, ()) or module.split(".", 1)[0] == COMPILED
