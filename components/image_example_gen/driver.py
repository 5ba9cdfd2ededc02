"""Looks at the source before each run, so that changed files are never taken from the cache."""

from __future__ import annotations

from tfx.dsl.components.base import base_driver as component_driver
from tfx.orchestration import metadata
from tfx.orchestration.portable import base_driver, data_types
from tfx.proto.orchestration import driver_output_pb2

from components.image_example_gen.survey import survey
from schemas.data import Data

FINGERPRINT = "fingerprint"


class Driver(component_driver.BaseDriver, base_driver.BaseDriver):
    """Adds the fingerprint of the source's files to the execution's parameters, and so to the cache key.

    A component may only name a driver of the older of TFX's two kinds; the Launcher calls the newer.
    """

    def __init__(self, metadata_handle: metadata.Metadata) -> None:
        component_driver.BaseDriver.__init__(self, metadata_handle)
        base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Raises DataError where the source has no files."""
        parameters = execution_info.exec_properties
        data = Data.model_validate_json(parameters["data"])
        output = driver_output_pb2.DriverOutput()
        for name, value in parameters.items():
            if isinstance(value, str):
                output.exec_properties[name].string_value = value
        output.exec_properties[FINGERPRINT].string_value = survey(data, parameters["source"]).fingerprint
        return output
