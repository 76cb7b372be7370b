/** What people must know to type a fault; `before` is what stands before one in an example. */
export const faultHelp = (before: string): string => `
A fault is SERVICE:OPERATION=KIND[,NAME=VALUE…]. * stands for any text in the operation: s3:*, ec2:Describe*, *.
Kinds, with their parameters ([] may be left out):
  throttled, internal-error, unavailable, expired-token
                                       the service's own answer to that; nothing is done
  reset [when=before|after]            the connection is reset before or after the work; no byte of an answer
  hang [when=before|after] [ms=]       no answer until the client gives up or the time is over
  slow bytes-per-second= [body=]       bytes pass no faster than that
  truncated after-bytes= [body=]       the connection ends in the middle of the body
  flipped-bit [at-byte=] [body=]       one bit of the body is wrong, anywhere or in that byte
                                       body=request|response; of the answer if it has one and nothing is said
  error-in-200 [work=done|undone] [code=InternalError|SlowDown|ServiceUnavailable]
                                       S3: CompleteMultipartUpload and copies answer 200 with an error
  stuck [ms=]                          EC2: volumes and snapshots stay creating, attaching, detaching, pending
  busy [ms=]                           EC2: the device of a volume that is detached seems to be in use
  ends-in-error [ms=]                  EC2: a new volume or snapshot ends in the state error
  late ms=                             EC2: for that time, describing shows everything as it was before
Which requests: skip= (so many are spared first), times= (no more often), probability= and seed= (a share of them, always
the same), where.bucket= where.key= where.part-number= where.upload-id= (S3), where.resource= (an id, EC2).
Values: 64KiB, 1MiB; 300ms, 5s, 2min; 0.05, 5%; a comma is \\,
Examples:
  ${before} 's3:UploadPart=throttled,times=3'
  ${before} 's3:GetObject=slow,bytes-per-second=1MiB'
  ${before} 's3:PutObject=reset,when=after,where.key=*.manifest.json'
  ${before} '*=internal-error,probability=5%,seed=7'
`;
