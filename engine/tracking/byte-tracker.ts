import { type Box, iou } from '../geometry/box.ts'
import { associate } from './associate.ts'
import { BoxFilter } from './box-filter.ts'

/** What is tracked. */
export interface Detection {
  readonly label: string
  /** 0 to 1. */
  readonly confidence: number
  readonly bbox: Box
}

/** How a `ByteTracker` works. */
export interface ByteTrackerOptions {
  /** From here on a detection takes part in the first association; below it in the second. */
  readonly highScore: number
  /** Below it a detection is nothing. */
  readonly lowScore: number
  /** From here on an unmatched detection begins a track. */
  readonly newScore: number
  /** Least IoU of the first association and of the second. */
  readonly minIou: number
  readonly minLowIou: number
  /** Seconds that a track lives unseen. */
  readonly lostSeconds: number
  /** Detections in a row until a track is one, and gets its id. */
  readonly minHits: number
  /** Whether a track stays with its label. */
  readonly perClass: boolean
  /** Tracks at once, with those lost and those not yet sure; then the one longest unseen goes, and where none is lost nothing begins. */
  readonly maxTracks: number
  /** The first id. */
  readonly firstId?: number
}

/** Least IoU of a track that is not yet sure, and the IoU from which two tracks are one, as in the authors' code. */
const minTentativeIou = 0.3
const sameIou = 0.85
/** Ids fit 32 signed bits, for OSC and TUIO. After the last comes 1 again: at 10 new tracks a second in 6.8 years. */
const maxId = 2 ** 31 - 1

interface Track {
  /** Undefined until it is sure. */
  id: number | undefined
  label: string
  hits: number
  /** Seconds. */
  lastSeen: number
  lost: boolean
  readonly filter: BoxFilter
}

/** What is still without a partner while one frame is looked at. */
interface Round {
  readonly now: number
  readonly trackOf: Map<Detection, Track>
  readonly matched: Set<Track>
}

/**
 * ByteTrack (Zhang et al. 2022): every detection counts, the confident ones first, then the doubtful ones, which only continue
 * tracks. One per stream. Memory is bounded by `maxTracks`, each frame's work by the largest group of tracks that overlap.
 */
export class ByteTracker {
  readonly #options: ByteTrackerOptions
  #tracks: Track[] = []
  #lastSeconds: number | undefined
  #nextId: number

  constructor(options: ByteTrackerOptions) {
    this.#options = options
    this.#nextId = options.firstId ?? 1
  }

  /** Tracks that are followed now, with those lost and those not yet sure. */
  get size(): number {
    return this.#tracks.length
  }

  /**
   * The id of each detection of one frame, undefined for those that are no track (yet). `seconds` by any clock; a time before the
   * last frame's counts as the last frame's.
   */
  update(detections: readonly Detection[], seconds: number): (number | undefined)[] {
    const round: Round = { now: this.#advance(seconds), trackOf: new Map(), matched: new Set() }
    const { highScore, lowScore, minIou, minLowIou } = this.#options
    const high = detections.filter(({ confidence }) => confidence >= highScore)
    const low = detections.filter(({ confidence }) => confidence >= lowScore && confidence < highScore)
    const sure = this.#tracks.filter(({ id }) => id !== undefined)
    const visible = sure.filter(({ lost }) => !lost)
    this.#match(sure, high, { round, least: minIou })
    this.#match(visible, low, { round, least: minLowIou })
    const tentative = this.#tracks.filter(({ id }) => id === undefined)
    this.#match(tentative, high, { round, least: minTentativeIou })
    this.#retire(round)
    this.#begin(high, round)
    return detections.map((detection) => round.trackOf.get(detection)?.id)
  }

  #advance(seconds: number): number {
    const now = Math.max(seconds, this.#lastSeconds ?? seconds)
    const passed = now - (this.#lastSeconds ?? now)
    this.#lastSeconds = now
    this.#tracks = this.#tracks.filter(({ lastSeen }) => now - lastSeen <= this.#options.lostSeconds)
    for (const { filter } of this.#tracks) filter.predict(passed)
    return now
  }

  #match(
    tracks: readonly Track[],
    detections: readonly Detection[],
    { round, least }: { readonly round: Round; readonly least: number },
  ): void {
    const { perClass } = this.#options
    const free = tracks.filter((track) => !round.matched.has(track))
    const unclaimed = detections.filter((detection) => !round.trackOf.has(detection))
    const similarity = (track: Track, { label, bbox }: Detection) =>
      perClass && track.label !== label ? 0 : iou(track.filter.box, bbox)
    for (const [left, right] of associate(free, unclaimed, similarity, least))
      this.#see(free[left] as Track, unclaimed[right] as Detection, round)
  }

  #see(track: Track, detection: Detection, { now, trackOf, matched }: Round): void {
    track.filter.correct(detection.bbox)
    track.label = detection.label
    track.lastSeen = now
    track.lost = false
    track.hits++
    if (track.hits >= this.#options.minHits) track.id ??= this.#takeId()
    matched.add(track)
    trackOf.set(detection, track)
  }

  /** The unseen: the sure are lost, the others gone; a lost one that lies on a visible one is the same thing, and goes. */
  #retire({ matched }: Round): void {
    const left = this.#tracks.filter((track) => track.id !== undefined || matched.has(track))
    for (const track of left) {
      if (matched.has(track)) continue
      track.lost = true
      track.filter.keepSize()
    }
    const visible = left.filter(({ lost, id }) => !lost && id !== undefined)
    const isDouble = (track: Track) =>
      track.lost &&
      visible.some((other) => this.#mayBeOne(track, other) && iou(track.filter.box, other.filter.box) > sameIou)
    this.#tracks = left.filter((track) => !isDouble(track))
  }

  #mayBeOne(a: Track, b: Track): boolean {
    return !this.#options.perClass || a.label === b.label
  }

  #begin(high: readonly Detection[], round: Round): void {
    const { newScore, maxTracks } = this.#options
    for (const detection of high) {
      if (round.trackOf.has(detection) || detection.confidence < newScore) continue
      if (this.#tracks.length >= maxTracks && !this.#forgetOne()) return
      const { label, bbox } = detection
      const track: Track = {
        id: undefined,
        label,
        hits: 0,
        lastSeen: round.now,
        lost: false,
        filter: new BoxFilter(bbox),
      }
      this.#tracks.push(track)
      this.#see(track, detection, round)
    }
  }

  /** False when none is lost. */
  #forgetOne(): boolean {
    const lost = this.#tracks.filter((track) => track.lost)
    const oldest = lost.reduce<Track | undefined>(
      (a, b) => (a !== undefined && a.lastSeen <= b.lastSeen ? a : b),
      undefined,
    )
    this.#tracks = this.#tracks.filter((track) => track !== oldest)
    return oldest !== undefined
  }

  #takeId(): number {
    const taken = new Set(this.#tracks.map(({ id }) => id))
    while (taken.has(this.#nextId)) this.#nextId = after(this.#nextId)
    const id = this.#nextId
    this.#nextId = after(id)
    return id
  }
}

function after(id: number): number {
  return id >= maxId ? 1 : id + 1
}
