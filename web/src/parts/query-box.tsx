import { useEffect, useRef, useState } from 'preact/hooks'
import { useKeys } from '../state/keys'
import { APIError } from '../api/client'
import { Key } from './key'

interface QueryBoxProps {
  query: string
  onAsk: (query: string) => void
  /** What the engine said of it. */
  error: Error | undefined
  name: string
}

/** QueryBox is where a search is typed. What is wrong is underlined where the engine says. */
export function QueryBox({ query, onAsk, error, name }: QueryBoxProps) {
  const [text, setText] = useState(query)
  const [scrolled, setScrolled] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => setText(query), [query])
  useKeys([{ keys: '/', does: 'query', act: () => input.current?.focus() }])
  const place = error instanceof APIError && text === query ? error.place : undefined
  return (
    <div class="query">
      <div class="query-box">
        <div class="query-text">
          <code class="query-shown" aria-hidden="true" style={{ transform: `translateX(${-scrolled}px)` }}>{coloured(text, place?.column)}</code>
          <input
            ref={input} class="query-input mono" aria-label={name} value={text} spellcheck={false} autocomplete="off" autocapitalize="off"
            aria-invalid={error !== undefined} aria-describedby={error ? 'query-error' : undefined}
            onInput={(e) => setText(e.currentTarget.value)}
            onScroll={(e) => setScrolled(e.currentTarget.scrollLeft)}
            onKeyDown={(e) => {
              if (e.key === 'Enter') onAsk(text)
              else if (e.key === 'Escape') {
                setText(query)
                e.currentTarget.blur()
              } else return
              e.preventDefault()
              e.stopPropagation()
            }}
          />
        </div>
        <Key>/</Key>
      </div>
      {error && text === query && (
        <p class="query-error critical" id="query-error" role="alert">
          {place && <code>{place.line}:{place.column}</code>} {error.message}
        </p>
      )}
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
