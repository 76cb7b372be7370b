"""Waits for things that are made, or go, while the waiter is at work."""

import threading

from clients import answer, client

s3 = client("s3")
ec2 = client("ec2")
EVERY_SECOND = {"Delay": 1, "MaxAttempts": 30}
done = []


def wait(api, name, after, **arguments):
    """Lets something happen half a second after the waiter has begun."""
    timer = threading.Timer(0.5, after)
    timer.start()
    api.get_waiter(name).wait(WaiterConfig=EVERY_SECOND, **arguments)
    timer.join()
    done.append(name)


def nothing():
    pass


wait(s3, "bucket_exists", lambda: s3.create_bucket(Bucket="waited-for"), Bucket="waited-for")
there = {"Bucket": "waited-for", "Key": "object"}
wait(s3, "object_exists", lambda: s3.put_object(**there, Body=b"here"), **there)
wait(s3, "object_not_exists", lambda: s3.delete_object(**there), **there)
wait(s3, "bucket_not_exists", lambda: s3.delete_bucket(Bucket="waited-for"), Bucket="waited-for")

zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
wait(ec2, "volume_available", nothing, VolumeIds=[volume])
snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
wait(ec2, "snapshot_completed", nothing, SnapshotIds=[snapshot])
wait(ec2, "volume_deleted", lambda: ec2.delete_volume(VolumeId=volume), VolumeIds=[volume])

answer(done)
