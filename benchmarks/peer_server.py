"""The server that a user would write: FastAPI and ONNX Runtime.

As their guides show them.

python benchmarks/peer_server.py EXPORT PORT [WORKERS]
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, File, UploadFile
from PIL import Image

folder = Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
size = manifest["preprocessing"]["image_size"]
session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
app = FastAPI()


@app.post("/predict")
def predict(file: UploadFile = File(...)) -> dict[str, object]:  # noqa: B008
    """Answer one image."""
    image = Image.open(io.BytesIO(file.file.read())).convert("RGB").resize((size, size))
    pixels = np.asarray(image, dtype=np.uint8).transpose(2, 0, 1)[None]
    logits = session.run(None, {"images": pixels})[0][0]
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    best = int(shares.argmax())
    return {"class": manifest["class_names"][best], "confidence": float(shares[best])}


if __name__ == "__main__":
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    uvicorn.run("peer_server:app", host="127.0.0.1", port=int(sys.argv[2]), workers=workers, log_level="warning")
