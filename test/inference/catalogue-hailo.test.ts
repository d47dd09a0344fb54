import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'

type Row = readonly [
  application: string,
  hef: string,
  inputs: readonly string[],
  fps?: number | undefined,
  fps8?: number | undefined,
]

const square = ['640x640x3']
/** The applications of Hailo's own collection on a Hailo-10H, row by row: what they run, its input and what the vendor measured. */
const applications: readonly Row[] = [
  ['1, 2, 4: detection, multisource', 'yolov8m.hef', square, 75, 137],
  ['1', 'yolov8s.hef', square, 168, 268],
  ['1', 'yolov8n.hef', square, 378, 394],
  ['1', 'yolov11n.hef', square, 304, 346],
  ['1', 'yolov11s.hef', square, 142, 240],
  ['1', 'yolov11m.hef', square, 70, 126],
  ...['yolov5s', 'yolov5m', 'yolov7', 'yolov9c', 'yolov10n'].map((name): Row => ['1', `${name}.hef`, square]),
  ['3: simple_detection', 'yolov6n.hef', square, 531, 535],
  ['5: instance_segmentation', 'yolov5m_seg.hef', square, 66, 94],
  ...['yolov5n', 'yolov5s', 'yolov5l', 'yolov8n', 'yolov8m'].map((name): Row => ['5', `${name}_seg.hef`, square]),
  ['5', 'yolov8s_seg.hef', square, 140, 173],
  ['6: pose_estimation', 'yolov8m_pose.hef', square, 79, 135],
  ['6', 'yolov8s_pose.hef', square, 161, 226],
  ['7, 8: depth', 'scdepthv3.hef', ['256x320x3'], 719],
  ['9: depth stereo', 'stereonet.hef', ['368x1232x3', '368x1232x3'], 10],
  ['10, 11: face_recognition', 'scrfd_10g.hef', square, 290],
  ['10, 11', 'arcface_mobilefacenet.hef', ['112x112x3'], 3704],
  ['11: reid_multisource', 'repvgg_a0_person_reid_512.hef', ['256x128x3'], 3376],
  ['12: tiling', 'hailo_yolov8n_4_classes_vga.hef', ['480x640x3']],
  ['12', 'ssd_mobilenet_v1.hef', ['300x300x3'], 501],
  ['12', 'ssd_mobilenet_v1_visdrone.hef', ['300x300x3']],
  ['13: paddle_ocr', 'ocr_det.hef', ['544x960x3']],
  ['13', 'ocr.hef', ['48x320x3']],
  ['13', 'paddle_ocr_v5_mobile_detection.hef', ['544x960x3'], 22, 41],
  ['13', 'paddle_ocr_v5_mobile_recognition.hef', ['48x320x3'], 46, 117],
  ['14: clip', 'clip_resnet_50x4_image_encoder.hef', ['288x288x3', '1x77x640'], 63, 157],
  ['15: zero_shot', 'clip_vit_b_32_image_encoder.hef', ['224x224x3', '1x77x512'], 72, 335],
  ['15', 'clip_vit_l_14_laion2B_image_encoder.hef', ['224x224x3', '1x77x768']],
  ['16: classifier', 'fastvit_sa12.hef', ['224x224x3'], 273, 911],
  ...['hardnet39ds', 'hardnet68', 'resnet_v1_18', 'resnet_v1_34'].map(
    (name): Row => ['16', `${name}.hef`, ['224x224x3']],
  ),
  ['16', 'resnet_v1_50.hef', ['224x224x3'], 316, 1010],
  ['17: semantic_segmentation', 'fcn8_resnet_v1_18.hef', ['1024x1920x3'], 31],
  ['17', 'segformer_b0_bn.hef', ['512x1024x3'], 16],
  ['17', 'stdc1.hef', ['1024x1920x3'], 20],
  ['17', 'deeplab_v3_mobilenet_v2_wo_dilation.hef', ['513x513x3'], 375],
  ['18: oriented_object_detection', 'yolov11s_obb.hef', ['from the HEF']],
  ['19: lane_detection', 'ufld_v2_tu.hef', ['from the HEF']],
  ['20: super_resolution', 'real_esrgan_x2.hef', ['512x512x3'], 2.1],
  ['22: speech_recognition', 'base-whisper-encoder-10s.hef', ['mel of 10 s']],
  ['22', 'tiny-whisper-encoder-10s.hef', ['mel of 10 s']],
  ['22', 'tiny_en-whisper-encoder-10s.hef', ['mel of 10 s']],
  ['23 to 26: chats, voice_assistant', 'Whisper-Base.hef', ['16 kHz mono float32, windows of 10 s']],
  ['24, 26', 'Qwen2.5-1.5B-Instruct.hef', ['text']],
  ['25: vlm_chat', 'Qwen2-VL-2B-Instruct.hef', ['336x336x3', 'text']],
  ['27: agent_tools', 'Qwen2.5-Coder-1.5B-Instruct.hef', ['text']],
]

