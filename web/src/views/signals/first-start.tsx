import { useState } from 'preact/hooks'
import { createDemo } from '../../api/demo'
import { readArrived } from '../../api/arrived'
import { copy } from '../../parts/value'
import { useAsk, useEvery } from '../../state/ask'
import { plural } from '../../state/text'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'

/** FirstStart is what an empty install says, and what can be done about it. */
export function FirstStart({ rules, onArrived }: { rules: number; onArrived: () => void }) {
  const status = useAsk('first', readArrived, 'keep')
  useEvery(2000, () => {
    status.refresh()
    if (status.value?.arrived) onArrived()
  })
  const arrived = status.value?.arrived ? status.value.eventsReceived : 0
  return (
    <main class="first" tabIndex={0}>
      <h1>Nothing has arrived yet</h1>
      <p class="lead">{rules === 0 ? 'No rule is live yet; those that ship are in content/rules, and the demo brings its own.' : `${plural(rules, 'rule')} ${rules === 1 ? 'is' : 'are'} live and waiting.`} An event is searchable within a second of its arrival, and a signal follows within ten.</p>
      <ol>
        <li>
          <h2>Connect a source</h2>
          <p>Syslog, OpenTelemetry, Fluent Bit, Vector, the Datadog agent, or files:</p>
          <Command text="nightjar ingest --source sshd /var/log/auth.log" />
          <p class="small mut" role="status"><i class="dot wait" />{arrived > 0 ? plural(arrived, 'event') + ' arrived' : `waiting for the first event on :${location.port || (location.protocol === 'https:' ? '443' : '80')}`}</p>
        </li>
        <Loading onLoaded={onArrived} />
        <li>
          <h2>Watch a host</h2>
          <p>The agent sees processes, files and connections in the kernel, and can kill and isolate.</p>
          <Command text="nightjar up --agent" />
          <p class="small mut">Linux 5.10 or newer, with BTF</p>
        </li>
      </ol>
    </main>
  )
}

function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code class="cut">{text}</code>
      <button class="small mut" onClick={() => void copy(text)}>Copy</button>
    </div>
  )
}

/** Loading asks for a sample log and a generated day with three attacks. */
function Loading({ onLoaded }: { onLoaded: () => void }) {
  const [loading, setLoading] = useState(false)
  const [error, setError] = useState<Error>()
  const lacks = useMay('configure')
  const load = async () => {
    setLoading(true)
    setError(undefined)
    try {
      const demo = await createDemo()
      tell({ text: `${plural(demo.events, 'event')} of a made-up day are in. Their signals follow.` })
      onLoaded()
    } catch (e) {
      setError(e as Error)
      setLoading(false)
    }
  }
  return (
    <li>
      <h2>Try the demo data</h2>
      <p>A sample log and a generated day with three attacks in it. It has the tag <code>env:demo</code>, and is removed under Sources.</p>
      <p class="push"><button class="button" disabled={loading || lacks !== ''} onClick={() => void load()}>Load the demo data</button></p>
      <p class="small mut" role="status">{error ? <span class="critical">{error.message}</span> : loading ? 'Making a day of events.' : lacks}</p>
    </li>
  )
}
