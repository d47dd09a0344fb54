import { EngineError, messageOf } from '../errors.ts'
import { type HailoStatus, hailoAddon, type NativeHailo } from '../native/hailo.ts'
import { serve } from './channel.ts'
import { endHost, enterHost } from './enter.ts'
import { HailoModels } from './hailo-models.ts'
import type { HailoRefusal, HailoVisionProtocol } from './hailo-protocol.ts'

/** What was answered is on its way to the engine before the process ends. */
const lastWordsMs = 100

// What runs in the host of the Hailo device. The addon's own threads call the library: this one only answers.
const pool = enterHost()
let device: Promise<NativeHailo> | undefined
let ending = false

const models = new HailoModels(pool, () => expectDevice())

const { tell } = serve<HailoVisionProtocol>({
  calls: {
    open: async ({ group }) => {
      try {
        const { health, library } = await open(group)
        return { opened: { health, library } }
      } catch (error) {
        return { refused: refusalOf(error) }
      }
    },
    load: async ({ model, path }) => {
      try {
        return await models.load(model, path)
      } catch (error) {
        const refused = refusalOf(error)
        // What the driver did not say is told by its own code: that a device was closed is not the fault of a file.
        if ((error as { hailo?: HailoStatus }).hailo === undefined) throw error
        return { refused }
      }
    },
    unload: ({ model }) => models.unload(model),
    infer: async (params, signal) => {
      try {
        return await models.infer(params, signal)
      } catch (error) {
        refusalOf(error)
        throw isOfOneFrame(error) ? new EngineError('busy', `${messageOf(error)}; try again`) : error
      }
    },
    health: async () => {
      try {
        const opened = await expectDevice()
        return { health: await opened.health(), ...opened.notices() }
      } catch (error) {
        throw new EngineError('unavailable', refusalOf(error).message)
      }
    },
  },
})

async function open(group: string) {
  const library = hailoAddon().hailoLibrary()
  device ??= hailoAddon().openHailo({ group })
  try {
    const opened = await device
    return { library, health: await opened.health() }
  } catch (error) {
    device = undefined
    throw error
  }
}

function expectDevice(): Promise<NativeHailo> {
  if (device !== undefined) return device
  throw new EngineError('unavailable', 'Expected the device to be open; try again')
}

/** What the driver said. Where only a new process helps, this one ends. */
function refusalOf(error: unknown): HailoRefusal {
  const { reaction = 'report' } = ((error as { hailo?: HailoStatus }).hailo ?? {}) as Partial<HailoStatus>
  void endIfSpoilt(reaction, messageOf(error))
  return { reaction, message: messageOf(error) }
}

/** The device failed at one frame; the model goes on with the next one. */
function isOfOneFrame(error: unknown): boolean {
  return (error as { code?: string }).code === 'internal' && (error as { hailo?: HailoStatus }).hailo !== undefined
}

async function endIfSpoilt(reaction: HailoStatus['reaction'], reason: string): Promise<void> {
  const spoilt = reaction === 'recycle' || (await device?.catch(() => undefined))?.mustRecycle()
  if (!spoilt || ending) return
  ending = true
  tell('ending', { reason })
  setTimeout(endHost, lastWordsMs)
}
