/** The bytes of the samples, not copied: signed 16 bit little endian, as every machine that we run on is. */
export function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
