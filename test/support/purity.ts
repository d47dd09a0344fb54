/** Power at this frequency against all the rest, dB. Give it whole periods. */
export function purity(sound: Int16Array, hertz: number, rate: number): number {
  let [sine, cosine, all] = [0, 0, 0]
  for (const [i, sample] of sound.entries()) {
    const angle = (2 * Math.PI * hertz * i) / rate
    sine += sample * Math.sin(angle)
    cosine += sample * Math.cos(angle)
    all += sample * sample
  }
  const wanted = (2 * (sine * sine + cosine * cosine)) / sound.length
  return 10 * Math.log10(wanted / (all - wanted))
}
