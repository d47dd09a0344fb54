import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addon } from '../../engine/native/addon.ts'
import { hailoAddon } from '../../engine/native/hailo.ts'
import { projectRoot } from '../../engine/root.ts'
import { runWithStandin, standinIsBuilt } from '../support/standin.ts'

/** Names of the members that an interface of engine/native/hailo.ts declares. */
function declaredNames(name: string): string[] {
  const source = readFileSync(join(projectRoot, 'engine/native/hailo.ts'), 'utf8')
  const body = source.split(`export interface ${name} {`)[1]?.split('\n}\n')[0] ?? ''
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(?:]/gm)].map((match) => match[1] ?? '').sort()
}

describe('the addon without HailoRT', () => {
  it('has nothing of it', () => {
    expect(addon()).not.toHaveProperty('openHailo')
    expect(() => hailoAddon()).toThrow(expect.objectContaining({ code: 'unavailable' }))
  })
})

describe.skipIf(!standinIsBuilt())('the addon with the stand-in for HailoRT', () => {
  it('exports what its interfaces declare, and nothing else', async () => {
    const names = await runWithStandin(`
      const device = await addon.openHailo({ group: 'SHARED' })
      const model = await device.loadModel(hef('yolov8n'), {})
      const language = await device.loadLanguage(hef('Qwen2-VL-2B-Instruct'), 'vision')
      const speech = await device.loadSpeech(hef('Whisper-Base'))
      const generation = language.generate({ messages: ['{"role":"user","content":"Hello"}'], maxTokens: 1 }, () => {})
      await generation.done
      give({ addon: Object.keys(addon), device: Object.keys(device), model: Object.keys(model), language: Object.keys(language),
        speech: Object.keys(speech), generation: Object.keys(generation), library: addon.hailoLibrary() })`)
    const sorted = (list: unknown) => [...(list as string[])].sort()
    expect(sorted(names.addon)).toEqual([...Object.keys(addon()), ...declaredNames('HailoExports')].sort())
    expect(sorted(names.device)).toEqual(declaredNames('NativeHailo'))
    expect(sorted(names.model)).toEqual(declaredNames('NativeHailoModel'))
    expect(sorted(names.language)).toEqual(declaredNames('NativeHailoLanguage'))
    expect(sorted(names.speech)).toEqual(declaredNames('NativeHailoSpeech'))
    expect(sorted(names.generation)).toEqual(declaredNames('HailoGeneration'))
    expect(names.library).toEqual({ version: '5.2.0', simulated: true, generative: true })
  })

  it('finds in a slot what is drawn there, in its pixels', async () => {
    const { rows, depth } = await runWithStandin(`
      const device = await addon.openHailo({ group: 'SHARED' })
      const model = await device.loadModel(hef('yolov8n'), { depth: 2 })
      const pool = addon.createPool(2, 640 * 480 * 3)
      const pixels = Buffer.alloc(640 * 480 * 3, 114)
      for (let y = 100; y < 300; y++) for (let x = 200; x < 280; x++) pixels.set([255, 0, 0], (y * 640 + x) * 3)
      pool.write(0, pixels, 0)
      const image = { slot: 0, format: 'rgb', width: 640, height: 480, bytes: pixels.length }
      model.setPriority(20)
      const answer = await model.infer(pool, [image], { mode: 'letterbox', pad: 114, kernel: 'hailo-nms', minScore: 0.5, iou: 0.5,
        maxRows: 10, classes: [] })
      give({ rows: [...answer.rows], depth: model.depth })`)
    expect(depth).toBe(2)
    const [x1, y1, x2, y2, score, label] = rows as number[]
    for (const [received, expected] of [
      [x1, 200],
      [y1, 100],
      [x2, 280],
      [y2, 300],
    ])
      expect(Math.abs(received! - expected!)).toBeLessThan(3)
    expect([rows].flat()).toHaveLength(6)
    expect([score! > 0.9, label]).toEqual([true, 0])
  })

  it('streams tokens before the end is told, and ends when it is aborted', async () => {
    const told = await runWithStandin(`
      const device = await addon.openHailo({ group: 'SHARED' })
      const language = await device.loadLanguage(hef('Qwen2.5-1.5B-Instruct'), 'text')
      let text = ''
      const whole = await language.generate({ messages: ['{"role":"user","content":"Hello"}'] }, (token) => { text += token }).done
      const used = await language.contextUsed()
      const state = await language.saveContext()
      await language.clearContext()
      const cleared = await language.contextUsed()
      await language.loadContext(state)
      const generation = language.generate({ messages: ['{"role":"user","content":"Once more"}'] }, () => generation.abort())
      const second = language.generate({ messages: ['{"role":"user","content":"Too many"}'] }, () => {})
      const refused = await second.done.catch((error) => error.code)
      give({ text, whole, used, cleared, restored: await generation.done.then(() => true), ending: (await generation.done).ending, refused })`)
    expect(told).toMatchObject({ cleared: 0, refused: 'busy', whole: { ending: 'complete' } })
    expect(['aborted', 'complete']).toContain(told.ending)
    expect((told.text as string).length).toBeGreaterThan(0)
    expect(told.used).toBe((told.whole as { contextUsed: number }).contextUsed)
  })

  it('rejects with our code, what the library said and the stack of the call', async () => {
    const { code, hailo, stack } = await runWithStandin(`
      const device = await addon.openHailo({ group: 'SHARED' })
      const error = await device.loadModel('/no/such/file.hef', {}).catch((error) => error)
      give({ code: error.code, hailo: error.hailo, stack: error.stack })`)
    expect(code).toBe('not-found')
    expect(hailo).toEqual({ status: 13, name: 'HAILO_OPEN_FILE_FAILURE', reaction: 'report' })
    expect(stack).toContain('[eval')
  })

  it('closes twice, refuses afterwards, and lets the process end by itself with everything left open', async () => {
    const { closed } = await runWithStandin(`
      const device = await addon.openHailo({ group: 'SHARED' })
      const model = await device.loadModel(hef('yolov8n'), {})
      await Promise.all([model.close(), model.close()])
      const pool = addon.createPool(1, 4096)
      const error = await model.infer(pool, [], { mode: 'letterbox', pad: 0, kernel: 'hailo-nms', minScore: 0, iou: 0, maxRows: 1, classes: [] })
        .catch((error) => error)
      await device.loadModel(hef('yolov8s'), {})
      await device.loadSpeech(hef('Whisper-Base'))
      give({ closed: error.code })`)
    expect(closed).toBe('closed')
  })

  it('throws a TypeError that names the argument', async () => {
    const { messages } = await runWithStandin(`
      const device = await addon.openHailo({ group: 'SHARED' })
      const attempts = [() => addon.openHailo({}), () => device.loadModel(7, {}), () => device.loadModel('x', { depth: 99 }),
        () => device.loadLanguage('x', 'audio')]
      give({ messages: attempts.map((attempt) => { try { attempt() } catch (error) { return error.name + ': ' + error.message } }) })`)
    expect(messages).toEqual([
      'TypeError: Expected group to be a string, received another type',
      'TypeError: Expected path to be a string, received 7',
      'TypeError: Expected depth to be 1 to 16, received 99',
      'TypeError: Expected kind to be text or vision, received audio',
    ])
  })
})
