"""Reads, writes, copies, tags and deletes objects, and looks at the errors."""

from clients import WORDS, answer, client, refusal

(bucket,) = WORDS
s3 = client("s3")
KEY = "folder/ä object"
here = {"Bucket": bucket, "Key": KEY}
missing = {"Bucket": bucket, "Key": "missing"}

put = s3.put_object(**here, Body=b"content", Metadata={"a": "1"}, Tagging="t=1&u=2", CacheControl="no-cache")
etag = put["ETag"]
tags = s3.get_object_tagging(**here)["TagSet"]
s3.put_object_tagging(**here, Tagging={"TagSet": [{"Key": "v", "Value": "3"}]})
counted = s3.get_object(**here)
s3.copy_object(Bucket=bucket, Key="copy", CopySource=here, CopySourceIfMatch=etag)
copied = s3.get_object(Bucket=bucket, Key="copy")
modified = counted["LastModified"]


def through_a_trailer(params, **_):
    """Lets botocore send the checksum after the body, in aws-chunked, as it does over TLS."""
    params["context"]["checksum"]["request_algorithm"]["in"] = "trailer"


announced = []
s3.meta.events.register("before-call.s3.PutObject", through_a_trailer)
s3.meta.events.register(
    "before-send.s3.PutObject", lambda request, **_: announced.append(request.headers.get("X-Amz-Trailer", b"").decode())
)
trailers = {
    algorithm: s3.put_object(Bucket=bucket, Key="trailer", Body=b"chunk" * 500_000, ChecksumAlgorithm=algorithm)
    for algorithm in ("CRC32", "SHA1", "SHA256")
}
s3.meta.events.unregister("before-call.s3.PutObject", through_a_trailer)
trailing = s3.get_object(Bucket=bucket, Key="trailer", ChecksumMode="ENABLED")

answer(
    {
        "tags": tags,
        "tagCount": counted["TagCount"],
        "body": counted["Body"].read().decode(),
        "copied": [copied["Body"].read().decode(), copied["Metadata"], copied["CacheControl"]],
        "trailers": [[sent, f"Checksum{name}" in trailers[name]] for sent, name in zip(announced, trailers)],
        "trailing": [len(trailing["Body"].read()), trailing["ResponseMetadata"]["HTTPHeaders"].get("content-encoding")],
        "ifNoneMatch": refusal(s3.get_object, **here, IfNoneMatch=etag),
        "ifMatch": refusal(s3.get_object, **here, IfMatch='"other"'),
        "ifModifiedSince": refusal(s3.get_object, **here, IfModifiedSince=modified),
        "ifUnmodifiedSince": refusal(s3.get_object, **here, IfUnmodifiedSince="2001-01-01"),
        "copyIfMatch": refusal(s3.copy_object, Bucket=bucket, Key="c", CopySource=here, CopySourceIfMatch='"other"'),
        "noSuchKey": refusal(s3.get_object, **missing),
        "isClass": issubclass(s3.exceptions.NoSuchKey, s3.exceptions.ClientError),
        "noSuchBucket": refusal(s3.list_objects_v2, Bucket="no-such-bucket"),
        "noSuchUpload": refusal(s3.list_parts, **here, UploadId="none"),
        "headMissing": refusal(s3.head_object, **missing),
        "range": refusal(s3.get_object, **here, Range="bytes=100-"),
        "badTags": refusal(s3.put_object, **here, Tagging="&".join(f"k{number}=v" for number in range(11))),
        "badDigest": refusal(s3.put_object, **here, ContentMD5="AAAAAAAAAAAAAAAAAAAAAA=="),
        "sameBucketAgain": s3.create_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"],
        "usEast1ByName": refusal(
            s3.create_bucket, Bucket="else-where", CreateBucketConfiguration={"LocationConstraint": "us-east-1"}
        ),
        "acl": refusal(s3.put_object, **here, ACL="public-read"),
        "deleteTwice": [s3.delete_object(**here)["ResponseMetadata"]["HTTPStatusCode"] for _ in range(2)],
        "deleteFullBucket": refusal(s3.delete_bucket, Bucket=bucket),
    }
)
