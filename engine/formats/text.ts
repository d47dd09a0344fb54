import type { ResultObject } from '../streams/wire.ts'
import type { Format, PictureFacts } from './format.ts'

type Box = ResultObject['bbox']
interface Part {
  readonly bbox: Box
  readonly text: string
  /** 0 to 1. */
  readonly confidence: number
}
interface Line extends Part {
  readonly words: readonly Part[]
}

const columns = [
  ...['level', 'page_num', 'block_num', 'par_num', 'line_num', 'word_num'],
  ...['left', 'top', 'width', 'height', 'conf', 'text'],
]
/** Of what is no word. */
const noConfidence = -1
/** What XML 1.0 has no place for. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to leave out.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Tesseract's TSV: a row for the page, its block and paragraph, then each line and its words. */
export const tsvFormat: Format = {
  name: 'tsv',
  summary: "Tesseract's table: a row per line and word, with boxes and confidences of 100",
  type: 'text/tab-separated-values; charset=utf-8',
  needs: { words: true },
  write: (objects, picture) => writeTsv(linesOf(objects), picture),
}

/** hOCR 1.2: XHTML that names page, area, paragraph, lines and words. */
export const hocrFormat: Format = {
  name: 'hocr',
  summary: 'hOCR, valid XML with lines and words',
  type: 'application/xhtml+xml; charset=utf-8',
  needs: { words: true },
  write: (objects, picture) => writeHocr(linesOf(objects), picture),
}

/** The lines alone. */
export const plainFormat: Format = {
  name: 'text',
  summary: 'the lines as text',
  type: 'text/plain; charset=utf-8',
  write: (objects) =>
    linesOf(objects)
      .map(({ text }) => `${text}\n`)
      .join(''),
}

function linesOf(objects: readonly ResultObject[]): Line[] {
  return objects.flatMap(({ text, confidence, bbox, words = [] }) =>
    text === undefined ? [] : [{ text, confidence, bbox, words }],
  )
}

/** The smallest box of whole pixels around. */
function wholePixels([x, y, width, height]: Box): Box {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  return [left, top, Math.ceil(x + width) - left, Math.ceil(y + height) - top]
}

function boxOfAll(lines: readonly Line[]): Box {
  const boxes = lines.map(({ bbox }) => bbox)
  const [left, top] = [0, 1].map((i) => Math.min(...boxes.map((box) => box[i]!))) as [number, number]
  const [right, bottom] = [0, 1].map((i) => Math.max(...boxes.map((box) => box[i]! + box[i + 2]!))) as [number, number]
  return [left, top, right - left, bottom - top]
}

function writeTsv(lines: readonly Line[], { width, height }: PictureFacts): string {
  const row = (places: readonly number[], bbox: Box, conf: number, text = '') =>
    [...places, ...wholePixels(bbox), conf, text.replace(/\s/g, ' ')].join('\t')
  const rows = [columns.join('\t'), row([1, 1, 0, 0, 0, 0], [0, 0, width, height], noConfidence)]
  if (lines.length > 0) {
    const area = boxOfAll(lines)
    rows.push(row([2, 1, 1, 0, 0, 0], area, noConfidence), row([3, 1, 1, 1, 0, 0], area, noConfidence))
  }
  for (const [i, { bbox, words }] of lines.entries()) {
    rows.push(row([4, 1, 1, 1, i + 1, 0], bbox, noConfidence))
    for (const [j, word] of words.entries())
      rows.push(row([5, 1, 1, 1, i + 1, j + 1], word.bbox, Number((100 * word.confidence).toFixed(2)), word.text))
  }
  return `${rows.join('\n')}\n`
}

function writeHocr(lines: readonly Line[], { width, height }: PictureFacts): string {
  const page = `<div class="ocr_page" id="page_1" title="${place([0, 0, width, height])}; ppageno 0">\n${writeArea(lines)}</div>`
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<title></title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8"/>
<meta name="ocr-system" content="hailstream"/>
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word"/>
</head>
<body>
${page}
</body>
</html>
`
}

function writeArea(lines: readonly Line[]): string {
  if (lines.length === 0) return ''
  const area = place(boxOfAll(lines))
  const written = lines.map(({ bbox, words }, i) => {
    const inside = words.map((word, j) => {
      const title = `${place(word.bbox)}; x_wconf ${Math.round(100 * word.confidence)}`
      return `<span class="ocrx_word" id="word_1_${i + 1}_${j + 1}" title="${title}">${escapeXml(word.text)}</span>`
    })
    return `<span class="ocr_line" id="line_1_${i + 1}" title="${place(bbox)}">${inside.join(' ')}</span>\n`
  })
  const paragraph = `<p class="ocr_par" id="par_1_1" title="${area}">\n${written.join('')}</p>\n`
  return `<div class="ocr_carea" id="block_1_1" title="${area}">\n${paragraph}</div>\n`
}

/** hOCR gives the corners. */
function place(bbox: Box): string {
  const [left, top, width, height] = wholePixels(bbox)
  return `bbox ${left} ${top} ${left + width} ${top + height}`
}

function escapeXml(text: string): string {
  return text.replace(forbidden, '').replace(/[&<>"]/g, (letter) => entities[letter]!)
}
