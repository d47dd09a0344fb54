import { CameraPanel } from './camera-panel.ts'
import { Connection } from './connection.ts'
import { Player } from './player.ts'
import { keepToken, keepTokenOfAddress, socketUrl, voiceUrl } from './server-api.ts'
import { Session } from './session.ts'
import { element } from './view.ts'
import { VoicePanel } from './voice/voice-panel.ts'

keepTokenOfAddress()

const player = new Player(element<HTMLCanvasElement>('picture'), (drawn) => session.drawn(drawn))
const connection = new Connection(socketUrl(), {
  state: (state) => session.connected(state),
  restarted: () => session.restarted(),
  changed: () => session.changed(),
})
const session = new Session(connection, player)
const camera = new CameraPanel(socketUrl(), {
  show: (topic) => session.show(topic),
  shown: () => session.picture?.topic,
})
session.onTopics = (topics) => camera.know(topics)
new VoicePanel(voiceUrl())

element('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  keepToken(element<HTMLInputElement>('token').value.trim())
  location.reload()
})
element('fullscreen').addEventListener('click', () => {
  if (document.fullscreenElement === null) void element('stage').requestFullscreen()
  else void document.exitFullscreen()
})
element('fullscreen').hidden = !document.fullscreenEnabled

/** For tests and the curious; read only. */
Object.defineProperty(window, 'hailstream', {
  value: Object.freeze({
    get lastDrawn() {
      return player.lastDrawn
    },
  }),
})

connection.open()
