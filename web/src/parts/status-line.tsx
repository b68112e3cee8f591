import { undoLast, useDone } from '../state/done'
import { useBound, useKeys } from '../state/keys'
import { usePreferences } from '../state/preferences'
import { Key } from './key'

const hinted = ['j', 'k', 'x', 'e', '/']

/** StatusLine tells what was done, offers to undo it, and names the first keys. */
export function StatusLine() {
  const done = useDone()
  const { letters } = usePreferences()
  useKeys([{ keys: 'z', does: 'undo', act: undoLast }])
  const all = useBound()
  const keys = letters ? all.filter((b) => hinted.includes(b.keys)) : []
  return (
    <footer class="line">
      <span role="status" class={done?.failed ? 'critical' : 'hi'}>{done?.text}</span>
      {done?.undo && <button class="link" onClick={undoLast}>Undo <Key>z</Key></button>}
      {done?.otherwise && <button class="link" onClick={done.otherwise.act}>{done.otherwise.label}</button>}
      <span class="grow" />
      {keys.map((b) => <span key={b.keys} class="hint"><kbd>{b.keys}</kbd> {b.does}</span>)}
      {letters && <span class="hint"><kbd>?</kbd> all keys</span>}
    </footer>
  )
}
