"""/v2: the Open Inference Protocol (KServe V2).

Triton's client speaks it.
"""

import re
import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..common.version import __version__
from .arm import Arm
from .bodies import MAX_IMAGES
from .model import Answers
from .predict_route import refusals
from .problems import RefusedError
from .service import Lease, Service
from .tensors import HEADER_LENGTH, INPUT, read, write


def model_name(study: str) -> str:
    """Return a study's name as a model's, fit for a path."""
    return re.sub(r"[:/]", "_", study)


def router(service: Service) -> APIRouter:
    """Return the routes: metadata, health, infer.

    A version that is named must be one in service, and is the one that answers.
    """
    routes = APIRouter(prefix="/v2")

    def arm_of(name: str, wanted: str | None) -> Arm | None:
        """Return the arm that was named, or None where either may answer."""
        named = [arm for arm in service.arms if model_name(arm.model.manifest.study) == name]
        if not named:
            raise RefusedError(
                404, f"no model {name[:100]!r}; there is {model_name(service.champion.model.manifest.study)}"
            )
        if wanted is None:
            return None
        for arm in named:
            if arm.model.manifest.model_version == wanted:
                return arm
        versions = ", ".join(arm.model.manifest.model_version for arm in named)
        raise RefusedError(404, f"no version {wanted[:100]!r} of {name}; in service: {versions}")

    def lease(name: str, wanted: str | None, request_id: str) -> Lease:
        arm = arm_of(name, wanted)
        chosen = service.lease(request_id)  # refuses where the queue is full
        return chosen if arm is None else Lease(arm.name, arm.batcher)

    @routes.get("")
    async def server() -> dict[str, Any]:
        return {"name": "hpo", "version": __version__, "extensions": ["binary_tensor_data"]}

    @routes.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @routes.get("/health/ready")
    async def ready() -> Response:
        return JSONResponse({"ready": not service.draining}, 503 if service.draining else 200)

    @routes.get("/models/{name}", responses=_not_found())
    @routes.get("/models/{name}/versions/{wanted}", responses=_not_found())
    async def metadata(name: str, wanted: str | None = None) -> dict[str, Any]:
        arm = arm_of(name, wanted) or service.champion
        classes = len(arm.model.manifest.class_names)
        outputs = [{"name": output, "datatype": "FP32", "shape": [-1, classes]} for output in Answers._fields]
        inputs = [{"name": INPUT, "datatype": "UINT8", "shape": [-1, *arm.model.shape]}]
        versions = [arm.model.manifest.model_version for arm in service.arms]
        return {
            "name": name,
            "versions": versions,
            "platform": "onnxruntime_onnx",
            "inputs": inputs,
            "outputs": outputs,
        }

    @routes.get("/models/{name}/ready", responses=_not_found())
    @routes.get("/models/{name}/versions/{wanted}/ready", responses=_not_found())
    async def model_ready(name: str, wanted: str | None = None) -> dict[str, Any]:
        arm_of(name, wanted)
        return {"name": name, "ready": True}

    @routes.post("/models/{name}/infer", responses=refusals() | _not_found(), openapi_extra=_BODY)
    @routes.post("/models/{name}/versions/{wanted}/infer", responses=refusals() | _not_found(), openapi_extra=_BODY)
    async def infer(request: Request, name: str, wanted: str | None = None) -> Response:
        request_id: str = request.state.request_id
        chosen = lease(name, wanted, request_id)
        body = await request.body()
        started, model = time.perf_counter(), chosen.batcher.model
        infer_request = read(body, request.headers.get(HEADER_LENGTH), model.shape, MAX_IMAGES)
        service.metrics.request_images.observe(len(infer_request.images))
        answers = await service.answer(chosen, infer_request.images, request_id, started)
        answer_id = infer_request.id or request_id
        about = {"model_name": name, "model_version": model.manifest.model_version, "id": answer_id}
        content, length = write(answers, infer_request.outputs, about)
        if length is None:
            return Response(content, media_type="application/json")
        return Response(content, headers={HEADER_LENGTH: str(length)}, media_type="application/octet-stream")

    return routes


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": {"type": "object"}}},
                }
            }
        },
    }
}


def _not_found() -> dict[int | str, dict[str, Any]]:
    return {404: {**refusals()[400], "description": "no such model or version"}}
