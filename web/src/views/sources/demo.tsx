import { useState } from 'preact/hooks'
import { deleteEvents, previewDeletion } from '../../api/deletions'
import { deleteDemo, readDemo, type Demo } from '../../api/demo'
import { countFacets } from '../../api/facets'
import { Confirm } from '../../parts/confirm'
import { pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useCommands } from '../../state/commands'
import { useMay } from '../../state/session'
import { plural } from '../../state/text'

/** DemoData says that some of what is here is made up, and removes it. */
export function DemoData({ onRemoved }: { onRemoved: () => void }) {
  const demo = useAsk('demo', readDemo, 'keep')
  const lacks = useMay('configure')
  const [removing, setRemoving] = useState(false)
  const d = demo.value
  const shown = d?.state === 'shown'
  useCommands(shown ? [{ name: 'Remove the demo data', of: 'sources', act: () => setRemoving(true), lacks }] : [])
  if (!d || !shown) return null
  return (
    <>
      <p class="demo-data">
        <span><b class="hi">Demo data is among this:</b> {plural(d.events, 'event')} of a made-up day with three attacks, each with the tag <code>{d.query}</code>.</span>
        <span class="keep-actions">
          <a class="button" href={pathOf(['signals'], { query: d.query, from: 'now-7d' })}>Its signals</a>
          <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => setRemoving(true)}>Remove the demo data</button>
          {lacks !== '' && <span class="small mut">Removing it {lacks}.</span>}
        </span>
      </p>
      {removing && <Removal of={d} close={() => setRemoving(false)} onRemoved={() => (demo.again(), onRemoved())} />}
    </>
  )
}

/** Removal says what goes and what stays, and lets an administrator have the events deleted, too. */
function Removal({ of: d, close, onRemoved }: { of: Demo; close: () => void; onRemoved: () => void }) {
  const lacks = useMay('deleteEvents')
  const [events, setEvents] = useState(lacks === '')
  const signals = useAsk('demo signals', (stop) => countFacets({ query: d.query + ' -state:archived', from: '', to: '' }, [], 1, stop))
  const seen = useAsk(lacks === '' ? 'demo events' : null, (stop) => previewDeletion(d.query, stop))
  const remove = async (): Promise<string> => {
    await deleteDemo()
    const gone = events && seen.value && seen.value.events > 0 ? (await deleteEvents(d.query, seen.value.confirm)).events : 0
    onRemoved()
    return `The demo is removed: ${plural(d.rules.length, 'rule')} deleted, its signals archived, ${gone > 0 ? `${plural(gone, 'event')} deleted` : 'its events left to grow old'}.`
  }
  return (
    <Confirm title="Remove the demo data?" verb="Remove it" close={close} act={remove} blocked={lacks === '' && events && seen.asking}>
      <ul class="demo-goes">
        <li><b>{plural(d.rules.length, 'rule')}</b> that it made {d.rules.length === 1 ? 'is' : 'are'} deleted.</li>
        <li><b>{signals.value ? plural(signals.value.total, 'signal') : 'Its signals'}</b> {signals.value?.total === 1 ? 'is' : 'are'} archived as a test; history keeps {signals.value?.total === 1 ? 'it' : 'them'}.</li>
        <li>
          <label><input type="checkbox" checked={events} disabled={lacks !== ''} onChange={(e) => setEvents(e.currentTarget.checked)} /> Delete its {seen.value ? <b>{plural(seen.value.events, 'event')}</b> : 'events'}, too: what has the tag <code>{d.query}</code>. This can’t be undone.</label>
          {lacks !== '' ? <p class="small mut">Deleting events {lacks}. They stay until they are as old as retention says.</p> : !events && <p class="small mut">They stay until they are as old as retention says.</p>}
          {seen.error && <p class="small critical">How many there are is not known: {seen.error.message}</p>}
        </li>
      </ul>
      <p class="small mut">What came from elsewhere stays, and so do rules that were there before it.</p>
    </Confirm>
  )
}
