import { z } from 'zod'
import { classOf, labelOf } from '../inference/catalogue.ts'
import { coco80 } from '../inference/labels.ts'
import { defineVisionTask } from '../inference/vision-task.ts'

/** Objects of COCO's 80 classes with their outlines. A row is `[10] float32: x1 y1 x2 y2 score class`, then the crop of its mask, which comes as runs. */
export default defineVisionTask({
  name: 'segment',
  summary: "Objects of COCO's 80 classes, each with its box and the mask of its pixels.",
  models: ['yolov5m-seg', 'yolov5n-seg', 'yolov5s-seg', 'yolov5l-seg', 'yolov8n-seg', 'yolov8s-seg', 'yolov8m-seg'],
  options: z.strictObject({
    /** Labels to keep; left out: all. */
    classes: z.array(z.enum(coco80)).min(1).optional(),
    /** 0 to 1; left out: the model's own. */
    minScore: z.number().min(0).max(1).optional(),
    /** Of two boxes of one class that overlap by more than this, the weaker goes; left out: the model's own. */
    iou: z.number().min(0).max(1).optional(),
    /** A mask costs about a kilobyte of every message. */
    maxObjects: z.number().int().min(1).max(100).default(50),
  }),
  plan: ({ classes = [], minScore, iou, maxObjects }, entry) => ({
    minScore: minScore ?? entry.plan.minScore,
    iou: iou ?? entry.plan.iou,
    maxRows: maxObjects,
    classes: classes.map((label) => classOf(entry, label)),
    masks: true,
  }),
  read: (row, { entry, mask }) => {
    const [x1, y1, x2, y2, confidence, index] = row as unknown as [number, number, number, number, number, number]
    const bbox = [x1, y1, x2 - x1, y2 - y1] as const
    return { label: labelOf(entry, index), confidence, bbox, ...(mask && { mask }) }
  },
})
