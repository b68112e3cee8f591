import type { NewTest } from './tests'

/** withTest is the text of tests with one more. JSON is YAML, so what was typed stands in it as it is. */
export function withTest(text: string, t: NewTest): string {
  const head = /^tests:/m.test(text) ? text.replace(/\s*$/, '\n') : `${text.trim() === '' ? 'start: 2026-03-01T09:00:00Z\n' : text.replace(/\s*$/, '\n')}tests:\n`
  const count = t.times > 1 ? `count: ${t.times}, every: 1s, ` : ''
  const event = JSON.stringify(JSON.parse(t.event))
  const signals = t.signals === 0 ? '[]' : '[' + Array.from({ length: t.signals }, () => '{}').join(', ') + ']'
  const into = /^tests:\s*\[\s*\]\s*$/m.test(head) ? head.replace(/^tests:\s*\[\s*\]\s*$/m, 'tests:') : head
  return `${into}${into.endsWith('\n') ? '' : '\n'}  - name: ${JSON.stringify(t.name)}\n    events:\n      - {at: +0s, ${count}event: ${event}}\n    signals: ${signals}\n`
}
