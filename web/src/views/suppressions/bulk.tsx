import { useState } from 'preact/hooks'
import { deleteSuppression, updateSuppression, type Draft, type Suppression } from '../../api/suppressions'
import { Confirm } from '../../parts/confirm'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { count, oneLine, plural } from '../../state/text'
import type { Row } from './state'

const week = 7 * 86_400_000

interface BulkProps {
  /** Those that are ticked. */
  rows: Row[]
  clear: () => void
  again: () => void
}

/** Bulk is what can be done with the suppressions that are ticked. */
export function Bulk({ rows, clear, again }: BulkProps) {
  const lacks = useMay('configure')
  const [done, setDone] = useState<number>()
  const [deleting, setDeleting] = useState(false)
  const write = async (wanted: Row[], part: (s: Suppression) => Partial<Draft>, said: string) => {
    const { changed, failed } = await writeAll(wanted, part, setDone)
    setDone(undefined)
    clear()
    again()
    const text = `${said} ${plural(changed.length, 'suppression')}${rows.length > wanted.length ? `, ${rows.length - wanted.length} needed no change` : ''}.`
    const before = new Map(wanted.map((r) => [r.id, r]))
    const undo = () => void back(changed, before, again)
    if (failed.length > 0) tell({ text: `${text} Not changed: ${failed.join('; ')}`, failed: true })
    else tell({ text, ...(changed.length === 0 ? {} : { undo }) })
  }
  const remove = async () => {
    const failed: string[] = []
    for (const [i, r] of rows.entries()) {
      setDone(i)
      await deleteSuppression(r.id).catch((e: Error) => failed.push(`${oneLine(r.name, 60)}: ${e.message}`))
    }
    setDone(undefined)
    clear()
    again()
    return `${plural(rows.length - failed.length, 'suppression')} deleted.${failed.length > 0 ? ` Not deleted: ${failed.join('; ')}` : ' What they hid stays hidden.'}`
  }
  const button = (text: string, act: () => void, look = '') => <button class={'button ' + look} disabled={lacks !== '' || done !== undefined} title={lacks} onClick={act}>{text}</button>
  const ending = rows.filter((r) => r.until !== undefined)
  const hidden = rows.reduce((n, r) => n + (r.standing?.hidden ?? 0), 0)
  return (
    <>
      <span class="strong">{done === undefined ? `${plural(rows.length, 'suppression')} selected` : `${done} of ${rows.length}`}</span>
      {button('Enable', () => void write(rows.filter((r) => !r.enabled), () => ({ enabled: true }), 'Enabled'))}
      {button('Disable', () => void write(rows.filter((r) => r.enabled), () => ({ enabled: false }), 'Disabled'))}
      {ending.length > 0 && button('Extend by 7 days', () => void write(ending, (s) => ({ until: Math.max(Date.now(), s.until ?? 0) + week }), 'Extended'))}
      {button('Delete', () => setDeleting(true), 'danger')}
      <button class="button quiet" onClick={clear}>Clear</button>
      {lacks !== '' && <span class="mut small">{lacks}</span>}
      {deleting && (
        <Confirm title={`Delete ${plural(rows.length, 'suppression')}?`} verb="Delete" act={remove} close={() => setDeleting(false)}>
          <p>{rows.slice(0, 8).map((r) => oneLine(r.name, 60)).join(', ')}{rows.length > 8 && ` and ${count(rows.length - 8)} more`}.</p>
          <p class="small mut">What they would have hidden is shown from now on.{hidden > 0 && ` The ${plural(hidden, 'signal')} that they hid ${hidden === 1 ? 'stays' : 'stay'} hidden.`}</p>
        </Confirm>
      )}
    </>
  )
}

/** writeAll changes suppressions, each as it was seen: what somebody changed meanwhile is left. */
async function writeAll(all: Suppression[], part: (s: Suppression) => Partial<Draft>, told: (n: number) => void): Promise<{ changed: Suppression[]; failed: string[] }> {
  const changed: Suppression[] = []
  const failed: string[] = []
  for (const [i, s] of all.entries()) {
    told(i)
    try {
      changed.push(await updateSuppression(s.id, s.version, { ...s, ...part(s) }))
    } catch (e) {
      failed.push(`${oneLine(s.name, 60)}: ${(e as Error).message}`)
    }
  }
  return { changed, failed }
}

async function back(changed: Suppression[], before: Map<string, Suppression>, again: () => void): Promise<void> {
  const as = (s: Suppression): Partial<Draft> => ({ enabled: before.get(s.id)?.enabled ?? s.enabled, until: before.get(s.id)?.until })
  const { changed: now, failed } = await writeAll(changed, as, () => undefined)
  again()
  tell(failed.length > 0 ? { text: `Not all undone: ${failed.join('; ')}`, failed: true } : { text: `Undone: ${plural(now.length, 'suppression')}.` })
}
