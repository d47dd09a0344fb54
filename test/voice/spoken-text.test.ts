import { describe, expect, it } from 'vitest'
import { SpokenText } from '../../engine/voice/spoken-text.ts'
import { seededPick } from '../support/random.ts'

function speak(text: string, cut: (left: number) => number = (left) => left): string {
  const spoken = new SpokenText()
  let output = ''
  for (let at = 0; at < text.length; ) {
    const size = Math.max(1, cut(text.length - at))
    output += spoken.push(text.slice(at, at + size))
    at += size
  }
  return output + spoken.finish()
}

describe('spoken text', () => {
  it.each([
    ['plain text', 'It is 3.50 at noon, "really".', 'It is 3.50 at noon, "really".'],
    [
      'bold and italic',
      'This is **very** *nice*, __truly__ _so_, and ***both***.',
      'This is very nice, truly so, and both.',
    ],
    ['bold over several words', '**two words** and ~~gone~~', 'two words and gone'],
    ['names with an underscore, and products', 'my_file_name is 2*3 or 2 * 3', 'my_file_name is 2*3 or 2 * 3'],
    ['a heading', '## The weather\nSunny.', 'The weather\nSunny.'],
    ['a list', '- one\n* two\n+ three\n  - four', 'one\ntwo\nthree\nfour'],
    ['a numbered list', '1. one\n2) two\n1984. Then', '1, one\n2, two\n1984. Then'],
    ['tasks', '- [ ] open\n- [x] done', 'open\ndone'],
    ['a quotation', '> > said\n> more', 'said\nmore'],
    ['a rule', 'a\n---\nb\n***\nc', 'a\nb\nc'],
    ['a table', '| Name | Age |\n|---|:-:|\n| Ann Lee | 3 |\n|Bob|4|', 'Name, Age\nAnn Lee, 3\nBob, 4'],
    ['fenced code', 'Try this:\n```js\nconst a = 1\n\nfoo()\n```\nDone.', 'Try this:\nDone.'],
    ['fenced code that never ends', 'Try:\n~~~\nrm -rf', 'Try:\n'],
    ['inline code', 'Run `npm install` or `foo(a, {b})` in `config.yaml`.', 'Run npm install or in config.yaml.'],
    ['a link', 'See [the docs](https://example.org/a_(b)) and [more][1].', 'See the docs and more.'],
    ['a link with a title', 'See [it](https://example.org "A title") now', 'See it now'],
    ['a picture', '![A cat](cat.png) sleeps', 'A cat sleeps'],
    ['citations', 'It rained [1], a lot [^2].', 'It rained, a lot.'],
    ['an address', 'Go to https://example.org/x?y=1, or www.example.org. Now', 'Go to, or. Now'],
    ['an address in brackets', 'Look (https://example.org) there <https://example.org/z>', 'Look there'],
    ['emoji', 'Hi 👋🏽! 👨‍👩‍👧 family 🇩🇪 1️⃣ ❤️ ©', 'Hi! family 1 ©'],
    ['thoughts', '<think>They ask **x**\n```\n</think>\n\nYes.', 'Yes.'],
    ['thoughts in the middle', 'Hi<think>a < b</think>there', 'Hi there'],
    ['thoughts that never end', 'Hi <think>and so on', 'Hi'],
    ['a tool call', '<tool_call>{"name":"look"}</tool_call>Look', 'Look'],
    ['tags', 'a<br>b <b>bold</b> <a href="x y">link</a> 3 < 4 and 5 > 4, a <b', 'a b bold link 3 < 4 and 5 > 4, a <b'],
    ['entities and escapes', 'Tom &amp; Jerry \\*so\\* 5 \\# x', 'Tom & Jerry so 5 # x'],
    ['Chinese', '你好。**今天**天气很好！😀再见', '你好。今天天气很好！再见'],
    ['nothing', ' \n\n', ''],
  ])('cleans %s', (_, text, spoken) => {
    expect(speak(text)).toBe(spoken)
  })

  it('gives a sentence when the space behind it has come, not only with the next word', () => {
    const spoken = new SpokenText()
    expect(spoken.push('It is **fine**. ')).toBe('It is fine. ')
  })

  it('is the same wherever the text is cut', () => {
    const pick = seededPick(7)
    const pieces = [
      '**',
      '*',
      '_',
      '`',
      '```',
      '\n',
      '\n\n',
      ' ',
      ' ',
      'word',
      'Ünï',
      '👩‍💻',
      '🇫🇷',
      '😀',
      '<',
      '>',
      '</',
      'think>',
      '<think>',
    ]
    pieces.push(
      '</think>',
      '[',
      ']',
      '](',
      ')',
      'https://a.b/c',
      '.',
      ', ',
      '|',
      '# ',
      '- ',
      '1. ',
      '&amp;',
      '\\',
      '。',
      '~~~',
      '\ud83d',
      'a'.repeat(150),
    )
    for (let round = 0; round < 3000; round++) {
      const text = Array.from({ length: 1 + pick(30) }, () => pieces[pick(pieces.length)]).join('')
      const whole = speak(text)
      expect(
        speak(text, () => 1),
        JSON.stringify(text),
      ).toBe(whole)
      expect(
        speak(text, () => 1 + pick(6)),
        JSON.stringify(text),
      ).toBe(whole)
    }
  })

  it('lets no mark, address, emoji or thought through, whatever is mixed', () => {
    const pick = seededPick(8)
    const parts = [
      '**bold**',
      '`code`',
      '[a](https://x.org)',
      'https://x.org/y',
      '😀',
      '<think>secret</think>',
      '\n# Title\n',
      '\n- item\n',
    ]
    parts.push('word', 'two words.', '\n```\nsecret()\n```\n', '\n| a | b |\n')
    for (let round = 0; round < 1000; round++) {
      const text = Array.from({ length: 1 + pick(12) }, () => parts[pick(parts.length)]).join(' ')
      expect(
        speak(text, () => 1 + pick(9)),
        text,
      ).not.toMatch(/[*`#|[\]]|https?:|secret|\p{Extended_Pictographic}/u)
    }
  })
})
