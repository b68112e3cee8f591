import { useState } from 'preact/hooks'
import { demoState, startDemo } from '../../api/demo'
import { readStatus } from '../../api/status'
import { copy } from '../../parts/value'
import { useAsk, useEvery } from '../../state/ask'
import { plural, count } from '../../state/text'
import { useMay } from '../../state/session'

/** FirstStart is what an empty install says, and what can be done about it. */
export function FirstStart({ rules, onArrived }: { rules: number; onArrived: () => void }) {
  const status = useAsk('first', readStatus, 'keep')
  useEvery(2000, () => {
    status.again()
    if ((status.value?.eventsReceived ?? 0) > 0) onArrived()
  })
  const arrived = status.value?.eventsReceived ?? 0
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
        <Demo onStarted={onArrived} />
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

/** Demo loads a sample log and a generated day with three attacks. */
function Demo({ onStarted }: { onStarted: () => void }) {
  const [begun, setBegun] = useState(false)
  const demo = useAsk(begun ? 'demo' : null, demoState)
  const [error, setError] = useState<Error>()
  const lacks = useMay('configure')
  const running = demo.value?.running ?? false
  useEvery(1000, () => {
    demo.again()
    if (demo.value?.loaded) onStarted()
  }, running)
  const start = async () => {
    try {
      await startDemo()
      setBegun(true)
    } catch (e) {
      setError(e as Error)
    }
  }
  return (
    <li>
      <h2>Try the demo data</h2>
      <p>A sample log and a generated day with three attacks in it. It is marked as such, and can be deleted.</p>
      <p class="push"><button class="button" disabled={running || lacks !== ''} onClick={() => void start()}>Load the demo data</button></p>
      <p class="small mut" role="status">
        {error || demo.error ? <span class="critical">{(error ?? demo.error)?.message}</span> : running ? `Sent ${count(demo.value?.sent ?? 0)} of ${count(demo.value?.total ?? 0)} events.` : lacks}
      </p>
    </li>
  )
}
