import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { projectRoot } from '../../engine/root.ts'

/** Root may read everything: then somebody who is not has to look. */
const somebody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
const main = join(projectRoot, 'dist/engine/main.js')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hailstream-rights-'))
  mkdirSync(join(folder, 'models'))
  writeFileSync(join(folder, 'models/yolov8n.hef'), 'a network')
  chmodSync(folder, 0o755)
})
afterEach(() => {
  chmodSync(join(folder, 'models'), 0o700)
  rmSync(folder, { recursive: true })
})

/** Why the model cannot be used by somebody who lacks rights. */
function whyMissing(model: string, backend: string, environment: Record<string, string> = {}): string {
  const args = ['models', 'list', model, '--json', '--set', `models.paths=[${join(folder, 'models')}]`]
  const env = { ...process.env, HAILSTREAM_STATE: join(folder, 'state'), ...environment }
  const { stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env, ...somebody })
  const stock = JSON.parse(stdout || `"${stderr}"`) as { name: string; artefacts: { backend: string; why: string }[] }[]
  const found = stock.find(({ name }) => name === model)?.artefacts.find((artefact) => artefact.backend === backend)
  return found?.why ?? 'not listed'
}

describe('a model that this user may not read', () => {
  test('is named with its path and what to do', () => {
    chmodSync(join(folder, 'models/yolov8n.hef'), 0)
    expect(whyMissing('yolov8n', 'hailo')).toMatch(
      /^Expected user \S+ to have the right to read (\S+\/models)\/yolov8n\.hef\. Try: sudo chmod a\+rX \1 \1\/yolov8n\.hef/,
    )
  })

  test('is named when it is its folder that nobody may search', () => {
    chmodSync(join(folder, 'models'), 0)
    expect(whyMissing('yolov8n', 'hailo')).toMatch(
      /the right to read \S+\/models\/yolov8n\.hef\. Try: sudo chmod a\+rX/,
    )
  })

  test('is named when it is in an Ollama store of another user', () => {
    mkdirSync(join(folder, 'ollama/manifests'), { recursive: true })
    chmodSync(join(folder, 'ollama'), 0)
    const why = whyMissing('qwen3-0.6b', 'llama', { OLLAMA_MODELS: join(folder, 'ollama') })
    chmodSync(join(folder, 'ollama'), 0o700)
    expect(why).toMatch(/the right to read \S+\/ollama\. Try: .*the group of the folder of an Ollama store/)
  })

  test('is taken once it may be read', () => {
    expect(whyMissing('yolov8n', 'hailo')).toBe('found in models.paths')
  })
})
