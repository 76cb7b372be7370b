"""What all scripts share: they are called with an endpoint and further words, and print one JSON document."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, *WORDS = sys.argv[1:]


def client(service, **config):
    """A client of the sandbox that tries everything once. Key and region come from the environment."""
    return boto3.client(service, endpoint_url=ENDPOINT, config=Config(retries={"total_max_attempts": 1}, **config))


def refusal(call, *args, **kwargs):
    """The error that a call ends with: its Python class, code and HTTP status."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return [type(error).__name__, error.response["Error"]["Code"], status]
    return "not refused"


def answer(value):
    """Prints what the test looks at."""
    json.dump(value, sys.stdout, default=str)
