import { choose, undoLast, useDone } from '../state/done'
import { useBound, useKeys } from '../state/keys'
import { usePreferences } from '../state/preferences'
import { Key } from './key'

/** The keys that are named, in this order: those of one thing together. */
const hinted = [['j', 'k'], ['x'], ['e'], ['/']]

/** StatusLine tells what was done, offers to undo it, and names the first keys. */
export function StatusLine() {
  const done = useDone()
  const { letters } = usePreferences()
  useKeys([{ keys: 'z', does: 'undo', act: undoLast }])
  const all = useBound()
  const keys = letters ? hinted.map((k) => all.filter((b) => k.includes(b.keys))).filter((k) => k.length > 0) : []
  return (
    <footer class="line">
      <span role="status" class={done?.failed ? 'critical' : 'hi'}>{done?.text}</span>
      {done?.undo && <button class="link" onClick={undoLast}>Undo <Key>z</Key></button>}
      {done?.choices?.map((c) => <button key={c.label} class="link" onClick={() => choose(c)}>{c.label}</button>)}
      <span class="grow" />
      {keys.map((same) => <span key={same[0]?.keys} class="hint">{[...same].sort((a, b) => a.keys.localeCompare(b.keys)).map((b) => <kbd key={b.keys}>{b.keys}</kbd>)} {same.find((b) => b.keys !== 'k')?.does}</span>)}
      {letters && <span class="hint"><kbd>?</kbd> all keys</span>}
    </footer>
  )
}
