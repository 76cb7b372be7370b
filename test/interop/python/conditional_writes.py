"""Writes under conditions, which botocore 1.29 has no parameters for: the headers come in by its own event."""

from concurrent.futures import ThreadPoolExecutor

from clients import WORDS, answer, client, refusal

(bucket,) = WORDS
PUT = "before-sign.s3.PutObject"


def conditional(name, value):
    """A client whose PutObject carries the condition, and signs it."""
    s3 = client("s3", max_pool_connections=16)
    s3.meta.events.register(PUT, lambda request, **_: request.headers.add_header(name, value))
    return s3


only_new = conditional("If-None-Match", "*")


def create(number):
    return refusal(only_new.put_object, Bucket=bucket, Key="lease", Body=b"%d" % number)


with ThreadPoolExecutor(16) as pool:
    outcomes = list(pool.map(create, range(16)))
won = [number for number, outcome in enumerate(outcomes) if outcome == "not refused"]
others = {tuple(outcome) for outcome in outcomes if outcome != "not refused"}

s3 = client("s3")
lease = s3.get_object(Bucket=bucket, Key="lease")
replace = {"Bucket": bucket, "Key": "lease", "Body": b"replaced"}

answer(
    {
        "winners": len(won),
        "holds": lease["Body"].read().decode() == str(won[0]),
        "others": sorted(others),
        "afterwards": create(99),
        "wrongETag": refusal(conditional("If-Match", '"0"').put_object, **replace),
        "rightETag": refusal(conditional("If-Match", lease["ETag"]).put_object, **replace),
        "nothingToMatch": refusal(conditional("If-Match", '"0"').put_object, Bucket=bucket, Key="none", Body=b""),
    }
)
