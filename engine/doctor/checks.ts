import { checkAccess } from './checks/access.ts'
import {
  checkCpu,
  checkMemoryCgroup,
  checkOs,
  checkPageSize,
  checkPower,
  checkTemperature,
  checkUser,
} from './checks/board.ts'
import { checkCameras } from './checks/cameras.ts'
import { checkClock } from './checks/clock.ts'
import { checkDisk } from './checks/disk.ts'
import { checkGstreamer } from './checks/gstreamer.ts'
import { checkHailoAccess, checkHailoHolders } from './checks/hailo-access.ts'
import { checkHailoDevice } from './checks/hailo-device.ts'
import { checkHailoVersions } from './checks/hailo-versions.ts'
import { checkLimits, checkMemory } from './checks/memory.ts'
import { checkMicrophones } from './checks/microphones.ts'
import { checkModels } from './checks/models.ts'
import { checkPcie } from './checks/pcie.ts'
import { checkPipelines } from './checks/pipelines.ts'
import { checkExtraPorts, checkPort } from './checks/ports.ts'
import { checkAddon, checkNativeParts, checkNode } from './checks/program.ts'
import { checkJournal, checkService } from './checks/service.ts'
import { checkTls } from './checks/tls.ts'
import type { Check } from './run-checks.ts'

/** Gigabytes of models are read for their hashes. */
const modelsDeadlineMs = 180_000

/** All of the doctor's checks, in the order of their lines: the program, the accelerator, the machine, what is configured. */
export const checks: readonly Check[] = [
  { name: 'node', look: checkNode },
  { name: 'addon', look: checkAddon },
  { name: 'native-parts', look: checkNativeParts, deadlineMs: 60_000 },
  { name: 'gstreamer', look: checkGstreamer },
  { name: 'hailo-device', look: checkHailoDevice },
  { name: 'hailo-versions', look: checkHailoVersions },
  { name: 'hailo-access', look: checkHailoAccess },
  { name: 'hailo-holder', look: checkHailoHolders },
  { name: 'pcie', look: checkPcie },
  { name: 'os', look: checkOs },
  { name: 'cpu', look: checkCpu },
  { name: 'user', look: checkUser },
  { name: 'temperature', look: checkTemperature },
  { name: 'power', look: checkPower },
  { name: 'page-size', look: checkPageSize },
  { name: 'memory-cgroup', look: checkMemoryCgroup },
  { name: 'memory', look: checkMemory },
  { name: 'limits', look: checkLimits },
  { name: 'disk', look: checkDisk },
  { name: 'clock', look: checkClock },
  { name: 'cameras', look: checkCameras },
  { name: 'microphones', look: checkMicrophones },
  { name: 'pipelines', look: checkPipelines },
  { name: 'models', look: checkModels, deadlineMs: modelsDeadlineMs },
  { name: 'port', look: checkPort },
  { name: 'extra-ports', look: checkExtraPorts },
  { name: 'access', look: checkAccess },
  { name: 'tls', look: checkTls },
  { name: 'service', look: checkService },
  { name: 'journal', look: checkJournal },
]
