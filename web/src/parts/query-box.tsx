import { useEffect, useRef, useState } from 'preact/hooks'
import type { Checked, Over } from '../api/search'
import type { Filter } from '../api/signals'
import { useKeys } from '../state/keys'
import { count, oneLine } from '../state/text'
import { useCompletions } from './completions'
import { Key } from './key'

interface QueryBoxProps {
  filter: Filter
  over: Over
  onAsk: (query: string) => void
  wrong: Checked | undefined
  reading: string
  name: string
}

/** QueryBox is where a search is typed. What is wrong is underlined where the engine says. */
export function QueryBox({ filter, over, onAsk, wrong, reading, name }: QueryBoxProps) {
  const { query } = filter
  const [text, setText] = useState(query)
  const [scrolled, setScrolled] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const offers = useCompletions(over, filter)
  useEffect(() => setText(query), [query])
  useKeys([{ keys: '/', does: 'query', act: () => input.current?.focus() }])
  const said = text === query ? wrong : undefined
  const take = (i: number) => {
    const c = offers.list[i]
    const el = input.current
    if (!c || !el) return
    const next = offers.put(text, c, el.selectionStart ?? text.length)
    setText(next.query)
    offers.typed(next.query, next.cursor)
    requestAnimationFrame(() => el.setSelectionRange(next.cursor, next.cursor))
  }
  const onKeyDown = (e: KeyboardEvent) => {
    const n = offers.list.length
    if (e.key === 'ArrowDown' && n > 0) offers.setChosen((offers.chosen + 1) % n)
    else if (e.key === 'ArrowUp' && n > 0) offers.setChosen(offers.chosen < 0 ? n - 1 : offers.chosen - 1)
    else if ((e.key === 'Tab' || e.key === 'Enter') && offers.chosen >= 0) take(offers.chosen)
    else if (e.key === 'Tab' && n > 0 && !e.shiftKey) take(0)
    else if (e.key === 'Enter') {
      offers.close()
      onAsk(text)
    } else if (e.key === 'Escape' && n > 0) offers.close()
    else if (e.key === 'Escape') {
      setText(query)
      input.current?.blur()
    } else return
    e.preventDefault()
    e.stopPropagation()
  }
  return (
    <div class="query">
      <div class="query-box">
        <div class="query-text">
          <code class="query-shown" aria-hidden="true" style={{ transform: `translateX(${-scrolled}px)` }}>{coloured(text, said?.column)}</code>
          <input
            ref={input} class="query-input mono" aria-label={name} value={text} spellcheck={false} autocomplete="off" autocapitalize="off"
            role="combobox" aria-expanded={offers.list.length > 0} aria-controls="completions" aria-autocomplete="list"
            aria-activedescendant={offers.chosen >= 0 ? `completion-${offers.chosen}` : undefined}
            aria-invalid={said !== undefined} aria-describedby={said ? 'query-error' : undefined}
            onInput={(e) => {
              setText(e.currentTarget.value)
              offers.typed(e.currentTarget.value, e.currentTarget.selectionStart ?? 0)
            }}
            onScroll={(e) => setScrolled(e.currentTarget.scrollLeft)} onBlur={offers.close} onKeyDown={onKeyDown}
          />
        </div>
        <Key>/</Key>
        <ul class="completions" id="completions" role="listbox" aria-label="Completions" hidden={offers.list.length === 0}>
          {offers.list.map((c, i) => (
            <li key={c.insert} id={`completion-${i}`} role="option" aria-selected={i === offers.chosen} onPointerDown={(e) => (e.preventDefault(), take(i))}>
              <code class="cut">{oneLine(c.text)}</code><span class="mut small">{c.kind !== 'value' && c.kind}{c.count !== undefined && ` ${count(c.count)}`}</span>
            </li>
          ))}
        </ul>
      </div>
      {said && <p class="query-said critical" id="query-error" role="alert"><code>{said.line}:{said.column}</code> {said.message}</p>}
      {!said && reading !== '' && text === query && <p class="query-said mut">Read as <code>{oneLine(reading)}</code></p>}
    </div>
  )
}

const token = /"(?:\\.|[^"\\])*"?|\b(?:AND|OR|NOT)\b|&&|\|\||[()]|-?@?[\w.@/]+:|\S|\s+/g

/** coloured is a search with its fields and operators apart, and what is wrong underlined. */
function coloured(text: string, wrong: number | undefined) {
  return [...text.matchAll(token)].map((m) => {
    const t = m[0]
    const isWrong = wrong !== undefined && wrong - 1 >= m.index && wrong - 1 < m.index + t.length
    const look = /^(AND|OR|NOT|&&|\|\|)$/.test(t) ? 'operator' : t.endsWith(':') && t.length > 1 ? 'name' : ''
    return <span key={m.index} class={look + (isWrong ? ' wrong' : '')}>{t}</span>
  }).concat(wrong !== undefined && wrong > text.length ? [<span key="end" class="wrong"> </span>] : [])
}
