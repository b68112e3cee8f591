import type { ComponentChildren } from 'preact'
import { Late } from './asking'
import { Problem } from './problem'
import { copy } from './value'
import { useLate, type Asked } from '../state/ask'
import { useKeys } from '../state/keys'
import { useNarrow } from '../state/size'
import { clock, useZone, zoneName } from '../state/time'
import './keep.css'

export interface Tab {
  href: string
  title: string
}

/** Place is a view of what is kept: its name, the places in it, what they say, and a panel. */
export function Place({ title, tabs = [], here = '', children, panel }: { title: string; tabs?: Tab[]; here?: string; children: ComponentChildren; panel?: ComponentChildren }) {
  return (
    <div class={'place ' + (panel ? 'place-with-panel' : '')}>
      <main class="place-main" tabIndex={0} aria-label={title}>
        <h1>{title}</h1>
        {tabs.length > 0 && (
          <nav class="place-tabs" aria-label={title}>
            {tabs.map((t) => <a key={t.href} href={t.href} aria-current={t.href === here ? 'page' : undefined}>{t.title}</a>)}
          </nav>
        )}
        {children}
      </main>
      {panel}
    </div>
  )
}

/** KeepPanel is what is open beside a list; where there is no room for both it is the page. Escape closes it. */
export function KeepPanel({ name, close, children }: { name: string; close: () => void; children: ComponentChildren }) {
  const Region = useNarrow() ? 'main' : 'aside'
  useKeys([{ keys: 'Escape', does: 'close', act: close }])
  return (
    <Region class="keep-panel" aria-label={name} tabIndex={0}>
      <div class="keep-panel-head"><span>{name}</span><button class="button quiet" aria-label="Close" onClick={close}>×</button></div>
      {children}
    </Region>
  )
}

/** Known shows what was answered; bones before, a problem in its place, and what is old says so. */
export function Known<T>({ of, children }: { of: Asked<T>; children: (value: T) => ComponentChildren }) {
  const late = useLate(of.asking && of.value === undefined, 150)
  const zone = useZone()
  if (of.value === undefined) {
    if (of.error) return <Problem error={of.error} again={of.again} />
    return <div class="keep-bones" aria-busy="true"><Late of={of} />{late && [0, 1, 2, 3].map((n) => <i key={n} class="bone" />)}</div>
  }
  return (
    <>
      {of.error && <p class="keep-stale" role="status">Not live since {clock(of.at, zone)} {zoneName(zone)}: {of.error.message} You see what was there then. <button class="link" onClick={of.again}>Try again</button></p>}
      {children(of.value)}
    </>
  )
}

/** Section is a part of a place with a heading. */
export function Section({ title, note, children }: { title: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="keep-section">
      <h2>{title}{note !== undefined && <small>{note}</small>}</h2>
      {children}
    </section>
  )
}

/** Facts are names and what they are. */
export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return <dl class="keep-facts">{of.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
}

/** Snippet is text to copy. */
export function Snippet({ text, name = 'Copy' }: { text: string; name?: string }) {
  return (
    <div class="snippet">
      <pre tabIndex={0}>{text}</pre>
      <button class="button" aria-label={name} onClick={() => void copy(text)}>Copy</button>
    </div>
  )
}

/** Nothing says why a list is empty, and the next step. */
export function Nothing({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="keep-nothing">
      <h2>{title}</h2>
      {children}
    </div>
  )
}
