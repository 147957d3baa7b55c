"""TensorBoard: one folder for each run, with one event file that names neither host nor process, and the report beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leverplus_tui.publish.content import Outcome, Place, Published
from leverplus_tui.publish.folders import already, filled, folder_of

SESSION_START = "_hparams_/session_start_info"


def publish(run: Published, place: Place) -> Outcome:
    """Write the folder, or say that it is there."""
    from tensorboard.summary.writer.record_writer import RecordWriter  # an extra, and 1 s

    folder = folder_of(Path(place.at), run)
    if found := already(folder, run, place):
        return found
    with filled(folder, run) as draft:
        name = f"events.out.tfevents.{int(run.started.timestamp())}.leverplus.{run.uid[:8]}"
        with (draft / name).open("wb") as file:
            writer = RecordWriter(file)
            for event in _events(run):
                writer.write(event.SerializeToString())
            writer.flush()
    return Outcome(str(folder))


def _events(run: Published) -> Iterator[Any]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    time = run.started.timestamp()
    yield Event(wall_time=time, file_version="brain.Event:2")
    yield Event(wall_time=time, summary=Summary(value=[_parameters(run)]))
    for point in run.points:
        yield Event(
            wall_time=time,
            step=point.step,
            summary=Summary(value=[Summary.Value(tag=point.name, simple_value=point.value)]),
        )
    for name, figure in run.figures.items():
        yield Event(wall_time=time, summary=Summary(value=[Summary.Value(tag=name, simple_value=figure)]))
    told = [f"- `{code}` {text}" for code, text in run.remarks.items()]
    for tag, text in (("note", run.note), ("tags", ", ".join(run.tags)), ("findings", "\n".join(told))):
        if text:
            yield Event(wall_time=time, summary=Summary(value=[_text(tag, text)]))


def _text(tag: str, text: str) -> Any:
    """As the text plugin reads it."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()], tensor_shape=shape)
    return Summary.Value(tag=tag, metadata=metadata, tensor=tensor)


def _parameters(run: Published) -> Any:
    """As the plugin for hyper-parameters reads them."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams.metadata import PLUGIN_DATA_VERSION, PLUGIN_NAME
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    start = SessionStartInfo(group_name=run.uid, start_time_secs=run.started.timestamp())
    for name, value in run.params.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    content = HParamsPluginData(version=PLUGIN_DATA_VERSION, session_start_info=start)
    data = SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=content.SerializeToString())
    return Summary.Value(tag=SESSION_START, metadata=SummaryMetadata(plugin_data=data))
