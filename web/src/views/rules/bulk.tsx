import { useState } from 'preact/hooks'
import { updateRule, type StoredRule } from '../../api/rules'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { oneLine, plural } from '../../state/text'
import { DeleteRules } from './delete'
import type { RuleRow } from './state'

interface BulkProps {
  /** Those that are ticked. */
  rows: RuleRow[]
  put: (rules: StoredRule[]) => void
  clear: () => void
  again: () => void
}

/** Bulk is what can be done with the rules that are ticked. */
export function Bulk({ rows, put, clear, again }: BulkProps) {
  const lacks = useMay('configure')
  const [done, setDone] = useState<number>()
  const [deleting, setDeleting] = useState<StoredRule[]>()
  const switchTo = async (on: boolean) => {
    const wanted = rows.filter((r) => (r.state === 'disabled') === on)
    const { changed, failed } = await switchRules(wanted.map((r) => ({ id: r.id, version: r.version, name: r.name })), on, setDone)
    setDone(undefined)
    put(changed)
    clear()
    const word = on ? 'Enabled' : 'Disabled'
    const text = `${word} ${plural(changed.length, 'rule')}${rows.length > wanted.length ? `, ${rows.length - wanted.length} were so before` : ''}.`
    if (failed.length > 0) tell({ text: `${text} Not changed: ${failed.join('; ')}`, failed: true })
    else tell({ text, ...(changed.length === 0 ? {} : { undo: () => void back(changed, !on, put) }) })
  }
  return (
    <>
      <span class="strong">{done === undefined ? `${plural(rows.length, 'rule')} selected` : `${done} of ${rows.length}`}</span>
      <button class="button" disabled={lacks !== '' || done !== undefined} title={lacks} onClick={() => void switchTo(true)}>Enable</button>
      <button class="button" disabled={lacks !== '' || done !== undefined} title={lacks} onClick={() => void switchTo(false)}>Disable</button>
      <button class="button danger" disabled={lacks !== '' || done !== undefined} title={lacks} onClick={() => setDeleting(rows.map(asStored))}>Delete</button>
      <button class="button quiet" onClick={clear}>Clear</button>
      {deleting && <DeleteRules rules={deleting} close={() => setDeleting(undefined)} done={() => (clear(), again())} />}
    </>
  )
}

const asStored = (r: RuleRow): StoredRule => ({ id: r.id, version: r.version, rule: { name: r.name, message: '', isEnabled: r.state !== 'disabled' }, createdAt: 0, changedAt: 0, changedBy: '', warnings: [] })

/** switchRules enables or disables rules, each as it was seen: what somebody changed meanwhile is left. */
async function switchRules(rules: { id: string; version: number; name: string }[], on: boolean, told: (n: number) => void): Promise<{ changed: StoredRule[]; failed: string[] }> {
  const changed: StoredRule[] = []
  const failed: string[] = []
  for (const [i, r] of rules.entries()) {
    told(i)
    try {
      changed.push(await updateRule(r.id, r.version, { isEnabled: on }))
    } catch (e) {
      failed.push(`${oneLine(r.name, 60)}: ${(e as Error).message}`)
    }
  }
  return { changed, failed }
}

async function back(rules: StoredRule[], on: boolean, put: (rules: StoredRule[]) => void): Promise<void> {
  const { changed, failed } = await switchRules(rules.map((r) => ({ id: r.id, version: r.version, name: r.rule.name })), on, () => undefined)
  put(changed)
  tell(failed.length > 0 ? { text: `Not all undone: ${failed.join('; ')}`, failed: true } : { text: `Undone: ${plural(changed.length, 'rule')}.` })
}
