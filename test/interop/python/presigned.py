"""Makes presigned URLs and uses them without any AWS library."""

import http.client
import re
from urllib.parse import urlsplit

from clients import WORDS, answer, client
from urllib3.filepost import encode_multipart_formdata

(bucket,) = WORDS
s3 = client("s3", signature_version="s3v4")
old = client("s3", signature_version="s3")
KEY = "a key with + & é"
s3.put_object(Bucket=bucket, Key=KEY, Body=b"presigned", ContentType="text/plain")


def send(method, url, body=None, headers=None):
    """Status, S3's error code if there is one, and the whole answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    content = response.read().decode()
    code = re.search("<Code>(.*?)</Code>", content)
    connection.close()
    return {"status": response.status, "code": code and code[1], "content": content, "type": response.getheader("content-type")}


def presign(operation, api=s3, **arguments):
    return api.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": KEY, **arguments}, ExpiresIn=600)


got = send("GET", presign("get_object"))
as_html = send("GET", presign("get_object", ResponseContentType="text/html"))
put = send("PUT", presign("put_object"), b"put by URL")
with_metadata = presign("put_object", ContentType="text/x-mine", Metadata={"from": "url"}, StorageClass="STANDARD_IA")
signed_headers = {"content-type": "text/x-mine", "x-amz-meta-from": "url", "x-amz-storage-class": "STANDARD_IA"}
put_with_metadata = send("PUT", with_metadata, b"with metadata", signed_headers)
head = s3.head_object(Bucket=bucket, Key=KEY)
# An iterable without a length goes in the chunks of HTTP.
chunked = send("PUT", presign("put_object"), iter([b"no ", b"length"]))

post = s3.generate_presigned_post(bucket, "posted")
form, form_type = encode_multipart_formdata({**post["fields"], "file": ("posted", b"by a form")})

answer(
    {
        "get": got,
        "override": as_html["type"],
        "put": put["status"],
        "putWithMetadata": [put_with_metadata["status"], head["Metadata"], head["ContentType"], head["StorageClass"]],
        "chunked": [chunked["status"], chunked["code"], re.findall("<Header>(.*)</Header>", chunked["content"])],
        "delete": send("DELETE", presign("delete_object"))["status"],
        "getAfterwards": send("GET", presign("get_object"))["code"],
        "signatureVersion2": [send("GET", presign("get_object", old))[part] for part in ("status", "code")],
        "post": [send("POST", post["url"], form, {"content-type": form_type})[part] for part in ("status", "code")],
    }
)
