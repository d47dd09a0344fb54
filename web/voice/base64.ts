const chunk = 0x8000

/** Samples as the protocol carries them: signed 16 bit little endian, in base64. */
export function encodeSamples(samples: Int16Array): string {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
  let text = ''
  for (let at = 0; at < bytes.length; at += chunk) text += String.fromCharCode(...bytes.subarray(at, at + chunk))
  return btoa(text)
}

/** The samples of such a text; an odd byte at the end is dropped. */
export function decodeSamples(text: string): Int16Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length - (binary.length % 2))
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return new Int16Array(bytes.buffer)
}
