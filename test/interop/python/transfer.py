"""Uploads and downloads 100 MB with s3transfer, eight parts at a time."""

import hashlib
import io
import os

from boto3.s3.transfer import TransferConfig
from clients import WORDS, answer, client

MB = 1_000_000
(bucket,) = WORDS
s3 = client("s3")
content = os.urandom(100 * MB)
config = TransferConfig(multipart_threshold=8 * MB, multipart_chunksize=8 * MB, max_concurrency=8)
progress = []

s3.upload_fileobj(
    io.BytesIO(content),
    bucket,
    "big",
    Config=config,
    Callback=progress.append,
    ExtraArgs={"Metadata": {"made-by": "s3transfer"}, "StorageClass": "STANDARD_IA", "ChecksumAlgorithm": "SHA256"},
)
head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
target = io.BytesIO()
s3.download_fileobj(bucket, "big", target, Config=config)

s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
copy = s3.head_object(Bucket=bucket, Key="copy")

answer(
    {
        "progress": sum(progress),
        "same": hashlib.sha256(target.getvalue()).digest() == hashlib.sha256(content).digest(),
        "etag": head["ETag"],
        "metadata": head["Metadata"],
        "storageClass": head["StorageClass"],
        "checksum": head["ChecksumSHA256"],
        "copy": [copy["ETag"], copy["ContentLength"], copy["Metadata"]],
    }
)
