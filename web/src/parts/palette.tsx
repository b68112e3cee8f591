import { useEffect, useMemo, useState } from 'preact/hooks'
import { findRules, findSignal } from '../api/find'
import { listViews } from '../api/views'
import { go, pathOf } from '../state/address'
import { useAsk } from '../state/ask'
import { currentCommands, type Command } from '../state/commands'
import { useSettled } from '../state/settled'
import { oneLine, plural, quoted } from '../state/text'
import { views } from '../views'
import { Dialog } from './dialog'

const most = 60

/** Palette finds what can be done and where one can go, by a few letters: views, rules, saved views, a signal by its id, and what the view offers. */
export default function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const here = useMemo(() => [...currentCommands(), ...places()], [])
  const found = useFound(text)
  const shown = [...here.filter((c) => matches(c, text)), ...found].slice(0, most)
  useEffect(() => setAt(0), [text])
  useEffect(() => document.getElementById(`command-${at}`)?.scrollIntoView({ block: 'nearest' }), [at])
  const run = (c: Command | undefined) => {
    if (!c || c.lacks) return
    close()
    c.act()
  }
  const onKeyDown = (e: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 }[e.key]
    if (to !== undefined && shown.length > 0) setAt((to + shown.length) % shown.length)
    else if (e.key === 'Enter') run(shown[at])
    else return
    e.preventDefault()
  }
  return (
    <Dialog title="Go to, or do" close={close} class="palette">
      <input
        class="field" autofocus role="combobox" aria-label="View, rule, signal or action" aria-expanded="true" aria-controls="commands" aria-autocomplete="list" autocomplete="off" spellcheck={false}
        aria-activedescendant={shown.length > 0 ? `command-${at}` : undefined} placeholder="View, rule, id of a signal, or what to do" value={text}
        onInput={(e) => setText(e.currentTarget.value)} onKeyDown={onKeyDown}
      />
      <ul id="commands" role="listbox" aria-label="Found">
        {shown.map((c, i) => (
          <li
            key={c.of + c.name + i} id={`command-${i}`} role="option" aria-selected={i === at} aria-disabled={c.lacks ? true : undefined}
            onPointerMove={() => setAt(i)} onClick={() => run(c)}
          >
            <span class="grow cut">{oneLine(c.name, 200)}</span>
            <span class="mut small">{c.lacks || c.of}</span>
            {c.keys && <kbd aria-hidden="true">{c.keys}</kbd>}
          </li>
        ))}
      </ul>
      <p class="small mut" role="status">{shown.length === 0 ? 'Nothing is called like it.' : plural(shown.length, 'choice')}</p>
    </Dialog>
  )
}

/** matches reports whether each word that was typed is in the name, or in its heading. */
function matches(c: Command, text: string): boolean {
  const name = `${c.name} ${c.of}`.toLowerCase()
  return text.toLowerCase().split(/\s+/).every((w) => name.includes(w))
}

/** places are the views, each by its name. */
const places = (): Command[] => views.filter((v) => v.listed).map((v) => ({ name: v.title, of: 'go to', keys: 'g ' + v.letter, act: () => go('/' + v.name) }))

/** useFound asks the engine what is called like this. */
function useFound(text: string): Command[] {
  const wanted = useSettled(text.trim(), 120)
  const saved = useAsk('views', async (stop) => [...await listViews('signals', stop), ...await listViews('search', stop)], 'keep')
  const rules = useAsk(wanted.length < 2 ? null : 'rules ' + wanted, (stop) => findRules(wanted, stop), 'keep')
  const signal = useAsk(wanted === '' ? null : 'signal ' + wanted, (stop) => findSignal(wanted, stop))
  const out: Command[] = []
  if (signal.value) out.push({ name: signal.value.name, of: 'signal', act: () => go(pathOf(['signals', signal.value?.id ?? ''])) })
  for (const v of saved.value ?? []) out.push({ name: v.name, of: 'saved view', act: () => go(v.address) })
  const own = out.filter((c) => c.of === 'signal' || matches(c, text))
  if (wanted.length >= 2) own.push(...(rules.value ?? []).map((r) => ({ name: r.name, of: 'rule', act: () => go(pathOf(['rules', r.id])) })))
  if (wanted !== '') {
    own.push({ name: `Signals that have “${wanted}”`, of: 'search', act: () => go(pathOf(['signals'], { query: quoted(wanted), from: 'now-30d' })) })
    own.push({ name: `Events that have “${wanted}”`, of: 'search', act: () => go(pathOf(['search'], { query: quoted(wanted) })) })
  }
  return own
}
