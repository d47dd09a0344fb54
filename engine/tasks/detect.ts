import { z } from 'zod'
import { classOf, labelOf } from '../inference/catalogue.ts'
import { coco80 } from '../inference/labels.ts'
import { defineVisionTask } from '../inference/vision-task.ts'

/** Objects of COCO's 80 classes. A row is `[6] float32: x1 y1 x2 y2 score class`. */
export default defineVisionTask({
  name: 'detect',
  summary: "Objects of COCO's 80 classes, each with its box.",
  models: [
    'yolov8m',
    'yolov8n',
    'yolo11n',
    'yolov8s',
    'centernet-mobilenet',
    'yolov8l',
    'yolov8x',
    'yolo11s',
    'yolo11m',
    'yolo11l',
    'yolo11x',
    'yolov10n',
    'yolov10s',
    'yolov10b',
    'yolov10x',
    'yolov9c',
    'yolov7',
    'yolov7x',
    'yolov6n',
    'yolov5s',
    'yolov5m',
    'yolov5m-wo-spp',
  ],
  options: z.strictObject({
    /** Labels to keep; left out: all. */
    classes: z.array(z.enum(coco80)).min(1).optional(),
    /** 0 to 1; left out: the model's own. */
    minScore: z.number().min(0).max(1).optional(),
    /** Of two boxes of one class that overlap by more than this, the weaker goes; left out: the model's own. */
    iou: z.number().min(0).max(1).optional(),
    maxObjects: z.number().int().min(1).max(1000).default(100),
  }),
  plan: ({ classes = [], minScore, iou, maxObjects }, entry) => ({
    minScore: minScore ?? entry.plan.minScore,
    iou: iou ?? entry.plan.iou,
    maxRows: maxObjects,
    classes: classes.map((label) => classOf(entry, label)),
  }),
  read: (row, { entry }) => {
    const [x1, y1, x2, y2, confidence, index] = row as unknown as [number, number, number, number, number, number]
    return { label: labelOf(entry, index), confidence, bbox: [x1, y1, x2 - x1, y2 - y1] }
  },
})
