"""Wheels carry the OpenFX plug-in where it can be built; elsewhere they are for any machine and go without.

With ``VSFILMRESTORE_OFX=require`` a build without it fails, with ``skip`` it is left out.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags


def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_ofx", Path(__file__).with_name("build_ofx.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class OfxHook(BuildHookInterface[Any]):
    """Builds the plug-in before a wheel is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the bundle, and say which machines the wheel is for."""
        wish = os.environ.get("VSFILMRESTORE_OFX", "")
        if version == "editable" or wish == "skip":
            return
        builder = _builder()
        try:
            bundle = builder.build(Path(self.root, "build", "ofx", "wheel"), f"-DVSFR_VERSION={self.metadata.version}")
        except builder.CannotBuildError as error:
            if wish == "require":
                raise
            self.app.display_warning(f"{error}\nThe wheel is built without the plug-in.")
            return
        build_data["force_include"][str(bundle)] = f"vsfilmrestore/ofx/{builder.NAME}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{next(sys_tags()).platform}"
