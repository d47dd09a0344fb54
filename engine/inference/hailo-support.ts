/** How hosts reach the Hailo device. */
export interface HailoSupport {
  /** The variant of the addon that they load. */
  readonly variant: 'hailo' | 'standin'
  /** What their environment needs beside. */
  readonly env: Readonly<Record<string, string>>
  /** Processes of one group share a device. */
  readonly group: string
  /** The device is the stand-in: results say so. */
  readonly simulated: boolean
}
