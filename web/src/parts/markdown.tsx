import type { ComponentChildren } from 'preact'
import { shown } from '../state/text'

/**
 * Markdown shows a rule's message: headings, lists, emphasis, code. There is no HTML, no
 * image and no link in it: an address is shown as it is written.
 */
export function Markdown({ text }: { text: string }) {
  return <div class="markdown">{blocksOf(text).map((b, i) => <Block key={i} block={b} />)}</div>
}

type Kind = 'text' | 'heading' | 'ul' | 'ol' | 'code' | 'quote'
interface BlockOf {
  kind: Kind
  lines: string[]
}

/** blocksOf is a text cut where its blocks begin. */
function blocksOf(text: string): BlockOf[] {
  const blocks: BlockOf[] = []
  let now: BlockOf | undefined
  const begin = (kind: Kind, line: string) => blocks.push((now = { kind, lines: [line] }))
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*```/.test(line)) {
      if (now?.kind === 'code') now = undefined
      else blocks.push((now = { kind: 'code', lines: [] }))
      continue
    }
    if (now?.kind === 'code') {
      now.lines.push(line)
      continue
    }
    const item = /^\s*(?:([-*+])|\d+[.)])\s+(.*)$/.exec(line)
    const kind: Kind = /^#{1,6}\s/.test(line) ? 'heading' : item ? (item[1] ? 'ul' : 'ol') : /^\s*>/.test(line) ? 'quote' : 'text'
    const plain = item ? (item[2] ?? '') : line.replace(/^#{1,6}\s+|^\s*>\s?/, '')
    if (line.trim() === '') now = undefined
    else if (now && now.kind === kind && kind !== 'heading') now.lines.push(plain)
    else if (now && kind === 'text' && (now.kind === 'ul' || now.kind === 'ol') && /^\s/.test(line)) now.lines.push((now.lines.pop() ?? '') + ' ' + line.trim())
    else begin(kind, plain)
  }
  return blocks
}

function Block({ block: { kind, lines } }: { block: BlockOf }) {
  switch (kind) {
    case 'heading': return <p class="strong">{inline(lines.join(' '))}</p>
    case 'ul': return <ul>{lines.map((l, i) => <li key={i}>{inline(l)}</li>)}</ul>
    case 'ol': return <ol>{lines.map((l, i) => <li key={i}>{inline(l)}</li>)}</ol>
    case 'code': return <pre>{shown(lines.join('\n'))}</pre>
    case 'quote': return <blockquote>{inline(lines.join(' '))}</blockquote>
    case 'text': return <p>{inline(lines.join('\n'))}</p>
  }
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', '#34': '"', '#39': "'", '#96': '`' }
const mark = /\\([!-\/:-@[-`{-~])|&(lt|gt|amp|quot|#34|#39|#96);|`([^`]+)`|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|!?\[([^\]]*)\]\(([^)\s]*)\)/

/** inline is a line with its emphasis; what a backslash stands before means nothing, and &lt; is <; of a link, its words and where it would lead. */
function inline(text: string): ComponentChildren[] {
  const out: ComponentChildren[] = []
  let rest = text
  for (let m = mark.exec(rest); m; m = mark.exec(rest)) {
    out.push(shown(rest.slice(0, m.index)))
    const [whole, literal, entity, code, strong, also, weak, words, to] = m
    if (literal !== undefined) out.push(shown(literal))
    else if (entity !== undefined) out.push(entities[entity] ?? '')
    else if (code !== undefined) out.push(<code>{shown(code)}</code>)
    else if (strong !== undefined || also !== undefined) out.push(<b>{shown(strong ?? also ?? '')}</b>)
    else if (weak !== undefined) out.push(<em>{shown(weak)}</em>)
    else out.push(shown(words ?? ''), ' (', <code>{shown(to ?? '')}</code>, ')')
    rest = rest.slice(m.index + whole.length)
  }
  return [...out, shown(rest)]
}
