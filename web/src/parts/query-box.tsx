import { useEffect, useRef, useState } from 'preact/hooks'
import { checkSearch, type Mistake, type Over } from '../api/search'
import type { Filter } from '../api/signals'
import { useAsk } from '../state/ask'
import { useKeys } from '../state/keys'
import { remember } from '../state/recent'
import { count, oneLine } from '../state/text'
import { useCompletions } from './completions'
import { Key } from './key'
import type { CheckedFilter } from './use-checked'

interface QueryBoxProps {
  filter: Filter
  over: Over
  onAsk: (query: string) => void
  checked: CheckedFilter
  /** What the query names and nothing has. */
  hints?: readonly Mistake[] | undefined
  name: string
}

/** QueryBox is where a search is typed. What is wrong is underlined where the engine says. */
export function QueryBox({ filter, over, onAsk, checked, hints = [], name }: QueryBoxProps) {
  const { query } = filter
  const [text, setText] = useState(query)
  const [scrolled, setScrolled] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const offers = useCompletions(over, filter)
  useEffect(() => setText(query), [query])
  useEffect(() => {
    if (checked.wrong === undefined && checked.filter?.query === query) remember(over, query)
  }, [query, checked.filter?.query === query])
  useKeys([{ keys: '/', does: 'query', act: () => input.current?.focus() }])
  const live = useTyped(text, query, over)
  const wrong = text === query ? checked.wrong : live
  const told = wrong ?? (text === query ? hints[0] : undefined)
  const take = (i: number) => {
    const c = offers.list[i]
    const el = input.current
    if (!c || !el) return
    if (c.kind === 'asked before') {
      offers.close()
      setText(c.insert)
      onAsk(c.insert)
      return
    }
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
    else if (e.key === 'Tab' && n > 0 && !e.shiftKey && offers.list[0]?.kind !== 'asked before') take(0)
    else if (e.key === 'Tab' && !e.shiftKey && told?.fix) {
      onAsk(told.fix.query)
    } else if (e.key === 'Enter') {
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
          <code class="query-shown" aria-hidden="true" style={{ transform: `translateX(${-scrolled}px)` }}>{coloured(text, told?.column, wrong ? 'wrong' : 'odd')}</code>
          <input
            ref={input} class="query-input mono" aria-label={name} value={text} spellcheck={false} autocomplete="off" autocapitalize="off"
            role="combobox" aria-expanded={offers.list.length > 0} aria-controls="completions" aria-autocomplete="list"
            aria-activedescendant={offers.chosen >= 0 ? `completion-${offers.chosen}` : undefined}
            aria-invalid={wrong !== undefined} aria-describedby={told ? 'query-error' : undefined}
            onInput={(e) => {
              setText(e.currentTarget.value)
              offers.typed(e.currentTarget.value, e.currentTarget.selectionStart ?? 0)
            }}
            onFocus={() => ['', '*'].includes(text.trim()) && offers.typed(text, text.length)}
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
      {wrong && <Told mistake={wrong} look="critical" role={text === query ? 'alert' : 'status'} onFix={onAsk} />}
      {!wrong && text === query && hints.map((h, i) => <Told key={h.message} mistake={h} look="medium" role="status" onFix={onAsk} id={i === 0 ? 'query-error' : `query-hint-${i}`} keyed={i === 0} />)}
      {!wrong && checked.reading !== '' && text === query && (
        <p class="query-said mut">Read as <code>{oneLine(checked.reading)}</code>: AND goes before OR. {checked.grouped !== '' && <button class="link" onClick={() => onAsk(checked.grouped)}>Group the OR instead</button>}</p>
      )}
    </div>
  )
}

/** useTyped is what is wrong with a query that is being typed, once the fingers rest. */
function useTyped(text: string, query: string, over: Over): Mistake | undefined {
  const check = useAsk(text === query || text.trim() === '' ? null : text, async (stop) => {
    await new Promise((done) => setTimeout(done, 500))
    return stop.aborted ? undefined : checkSearch(text, over, stop)
  })
  return text !== query && check.value?.valid === false ? check.value : undefined
}

interface ToldProps {
  mistake: Mistake
  look: 'critical' | 'medium'
  role: 'alert' | 'status'
  onFix: (query: string) => void
  id?: string
  keyed?: boolean
}

/** Told is a mistake in words, with what Tab does about it. */
function Told({ mistake: m, look, role, onFix, id = 'query-error', keyed = true }: ToldProps) {
  return (
    <p class="query-said" id={id} role={role}>
      <code class={look}>{m.line}:{m.column}</code> {oneLine(m.message, 1000)}
      {m.fix && <>. <button class="link" onClick={() => m.fix && onFix(m.fix.query)}>{oneLine(m.fix.label, 200)}</button>{keyed && <> <Key>Tab</Key></>}</>}
    </p>
  )
}

const token = /"(?:\\.|[^"\\])*"?|\b(?:AND|OR|NOT)\b|&&|\|\||[()]|-?@?[\w.@/]+:|\S|\s+/g

/** coloured is a search with its fields and operators apart, and what is wrong underlined. */
function coloured(text: string, wrong: number | undefined, look: 'wrong' | 'odd') {
  return [...text.matchAll(token)].map((m) => {
    const t = m[0]
    const isWrong = wrong !== undefined && wrong - 1 >= m.index && wrong - 1 < m.index + t.length
    const kind = /^(AND|OR|NOT|&&|\|\|)$/.test(t) ? 'operator' : t.endsWith(':') && t.length > 1 ? 'name' : ''
    return <span key={m.index} class={kind + (isWrong ? ' ' + look : '')}>{t}</span>
  }).concat(wrong !== undefined && wrong > text.length ? [<span key="end" class={look}> </span>] : [])
}
