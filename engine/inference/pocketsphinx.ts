import { existsSync } from 'node:fs'
import { findProgram } from '../hosts/program.ts'
import type { SpeechModelPlace } from './speech-model-finder.ts'

const model = '/usr/share/pocketsphinx/model/en-us/en-us.lm.bin'
/** Measured: 96 MB of private memory with its US English model. */
export const pocketsphinxBytes = 100e6

/** Whether Debian's recogniser is installed with its US English model. It needs no download, and its accuracy is low: `why` says so. */
export function findPocketsphinx(): SpeechModelPlace {
  const install = 'Try: sudo apt install pocketsphinx pocketsphinx-en-us'
  if (findProgram('pocketsphinx_batch') === undefined)
    return { missing: `the program pocketsphinx_batch is not installed. ${install}` }
  if (!existsSync(model)) return { missing: `${model} is not there. ${install}` }
  return { paths: [], why: 'installed with the system, US English only; its accuracy is low: pull a Whisper model' }
}
