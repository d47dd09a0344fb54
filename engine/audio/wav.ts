/** What a stream says whose length is not known yet: players then read to its end. */
const unknownBytes = 0xffffffff
const headerBytes = 44

/** The head of a WAV file of mono signed 16 bit samples (RIFF, `fmt ` and `data`). `bytes`: of the samples; null: not known yet. */
export function wavHeader(sampleRate: number, bytes: number | null): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(bytes === null ? unknownBytes : headerBytes - 8 + bytes, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20) // PCM
  header.writeUInt16LE(1, 22) // mono
  header.writeUInt32LE(sampleRate, 24)
  header.writeUInt32LE(sampleRate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(bytes ?? unknownBytes, 40)
  return header
}
