import { useEffect, useState } from 'preact/hooks'
import { deleteView, listViews, saveView, type SavedView } from '../api/views'
import { Dialog } from './dialog'
import { Problem } from './problem'
import { go } from '../state/address'
import { useAsk } from '../state/ask'
import { tell } from '../state/done'
import { useMay } from '../state/session'
import { oneLine } from '../state/text'

/** SavedViews are the addresses that somebody kept, and where this one is kept, without the row that is open (less). */
export function SavedViews({ of, less, onKnown }: { of: 'signals' | 'search'; less: string; onKnown?: () => void }) {
  const views = useAsk('views ' + of, (stop) => listViews(of, stop), 'keep')
  const isKnown = !views.asking
  useEffect(() => {
    if (isKnown) onKnown?.()
  }, [isKnown])
  const [naming, setNaming] = useState(false)
  const here = addressOf(of, less)
  const lacks = useMay('triage') // the engine asks the same permission for both
  return (
    <>
      {(views.value ?? []).filter((v) => v.address.startsWith('/' + of)).map((v) => (
        <div key={v.id} class="saved-view">
          <button class="facet-value" aria-pressed={v.address === here} onClick={() => go(v.address)} title={v.mine ? oneLine(v.name) : `${oneLine(v.name)}, of ${oneLine(v.owner)}`}><span class="cut">{oneLine(v.name)}</span></button>
          {v.mine && <button class="mut saved-view-end" aria-label={`Delete the view ${oneLine(v.name)}`} onClick={() => void forget(of, v, views.again)}>×</button>}
        </div>
      ))}
      {views.error && !views.value && <div class="facet-problem"><Problem error={views.error} again={views.again} /></div>}
      <button class="facet-more" disabled={lacks !== ''} onClick={() => setNaming(true)}>Save this view{lacks !== '' && `: ${lacks}`}</button>
      {naming && <NameIt of={of} address={here} close={() => setNaming(false)} again={views.again} />}
    </>
  )
}

/** addressOf is the list's address without the row that is open. */
function addressOf(of: string, less: string): string {
  const query = new URLSearchParams(location.search)
  query.delete(less)
  const text = query.toString()
  return '/' + of + (text === '' ? '' : '?' + text)
}

async function forget(of: 'signals' | 'search', v: SavedView, again: () => void): Promise<void> {
  try {
    await deleteView(v.id)
    tell({ text: `The view ${oneLine(v.name, 60)} is deleted.`, undo: () => void saveView(of, v.name, v.address, v.shared).then(again, (e: Error) => tell({ text: e.message, failed: true })) })
  } catch (e) {
    tell({ text: `Not deleted: ${(e as Error).message}`, failed: true })
  }
  again()
}

function NameIt({ of, address, close, again }: { of: 'signals' | 'search'; address: string; close: () => void; again: () => void }) {
  const [name, setName] = useState('')
  const [shared, setShared] = useState(false)
  const [error, setError] = useState('')
  const save = async (e: Event) => {
    e.preventDefault()
    try {
      await saveView(of, name.trim(), address, shared)
      again()
      close()
    } catch (err) {
      setError((err as Error).message)
    }
  }
  return (
    <Dialog title="Save this view" close={close} class="assign">
      <form onSubmit={(e) => void save(e)}>
        <input class="field" aria-label="Name of the view" placeholder="Name" autofocus value={name} onInput={(e) => setName(e.currentTarget.value)} />
        <label class="check"><input type="checkbox" checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} /> For everybody</label>
        <p class="small mut">It keeps the query, the time, the order, the columns and the grouping.</p>
        {error !== '' && <p role="alert" class="critical">{error}</p>}
        <div class="actions"><button class="button main" disabled={name.trim() === ''}>Save</button></div>
      </form>
    </Dialog>
  )
}
