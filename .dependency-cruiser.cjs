/** Who may import whom: ARCHITECTURE section 14 as rules. `setup.mjs --lint` fails when no module is seen. */
const only = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: '^engine/', pathNot: [from, ...allowed] },
})
const basics = ['^engine/errors\\.ts$', '^engine/root\\.ts$']

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    only('core-alone', '^engine/core/', basics, 'core knows no camera, model or socket'),
    only('native-below', '^engine/native/', [...basics, '^engine/core/'], 'native imports core'),
    only('hosts-below', '^engine/hosts/', [...basics, '^engine/(core|native)/'], 'hosts import native and core'),
    only(
      'inference-below',
      '^engine/inference/',
      [...basics, '^engine/(core|geometry|native|hosts)/', '^engine/tools\\.ts$'],
      'inference imports hosts, native, core and arithmetic',
    ),
    only('audio-below', '^engine/audio/', [...basics, '^engine/inference/'], 'audio knows what speech is, no route'),
    only(
      'jobs-below',
      '^engine/jobs/',
      [...basics, '^engine/(core|audio|inference|streams)/'],
      'jobs ask the models, and know no route',
    ),
    only('geometry-alone', '^engine/geometry/', basics, 'geometry is arithmetic: it knows no packet'),
    only(
      'tracking-below',
      '^engine/tracking/',
      [...basics, '^engine/(core|geometry)/'],
      'tracking knows boxes, no plug-in',
    ),
    only(
      'voice-below',
      '^engine/voice/',
      [...basics, '^engine/(core|audio|inference)/', '^engine/streams/wire\\.ts$'],
      'voice asks the models, and knows no route',
    ),
    only(
      'wyoming-below',
      '^engine/wyoming/',
      [...basics, '^engine/(core|audio|inference|voice)/'],
      'Wyoming asks the models and the voice, and knows no route',
    ),
    only(
      'plug-ins-apart',
      '^engine/(sources|nodes|tasks|sinks)/',
      [
        ...basics,
        '^engine/(core|geometry|tracking|audio|voice)/',
        '^engine/inference/',
        '^engine/hosts/(launch|sound-launch|protocol)\\.ts$',
        '^engine/tools\\.ts$',
      ],
      'plug-ins import core, arithmetic, and the interfaces of inference and voice, never each other',
    ),
    only(
      'formats-below',
      '^engine/formats/',
      [...basics, '^engine/(geometry|streams)/', '^engine/inference/labels\\.ts$'],
      'formats know what was found, no model and no route',
    ),
    only(
      'streams-below',
      '^engine/streams/',
      [...basics, '^engine/(core|native)/'],
      'streams import core; pixels are read through native',
    ),
    only(
      'server-below',
      '^engine/server/',
      [...basics, '^engine/(core|streams|native)/'],
      'the server knows topics, not models; options of sockets are set through native',
    ),
    only(
      'routes-below',
      '^engine/routes/',
      [...basics, '^engine/(core|audio|formats|inference|jobs|voice|streams)/'],
      'routes never touch native and never each other',
    ),
    {
      name: 'routes-apart',
      severity: 'error',
      comment: 'what two standards share lies below them, never sideways',
      from: { path: '^engine/routes/([^/.]+)' },
      to: {
        path: '^engine/routes/',
        pathNot: [
          '^engine/routes/$1(/|\\.ts$)',
          '^engine/routes/(answer|body|operation|picture|multipart|stream-body|upload)\\.ts$',
        ],
      },
    },
    {
      name: 'wire-alone',
      severity: 'error',
      comment: 'of all engine, the web page imports the wire format and the resampler alone: both know nothing',
      from: { path: '^web/' },
      to: { path: '^engine/', pathNot: '^engine/(streams/wire|audio/resampler)\\.ts$' },
    },
    {
      name: 'uws-in-server',
      severity: 'error',
      comment: 'only server/ sees uWebSockets.js',
      from: { path: '^engine/', pathNot: '^engine/server/' },
      to: { path: 'uWebSockets' },
    },
    {
      name: 'backends-in-app',
      severity: 'error',
      comment: 'only app.ts and inference import concrete backends',
      from: { path: '^engine/', pathNot: '^engine/(app|compose-models)\\.ts$|^engine/inference/' },
      to: { path: '^engine/inference/(onnx|hailo)\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    includeOnly: '^(engine|web)/|node_modules/(uWebSockets|uws-pack)',
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'], exportsFields: ['exports'] },
  },
}
