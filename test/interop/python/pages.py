"""Walks through listings that are longer than a page."""

from concurrent.futures import ThreadPoolExecutor

from clients import WORDS, answer, client

(bucket,) = WORDS
s3 = client("s3", max_pool_connections=16)
ec2 = client("ec2")
KEYS = [f"{number % 7}/key {number:04}" for number in range(2_500)]


def pages(api, name, field, page_size=None, **arguments):
    """The number of entries on each page."""
    config = {} if page_size is None else {"PageSize": page_size}
    found = api.get_paginator(name).paginate(PaginationConfig=config, **arguments)
    return [len(page.get(field, [])) for page in found]


with ThreadPoolExecutor(16) as pool:
    list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), KEYS))

v2 = s3.get_paginator("list_objects_v2")
listed = [entry["Key"] for page in v2.paginate(Bucket=bucket) for entry in page["Contents"]]
times = [entry["LastModified"].microsecond for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
first = v2.paginate(Bucket=bucket, PaginationConfig={"MaxItems": 1_200}).build_full_result()
rest = v2.paginate(Bucket=bucket, PaginationConfig={"StartingToken": first["NextToken"]}).build_full_result()

upload = {"Bucket": bucket, "Key": "upload"}
upload_id = s3.create_multipart_upload(**upload)["UploadId"]
for number in range(1, 8):
    s3.upload_part(**upload, UploadId=upload_id, PartNumber=number, Body=b"part")
others = [s3.create_multipart_upload(Bucket=bucket, Key=f"other {number // 2}")["UploadId"] for number in range(6)]

zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1})
for _ in range(12):
    ec2.create_snapshot(VolumeId=volume)

answer(
    {
        "listObjectsV2": pages(s3, "list_objects_v2", "Contents", Bucket=bucket),
        "listObjects": pages(s3, "list_objects", "Contents", Bucket=bucket),
        "commonPrefixes": pages(s3, "list_objects_v2", "CommonPrefixes", 3, Bucket=bucket, Delimiter="/"),
        "commonPrefixesV1": pages(s3, "list_objects", "CommonPrefixes", 3, Bucket=bucket, Delimiter="/"),
        "inOrder": listed == sorted(KEYS),
        "fractionsOfSeconds": sorted(set(times)),
        "resumed": [len(first["Contents"]), len(rest["Contents"])],
        "listParts": pages(s3, "list_parts", "Parts", 3, **upload, UploadId=upload_id),
        "listMultipartUploads": pages(s3, "list_multipart_uploads", "Uploads", 2, Bucket=bucket),
        "describeSnapshots": pages(ec2, "describe_snapshots", "Snapshots", 5, OwnerIds=["self"]),
        "deleted": [
            len(s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch]})["Deleted"])
            for batch in (KEYS[:1_000], KEYS[1_000:2_000], KEYS[2_000:])
        ],
    }
)
