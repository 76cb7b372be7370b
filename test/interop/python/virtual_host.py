"""Speaks to S3 by AWS's own host names, the bucket in front; a proxy leads them to the sandbox."""

from clients import ENDPOINT, WORDS, answer

import boto3
from botocore.config import Config

bucket, proxy = WORDS
config = Config(proxies={"http": proxy}, retries={"total_max_attempts": 1}, s3={"addressing_style": "virtual"})
hosts = []


def made(host):
    s3 = boto3.client("s3", endpoint_url=f"http://{host}", config=config)
    s3.meta.events.register("before-send.s3", lambda request, **_: hosts.append(request.url.split("/")[2]))
    return s3


def round_trip(host):
    s3 = made(host)
    s3.put_object(Bucket=bucket, Key="a/b c+d", Body=host.encode())
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a/b c+d"})
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    return [s3.get_object(Bucket=bucket, Key="copy")["Body"].read().decode() == host, keys]


answer(
    {
        "roundTrips": [round_trip(host) for host in ("s3.us-east-1.amazonaws.com", "s3.amazonaws.com")],
        "hosts": sorted(set(hosts)),
    }
)