/** HEF bytes, seconds to load, seconds to the first token, tokens a second: the vendor's table of generative models. */
const generative: readonly (readonly [string, number, number, number, number])[] = [
  ['Qwen2.5-1.5B-Instruct.hef', 1.64e9, 8.45, 0.37, 6.95],
  ['Qwen2.5-Coder-1.5B-Instruct.hef', 1.64e9, 7.6, 0.32, 8.15],
  ['Qwen2-1.5B-Instruct.hef', 1.56e9, 7.37, 0.32, 8.18],
  ['DeepSeek-R1-Distill-Qwen-1.5B.hef', 2.37e9, 12.61, 1.47, 7.03],
  ['Llama-3_2-3B-Instruct.hef', 3.13e9, 12.61, 1.47, 2.67],
  ['Qwen2-VL-2B-Instruct.hef', 2.18e9, 9.71, 0.92, 8.38],
  ['Whisper-Base.hef', 155e6, 1.33, 0.07, 47.55],
]

const { models } = loadCatalogue()

function artefactWith(hef: string) {
  const found = models.find(({ hailo }) => hailo?.files[0]?.name === hef)?.hailo
  if (found === undefined) throw new Error(`the catalogue has no ${hef}`)
  return found
}

describe('the catalogue for the Hailo-10H', () => {
  test.each(applications.map((row) => [row[0], row[1], row] as const))(
    'has what application %s runs: %s',
    (_, hef, row) => {
      const [, , inputs, fps, fps8] = row
      const { inputs: found, figures, verified } = artefactWith(hef)
      expect(found).toEqual(inputs)
      expect(verified).toBe(false)
      if (fps !== undefined) expect(Math.abs((figures?.fps ?? 0) - fps)).toBeLessThanOrEqual(0.5)
      if (fps8 !== undefined) expect(Math.abs((figures?.fps8 ?? 0) - fps8)).toBeLessThanOrEqual(0.5)
    },
  )

  test.each(generative)('gives size and times of %s', (hef, about, loadSeconds, firstTokenSeconds, tokensPerSecond) => {
    const { files, figures } = artefactWith(hef)
    expect(files[0]?.about).toBe(about)
    expect(figures).toEqual({ loadSeconds, firstTokenSeconds, tokensPerSecond })
  })

  test('takes every file from an address of the vendor that names the device', () => {
    const urls = models.flatMap(({ hailo }) => hailo?.files.map(({ url }) => url ?? '') ?? [])
    expect(urls.length).toBeGreaterThan(60)
    for (const url of urls)
      expect(url).toMatch(
        /^https:\/\/(hailo-model-zoo\.s3\.\S+\/v5\.2\.0\/hailo10h|hailo-csdata\.s3\.\S+\/h10h?|dev-public\.hailo\.ai\/v5\.1\.1\/blob)\/[\w.-]+\.hef$/,
      )
  })

  test('has a model for each kind of question, also without that device', () => {
    const tasks = new Set(
      models.filter(({ onnx, llama, sherpa, piper }) => onnx ?? llama ?? sherpa ?? piper).map(({ task }) => task),
    )
    for (const task of [
      'detect',
      'pose',
      'segment',
      'depth',
      'faces',
      'embed-face',
      'ocr',
      'read-text',
      'embed',
      'classify',
    ])
      expect(tasks, task).toContain(task)
    for (const task of [
      'language',
      'vision-language',
      'embed-text',
      'transcribe',
      'speak',
      'voice-activity',
      'keyword',
    ])
      expect(tasks, task).toContain(task)
  })
})
