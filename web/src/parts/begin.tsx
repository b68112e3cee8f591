import { useState } from 'preact/hooks'
import { readArrived } from '../api/arrived'
import { createDemo } from '../api/demo'
import { go, useAddress } from '../state/address'
import { useAsk, useEvery } from '../state/ask'
import { useCommands } from '../state/commands'
import { tell } from '../state/done'
import { useMay } from '../state/session'
import { plural } from '../state/text'

/** Begin is said above every view of an install that nothing has sent to yet: why it is empty, and the two ways on. */
export default function Begin() {
  const { parts } = useAddress()
  const status = useAsk('begin', readArrived, 'keep')
  const isEmpty = status.value?.arrived === false
  useEvery(3000, status.refresh, isEmpty)
  // Signals and sources say it themselves, and the page of a sender waits for its events.
  const saysItself = (parts[0] === 'signals' || parts[0] === 'sources') && (parts.length === 1 || parts[1] === 'connect')
  if (!isEmpty || saysItself) return null
  return (
    <section class="begin" aria-label="How to begin">
      <p><b class="hi">Nothing has arrived yet</b>, so there is little to see here.</p>
      <Ways />
    </section>
  )
}

/** Ways are the two out of an empty install. */
export function Ways({ onLoaded }: { onLoaded?: () => void }) {
  const lacks = useMay('configure')
  const [loading, setLoading] = useState(false)
  const load = async () => {
    setLoading(true)
    try {
      const demo = await createDemo()
      tell({ text: `${plural(demo.events, 'event')} of a made-up day are in. Their signals follow.` })
      if (onLoaded) onLoaded()
      else go('/signals')
    } catch (e) {
      tell({ text: `The demo data was not loaded: ${(e as Error).message}`, failed: true })
    }
    setLoading(false)
  }
  useCommands([{ name: 'Try the demo data', of: 'first start', act: () => void load(), lacks }])
  return (
    <span class="keep-actions begin-ways">
      <a class="button main" href="/sources/connect">Connect a source</a>
      <button class="button" disabled={loading || lacks !== ''} title={lacks} onClick={() => void load()}>{loading ? 'Making a day of events' : 'Try the demo data'}</button>
      {lacks !== '' && <span class="small mut">The demo data {lacks}.</span>}
    </span>
  )
}
