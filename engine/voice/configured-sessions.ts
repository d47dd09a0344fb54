import type { VoiceSettings } from './settings.ts'
import type { VoiceSessions } from './voice-sessions.ts'

/** Voice sessions that begin with these settings where whoever opens one brings none of that kind. */
export function configuredSessions(sessions: VoiceSessions, settings: VoiceSettings): VoiceSessions {
  return {
    get size() {
      return sessions.size
    },
    open: (output, options, signal) =>
      sessions.open(output, { ...options, settings: { ...settings, ...options.settings } }, signal),
  }
}
