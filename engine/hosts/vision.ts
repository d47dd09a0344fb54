import { serve } from './channel.ts'
import { enterHost } from './enter.ts'
import type { VisionProtocol } from './protocol.ts'
import { ModelWorkers } from './vision-model.ts'
import { decodePicture, drawPicture, encodePicture } from './vision-pictures.ts'

// What runs in the vision host. Its main thread only answers: models run in worker threads, pictures in libuv's.
const pool = enterHost()
const models = new ModelWorkers()

serve<VisionProtocol>({
  calls: {
    load: (params, signal) => models.load(params, signal),
    unload: ({ model }) => models.unload(model),
    infer: (params, signal) => models.infer(params, signal),
    decodePicture: (params, signal) => decodePicture(pool, params, signal),
    encodePicture: (params) => encodePicture(pool, params),
    drawPicture: (params) => drawPicture(pool, params),
  },
})
